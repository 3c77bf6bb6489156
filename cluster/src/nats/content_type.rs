//! The formats of calls over NATS, which messages name by their `Content-Type`.

use std::fmt;

use farcall_conn::rpc::Encoding;
use farcall_core::protocol::{Args, Format, FromArgs, Payload};
use farcall_core::{FormatError, Json};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// [`Format`] of calls over NATS. The client chooses it, and the service answers in the same one.
///
/// Every method can be called in each of them. Objects and streams cannot be sent in any: they need
/// a [session](super::StreamConnector).
///
/// Arguments and results have the default limits of the codecs: a depth of 128, and 1,000,000
/// values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// JSON, which all clients and services of NATS know. Also the meaning of a message without
    /// `Content-Type`.
    #[default]
    Json,
    /// MessagePack, for programs that send bytes or much data.
    MessagePack,
    /// bincode with type tags, as over [connections](Encoding::Bincode): the fastest, between Rust
    /// programs.
    Bincode,
}

impl ContentType {
    /// The media type in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/msgpack",
            Self::Bincode => "application/vnd.farcall.bincode",
        }
    }

    /// Returns the format that a header names. Parameters, such as a charset, are ignored.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let name = name.split(';').next().unwrap_or_default().trim();
        let is = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        match name {
            _ if is(&[Self::Json.name(), "text/json", ""]) => Some(Self::Json),
            _ if is(&[
                Self::MessagePack.name(),
                "application/x-msgpack",
                "application/vnd.msgpack",
            ]) =>
            {
                Some(Self::MessagePack)
            }
            _ if is(&[Self::Bincode.name()]) => Some(Self::Bincode),
            _ => None,
        }
    }

    /// Returns the message that has no content in this format: no arguments, or no result.
    pub(super) const fn nothing(self, is_reply: bool) -> &'static [u8] {
        match (self, is_reply) {
            (Self::Json, false) => b"[]",
            (Self::Json, true) => b"null",
            (Self::MessagePack, false) => b"\x90",
            (Self::MessagePack, true) => b"\xc0",
            (Self::Bincode, false) => b"\0",
            (Self::Bincode, true) => b"0",
        }
    }

    /// Returns the payload of a message. An empty one has no content.
    pub(super) fn payload(self, message: bytes::Bytes, is_reply: bool) -> Payload {
        if message.is_empty() {
            Payload::copied(self.nothing(is_reply))
        } else {
            message.into()
        }
    }

    const fn encoding(self) -> Option<Encoding> {
        match self {
            Self::Json => None,
            Self::MessagePack => Some(Encoding::MessagePack),
            Self::Bincode => Some(Encoding::Bincode),
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// The methods of `Encoding` that collect attachments are not called, so that an object or a stream
// is an error of its argument.
impl Format for ContentType {
    const NAME: &'static str = "calls over NATS";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self.encoding() {
            None => Json::default().encode_args(args, out),
            Some(encoding) => encoding.encode_args(args, out),
        }
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        match self.encoding() {
            None => Json::default().decode_args(params),
            Some(encoding) => encoding.decode_args(params),
        }
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self.encoding() {
            None => Json::default().encode_reply(value, out),
            Some(encoding) => encoding.encode_reply(value, out),
        }
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        match self.encoding() {
            None => Json::default().decode_reply(reply),
            Some(encoding) => encoding.decode_reply(reply),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_arguments_and_no_result_in_each_format() {
        for format in [
            ContentType::Json,
            ContentType::MessagePack,
            ContentType::Bincode,
        ] {
            assert_eq!(ContentType::from_name(format.name()), Some(format));
            let empty = bytes::Bytes::new();
            let () = format
                .decode_args(&format.payload(empty.clone(), false))
                .unwrap();
            let () = format.decode_reply(&format.payload(empty, true)).unwrap();
            assert_eq!(
                format.params(&()).unwrap().as_slice(),
                format.nothing(false)
            );
            assert_eq!(format.reply(&()).unwrap().as_slice(), format.nothing(true));
        }
    }

    #[test]
    fn headers_name_the_format_in_several_ways() {
        let json = Some(ContentType::Json);
        assert_eq!(
            ContentType::from_name("Application/JSON; charset=utf-8"),
            json
        );
        let packed = Some(ContentType::MessagePack);
        assert_eq!(ContentType::from_name("application/x-msgpack"), packed);
        assert_eq!(ContentType::from_name("text/xml"), None);
    }
}
