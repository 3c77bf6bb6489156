//! Python's pickle format, as data only.

use rpc_core::FormatError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;

/// Python's pickle format.
#[derive(Clone, Debug, Default)]
pub struct Pickle {}

impl Codec for Pickle {
    const NAME: &'static str = "pickle";

    fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<(), FormatError> {
        Err(serde::ser::Error::custom("to come"))
    }

    fn decode<T: DeserializeOwned>(&self, _: &[u8]) -> Result<T, FormatError> {
        Err(serde::de::Error::custom("to come"))
    }
}
