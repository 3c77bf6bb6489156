//! The JSON codec.

use farcall_core::{FormatError, FormatErrorKind, Position};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed as _};
use serde_json::error::Category;

use super::Codec;
use super::limits::{DecodeLimiter, limited_codec};

limited_codec! {
    /// JSON, for peers of every language, and readable by people.
    Json
}

impl Codec for Json {
    const NAME: &'static str = "json";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        serde_json::to_writer(out, value)
            .map_err(|error| FormatError::new(FormatErrorKind::Unrepresentable, error.to_string()))
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        let limiter = self.limits.limiter(message);
        let mut deserializer = serde_json::Deserializer::from_slice(message);
        // The limit of serde_json, 128, cannot be changed. The limiter applies the configured one.
        deserializer.disable_recursion_limit();
        limiter
            .seed::<T>()
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map_err(|error| decode_error(&error, &limiter))
    }
}

fn decode_error(error: &serde_json::Error, limiter: &DecodeLimiter) -> FormatError {
    let kind = match error.classify() {
        Category::Data => FormatErrorKind::Mismatch,
        Category::Syntax | Category::Eof | Category::Io => FormatErrorKind::Syntax,
    };
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let position = format!(" at line {line} column {column}");
    let message = text.strip_suffix(&position).unwrap_or(&text);
    limiter
        .error(kind, message)
        .at(|| Position { line, column })
}
