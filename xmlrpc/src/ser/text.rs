//! Serializers that accept only a text, or only a byte.

use farcall_core::FormatError;
use serde::ser::{Impossible, Serialize, Serializer};

use super::refused;

/// Passes the text of a string, an integer or a boolean to `then`.
pub(super) struct TextOf<F> {
    role: &'static str,
    then: F,
}

impl<F: FnOnce(&str) -> Result<(), FormatError>> TextOf<F> {
    pub(super) const fn new(role: &'static str, then: F) -> Self {
        Self { role, then }
    }

    fn refuse(&self) -> FormatError {
        refused(format!("{} cannot be written as text", self.role))
    }
}

/// Refuses every type that is neither a text nor a byte.
macro_rules! refuse {
    ($($method:ident($($arg:ty),*) $(-> $ok:ty)?;)*) => {$(
        fn $method(self, $(_: $arg),*) -> Result<refuse!(@ok $($ok)?), FormatError> {
            Err(self.refuse())
        }
    )*};
    (@ok) => { Self::Ok };
    (@ok $ok:ty) => { $ok };
    (@compound) => {
        type SerializeSeq = Impossible<Self::Ok, FormatError>;
        type SerializeTuple = Impossible<Self::Ok, FormatError>;
        type SerializeTupleStruct = Impossible<Self::Ok, FormatError>;
        type SerializeTupleVariant = Impossible<Self::Ok, FormatError>;
        type SerializeMap = Impossible<Self::Ok, FormatError>;
        type SerializeStruct = Impossible<Self::Ok, FormatError>;
        type SerializeStructVariant = Impossible<Self::Ok, FormatError>;

        refuse! {
            serialize_f32(f32);
            serialize_f64(f64);
            serialize_bytes(&[u8]);
            serialize_none();
            serialize_unit();
            serialize_unit_struct(&'static str);
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeTupleVariant;
            serialize_map(Option<usize>) -> Self::SerializeMap;
            serialize_struct(&'static str, usize) -> Self::SerializeStruct;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeStructVariant;
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, FormatError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<Self::Ok, FormatError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, FormatError> {
            Err(self.refuse())
        }
    };
}

macro_rules! numbers {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, v: $type) -> Result<(), FormatError> {
            (self.then)(itoa::Buffer::new().format(v))
        }
    )*};
}

impl<F: FnOnce(&str) -> Result<(), FormatError>> Serializer for TextOf<F> {
    type Ok = ();
    type Error = FormatError;

    refuse!(@compound);

    numbers! {
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
    }

    fn serialize_bool(self, v: bool) -> Result<(), FormatError> {
        (self.then)(if v { "true" } else { "false" })
    }

    fn serialize_char(self, v: char) -> Result<(), FormatError> {
        (self.then)(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), FormatError> {
        (self.then)(v)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), FormatError> {
        (self.then)(variant)
    }
}

/// Extracts the byte of a value whose type is known to be `u8`.
pub(super) struct ByteOf;

impl ByteOf {
    fn refuse(&self) -> FormatError {
        refused("expected a byte")
    }
}

impl Serializer for ByteOf {
    type Ok = u8;
    type Error = FormatError;

    refuse!(@compound);

    refuse! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_bool(bool);
        serialize_char(char);
        serialize_str(&str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_u8(self, v: u8) -> Result<u8, FormatError> {
        Ok(v)
    }
}
