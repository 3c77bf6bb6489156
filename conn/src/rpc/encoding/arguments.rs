//! Arguments and results in bincode, each with a type tag in front.
//!
//! Arguments are encoded as their number, then the tag and value of each. bincode itself carries no
//! types: without tags, two `u32` that are decoded as two `i64` would silently yield wrong numbers.

use farcall_core::protocol::{Args, FromArgs};
use farcall_core::{FormatError, FormatErrorKind, refuse_to_serialize};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeTuple, Serializer};
use serde::{Serialize, forward_to_deserialize_any};

use super::parameters::too_many;
use super::tag::{Tag, TaggedDeserializer};
use crate::codec::bincode;
use crate::codec::limits::{CodecLimits, DecodeLimiter, Limited};
use crate::rpc::varint;

pub(super) fn encode<A: Args + ?Sized>(args: &A, out: &mut Vec<u8>) -> Result<(), FormatError> {
    args.serialize_args(ArgumentWriter(out))
}

pub(super) fn decode<A: FromArgs>(params: &[u8]) -> Result<A, FormatError> {
    A::deserialize_args(ArgumentReader(params))
}

pub(super) fn encode_one<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    Tag::of(value).write(out);
    bincode::encode(value, out)
}

pub(super) fn decode_one<T: DeserializeOwned>(reply: &[u8]) -> Result<T, FormatError> {
    let limiter = CodecLimits::DEFAULT.limiter(reply);
    let mut rest = reply;
    let value = decode_tagged(std::marker::PhantomData, &limiter, &mut rest)?;
    crate::codec::expect_end(rest.len())?;
    Ok(value)
}

/// Decodes a tag and the value behind it.
fn decode_tagged<'de, S: DeserializeSeed<'de>>(
    seed: S,
    limiter: &DecodeLimiter,
    rest: &mut &'de [u8],
) -> Result<S::Value, FormatError> {
    let tag = Tag::read(rest)?;
    // Counted here, because a value may consist of its tag alone.
    limiter
        .count_value()
        .map_err(|error: FormatError| limiter.error(FormatErrorKind::Limit, error))?;
    let seed = TaggedSeed { seed, tag, limiter };
    let (value, read) = bincode::decode(seed, limiter, rest)?;
    *rest = &rest[read..];
    Ok(value)
}

/// Seed that decodes a value according to its tag.
struct TaggedSeed<'l, S> {
    seed: S,
    tag: Tag,
    limiter: &'l DecodeLimiter,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for TaggedSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = Limited::new(deserializer, self.limiter);
        let tagged = TaggedDeserializer::new(deserializer, self.tag, self.limiter);
        self.seed.deserialize(tagged)
    }
}

/// Serializer of arguments: accepts a tuple or a list and nothing else.
struct ArgumentWriter<'a>(&'a mut Vec<u8>);

impl ArgumentWriter<'_> {
    fn refuse(&self) -> FormatError {
        FormatError::new(
            FormatErrorKind::Unrepresentable,
            "arguments must be a tuple or a list",
        )
    }
}

impl Serializer for ArgumentWriter<'_> {
    type Ok = ();
    type Error = FormatError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;

    refuse_to_serialize! {
        bool u8 other_integer float text bytes unit wrapper compound
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, FormatError> {
        varint::write(len as u64, self.0);
        Ok(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, FormatError> {
        varint::write(len.ok_or_else(|| self.refuse())? as u64, self.0);
        Ok(self)
    }
}

impl SerializeTuple for ArgumentWriter<'_> {
    type Ok = ();
    type Error = FormatError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        encode_one(value, self.0)
    }

    fn end(self) -> Result<(), FormatError> {
        Ok(())
    }
}

impl SerializeSeq for ArgumentWriter<'_> {
    type Ok = ();
    type Error = FormatError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        encode_one(value, self.0)
    }

    fn end(self) -> Result<(), FormatError> {
        Ok(())
    }
}

/// Deserializer of arguments.
struct ArgumentReader<'de>(&'de [u8]);

impl<'de> Deserializer<'de> for ArgumentReader<'de> {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        let mut rest = self.0;
        let given = varint::read(&mut rest).ok_or_else(Tag::missing)?;
        let mut arguments = ArgumentAccess {
            rest,
            given,
            taken: 0,
            limiter: CodecLimits::DEFAULT.limiter(self.0),
        };
        let value = visitor.visit_seq(&mut arguments)?;
        let ArgumentAccess { rest, taken, .. } = arguments;
        if given > taken {
            return Err(too_many(given, taken));
        }
        crate::codec::expect_end(rest.len())?;
        Ok(value)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Sequence access to encoded arguments.
struct ArgumentAccess<'de> {
    rest: &'de [u8],
    given: u64,
    taken: u64,
    limiter: DecodeLimiter,
}

impl<'de> SeqAccess<'de> for &mut ArgumentAccess<'de> {
    type Error = FormatError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        if self.taken == self.given {
            return Ok(None);
        }
        self.taken += 1;
        decode_tagged(seed, &self.limiter, &mut self.rest)
            .map(Some)
            .map_err(|error| error.within(|| format!("parameter {}", self.taken)))
    }

    fn size_hint(&self) -> Option<usize> {
        // Cut to the bytes that are left, because each argument takes at least one.
        usize::try_from(self.given - self.taken)
            .ok()
            .map(|left| left.min(self.rest.len()))
    }
}
