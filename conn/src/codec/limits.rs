//! The limits of all codecs, and how they are kept where a decoder has none: of depth, since decoding
//! recurses; of the number of values, since they take more memory than bytes; and of elements, since one may
//! take no byte at all.
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

use super::pickle;

/// How many elements a message may have beyond its bytes: those that take none.
const MAX_EMPTY: usize = 1 << 16;

/// For how many bytes a message may have one more value of a known type. The memory of these is then in
/// proportion to the message, and no long list of real data is refused.
const BYTES_OF_VALUE: usize = 8;

/// What a codec is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodecLimits {
    /// How deep values may be nested. Every level takes stack, as much as the type's own code needs.
    pub(crate) max_depth: u8,
    /// How many values a message may have.
    pub(crate) max_values: usize,
}

impl CodecLimits {
    /// Those of codecs that say nothing else, and of calls over connections.
    pub(crate) const DEFAULT: Self = Self {
        max_depth: 128,
        max_values: 1_000_000,
    };

    /// What may be read of this message.
    pub(crate) fn limiter(self, message: &[u8]) -> DecodeLimiter {
        let values = self
            .max_values
            .saturating_add(message.len() / BYTES_OF_VALUE);
        DecodeLimiter {
            limits: self,
            max_typed: values,
            depth: Cell::new(self.max_depth),
            elements: Cell::new(message.len() + MAX_EMPTY),
            values: Cell::new(values),
            any: Cell::new(self.max_values),
            reservable: Cell::new(message.len()),
            exceeded: Cell::new(false),
        }
    }
}

impl Default for CodecLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The setters of a codec that has [`CodecLimits`].
macro_rules! setters {
    ($codec:ident) => {
        impl $codec {
            /// How deep the values of a message may be nested that is decoded. Default: 128, which is more than
            /// programs nest their data. Every level takes stack. Lists, maps, structs, options and newtypes are a
            /// level each; a [`Value`](rpc_core::Value) is two.
            #[must_use]
            pub const fn max_depth(mut self, max_depth: u8) -> Self {
                self.limits.max_depth = max_depth;
                self
            }

            /// How many values a message may have that is decoded. Default: 1,000,000, as in XML-RPC and in
            /// pickles.
            ///
            /// It is the limit for values whose type is only known from the message, such as those of a
            /// `Value`, and of `untagged` enums. Of values of known types there may be one more for every 8 bytes
            /// of the message, so that their memory is in proportion to it; numbers, booleans,
            /// characters and tuples do not count among them: none takes more than 16 bytes.
            #[must_use]
            pub const fn max_values(mut self, max_values: usize) -> Self {
                self.limits.max_values = max_values;
                self
            }
        }
    };
}

pub(super) use setters;

/// What is left of the limits for one message.
#[derive(Debug)]
pub(crate) struct DecodeLimiter {
    limits: CodecLimits,
    max_typed: usize,
    depth: Cell<u8>,
    elements: Cell<usize>,
    values: Cell<usize>,
    /// Of those, how many may be of a type that is known from the message alone.
    any: Cell<usize>,
    /// For how many more elements memory may be taken before they are read: types take what is announced,
    /// up to a megabyte for each list, and lists may be in lists.
    reservable: Cell<usize>,
    exceeded: Cell<bool>,
}

impl DecodeLimiter {
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
        let Some(deeper) = depth.checked_sub(1) else {
            let max = self.limits.max_depth;
            return Err(self.exceed(format_args!("values are nested deeper than {max} levels")));
        };
        self.depth.set(deeper);
        let result = decode();
        self.depth.set(depth);
        result
    }

    /// What a list may announce of its length.
    fn cap_size_hint(&self, length: Option<usize>) -> Option<usize> {
        let left = self.reservable.get();
        let length = length?.min(left);
        self.reservable.set(left - length);
        Some(length)
    }

    /// Counts an element, of whatever type.
    fn count_element<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.elements) {
            return Ok(());
        }
        Err(self.exceed(format_args!("there are more elements than bytes")))
    }

    /// Counts a value of a known type that may take much more memory than it has bytes.
    pub(crate) fn count_value<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.values) {
            return Ok(());
        }
        let max = self.max_typed;
        Err(self.exceed(format_args!("the message has more than {max} values")))
    }

    /// Counts a value whose type is known from the message alone.
    pub(crate) fn count_any<E: Error>(&self) -> Result<(), E> {
        self.count_value()?;
        if take_one(&self.any) {
            return Ok(());
        }
        let max = self.limits.max_values;
        Err(self.exceed(format_args!(
            "the message has more than {max} values of any type"
        )))
    }

    #[cold]
    fn exceed<E: Error>(&self, message: fmt::Arguments<'_>) -> E {
        self.exceeded.set(true);
        E::custom(message)
    }
}

/// Takes one, if there is one left.
#[inline]
fn take_one(left: &Cell<usize>) -> bool {
    match left.get().checked_sub(1) {
        Some(less) => {
            left.set(less);
            true
        }
        None => false,
    }
}

/// Something of serde's that reads within limits.
pub(crate) struct Limited<'l, T> {
    inner: T,
    limiter: &'l DecodeLimiter,
}

impl<'l, T> Limited<'l, T> {
    pub(crate) const fn new(inner: T, limiter: &'l DecodeLimiter) -> Self {
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

/// What has nothing within it, but takes memory of its own.
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
            nest!(@$count self);
            let visitor = self.wrap(visitor);
            self.limiter.nested(|| self.inner.$method($($argument,)* visitor))
        }
    )*};
    (@any $self:ident) => { $self.limiter.count_any()? };
    (@value $self:ident) => { $self.limiter.count_value()? };
    (@free $self:ident) => {};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_identifier
    }

    // Decoders would read owned ones into memory of the length that is announced.
    count! {
        deserialize_str => deserialize_str()
        deserialize_string => deserialize_str()
        deserialize_bytes => deserialize_bytes()
        deserialize_byte_buf => deserialize_bytes()
        deserialize_unit => deserialize_unit()
        deserialize_unit_struct => deserialize_unit_struct(name: &'static str)
    }

    // A tuple has no more than its elements have, and a newtype no more than what it is of.
    nest! {
        any deserialize_any()
        value deserialize_ignored_any()
        value deserialize_option()
        value deserialize_seq()
        value deserialize_map()
        free deserialize_tuple(len: usize)
        free deserialize_newtype_struct(name: &'static str)
        value deserialize_tuple_struct(name: &'static str, len: usize)
        value deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        // Python's values are an enum, and as much as other values of any type.
        if name == pickle::VALUE {
            self.limiter.count_any()?;
        } else {
            self.limiter.count_value()?;
        }
        let visitor = self.wrap(visitor);
        self.limiter
            .nested(|| self.inner.deserialize_enum(name, variants, visitor))
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

/// A type that is read within limits, for decoders that take a seed.
pub(crate) struct Seed<'l, T> {
    limiter: &'l DecodeLimiter,
    value: std::marker::PhantomData<T>,
}

impl<'l, T> Seed<'l, T> {
    pub(crate) const fn new(limiter: &'l DecodeLimiter) -> Self {
        Self {
            limiter,
            value: std::marker::PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(Limited::new(deserializer, self.limiter))
    }
}
