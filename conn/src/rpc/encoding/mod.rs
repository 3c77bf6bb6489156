//! How arguments, results and the items of streams become bytes.

use std::cell::Cell;
use std::fmt;

use rpc_core::{Args, Format, FormatError, FormatErrorKind, FromArgs, Payload};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer};
use serde::{Serialize, Serializer};

mod arguments;
mod tag;
#[cfg(test)]
mod tests;

use super::attachment::{reading, writing};
use crate::codec::limits::{CodecLimits, DecodeLimiter, Limited};
use crate::codec::message_pack;
use crate::{Codec as _, MessagePack};

/// The [`Format`] of calls over connections. The client chooses; a server answers each client in its own.
///
/// Both are there for every method, so that Rust programs have the faster one among themselves, and
/// programs that know no types, such as scripts, can call the same methods.
///
/// Arguments and results have the limits that [`Bincode`](crate::Bincode) and [`MessagePack`] have by default:
/// of depth, 128 levels, and of the [number of values](MessagePack::max_values), 1,000,000. What is more is
/// for a [`Stream`](super::Stream).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// bincode, with a tag before each argument and each result that says what it is. Integers of all
    /// types can be read as each other where their values fit; for anything else that does not fit, the
    /// error says what came and what was expected. *Within* arguments and results the types of both ends
    /// must be the same, field by field.
    #[default]
    Bincode,
    /// MessagePack, structs as maps by field name: it says itself what it is all the way down. For
    /// peers in other languages, and for calls with [`Value`](rpc_core::Value)s.
    MessagePack,
}

impl Encoding {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bincode => "bincode",
            Self::MessagePack => "messagepack",
        }
    }

    /// The one of this name.
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
        reading(params.attachments(), || match self {
            Self::Bincode => arguments::decode(params.as_slice()),
            Self::MessagePack => {
                let params = params.as_slice();
                let budget = CodecLimits::DEFAULT.limiter(params);
                let seed = TupleSeed {
                    budget: &budget,
                    args: std::marker::PhantomData,
                };
                match message_pack::decode(seed, &budget, params)? {
                    (args, 0) => Ok(args),
                    _ => Err(FormatError::new(
                        FormatErrorKind::Mismatch,
                        "more parameters were given than the method takes",
                    )),
                }
            }
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
        reading(reply.attachments(), || match self {
            Self::Bincode => arguments::decode_one(reply.as_slice()),
            Self::MessagePack => MessagePack::default().decode(reply.as_slice()),
        })
    }
}

/// Up to here, a payload is copied out of the thread's buffer, which later ones are written to as well.
const COPIED: usize = 1024;

thread_local! {
    /// Where payloads are written before it is known how long they are.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What `encode` writes, and what it attaches.
fn payload(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
) -> Result<Payload, FormatError> {
    let mut out = BUFFER.take();
    let attachments = writing(|| encode(&mut out))?;
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

/// Arguments as serde writes them.
struct AsTuple<'a, A: ?Sized>(&'a A);

impl<A: Args + ?Sized> Serialize for AsTuple<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_args(serializer)
    }
}

/// Arguments as serde reads them, within limits.
struct TupleSeed<'l, A> {
    budget: &'l DecodeLimiter,
    args: std::marker::PhantomData<A>,
}

impl<'de, A: FromArgs> DeserializeSeed<'de> for TupleSeed<'_, A> {
    type Value = A;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<A, D::Error> {
        A::deserialize_args(Limited::new(deserializer, self.budget))
    }
}
