//! The codec between Rust programs.

use bincode::config::{Configuration, standard};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use rpc_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::limits::{CodecLimits, DecodeLimiter, Seed, setters};
use super::{Appender, Codec};

/// [bincode](https://docs.rs/bincode/2.0.1), in its standard configuration: integers take as few bytes
/// as they need, and nothing says what is what.
///
/// Both ends must have the same types, field by field: bytes of one type may pass for another. A message
/// with bytes left over is refused. Types that have to look at the message to know what they are, such as
/// `serde_json::Value` or untagged enums, need a codec that describes itself.
///
/// [Depth](Self::max_depth) and [number of values](Self::max_values) are limited, and the memory that decoding
/// takes is in proportion to the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bincode {
    limits: CodecLimits,
}

setters!(Bincode);

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
        let (value, read) = decode(Seed::<T>::new(&limiter), &limiter, message)?;
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
    bincode::serde::encode_into_writer(value, Appender(out), CONFIGURATION)
        .map_err(|error| FormatError::new(FormatErrorKind::Unrepresentable, encoding(&error)))
}

/// Reads what `seed`, which keeps to the limiter, makes of the beginning of `message`. Also tells how many
/// bytes that took.
pub(crate) fn decode<'de, S: DeserializeSeed<'de>>(
    seed: S,
    limiter: &DecodeLimiter,
    message: &'de [u8],
) -> Result<(S::Value, usize), FormatError> {
    bincode::serde::seed_decode_from_slice(seed, message, CONFIGURATION).map_err(|error| {
        let (kind, message) = decoding(&error);
        limiter.error(kind, message)
    })
}

/// The texts of bincode are its own debug output.
fn encoding(error: &EncodeError) -> String {
    match error {
        EncodeError::Other(message) => (*message).to_owned(),
        EncodeError::OtherString(message) => message.clone(),
        other => format!("bincode cannot encode it: {other}"),
    }
}

fn decoding(error: &DecodeError) -> (FormatErrorKind, String) {
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
        DecodeError::InvalidCharEncoding(_) => "a character is not one".to_owned(),
        other => format!("bincode cannot decode it: {other}"),
    };
    (FormatErrorKind::Mismatch, message)
}
