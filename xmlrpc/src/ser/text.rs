//! Serializers that accept only a text, or only a byte.

use farcall_core::{FormatError, refuse_to_serialize};
use serde::ser::{Serialize, Serializer};

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

    refuse_to_serialize!(float bytes unit list compound);

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

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), FormatError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), FormatError> {
        value.serialize(self)
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

    refuse_to_serialize!(bool other_integer float text bytes unit wrapper list compound);

    fn serialize_u8(self, v: u8) -> Result<u8, FormatError> {
        Ok(v)
    }
}
