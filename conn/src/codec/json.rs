//! The codec that people can read.

use rpc_core::{FormatError, FormatErrorKind, Position};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Codec;

/// JSON, for peers of every language and for reading along.
///
/// Nesting is limited to 128 levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

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
        serde_json::from_slice(message).map_err(|error| {
            let kind = match error.classify() {
                Category::Data => FormatErrorKind::Mismatch,
                Category::Syntax | Category::Eof | Category::Io => FormatErrorKind::Syntax,
            };
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let place = format!(" at line {line} column {column}");
            let message = text.strip_suffix(&place).unwrap_or(&text);
            FormatError::new(kind, message).at(|| Position { line, column })
        })
    }
}
