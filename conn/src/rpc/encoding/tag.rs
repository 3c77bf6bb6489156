//! Tags: what a value of bincode is, by its outermost type.

use std::fmt;

use rpc_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::ser::{Impossible, Serializer};

use crate::codec::limits::DecodeLimiter;
use crate::rpc::{attachment, varint};

/// What a value is. Tuples and structs have their length with them, as bincode does not say where they
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    kind: Kind,
    len: u64,
}

macro_rules! kinds {
    ($($name:ident = $byte:literal, $text:literal;)*) => {
        /// The kinds, by the byte that stands for them on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        enum Kind { $($name = $byte,)* }

        impl Kind {
            fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(Self::$name),)*
                    _ => None,
                }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    Bool = b'?', "a boolean";
    U8 = b'b', "an integer";
    Unsigned = b'u', "an integer";
    U128 = b'U', "an integer";
    I8 = b'c', "an integer";
    Signed = b'i', "an integer";
    I128 = b'I', "an integer";
    F32 = b'f', "a number";
    F64 = b'd', "a number";
    Char = b'C', "a character";
    Str = b's', "a string";
    Bytes = b'y', "bytes";
    Unit = b'0', "nothing";
    Option = b'o', "an option";
    Seq = b'l', "a list";
    Tuple = b't', "a tuple";
    Map = b'm', "a map";
    Struct = b'r', "a struct";
    Enum = b'e', "an enum";
    Attachment = b'*', "an object or a stream";
}

impl Tag {
    const fn new(kind: Kind) -> Self {
        Self { kind, len: 0 }
    }

    const fn with_len(kind: Kind, len: usize) -> Self {
        Self {
            kind,
            len: len as u64,
        }
    }

    /// What the value is.
    pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        match value.serialize(Probe) {
            Ok(tag) | Err(Found(tag)) => tag,
        }
    }

    const fn has_len(kind: Kind) -> bool {
        matches!(kind, Kind::Tuple | Kind::Struct)
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        if Self::has_len(self.kind) {
            varint::write(self.len, out);
        }
    }

    #[inline]
    pub(super) fn read(rest: &mut &[u8]) -> Result<Self, FormatError> {
        let (&byte, behind) = rest.split_first().ok_or_else(Self::missing)?;
        *rest = behind;
        let kind = Kind::from_byte(byte).ok_or_else(|| {
            let message = format!("{byte:#04x} is no tag of a value");
            FormatError::new(FormatErrorKind::Syntax, message)
        })?;
        let len = match Self::has_len(kind) {
            true => varint::read(rest).ok_or_else(Self::missing)?,
            false => 0,
        };
        Ok(Self { kind, len })
    }

    /// The error where there should be more.
    pub(super) fn missing() -> FormatError {
        FormatError::new(FormatErrorKind::Syntax, "the message ends too early")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        match self.kind {
            Kind::Tuple => write!(f, " of {} elements", self.len),
            Kind::Struct => write!(f, " of {} fields", self.len),
            _ => Ok(()),
        }
    }
}

/// Reads a value of which the tag is known.
pub(super) struct Tagged<'l, D> {
    inner: D,
    tag: Tag,
    budget: &'l DecodeLimiter,
}

impl<'l, 'de, D: Deserializer<'de>> Tagged<'l, D> {
    pub(super) const fn new(inner: D, tag: Tag, budget: &'l DecodeLimiter) -> Self {
        Self { inner, tag, budget }
    }

    fn mismatch(&self, expected: impl fmt::Display) -> D::Error {
        D::Error::custom(format_args!("expected {expected}, found {}", self.tag))
    }

    /// A number of whatever type it was written as; the visitor checks whether it fits.
    fn number<V: Visitor<'de>>(self, visitor: V, expected: Kind) -> Result<V::Value, D::Error> {
        match self.tag.kind {
            Kind::U8 => self.inner.deserialize_u8(visitor),
            Kind::Unsigned => self.inner.deserialize_u64(visitor),
            Kind::U128 => self.inner.deserialize_u128(visitor),
            Kind::I8 => self.inner.deserialize_i8(visitor),
            Kind::Signed => self.inner.deserialize_i64(visitor),
            Kind::I128 => self.inner.deserialize_i128(visitor),
            Kind::F32 if expected == Kind::F64 => self.inner.deserialize_f32(visitor),
            Kind::F64 if expected == Kind::F64 => self.inner.deserialize_f64(visitor),
            _ => Err(self.mismatch(expected.text())),
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match self.tag.kind {
            Kind::Str => self.inner.deserialize_str(visitor),
            Kind::Char => self.inner.deserialize_char(visitor),
            _ => Err(self.mismatch(Kind::Str.text())),
        }
    }

    fn tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        let expected = Tag::with_len(Kind::Tuple, len);
        match self.tag.kind {
            _ if self.tag == expected => self.inner.deserialize_tuple(len, visitor),
            Kind::Seq => self.inner.deserialize_seq(visitor),
            _ => Err(self.mismatch(expected)),
        }
    }
}

macro_rules! numbers {
    ($($method:ident: $kind:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.number(visitor, Kind::$kind)
        }
    )*};
}

macro_rules! exact {
    ($($method:ident($($argument:ident: $type:ty),*): $kind:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            match self.tag.kind {
                Kind::$kind => self.inner.$method($($argument,)* visitor),
                _ => Err(self.mismatch(Kind::$kind.text())),
            }
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<'_, D> {
    type Error = D::Error;

    numbers! {
        deserialize_i8: Signed;
        deserialize_i16: Signed;
        deserialize_i32: Signed;
        deserialize_i64: Signed;
        deserialize_i128: Signed;
        deserialize_u8: Unsigned;
        deserialize_u16: Unsigned;
        deserialize_u32: Unsigned;
        deserialize_u64: Unsigned;
        deserialize_u128: Unsigned;
        deserialize_f32: F64;
        deserialize_f64: F64;
    }

    exact! {
        deserialize_bool(): Bool;
        deserialize_char(): Char;
        deserialize_bytes(): Bytes;
        deserialize_byte_buf(): Bytes;
        deserialize_unit(): Unit;
        deserialize_unit_struct(name: &'static str): Unit;
        deserialize_map(): Map;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]): Enum;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match self.tag.kind {
            Kind::Option => self.inner.deserialize_option(visitor),
            Kind::Unit => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match (self.tag.kind, usize::try_from(self.tag.len)) {
            (Kind::Seq, _) => self.inner.deserialize_seq(visitor),
            (Kind::Tuple, Ok(len)) => self.inner.deserialize_tuple(len, visitor),
            _ => Err(self.mismatch(Kind::Seq.text())),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let expected = Tag::with_len(Kind::Struct, fields.len());
        if self.tag == expected {
            return self.inner.deserialize_struct(name, fields, visitor);
        }
        Err(self.mismatch(format_args!("`{name}`, {expected}")))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        match (self.tag.kind, name) {
            (Kind::Attachment, attachment::NAME) => {
                self.inner.deserialize_newtype_struct(name, visitor)
            }
            (Kind::Attachment, _) | (_, attachment::NAME) => {
                Err(self.mismatch(Kind::Attachment.text()))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.budget.count_any()?;
        match self.tag.kind {
            Kind::Bool => self.inner.deserialize_bool(visitor),
            Kind::Char | Kind::Str => self.text(visitor),
            Kind::Bytes => self.inner.deserialize_bytes(visitor),
            Kind::Unit => self.inner.deserialize_unit(visitor),
            Kind::Seq
            | Kind::Tuple
            | Kind::Map
            | Kind::Struct
            | Kind::Enum
            | Kind::Option
            | Kind::Attachment => Err(D::Error::custom(format_args!(
                "bincode does not say what is in {}: values of any type need an encoding that does, \
                 such as MessagePack",
                self.tag
            ))),
            _ => self.number(visitor, Kind::F64),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Stops at the first thing that it is told, which is what the value is.
struct Probe;

/// What was found, where serde leaves no other way to give it back.
#[derive(Debug)]
struct Found(Tag);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Found {}

impl serde::ser::Error for Found {
    /// The value cannot be written at all: its encoder will say why.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Tag::new(Kind::Unit))
    }
}

macro_rules! found {
    ($($method:ident($($argument:ty),*): $kind:ident;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Tag, Found> {
            Ok(Tag::new(Kind::$kind))
        }
    )*};
}

impl Serializer for Probe {
    type Ok = Tag;
    type Error = Found;
    type SerializeSeq = Impossible<Tag, Found>;
    type SerializeTuple = Impossible<Tag, Found>;
    type SerializeTupleStruct = Impossible<Tag, Found>;
    type SerializeTupleVariant = Impossible<Tag, Found>;
    type SerializeMap = Impossible<Tag, Found>;
    type SerializeStruct = Impossible<Tag, Found>;
    type SerializeStructVariant = Impossible<Tag, Found>;

    found! {
        serialize_bool(bool): Bool;
        serialize_u8(u8): U8;
        serialize_u16(u16): Unsigned;
        serialize_u32(u32): Unsigned;
        serialize_u64(u64): Unsigned;
        serialize_u128(u128): U128;
        serialize_i8(i8): I8;
        serialize_i16(i16): Signed;
        serialize_i32(i32): Signed;
        serialize_i64(i64): Signed;
        serialize_i128(i128): I128;
        serialize_f32(f32): F32;
        serialize_f64(f64): F64;
        serialize_char(char): Char;
        serialize_str(&str): Str;
        serialize_bytes(&[u8]): Bytes;
        serialize_none(): Option;
        serialize_unit(): Unit;
        serialize_unit_struct(&'static str): Unit;
        serialize_unit_variant(&'static str, u32, &'static str): Enum;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Tag, Found> {
        Ok(Tag::new(Kind::Option))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Tag, Found> {
        match name {
            attachment::NAME => Ok(Tag::new(Kind::Attachment)),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Tag, Found> {
        Ok(Tag::new(Kind::Enum))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Found> {
        Err(Found(Tag::new(Kind::Seq)))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, Found> {
        Err(Found(Tag::with_len(Kind::Tuple, len)))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, Found> {
        Err(Found(Tag::with_len(Kind::Tuple, len)))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Found> {
        Err(Found(Tag::new(Kind::Enum)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Found> {
        Err(Found(Tag::new(Kind::Map)))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Self::SerializeStruct, Found> {
        Err(Found(Tag::with_len(Kind::Struct, len)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Found> {
        Err(Found(Tag::new(Kind::Enum)))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
