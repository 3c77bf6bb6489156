//! Serialization of serde types directly to XML.

mod compound;
mod text;

use std::fmt::Display;

use farcall_core::protocol::TypeIdentity;
use farcall_core::{FormatError, FormatErrorKind};
use serde::ser::{Serialize, Serializer};

use crate::format::XmlRpc;
use crate::xml::write;

use compound::{Elements, List, Members};
use text::TextOf;

/// The role of a value in the document, where it affects how the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The whole result of a call.
    Result,
    /// A member of a struct, which can be left out.
    Member,
    /// Any other value.
    Inner,
    /// The arguments of a call, as `<params>`.
    Params,
    /// The arguments of a call, as one array.
    ParamsArray,
}

/// Appends a value.
///
/// # Errors
/// If the value cannot be represented. The part written before the error stays in `out`.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    format: &XmlRpc,
    role: Role,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let depth = if role == Role::Params { 0 } else { 1 };
    let ser = Ser::child::<T>(out, format, depth, role)?;
    value.serialize(ser).map(|_| ())
}

/// Writes one value. The result is `false` if nothing was written: the member is left out then.
pub(crate) struct Ser<'o> {
    out: &'o mut Vec<u8>,
    /// Borrowed, since every value has it.
    format: &'o XmlRpc,
    depth: usize,
    role: Role,
    /// The type of the value, which tells whether a list must be written as base64.
    identity: TypeIdentity,
}

fn refused(message: impl Into<String>) -> FormatError {
    FormatError::new(FormatErrorKind::Unrepresentable, message)
}

/// The error of an integer beyond `<i8>`. `<ex:biginteger>`, which is read, is an extension of one
/// Java library, and peers in C would take digits beyond 64 bits in `<i8>` for another number.
#[cold]
fn beyond_i8(number: impl Display) -> FormatError {
    refused(format!(
        "the number {number} cannot be written: integers of XML-RPC are from -2^63 to 2^63 - 1"
    ))
}

#[cold]
fn too_deep(format: &XmlRpc) -> FormatError {
    refused(format!(
        "the values are nested more than {} deep",
        format.max_depth
    ))
}

/// Checks that a text fits into the message when escaped. Checked before writing, because a single
/// text can be large.
fn check_text(format: &XmlRpc, out: &[u8], text: &str) -> Result<(), FormatError> {
    // `&amp;` is the longest escape. Most texts fit even at this upper bound.
    const LONGEST: usize = "&amp;".len();
    let most = text.len().saturating_mul(LONGEST);
    if format.check_written(out.len(), most).is_ok() {
        return Ok(());
    }
    let longer = text.bytes().map(|byte| match byte {
        b'&' | b'\r' => LONGEST,
        b'<' | b'>' => "&lt;".len(),
        b'\t' | b'\n' => 1,
        // A forbidden character, where it is replaced.
        0..b' ' => char::REPLACEMENT_CHARACTER.len_utf8(),
        _ => 1,
    });
    format.check_written(out.len(), longer.sum())
}

/// Checks that bytes fit into the message as base64.
fn check_bytes(format: &XmlRpc, out: &[u8], bytes: &[u8]) -> Result<(), FormatError> {
    format.check_written(out.len(), bytes.len().div_ceil(3).saturating_mul(4))
}

impl<'o> Ser<'o> {
    /// Creates the serializer of a nested value.
    fn child<T: ?Sized>(
        out: &'o mut Vec<u8>,
        format: &'o XmlRpc,
        depth: usize,
        role: Role,
    ) -> Result<Self, FormatError> {
        if depth > usize::from(format.max_depth) {
            return Err(too_deep(format));
        }
        format.check_written(out.len(), 0)?;
        Ok(Self {
            out,
            format,
            depth,
            role,
            identity: TypeIdentity::of::<T>(),
        })
    }

    /// Returns the serializer for the content of a wrapper that does not appear on the wire.
    fn unwrapped<T: ?Sized>(self) -> Self {
        Self {
            identity: TypeIdentity::of::<T>(),
            ..self
        }
    }

    fn variant(self, variant: &str) -> Result<Members<'o>, FormatError> {
        let mut members = Members::new(self.out, self.format, self.depth);
        members.name(variant)?;
        Ok(members)
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, v: $type) -> Result<bool, FormatError> {
            self.serialize_i64(v.into())
        }
    )*};
}

macro_rules! wide_integers {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, v: $type) -> Result<bool, FormatError> {
            match i64::try_from(v) {
                Ok(v) => self.serialize_i64(v),
                Err(_) => Err(beyond_i8(v)),
            }
        }
    )*};
}

macro_rules! doubles {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, v: $type) -> Result<bool, FormatError> {
            if v.is_finite() {
                write::double(v, self.out);
            } else if self.format.non_finite {
                write::special_double(v.into(), self.out);
            } else {
                return Err(refused(format!("the double {v} cannot be written: it is not finite")));
            }
            Ok(true)
        }
    )*};
}

impl<'o> Serializer for Ser<'o> {
    type Ok = bool;
    type Error = FormatError;
    type SerializeSeq = Elements<'o>;
    type SerializeTuple = Elements<'o>;
    type SerializeTupleStruct = Elements<'o>;
    type SerializeTupleVariant = Elements<'o>;
    type SerializeMap = Members<'o>;
    type SerializeStruct = Members<'o>;
    type SerializeStructVariant = Members<'o>;

    integers! {
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
    }

    wide_integers! {
        serialize_i128: i128;
        serialize_u64: u64;
        serialize_u128: u128;
    }

    fn serialize_i64(self, v: i64) -> Result<bool, FormatError> {
        if !self.format.i8 && i32::try_from(v).is_err() {
            return Err(refused(format!(
                "the number {v} does not fit into 32 bits, and <i8> is disabled"
            )));
        }
        write::integer(v, self.out);
        Ok(true)
    }

    doubles! {
        serialize_f32: f32;
        serialize_f64: f64;
    }

    fn serialize_bool(self, v: bool) -> Result<bool, FormatError> {
        write::scalar(&write::BOOLEAN, if v { b"1" } else { b"0" }, self.out);
        Ok(true)
    }

    fn serialize_char(self, v: char) -> Result<bool, FormatError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<bool, FormatError> {
        check_text(self.format, self.out, v)?;
        write::string(v, self.format.write_forbidden, self.out).map(|()| true)
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<bool, FormatError> {
        check_bytes(self.format, self.out, v)?;
        write::base64(v, self.out);
        Ok(true)
    }

    fn serialize_none(self) -> Result<bool, FormatError> {
        if self.format.nil {
            self.out.extend_from_slice(b"<value><nil/></value>");
            return Ok(true);
        }
        match self.role {
            Role::Member => Ok(false),
            _ => Err(refused("there is no value, and <nil/> is disabled")),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, FormatError> {
        value.serialize(self.unwrapped::<T>())
    }

    fn serialize_unit(self) -> Result<bool, FormatError> {
        match self.role {
            Role::Result if !self.format.nil => self.serialize_bool(true),
            Role::Member => Self {
                role: Role::Inner,
                ..self
            }
            .serialize_none(),
            _ => self.serialize_none(),
        }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<bool, FormatError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<bool, FormatError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<bool, FormatError> {
        if name == farcall_core::protocol::DATETIME_NEWTYPE {
            let (out, full) = (self.out, self.format.full_dates);
            value.serialize(TextOf::new("a date and time", |text: &str| {
                write::date_time(text, full, out)
            }))?;
            return Ok(true);
        }
        if name == farcall_core::protocol::DATETIME_TEXT_NEWTYPE {
            let (out, forbidden) = (self.out, self.format.write_forbidden);
            value.serialize(TextOf::new("the text of a date", |text: &str| {
                write::date_time_text(text, forbidden, out)
            }))?;
            return Ok(true);
        }
        value.serialize(self.unwrapped::<T>())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<bool, FormatError> {
        let mut members = self.variant(variant)?;
        members.write(value, Role::Inner)?;
        members.finish()
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'o>, FormatError> {
        let mut elements = Elements::new(self, List::OfOneType);
        elements.reserve(len.unwrap_or(0));
        Ok(elements)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'o>, FormatError> {
        Ok(Elements::new(self, List::Tuple(len)))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Elements<'o>, FormatError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'o>, FormatError> {
        let (format, depth) = (self.format, self.depth + 1);
        let members = self.variant(variant)?;
        let content = Self::child::<()>(members.into_out(), format, depth, Role::Inner)?;
        Ok(Elements::new(content, List::Tuple(len)).within_variant())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'o>, FormatError> {
        Ok(Members::new(self.out, self.format, self.depth))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'o>, FormatError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'o>, FormatError> {
        let (format, depth) = (self.format, self.depth + 1);
        let members = self.variant(variant)?;
        let content = Self::child::<()>(members.into_out(), format, depth, Role::Inner)?;
        Ok(Members::new(content.out, format, depth).within_variant())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<bool, FormatError> {
        self.serialize_str(&value.to_string())
    }
}

#[cfg(test)]
mod tests;
