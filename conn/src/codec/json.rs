//! The JSON codec.

use farcall_core::{FormatError, Json};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;

impl Codec for Json {
    const NAME: &'static str = "json";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.write(value, out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        self.read(message)
    }
}
