//! The MessagePack codec.

use farcall_core::{FormatError, FormatErrorKind};
use rmp_serde::config::BytesMode;
use rmp_serde::decode::Error;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed as _};

use super::Codec;
use super::limits::DecodeLimiter;

farcall_core::limited_codec! {
    /// MessagePack, for peers of every language. Structs are maps with field names as keys, so that
    /// peers can read them without knowing the order of the fields. Variants of enums have their
    /// names, too: an integer is not accepted as the position of a variant or field. Lists and
    /// arrays of `u8` are bytes.
    MessagePack
}

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
        let limiter = self.limits.limiter(message).names_only();
        let mut rest = message;
        let value = limiter
            .seed::<T>()
            .deserialize(&mut rmp_serde::Deserializer::new(&mut rest))
            .map_err(|error| format_error(&limiter, error))?;
        super::expect_end(rest.len())?;
        Ok(value)
    }
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
