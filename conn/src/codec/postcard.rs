//! The codec of small devices.

use postcard::Error;
use postcard::ser_flavors::Flavor;
use rpc_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::limits::{Limits, Seed, setters};

/// [postcard](https://docs.rs/postcard), whose encoding is specified and stable, for peers without an
/// operating system. As with bincode, nothing says what is what.
///
/// [Depth](Self::max_depth) and [number of values](Self::max_values) are limited, and the memory that decoding
/// takes is in proportion to the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard {
    limits: Limits,
}

setters!(Postcard);

impl Codec for Postcard {
    const NAME: &'static str = "postcard";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        postcard::serialize_with_flavor(value, Appending(out))
            .map_err(|error| FormatError::new(FormatErrorKind::Unrepresentable, error.to_string()))
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        use serde::de::DeserializeSeed as _;

        let budget = self.limits.budget(message);
        let mut deserializer = postcard::Deserializer::from_bytes(message);
        let value = Seed::<T>::new(&budget)
            .deserialize(&mut deserializer)
            .map_err(|error| {
                let kind = match error {
                    Error::DeserializeUnexpectedEnd => FormatErrorKind::Syntax,
                    Error::DeserializeBadUtf8 => FormatErrorKind::Character,
                    _ => FormatErrorKind::Mismatch,
                };
                budget.error(kind, error)
            })?;
        let rest = deserializer
            .finalize()
            .map_err(|error| budget.error(FormatErrorKind::Syntax, error))?;
        super::all_read(rest.len())?;
        Ok(value)
    }
}

/// Writes to the end of a buffer, which stays where it is: postcard's own flavour takes it, and keeps it after an
/// error or a panic.
struct Appending<'a>(&'a mut Vec<u8>);

impl Flavor for Appending<'_> {
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
