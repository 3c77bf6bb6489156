//! Names of members, as keys of maps.

use std::borrow::Cow;

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::value::text;

/// Deserializer of a name: a text, or the text form of a key of another type.
pub(super) struct KeyDe<'de>(pub(super) Cow<'de, str>);

macro_rules! parsed {
    ($($method:ident: $visit:ident $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(FormatError::new(
                    FormatErrorKind::Mismatch,
                    concat!("the name of a member is not ", $expected),
                )),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyDe<'de> {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        text(self.0, visitor)
    }

    parsed! {
        deserialize_bool: visit_bool "a boolean";
        deserialize_i8: visit_i8 "an integer";
        deserialize_i16: visit_i16 "an integer";
        deserialize_i32: visit_i32 "an integer";
        deserialize_i64: visit_i64 "an integer";
        deserialize_i128: visit_i128 "an integer";
        deserialize_u8: visit_u8 "an integer";
        deserialize_u16: visit_u16 "an integer";
        deserialize_u32: visit_u32 "an integer";
        deserialize_u64: visit_u64 "an integer";
        deserialize_u128: visit_u128 "an integer";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
