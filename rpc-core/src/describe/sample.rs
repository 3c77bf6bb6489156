//! Sample values: those in front of an element of a tuple, which is deserialized in order.

use std::marker::PhantomData;

use serde::de::value::{StrDeserializer, UnitDeserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use crate::value::datetime;

/// Maximum levels of a sample. A type can contain itself.
const MAX_DEPTH: u8 = 16;

/// A deserializer of a small value of any type: zero, an empty text, the first variant. A type that
/// accepts none of these fails.
pub(super) struct Sample<E> {
    depth: u8,
    error: PhantomData<E>,
}

impl<E> Default for Sample<E> {
    fn default() -> Self {
        Self {
            depth: MAX_DEPTH,
            error: PhantomData,
        }
    }
}

impl<E: de::Error> Sample<E> {
    fn parts(self, len: usize) -> Result<SampleParts<E>, E> {
        let depth = self.depth.checked_sub(1);
        Ok(SampleParts {
            len,
            depth: depth.ok_or_else(|| E::custom("a type without a small value"))?,
            error: PhantomData,
        })
    }
}

macro_rules! samples {
    ($($method:ident: $visit:ident($($value:expr)?);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit($($value)?)
        }
    )*};
}

impl<'de, E: de::Error> Deserializer<'de> for Sample<E> {
    type Error = E;

    samples! {
        deserialize_any: visit_unit();
        deserialize_ignored_any: visit_unit();
        deserialize_identifier: visit_unit();
        deserialize_unit: visit_unit();
        deserialize_bool: visit_bool(false);
        deserialize_i8: visit_i8(0);
        deserialize_i16: visit_i16(0);
        deserialize_i32: visit_i32(0);
        deserialize_i64: visit_i64(0);
        deserialize_i128: visit_i128(0);
        deserialize_u8: visit_u8(0);
        deserialize_u16: visit_u16(0);
        deserialize_u32: visit_u32(0);
        deserialize_u64: visit_u64(0);
        deserialize_u128: visit_u128(0);
        deserialize_f32: visit_f32(0.0);
        deserialize_f64: visit_f64(0.0);
        deserialize_char: visit_char('a');
        deserialize_str: visit_str("");
        deserialize_string: visit_str("");
        deserialize_bytes: visit_bytes(&[]);
        deserialize_byte_buf: visit_bytes(&[]);
        deserialize_option: visit_none();
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        if name == datetime::NEWTYPE {
            return visitor.visit_newtype_struct(StrDeserializer::new("1970-01-01T00:00:00"));
        }
        self.depth = self.depth.saturating_sub(1);
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(self.parts(0)?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_map(self.parts(0)?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(self.parts(len)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_seq(self.parts(len)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_seq(self.parts(fields.len())?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let first: StrDeserializer<'_, E> = variants.first().unwrap_or(&"").into_deserializer();
        visitor.visit_enum(first)
    }
}

/// The elements of a sample, or no members.
struct SampleParts<E> {
    len: usize,
    depth: u8,
    error: PhantomData<E>,
}

impl<'de, E: de::Error> SeqAccess<'de> for SampleParts<E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, E> {
        let Some(rest) = self.len.checked_sub(1) else {
            return Ok(None);
        };
        self.len = rest;
        let sample = Sample {
            depth: self.depth,
            error: PhantomData,
        };
        seed.deserialize(sample).map(Some)
    }
}

impl<'de, E: de::Error> MapAccess<'de> for SampleParts<E> {
    type Error = E;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, E> {
        seed.deserialize(UnitDeserializer::new())
    }
}
