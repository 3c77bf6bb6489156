//! Limits of all codecs, for decoders that have none of their own.
//!
//! The depth is limited since decoding recurses. The number of values is limited since a value
//! takes more memory than its bytes in the message. The number of elements is limited since an
//! element may take no byte at all.
//!
//! [`Limited`] wraps the deserializer that a type reads from. It also reads strings and byte
//! strings as slices of the message, so that no decoder allocates the length that a message
//! announces.

mod any;
#[cfg(feature = "json")]
mod base64;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use self::any::AnyVisitor;
#[cfg(feature = "json")]
use self::base64::Base64Visitor;
use crate::error::{FormatError, FormatErrorKind};
#[cfg(feature = "json")]
use crate::type_identity::TypeIdentity;
use crate::value;

/// Name of the enum as which `farcall_pickle::Value` is serialised: its `VALUE_NAME`. A program can
/// send these values without the feature `pickle`, by another codec.
pub const PICKLE_VALUE: &str = "$farcall::pickle::Value";

/// Maximum elements of a message beyond one for each of its bytes, for elements that take no bytes.
const MAX_EMPTY: usize = 1 << 16;

/// Bytes of a message that allow one more value of a known type. The memory of these values is then
/// proportional to the length of the message, and no long list of real data is rejected.
const BYTES_OF_VALUE: usize = 8;

/// Limits of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecLimits {
    /// Maximum depth of nested values. Every level takes stack: as much as the type's own code
    /// needs.
    pub max_depth: u8,
    /// Maximum number of values in a message.
    pub max_values: usize,
}

impl CodecLimits {
    /// The default of every codec with these limits, and the limits of calls over connections.
    pub const DEFAULT: Self = Self {
        max_depth: 128,
        max_values: 1_000_000,
    };

    /// Returns the limiter for decoding `message`.
    pub fn limiter(self, message: &[u8]) -> DecodeLimiter {
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
            lacks_integer: Cell::new(false),
            names_only: false,
            #[cfg(feature = "json")]
            bytes_in_base64: false,
        }
    }
}

impl Default for CodecLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Defines a codec that has [`CodecLimits`](crate::protocol::limits::CodecLimits), with their
/// setters.
#[doc(hidden)]
#[macro_export]
macro_rules! limited_codec {
    ($(#[$doc:meta])* $codec:ident) => {
        $(#[$doc])*
        ///
        /// [Depth](Self::max_depth) and [number of values](Self::max_values) are limited, and the
        /// memory for decoding is proportional to the length of the message.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $codec {
            limits: $crate::protocol::limits::CodecLimits,
        }

        impl $codec {
            /// Maximum depth of nested values in a decoded message. Default: 128, which is more
            /// than programs nest their data. At most 255, since every level takes stack. Lists,
            /// maps, structs, options and newtypes are one level each, also within a `Value`.
            #[must_use]
            pub const fn max_depth(mut self, max_depth: usize) -> Self {
                self.limits.max_depth = $crate::protocol::limits::depth(max_depth);
                self
            }

            /// Maximum number of values in a decoded message. Default: 1,000,000, as in XML-RPC and
            /// in pickles.
            ///
            /// The limit applies to values whose type is known from the message only, such as those
            /// of a `Value` or of an `untagged` enum. For values of known types, it is raised by
            /// one for every 8 bytes of the message, so that their memory is proportional to its
            /// length. Numbers, booleans, characters and tuples are not counted among these: none
            /// of them takes more than 16 bytes.
            #[must_use]
            pub const fn max_values(mut self, max_values: usize) -> Self {
                self.limits.max_values = max_values;
                self
            }
        }
    };
}

/// Limits a depth to the maximum setting, which fits the stack of a thread.
pub const fn depth(max_depth: usize) -> u8 {
    if max_depth < 255 {
        max_depth as u8
    } else {
        255
    }
}

/// Applies [`CodecLimits`] while one message is decoded: counts down what is left of each limit.
#[derive(Debug)]
pub struct DecodeLimiter {
    limits: CodecLimits,
    max_typed: usize,
    depth: Cell<u8>,
    elements: Cell<usize>,
    values: Cell<usize>,
    /// The part of `values` whose type may be known from the message only.
    any: Cell<usize>,
    /// Elements for which memory may still be reserved before they are read. Types reserve the
    /// announced length, up to a megabyte for each list, and lists may be nested.
    reservable: Cell<usize>,
    /// `true` once a limit was exceeded.
    exceeded: Cell<bool>,
    /// `true` if the last number that was not found was an integer.
    lacks_integer: Cell<bool>,
    /// `true` if fields and variants have their names and nothing else.
    names_only: bool,
    /// `true` if bytes are texts in base64.
    #[cfg(feature = "json")]
    bytes_in_base64: bool,
}

impl DecodeLimiter {
    /// Creates the error of a failed decoding. Its kind is `Limit` if a limit was exceeded, or else
    /// `kind`.
    pub fn error(&self, kind: FormatErrorKind, message: impl fmt::Display) -> FormatError {
        let kind = if self.exceeded.get() {
            FormatErrorKind::Limit
        } else {
            kind
        };
        FormatError::new(kind, message.to_string())
    }

    /// Refuses the position of a field or variant in the place of its name: for formats that
    /// describe themselves, where an integer is a number that the caller means. The types of serde
    /// accept both, for formats such as bincode.
    #[must_use]
    pub const fn names_only(mut self) -> Self {
        self.names_only = true;
        self
    }

    /// Reads texts in base64 (RFC 4648, 4) where a type expects bytes: for formats without
    /// bytes, such as JSON. Lists of numbers are bytes, too.
    #[cfg(feature = "json")]
    #[must_use]
    pub const fn bytes_in_base64(mut self) -> Self {
        self.bytes_in_base64 = true;
        self
    }

    /// Returns the seed of a type that is decoded within these limits.
    pub const fn seed<T>(&self) -> Limited<'_, PhantomData<T>> {
        Limited::new(PhantomData, self)
    }

    /// Returns `true` if the last number that was expected and not found was an integer.
    pub const fn lacks_integer(&self) -> bool {
        self.lacks_integer.get()
    }

    /// Runs `decode` one level deeper.
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

    /// Caps the announced length of a list to the elements that may still be reserved.
    fn cap_size_hint(&self, length: Option<usize>) -> Option<usize> {
        let left = self.reservable.get();
        let length = length?.min(left);
        self.reservable.set(left - length);
        Some(length)
    }

    /// Counts an element of any type.
    fn count_element<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.elements) {
            return Ok(());
        }
        Err(self.exceed(format_args!("the message has more elements than bytes")))
    }

    /// Counts a value of a known type that may take much more memory than its bytes in the message.
    pub fn count_value<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.values) {
            return Ok(());
        }
        let max = self.max_typed;
        Err(self.exceed(format_args!("the message has more than {max} values")))
    }

    /// Counts a value whose type is known from the message only.
    pub fn count_any<E: Error>(&self) -> Result<(), E> {
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

/// Decrements `left`. Returns `false` if it was zero.
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
