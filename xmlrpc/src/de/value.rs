//! Deserializer of one value.

use std::borrow::Cow;

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::value::{SeqDeserializer, StrDeserializer, U8Deserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Visitor};

use super::scalar::{double, extended};
use super::{De, Found, RAW};

/// Deserializes a `<value>` whose start tag was read.
pub(super) struct ValueDe<'d, 'de> {
    de: &'d mut De<'de>,
    start: usize,
    /// The content of the value, if it was already read to determine its type.
    found: Option<Found<'de>>,
}

impl<'d, 'de> ValueDe<'d, 'de> {
    pub(super) const fn new(de: &'d mut De<'de>, start: usize) -> Self {
        Self {
            de,
            start,
            found: None,
        }
    }

    /// Creates the deserializer of a result that is not in the document.
    pub(super) fn missing(de: &'d mut De<'de>) -> Self {
        let start = de.reader.offset();
        Self {
            de,
            start,
            found: Some(Found::Missing),
        }
    }

    fn found(&mut self) -> Result<Found<'de>, FormatError> {
        match self.found.take() {
            Some(found) => Ok(found),
            None => self.de.enter(),
        }
    }

    #[cold]
    fn mismatch(&self, expected: &str, found: &Found<'_>) -> FormatError {
        if let Found::Missing = found {
            return FormatError::new(FormatErrorKind::Mismatch, "the reply has no result");
        }
        self.de.reader.error(
            FormatErrorKind::Mismatch,
            self.start,
            format!("expected {expected}, found {}", found.name()),
        )
    }

    /// Skips to the end of the value, and returns the offset after it.
    fn skip(&mut self) -> Result<usize, FormatError> {
        match self.found.take() {
            None | Some(Found::Array | Found::Struct) => self.de.skip(),
            // A scalar was read to the end of the value already.
            Some(_) => Ok(self.de.reader.offset()),
        }
    }
}

pub(super) fn text<'de, V: Visitor<'de>>(
    text: Cow<'de, str>,
    visitor: V,
) -> Result<V::Value, FormatError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
            match self.found()? {
                Found::Int(number) => visitor.visit_i64(number),
                Found::Wide(number) => visitor.visit_i128(number),
                other => Err(self.mismatch("int", &other)),
            }
        }
    )*};
}

macro_rules! doubles {
    ($($method:ident)*) => {$(
        // Integers of up to 15 digits convert exactly; longer ones are rounded.
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
            match self.found()? {
                Found::Double(number) => visitor.visit_f64(number),
                Found::Int(number) => visitor.visit_f64(number as f64),
                Found::Wide(number) => visitor.visit_f64(number as f64),
                Found::Decimal(text) => visitor.visit_f64(double(&text).unwrap_or_default()),
                other => Err(self.mismatch("double", &other)),
            }
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
            match self.found()? {
                Found::Text(value) | Found::Decimal(value) => text(value, visitor),
                Found::DateTime(value) => visitor.visit_string(extended(&value)),
                other => Err(self.mismatch("string", &other)),
            }
        }
    )*};
}

/// Sequence access to bytes, for types that serde reads as lists of numbers, such as `Vec<u8>`.
struct Numbers<'a>(std::slice::Iter<'a, u8>);

impl<'de> SeqAccess<'de> for Numbers<'_> {
    type Error = FormatError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        match self.0.next() {
            Some(&byte) => seed.deserialize(U8Deserializer::new(byte)).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

impl<'de> Deserializer<'de> for ValueDe<'_, 'de> {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Nil | Found::Missing => visitor.visit_unit(),
            Found::Boolean(value) => visitor.visit_bool(value),
            Found::Int(number) => visitor.visit_i64(number),
            Found::Wide(number) => visitor.visit_i128(number),
            Found::Double(number) => visitor.visit_f64(number),
            Found::Text(value) | Found::Decimal(value) => text(value, visitor),
            Found::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Found::DateTime(value) if self.de.dates => {
                visitor.visit_newtype_struct(StrDeserializer::new(&value))
            }
            Found::DateTime(value) => visitor.visit_string(extended(&value)),
            Found::Array => self.de.array(self.start, visitor),
            Found::Struct => self.de.members(self.start, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Boolean(value) => visitor.visit_bool(value),
            other => Err(self.mismatch("boolean", &other)),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    doubles! { deserialize_f32 deserialize_f64 }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            // Types that read bytes accept a list of numbers too.
            Found::Array => self.de.array(self.start, visitor),
            other => Err(self.mismatch("base64", &other)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Nil | Found::Missing => visitor.visit_none(),
            found => {
                self.found = Some(found);
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        if self.de.result && self.de.depth == 1 {
            // Servers without nil return arbitrary values.
            self.skip()?;
            return visitor.visit_unit();
        }
        match self.found()? {
            Found::Nil | Found::Missing => visitor.visit_unit(),
            other => Err(self.mismatch("nil", &other)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match name {
            RAW => {
                let end = self.skip()?;
                visitor.visit_seq(SeqDeserializer::new([self.start, end].into_iter()))
            }
            farcall_core::protocol::DATETIME_NEWTYPE => match self.found()? {
                Found::DateTime(value) => text(value, visitor),
                other => Err(self.mismatch("dateTime.iso8601", &other)),
            },
            farcall_core::protocol::VALUE_NEWTYPE => {
                let outer = std::mem::replace(&mut self.de.dates, true);
                let Self { de, start, found } = self;
                let value = visitor.visit_newtype_struct(ValueDe {
                    de: &mut *de,
                    start,
                    found,
                });
                de.dates = outer;
                value
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Array => self.de.array(self.start, visitor),
            Found::Bytes(bytes) => visitor.visit_seq(Numbers(bytes.iter())),
            other => Err(self.mismatch("array", &other)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Array => self.de.array(self.start, visitor),
            Found::Bytes(bytes) if bytes.len() == len => visitor.visit_seq(Numbers(bytes.iter())),
            Found::Bytes(bytes) => Err(self.de.reader.error(
                FormatErrorKind::Mismatch,
                self.start,
                format!("expected {len} bytes, found {}", bytes.len()),
            )),
            other => Err(self.mismatch("array", &other)),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Struct => self.de.members(self.start, visitor),
            other => Err(self.mismatch("struct", &other)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match self.found()? {
            Found::Text(name) => visitor.visit_enum(name.into_deserializer()),
            Found::Struct => self.de.variant(self.start, visitor),
            other => Err(self.mismatch("string or struct", &other)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        mut self,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.skip()?;
        visitor.visit_unit()
    }
}
