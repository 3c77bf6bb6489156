//! Encodings of arguments, results and stream items.

mod arguments;
mod parameters;
mod tag;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;

use farcall_core::FormatError;
use farcall_core::protocol::attachment::{
    Carrier, decode_with_attachments, encode_with_attachments,
};
use farcall_core::protocol::{Args, Format, FromArgs, Payload};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::{Codec as _, MessagePack};

/// [`Format`] of calls over connections. The client chooses it, and the server answers in the same
/// format.
///
/// Every method can be called in both. Rust programs use the faster one among themselves, and
/// programs that do not know the types, such as scripts, can call the same methods.
///
/// Arguments and results have the default limits of [`Bincode`](crate::Bincode) and
/// [`MessagePack`]: a depth of 128, and 1,000,000 [values](MessagePack::max_values). Send larger
/// data as a [`Stream`](super::Stream).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// bincode, with a type tag before each argument and each result. An integer can be decoded as
    /// any integer type that its value fits. Any other mismatch is an error with the expected and
    /// the actual type. *Within* arguments and results the types of both sides must be identical,
    /// field by field.
    #[default]
    Bincode,
    /// MessagePack, with structs as maps by field name. It is self-describing at all levels. For
    /// peers in other languages, and for calls with [`Value`](farcall_core::Value)s.
    MessagePack,
}

impl Encoding {
    /// Name of the encoding on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bincode => "bincode",
            Self::MessagePack => "messagepack",
        }
    }

    /// Returns the encoding with this name.
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Bincode, Self::MessagePack]
            .into_iter()
            .find(|encoding| encoding.name().as_bytes() == name)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Format for Encoding {
    const NAME: &'static str = "RPC over connections";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self {
            Self::Bincode => arguments::encode(args, out),
            Self::MessagePack => MessagePack::default().encode(&AsTuple(args), out),
        }
    }

    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        payload(|out| self.encode_args(args, out))
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        decode_with_attachments(params.attachments(), || match self {
            Self::Bincode => arguments::decode(params.as_slice()),
            Self::MessagePack => parameters::decode(params.as_slice()),
        })
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self {
            Self::Bincode => arguments::encode_one(value, out),
            Self::MessagePack => MessagePack::default().encode(value, out),
        }
    }

    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        payload(|out| self.encode_reply(value, out))
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        decode_with_attachments(reply.attachments(), || match self {
            Self::Bincode => arguments::decode_one(reply.as_slice()),
            Self::MessagePack => MessagePack::default().decode(reply.as_slice()),
        })
    }
}

/// Maximum length, in bytes, up to which a payload is copied out of the thread's buffer, so that
/// the buffer can be reused. A longer payload takes the buffer with it.
const COPIED: usize = 1024;

thread_local! {
    /// Buffer that payloads are encoded to, while their length is unknown.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Returns a payload of the bytes that `encode` writes and the attachments that it adds.
fn payload(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
) -> Result<Payload, FormatError> {
    let mut out = BUFFER.take();
    let attachments = encode_with_attachments(Carrier::Connection, || encode(&mut out))?;
    let payload = if out.len() > COPIED {
        Payload::from(out)
    } else {
        let payload = Payload::copied(&out);
        out.clear();
        BUFFER.set(out);
        payload
    };
    Ok(match attachments {
        None => payload,
        Some(attachments) => payload.with_attachments(attachments),
    })
}

/// Serializes arguments as a tuple.
struct AsTuple<'a, A: ?Sized>(&'a A);

impl<A: Args + ?Sized> Serialize for AsTuple<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_args(serializer)
    }
}
