//! The postcard codec, for small devices.

use farcall_core::{FormatError, FormatErrorKind};
use postcard::Error;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Appender, Codec};

farcall_core::limited_codec! {
    /// [postcard](https://docs.rs/postcard), whose encoding is specified and stable, for peers
    /// without an operating system. As with bincode, the message carries no type information.
    Postcard
}

impl Codec for Postcard {
    const NAME: &'static str = "postcard";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        postcard::serialize_with_flavor(value, Appender(out))
            .map_err(|error| FormatError::new(FormatErrorKind::Unrepresentable, error.to_string()))
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        use serde::de::DeserializeSeed as _;

        let limiter = self.limits.limiter(message);
        let mut deserializer = postcard::Deserializer::from_bytes(message);
        let value = limiter
            .seed::<T>()
            .deserialize(&mut deserializer)
            .map_err(|error| {
                let kind = match error {
                    Error::DeserializeUnexpectedEnd => FormatErrorKind::Syntax,
                    Error::DeserializeBadUtf8 => FormatErrorKind::Character,
                    _ => FormatErrorKind::Mismatch,
                };
                limiter.error(kind, error)
            })?;
        let rest = deserializer
            .finalize()
            .map_err(|error| limiter.error(FormatErrorKind::Syntax, error))?;
        super::expect_end(rest.len())?;
        Ok(value)
    }
}

// postcard's own flavour takes ownership of the buffer, and does not return it after an error or a
// panic.
impl Flavor for Appender<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<(), Error> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> Result<(), Error> {
        Ok(())
    }
}
