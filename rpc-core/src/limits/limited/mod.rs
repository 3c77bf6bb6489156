//! The wrapper that applies limits to a deserializer, and to all that it hands out.

mod any;
#[cfg(feature = "json")]
mod base64;

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use self::any::AnyVisitor;
#[cfg(feature = "json")]
use self::base64::Base64Visitor;
use super::{DecodeLimiter, PICKLE_VALUE};
#[cfg(feature = "json")]
use crate::type_identity::TypeIdentity;
use crate::value;

/// Wrapper of a serde deserializer, visitor, seed or access that applies the limits.
#[derive(Debug)]
pub struct Limited<'l, T> {
    inner: T,
    limiter: &'l DecodeLimiter,
}

impl<'l, T> Limited<'l, T> {
    /// Wraps `inner`.
    pub const fn new(inner: T, limiter: &'l DecodeLimiter) -> Self {
        Self { inner, limiter }
    }

    const fn wrap<U>(&self, inner: U) -> Limited<'l, U> {
        Limited::new(inner, self.limiter)
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

/// Methods for numbers. Decoders do not tell which kind of number was not found.
macro_rules! number {
    ($($is_integer:literal: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let value = self.inner.$method(visitor);
            value.inspect_err(|_| self.limiter.lacks_integer.set($is_integer))
        }
    )*)*};
}

/// Methods for types without contents that take memory of their own.
macro_rules! count {
    ($($method:ident => $inner:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.limiter.count_value()?;
            self.inner.$inner($($argument,)* visitor)
        }
    )*};
}

macro_rules! nest {
    ($($count:ident $method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            nest!(@$count self $(, $argument)*);
            let visitor = self.wrap(visitor);
            self.limiter.nested(|| self.inner.$method($($argument,)* visitor))
        }
    )*};
    (@value $self:ident $(, $argument:ident)*) => { $self.limiter.count_value()? };
    (@free $self:ident, $argument:ident) => {};
    // `pickle::Value` is an enum, but the type of its content is known from the message only.
    (@variant $self:ident, $name:ident, $variants:ident) => {
        if $name == PICKLE_VALUE {
            $self.limiter.count_any()?;
        } else {
            $self.limiter.count_value()?;
        }
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool deserialize_char
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if self.limiter.names_only {
            self.inner.deserialize_identifier(NameVisitor(visitor))
        } else {
            self.inner.deserialize_identifier(visitor)
        }
    }

    number! {
        true: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128;
        true: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        false: deserialize_f32 deserialize_f64;
    }

    // Owned strings and byte strings are decoded as borrowed ones: for owned ones, decoders would
    // allocate the announced length.
    count! {
        deserialize_str => deserialize_str()
        deserialize_string => deserialize_str()
        deserialize_unit => deserialize_unit()
        deserialize_unit_struct => deserialize_unit_struct(name: &'static str)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.limiter.count_value()?;
        #[cfg(feature = "json")]
        if self.limiter.bytes_in_base64 {
            return self.inner.deserialize_any(Base64Visitor::new(visitor));
        }
        self.inner.deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.limiter.count_value()?;
        let visitor = self.wrap(visitor);
        self.limiter.nested(|| {
            #[cfg(feature = "json")]
            if self.limiter.bytes_in_base64 && TypeIdentity::of::<V::Value>().is_bytes() {
                return self.inner.deserialize_any(Base64Visitor::of_list(visitor));
            }
            self.inner.deserialize_seq(visitor)
        })
    }

    // A tuple takes no more memory than its elements, and a newtype no more than its content, so
    // neither is counted.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.limiter.count_any()?;
        let visitor = AnyVisitor(self.wrap(visitor));
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.limiter.count_value()?;
        let visitor = AnyVisitor(self.wrap(visitor));
        self.inner.deserialize_ignored_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.wrap(visitor);
        // A `Value` asks for any type by a newtype, which the message does not have.
        if name == value::NEWTYPE {
            return self.inner.deserialize_newtype_struct(name, visitor);
        }
        self.limiter
            .nested(|| self.inner.deserialize_newtype_struct(name, visitor))
    }

    nest! {
        value deserialize_option()
        value deserialize_map()
        free deserialize_tuple(len: usize)
        value deserialize_tuple_struct(name: &'static str, len: usize)
        value deserialize_struct(name: &'static str, fields: &'static [&'static str])
        variant deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! visit_within {
    ($($method:ident($content:ident))*) => {$(
        fn $method<C: $content<'de>>(self, content: C) -> Result<V::Value, C::Error> {
            let content = self.wrap(content);
            self.inner.$method(content)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Limited<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32)
        visit_f64(f64) visit_char(char) visit_str(&str) visit_borrowed_str(&'de str)
        visit_string(String) visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8])
        visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    visit_within! {
        visit_some(Deserializer) visit_newtype_struct(Deserializer) visit_seq(SeqAccess)
        visit_map(MapAccess) visit_enum(EnumAccess)
    }
}

/// Visitor of the name of a field or variant, which is a text.
struct NameVisitor<V>(V);

macro_rules! visit_name {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, name: $type) -> Result<V::Value, E> {
            self.0.$method(name)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for NameVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit_name! {
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Limited<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.wrap(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.limiter.count_element()?;
        let seed = self.wrap(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.limiter.cap_size_hint(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.limiter.count_element()?;
        let seed = self.wrap(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.limiter.cap_size_hint(self.inner.size_hint())
    }
}

impl<'de, 'l, A: EnumAccess<'de>> EnumAccess<'de> for Limited<'l, A> {
    type Error = A::Error;
    type Variant = Limited<'l, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let seed = self.wrap(seed);
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Limited::new(variant, self.limiter)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.wrap(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.wrap(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}
