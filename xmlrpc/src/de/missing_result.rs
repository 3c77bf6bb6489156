//! Deserializer for replies without a result.

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::value::SeqDeserializer;
use serde::de::{Deserializer, Visitor};

use super::RAW;

/// The missing result of a reply. Some Java and C servers reply so when a method returns nothing:
/// `<params/>`, a `<param/>` without a value, or no `<params>`. Types that accept nil read nil; all
/// others fail.
pub(crate) struct MissingResult;

fn missing() -> FormatError {
    FormatError::new(FormatErrorKind::Mismatch, "the reply has no result")
}

macro_rules! refuse {
    ($($method:ident($($arg:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $arg,)* _: V) -> Result<V::Value, FormatError> {
            Err(missing())
        }
    )*};
}

impl<'de> Deserializer<'de> for MissingResult {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match name {
            RAW => visitor.visit_seq(SeqDeserializer::new([0_usize, 0].into_iter())),
            farcall_core::protocol::DATETIME_NEWTYPE => Err(missing()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    refuse! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_identifier();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_seq();
        deserialize_tuple(usize);
        deserialize_tuple_struct(&'static str, usize);
        deserialize_map();
        deserialize_struct(&'static str, &'static [&'static str]);
        deserialize_enum(&'static str, &'static [&'static str]);
    }
}
