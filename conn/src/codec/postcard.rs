//! The codec of small devices.

use postcard::Error;
use rpc_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::limits::{Limits, Seed};

/// [postcard](https://docs.rs/postcard), whose encoding is specified and stable, for peers without an
/// operating system. As with bincode, nothing says what is what.
///
/// Nesting is limited to 128 levels, and the memory that decoding takes is bounded by the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

impl Codec for Postcard {
    const NAME: &'static str = "postcard";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        // The message is appended: postcard's own `Vec` flavour begins at its end.
        let appended = postcard::to_extend(value, std::mem::take(out));
        *out = appended.map_err(|error| {
            FormatError::new(FormatErrorKind::Unrepresentable, error.to_string())
        })?;
        Ok(())
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        use serde::de::DeserializeSeed as _;

        let limits = Limits::new(message);
        let mut deserializer = postcard::Deserializer::from_bytes(message);
        let value = Seed::<T>::new(&limits)
            .deserialize(&mut deserializer)
            .map_err(|error| {
                let kind = match error {
                    Error::DeserializeUnexpectedEnd => FormatErrorKind::Syntax,
                    Error::DeserializeBadUtf8 => FormatErrorKind::Character,
                    _ => FormatErrorKind::Mismatch,
                };
                limits.error(kind, error)
            })?;
        let rest = deserializer
            .finalize()
            .map_err(|error| limits.error(FormatErrorKind::Syntax, error))?;
        super::all_read(rest.len())?;
        Ok(value)
    }
}
