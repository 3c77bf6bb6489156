//! A small JSON format, and a client for a registry in this process.

use farcall_core::protocol::{Args, Format, FromArgs, Payload};
use farcall_core::{FormatError, FormatErrorKind, Registry, ServiceCaller};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Json;

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that `map_err` requires"
)]
fn unreadable(error: serde_json::Error) -> FormatError {
    FormatError::new(FormatErrorKind::Mismatch, error.to_string())
}

impl Format for Json {
    const NAME: &'static str = "JSON";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        args.serialize_args(&mut serde_json::Serializer::new(out))
            .map_err(unreadable)
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        let mut deserializer = serde_json::Deserializer::from_slice(params.as_slice());
        A::deserialize_args(&mut deserializer).map_err(unreadable)
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        serde_json::to_writer(out, value).map_err(unreadable)
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        serde_json::from_slice(reply.as_slice()).map_err(unreadable)
    }
}

pub(crate) fn client(registry: &Registry<Json>) -> ServiceCaller<Registry<Json>, Json> {
    ServiceCaller::new(registry.clone(), Json)
}
