//! Limits for decoders that have none: of depth, since decoding recurses, and of the number of
//! elements, since an element may take no byte at all.
//!
//! [`Limited`] stands between a type and the deserializer that it reads from. It also has strings and
//! byte strings read as slices of the message, never into memory of an announced length.

use std::cell::Cell;
use std::fmt;

use rpc_core::{FormatError, FormatErrorKind};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// How deep values may be nested. Every level takes stack, as much as the type's own code needs.
const MAX_DEPTH: usize = 128;

/// How many elements a message may have beyond its bytes: those that take none.
const MAX_EMPTY: usize = 1 << 16;

/// How many values a message may have whose types are read from it, as those of a `Value`: they take more memory
/// than bytes. As many as in XML-RPC, and in pickles.
const MAX_ANY: usize = 1_000_000;

/// What is left of the limits for one message.
#[derive(Debug)]
pub(crate) struct Limits {
    depth: Cell<usize>,
    elements: Cell<usize>,
    any: Cell<usize>,
    /// For how many more elements memory may be taken before they are read: types take what is announced,
    /// up to a megabyte for each list, and lists may be in lists.
    announced: Cell<usize>,
    exceeded: Cell<bool>,
}

impl Limits {
    pub(crate) fn new(message: &[u8]) -> Self {
        Self {
            depth: Cell::new(MAX_DEPTH),
            elements: Cell::new(message.len() + MAX_EMPTY),
            any: Cell::new(MAX_ANY),
            announced: Cell::new(message.len()),
            exceeded: Cell::new(false),
        }
    }

    /// The error to report where decoding failed with `message`.
    pub(crate) fn error(&self, kind: FormatErrorKind, message: impl fmt::Display) -> FormatError {
        let kind = if self.exceeded.get() {
            FormatErrorKind::Limit
        } else {
            kind
        };
        FormatError::new(kind, message.to_string())
    }

    fn nested<T, E: Error>(&self, decode: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let depth = self.depth.get();
        if depth == 0 {
            self.exceeded.set(true);
            let message = format_args!("values are nested deeper than {MAX_DEPTH} levels");
            return Err(E::custom(message));
        }
        self.depth.set(depth - 1);
        let result = decode();
        self.depth.set(depth);
        result
    }

    /// What a list may announce of its length.
    fn announce(&self, length: Option<usize>) -> Option<usize> {
        let left = self.announced.get();
        let length = length?.min(left);
        self.announced.set(left - length);
        Some(length)
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        match self.elements.get().checked_sub(1) {
            Some(left) => {
                self.elements.set(left);
                Ok(())
            }
            None => {
                self.exceeded.set(true);
                Err(E::custom("there are more elements than bytes"))
            }
        }
    }

    fn count_any<E: Error>(&self) -> Result<(), E> {
        match self.any.get().checked_sub(1) {
            Some(left) => {
                self.any.set(left);
                Ok(())
            }
            None => {
                self.exceeded.set(true);
                let message = format_args!("there are more than {MAX_ANY} values of any type");
                Err(E::custom(message))
            }
        }
    }
}

/// Something of serde's that reads within limits.
pub(crate) struct Limited<'l, T> {
    inner: T,
    limits: &'l Limits,
}

impl<'l, T> Limited<'l, T> {
    pub(crate) const fn new(inner: T, limits: &'l Limits) -> Self {
        Self { inner, limits }
    }

    const fn wrap<U>(&self, inner: U) -> Limited<'l, U> {
        Limited::new(inner, self.limits)
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

macro_rules! nest {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let visitor = self.wrap(visitor);
            self.limits.nested(|| self.inner.$method($($argument,)* visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_bytes deserialize_unit deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.limits.count_any()?;
        let visitor = self.wrap(visitor);
        self.limits.nested(|| self.inner.deserialize_any(visitor))
    }

    nest! {
        deserialize_ignored_any()
        deserialize_option()
        deserialize_seq()
        deserialize_map()
        deserialize_tuple(len: usize)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.inner.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.inner.deserialize_bytes(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
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

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.wrap(deserializer);
        self.inner.visit_some(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        let deserializer = self.wrap(deserializer);
        self.inner.visit_newtype_struct(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_map(access)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.wrap(access);
        self.inner.visit_enum(access)
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
        self.limits.count()?;
        let seed = self.wrap(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.limits.announce(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.limits.count()?;
        let seed = self.wrap(seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.limits.announce(self.inner.size_hint())
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
        Ok((value, Limited::new(variant, self.limits)))
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

/// A type that is read within limits, for decoders that take a seed.
pub(crate) struct Seed<'l, T> {
    limits: &'l Limits,
    value: std::marker::PhantomData<T>,
}

impl<'l, T> Seed<'l, T> {
    pub(crate) const fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            value: std::marker::PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(Limited::new(deserializer, self.limits))
    }
}
