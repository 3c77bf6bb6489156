//! The bincode codec, for Rust programs among themselves.

use bincode::config::{Configuration, standard};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use farcall_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::limits::DecodeLimiter;
use super::{Appender, Codec};

farcall_core::limited_codec! {
    /// [bincode](https://docs.rs/bincode/2.0.1), in its standard configuration: integers have a
    /// variable length, and the message carries no type information.
    ///
    /// Both sides must use the same types, field by field: the bytes of one type may decode as
    /// another. A message with bytes after the value is rejected. Types that depend on the type
    /// information of the message, such as `serde_json::Value` or untagged enums, need a
    /// self-describing codec.
    Bincode
}

const CONFIGURATION: Configuration = standard();

impl Codec for Bincode {
    const NAME: &'static str = "bincode";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        encode(value, out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        let limiter = self.limits.limiter(message);
        let (value, read) = decode(limiter.seed::<T>(), &limiter, message)?;
        super::expect_end(message.len() - read)?;
        Ok(value)
    }
}

impl Writer for Appender<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Appends the encoded value.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    bincode::serde::encode_into_writer(value, Appender(out), CONFIGURATION).map_err(|error| {
        FormatError::new(
            FormatErrorKind::Unrepresentable,
            encode_error_message(&error),
        )
    })
}

/// Decodes the start of `message` with `seed`, which must apply `limiter`. Returns the value and
/// the number of bytes read.
pub(crate) fn decode<'de, S: DeserializeSeed<'de>>(
    seed: S,
    limiter: &DecodeLimiter,
    message: &'de [u8],
) -> Result<(S::Value, usize), FormatError> {
    bincode::serde::seed_decode_from_slice(seed, message, CONFIGURATION).map_err(|error| {
        let (kind, message) = decode_error_message(&error);
        limiter.error(kind, message)
    })
}

/// Message of an encoding error. bincode's own `Display` is mostly its debug output.
fn encode_error_message(error: &EncodeError) -> String {
    match error {
        EncodeError::Other(message) => (*message).to_owned(),
        EncodeError::OtherString(message) => message.clone(),
        other => format!("bincode cannot encode the value: {other}"),
    }
}

/// Kind and message of a decoding error.
fn decode_error_message(error: &DecodeError) -> (FormatErrorKind, String) {
    let message = match error {
        DecodeError::UnexpectedEnd { .. } => {
            return (
                FormatErrorKind::Syntax,
                "the message ends too early".to_owned(),
            );
        }
        DecodeError::Other(message) => (*message).to_owned(),
        DecodeError::OtherString(message) => message.clone(),
        DecodeError::Utf8 { inner } => {
            return (FormatErrorKind::Character, inner.to_string());
        }
        DecodeError::InvalidBooleanValue(value) => format!("{value} is not a boolean"),
        DecodeError::InvalidCharEncoding(_) => "invalid encoding of a character".to_owned(),
        other => format!("bincode cannot decode the message: {other}"),
    };
    (FormatErrorKind::Mismatch, message)
}
