//! Tags: the outermost types of values in bincode.

use std::convert::Infallible;
use std::fmt;

use farcall_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::ser::{Impossible, Serializer};

use crate::codec::limits::DecodeLimiter;
use crate::rpc::varint;
use farcall_core::protocol::attachment;

/// Type of a value. Tags of tuples and structs include the length, because bincode does not mark
/// their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    kind: TagKind,
    len: u64,
}

macro_rules! tag_kinds {
    ($($name:ident = $byte:literal, $text:literal;)*) => {
        /// Kind of a tag, represented by its byte on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        enum TagKind { $($name = $byte,)* }

        impl TagKind {
            #[inline(always)]
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

tag_kinds! {
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
    const fn new(kind: TagKind) -> Self {
        Self { kind, len: 0 }
    }

    const fn with_len(kind: TagKind, len: usize) -> Self {
        Self {
            kind,
            len: len as u64,
        }
    }

    /// Returns the tag of a value.
    pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let Err(FoundTag(tag)) = value.serialize(TagProbe);
        tag
    }

    const fn has_len(kind: TagKind) -> bool {
        matches!(kind, TagKind::Tuple | TagKind::Struct)
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
        let kind = TagKind::from_byte(byte).ok_or_else(|| {
            let message = format!("{byte:#04x} is not a tag of a value");
            FormatError::new(FormatErrorKind::Syntax, message)
        })?;
        let len = if Self::has_len(kind) {
            varint::read(rest).ok_or_else(Self::missing)?
        } else {
            0
        };
        Ok(Self { kind, len })
    }

    /// Error of a message that is cut off.
    pub(super) fn missing() -> FormatError {
        FormatError::new(FormatErrorKind::Syntax, "the message ends too early")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        match self.kind {
            TagKind::Tuple => write!(f, " of {} elements", self.len),
            TagKind::Struct => write!(f, " of {} fields", self.len),
            _ => Ok(()),
        }
    }
}

/// Deserializer of a value with a known tag. Rejects types that do not match the tag.
pub(super) struct TaggedDeserializer<'l, D> {
    inner: D,
    tag: Tag,
    limiter: &'l DecodeLimiter,
}

impl<'l, 'de, D: Deserializer<'de>> TaggedDeserializer<'l, D> {
    pub(super) const fn new(inner: D, tag: Tag, limiter: &'l DecodeLimiter) -> Self {
        Self {
            inner,
            tag,
            limiter,
        }
    }

    fn mismatch(&self, expected: impl fmt::Display) -> D::Error {
        D::Error::custom(format_args!("expected {expected}, found {}", self.tag))
    }

    /// Decodes a number of the type it was encoded as. The visitor checks that it fits the expected
    /// type.
    fn number<V: Visitor<'de>>(self, visitor: V, expected: TagKind) -> Result<V::Value, D::Error> {
        match self.tag.kind {
            TagKind::U8 => self.inner.deserialize_u8(visitor),
            TagKind::Unsigned => self.inner.deserialize_u64(visitor),
            TagKind::U128 => self.inner.deserialize_u128(visitor),
            TagKind::I8 => self.inner.deserialize_i8(visitor),
            TagKind::Signed => self.inner.deserialize_i64(visitor),
            TagKind::I128 => self.inner.deserialize_i128(visitor),
            TagKind::F32 if expected == TagKind::F64 => self.inner.deserialize_f32(visitor),
            TagKind::F64 if expected == TagKind::F64 => self.inner.deserialize_f64(visitor),
            _ => Err(self.mismatch(expected.text())),
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match self.tag.kind {
            TagKind::Str => self.inner.deserialize_str(visitor),
            TagKind::Char => self.inner.deserialize_char(visitor),
            _ => Err(self.mismatch(TagKind::Str.text())),
        }
    }

    fn tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        let expected = Tag::with_len(TagKind::Tuple, len);
        match self.tag.kind {
            _ if self.tag == expected => self.inner.deserialize_tuple(len, visitor),
            TagKind::Seq => self.inner.deserialize_seq(visitor),
            _ => Err(self.mismatch(expected)),
        }
    }
}

macro_rules! numbers {
    ($($method:ident: $kind:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.number(visitor, TagKind::$kind)
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
                TagKind::$kind => self.inner.$method($($argument,)* visitor),
                _ => Err(self.mismatch(TagKind::$kind.text())),
            }
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TaggedDeserializer<'_, D> {
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
            TagKind::Option => self.inner.deserialize_option(visitor),
            TagKind::Unit => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        match (self.tag.kind, usize::try_from(self.tag.len)) {
            (TagKind::Seq, _) => self.inner.deserialize_seq(visitor),
            (TagKind::Tuple, Ok(len)) => self.inner.deserialize_tuple(len, visitor),
            _ => Err(self.mismatch(TagKind::Seq.text())),
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
        let expected = Tag::with_len(TagKind::Struct, fields.len());
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
            (TagKind::Attachment, attachment::NAME) => {
                self.inner.deserialize_newtype_struct(name, visitor)
            }
            (TagKind::Attachment, _) => Err(self.mismatch(format_args!("`{name}`"))),
            (_, attachment::NAME) => Err(self.mismatch(TagKind::Attachment.text())),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.limiter.count_any()?;
        match self.tag.kind {
            TagKind::Bool => self.inner.deserialize_bool(visitor),
            TagKind::Char | TagKind::Str => self.text(visitor),
            TagKind::Bytes => self.inner.deserialize_bytes(visitor),
            TagKind::Unit => self.inner.deserialize_unit(visitor),
            TagKind::Seq
            | TagKind::Tuple
            | TagKind::Map
            | TagKind::Struct
            | TagKind::Enum
            | TagKind::Option
            | TagKind::Attachment => Err(D::Error::custom(format_args!(
                "bincode does not describe the contents of {}: a value of any type needs a \
                 self-describing encoding, such as MessagePack",
                self.tag
            ))),
            _ => self.number(visitor, TagKind::F64),
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

/// Serializer that stops at the outermost type of a value, with its tag as the error: serde cannot
/// stop at sequences, maps and structs in another way.
struct TagProbe;

/// Tag as an error.
#[derive(Debug)]
struct FoundTag(Tag);

impl fmt::Display for FoundTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FoundTag {}

impl serde::ser::Error for FoundTag {
    /// The value cannot be serialized at all. The tag is irrelevant: encoding the value returns the
    /// error.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Tag::new(TagKind::Unit))
    }
}

macro_rules! found_tags {
    ($($method:ident($($argument:ty),*) -> $ok:ident: $kind:ident;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self::$ok, FoundTag> {
            Err(FoundTag(Tag::new(TagKind::$kind)))
        }
    )*};
}

impl Serializer for TagProbe {
    type Ok = Infallible;
    type Error = FoundTag;
    type SerializeSeq = Impossible<Infallible, FoundTag>;
    type SerializeTuple = Impossible<Infallible, FoundTag>;
    type SerializeTupleStruct = Impossible<Infallible, FoundTag>;
    type SerializeTupleVariant = Impossible<Infallible, FoundTag>;
    type SerializeMap = Impossible<Infallible, FoundTag>;
    type SerializeStruct = Impossible<Infallible, FoundTag>;
    type SerializeStructVariant = Impossible<Infallible, FoundTag>;

    found_tags! {
        serialize_bool(bool) -> Ok: Bool;
        serialize_u8(u8) -> Ok: U8;
        serialize_u16(u16) -> Ok: Unsigned;
        serialize_u32(u32) -> Ok: Unsigned;
        serialize_u64(u64) -> Ok: Unsigned;
        serialize_u128(u128) -> Ok: U128;
        serialize_i8(i8) -> Ok: I8;
        serialize_i16(i16) -> Ok: Signed;
        serialize_i32(i32) -> Ok: Signed;
        serialize_i64(i64) -> Ok: Signed;
        serialize_i128(i128) -> Ok: I128;
        serialize_f32(f32) -> Ok: F32;
        serialize_f64(f64) -> Ok: F64;
        serialize_char(char) -> Ok: Char;
        serialize_str(&str) -> Ok: Str;
        serialize_bytes(&[u8]) -> Ok: Bytes;
        serialize_none() -> Ok: Option;
        serialize_unit() -> Ok: Unit;
        serialize_unit_struct(&'static str) -> Ok: Unit;
        serialize_unit_variant(&'static str, u32, &'static str) -> Ok: Enum;
        serialize_seq(Option<usize>) -> SerializeSeq: Seq;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> SerializeTupleVariant: Enum;
        serialize_map(Option<usize>) -> SerializeMap: Map;
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> SerializeStructVariant: Enum;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Infallible, FoundTag> {
        Err(FoundTag(Tag::new(TagKind::Option)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Infallible, FoundTag> {
        match name {
            attachment::NAME => Err(FoundTag(Tag::new(TagKind::Attachment))),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Infallible, FoundTag> {
        Err(FoundTag(Tag::new(TagKind::Enum)))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, FoundTag> {
        Err(FoundTag(Tag::with_len(TagKind::Tuple, len)))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, FoundTag> {
        Err(FoundTag(Tag::with_len(TagKind::Tuple, len)))
    }

    fn serialize_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, FoundTag> {
        Err(FoundTag(Tag::with_len(TagKind::Struct, len)))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
