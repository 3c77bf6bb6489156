//! Arguments in MessagePack: an array, whose errors name the parameter.

use std::fmt::Display;

use farcall_core::protocol::FromArgs;
use farcall_core::{FormatError, FormatErrorKind};
use rmp_serde::decode::{Error, ReadReader};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::codec::limits::{CodecLimits, DecodeLimiter, Limited};
use crate::codec::message_pack;

pub(super) fn decode<A: FromArgs>(params: &[u8]) -> Result<A, FormatError> {
    let limiter = &CodecLimits::DEFAULT.limiter(params).names_only();
    let reader = ArrayReader { params, limiter };
    A::deserialize_args(Limited::new(reader, limiter))
        .map_err(|error| limiter.error(error.kind(), error))
}

/// Deserializer of an array of arguments.
struct ArrayReader<'de, 'l> {
    params: &'de [u8],
    limiter: &'l DecodeLimiter,
}

impl<'de> Deserializer<'de> for ArrayReader<'de, '_> {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        let (given, mut rest) = read_len(self.params)?;
        let mut access = ArrayAccess {
            deserializer: rmp_serde::Deserializer::new(&mut rest),
            given,
            taken: 0,
            limiter: self.limiter,
        };
        let value = visitor.visit_seq(&mut access)?;
        let taken = access.taken;
        drop(access);
        if given > taken {
            return Err(too_many(given, taken));
        }
        if !rest.is_empty() {
            return Err(too_many("more", taken));
        }
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

/// Returns the error of a call with more parameters than the method takes.
pub(super) fn too_many(given: impl Display, taken: impl Display) -> FormatError {
    let message = format!("{given} parameters were given, the method takes {taken}");
    FormatError::new(FormatErrorKind::Mismatch, message)
}

/// Reads the header of an array. Returns the number of elements and the bytes behind the header.
fn read_len(params: &[u8]) -> Result<(usize, &[u8]), FormatError> {
    match *params {
        [byte @ 0x90..=0x9f, ref rest @ ..] => Ok((usize::from(byte & 0x0f), rest)),
        [0xdc, a, b, ref rest @ ..] => Ok((usize::from(u16::from_be_bytes([a, b])), rest)),
        [0xdd, a, b, c, d, ref rest @ ..] => {
            let len = u32::from_be_bytes([a, b, c, d]);
            Ok((usize::try_from(len).unwrap_or(usize::MAX), rest))
        }
        [] | [0xdc | 0xdd, ..] => Err(FormatError::new(
            FormatErrorKind::Syntax,
            "the message ends too early",
        )),
        _ => Err(FormatError::new(
            FormatErrorKind::Mismatch,
            "the parameters are not an array",
        )),
    }
}

/// Sequence access to the arguments of an array.
struct ArrayAccess<'a, 'de, 'l> {
    deserializer: rmp_serde::Deserializer<ReadReader<&'a mut &'de [u8]>>,
    given: usize,
    taken: usize,
    limiter: &'l DecodeLimiter,
}

impl<'de> SeqAccess<'de> for &mut ArrayAccess<'_, '_, '_> {
    type Error = FormatError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        if self.taken == self.given {
            return Ok(None);
        }
        self.taken += 1;
        match seed.deserialize(&mut self.deserializer) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(self.error(error)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.given - self.taken)
    }
}

impl ArrayAccess<'_, '_, '_> {
    /// Returns the error of the last parameter taken.
    #[cold]
    fn error(&self, error: Error) -> FormatError {
        let error = match mismatch(&error, self.limiter) {
            Some(message) => self.limiter.error(FormatErrorKind::Mismatch, message),
            None => message_pack::format_error(self.limiter, error),
        };
        error.within(|| format!("parameter {}", self.taken))
    }
}

/// Describes a value of the wrong type in the words of the other encoding. serde names Rust types.
fn mismatch(error: &Error, limiter: &DecodeLimiter) -> Option<String> {
    if let Error::TypeMismatch(_) = error {
        return marker_mismatch(&error.to_string(), limiter);
    }
    let (Error::Syntax(text) | Error::Uncategorized(text)) = error else {
        return None;
    };
    let (found, expected) = text
        .strip_prefix("invalid type: ")?
        .rsplit_once(", expected ")?;
    let expected = match expected {
        integer if is_integer(integer) => "an integer",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "unit" => "nothing",
        other => other,
    };
    let found = [
        ("boolean", "a boolean"),
        ("integer", "an integer"),
        ("floating point", "a number"),
        ("string", "a string"),
        ("byte array", "bytes"),
        ("unit value", "nothing"),
        ("Option value", "an option"),
        ("sequence", "a list"),
        ("map", "a map"),
    ]
    .into_iter()
    .find_map(|(begin, name)| found.starts_with(begin).then_some(name))
    .unwrap_or(found);
    Some(format!("expected {expected}, found {found}"))
}

/// Returns `true` if this is the name of an integer type of Rust.
fn is_integer(name: &str) -> bool {
    let bits = name.strip_prefix(['i', 'u']);
    bits.is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64" | "128" | "size"))
}

/// Describes the error of a number that was expected and not found: the decoder shows the marker of
/// the value instead.
fn marker_mismatch(text: &str, limiter: &DecodeLimiter) -> Option<String> {
    let marker = text.strip_prefix("wrong msgpack marker ")?;
    let (_, found) = [
        ("FixStr", "a string"),
        ("Str", "a string"),
        ("Bin", "bytes"),
        ("FixArray", "a list"),
        ("Array", "a list"),
        ("FixMap", "a map"),
        ("Map", "a map"),
    ]
    .into_iter()
    .find(|(begin, _)| marker.starts_with(begin))?;
    let expected = if limiter.lacks_integer() {
        "an integer"
    } else {
        "a number"
    };
    Some(format!("expected {expected}, found {found}"))
}
