//! The MessagePack codec.

use farcall_core::{FormatError, FormatErrorKind};
use rmp_serde::config::BytesMode;
use rmp_serde::decode::Error;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::Codec;
use super::limits::{CodecLimits, DecodeLimiter, Seed, setters};

/// MessagePack, for peers of every language. Structs are maps with field names as keys, so that
/// peers can read them without knowing the order of the fields. Lists and arrays of `u8` are bytes.
///
/// [Depth](Self::max_depth) and [number of values](Self::max_values) are limited, and the memory
/// for decoding is proportional to the length of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessagePack {
    limits: CodecLimits,
}

setters!(MessagePack);

impl Codec for MessagePack {
    const NAME: &'static str = "messagepack";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let mut serializer = rmp_serde::Serializer::new(out)
            .with_struct_map()
            .with_bytes(BytesMode::ForceIterables);
        value
            .serialize(&mut serializer)
            .map_err(|error| FormatError::new(FormatErrorKind::Unrepresentable, error.to_string()))
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        let limiter = self.limits.limiter(message);
        let (value, left) = decode(Seed::<T>::new(&limiter), &limiter, message)?;
        super::expect_end(left)?;
        Ok(value)
    }
}

/// Decodes the start of `message` with `seed`, which must apply `limiter`. Returns the value and
/// the number of bytes left.
fn decode<S: for<'de> DeserializeSeed<'de, Value = T>, T>(
    seed: S,
    limiter: &DecodeLimiter,
    message: &[u8],
) -> Result<(T, usize), FormatError> {
    let mut rest = message;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    let value = seed
        .deserialize(&mut deserializer)
        .map_err(|error| format_error(limiter, error))?;
    Ok((value, rest.len()))
}

/// Returns the error of a failed decoding within limits.
pub(crate) fn format_error(limiter: &DecodeLimiter, error: Error) -> FormatError {
    let kind = match error {
        Error::InvalidMarkerRead(_) | Error::InvalidDataRead(_) => FormatErrorKind::Syntax,
        Error::DepthLimitExceeded => FormatErrorKind::Limit,
        _ => FormatErrorKind::Mismatch,
    };
    limiter.error(kind, error)
}
