//! Arrays and structs.

use farcall_core::FormatError;
use farcall_core::protocol::TypeIdentity;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::text::{ByteOf, TextOf};
use super::{Role, Ser, check_bytes};
use crate::de::member_step;
use crate::format::XmlRpc;
use crate::xml::read::Reader;
use crate::xml::write;

const VARIANT_END: &[u8] = b"</member></struct></value>";

/// Writes a list: an array, the parameters of a call, or bytes.
///
/// The first element decides between an array and bytes, unless the type does.
pub(crate) struct Elements<'o> {
    out: &'o mut Vec<u8>,
    format: &'o XmlRpc,
    depth: usize,
    state: ListState,
    /// Number of elements written, or started.
    written: usize,
    /// The name of an element in the path of an error.
    step: &'static str,
    in_variant: bool,
}

/// The kind of a list in Rust.
#[derive(Clone, Copy)]
pub(super) enum List {
    /// All elements have one type: if the first is a byte, the list is bytes.
    OfOneType,
    /// An array, or a tuple of this length: each element has its own type. Only an array is ever
    /// bytes.
    Tuple(usize),
}

enum ListState {
    /// Nothing is written yet. The first element decides.
    Start,
    Array,
    Bytes(Vec<u8>),
    Params,
}

impl<'o> Elements<'o> {
    /// Creates the writer of a list from the serializer of its value.
    pub(super) fn new(ser: Ser<'o>, list: List) -> Self {
        let Ser {
            out,
            format,
            depth,
            role,
            identity,
        } = ser;
        let mut elements = Self {
            out,
            format,
            depth,
            state: ListState::Start,
            written: 0,
            step: match role {
                Role::Params | Role::ParamsArray => "parameter",
                _ => "element",
            },
            in_variant: false,
        };
        match role {
            Role::Params => {
                elements.out.extend_from_slice(b"<params>");
                elements.state = ListState::Params;
            }
            Role::ParamsArray => elements.start_array(),
            _ => match list {
                List::OfOneType if identity.is_bytes() => elements.start_bytes(),
                List::OfOneType => {}
                List::Tuple(len) if identity.is_byte_array(len) => elements.start_bytes(),
                List::Tuple(_) => elements.start_array(),
            },
        }
        elements
    }

    /// Reserves space for `len` elements, if the list is known to be bytes.
    pub(super) fn reserve(&mut self, len: usize) {
        if let ListState::Bytes(bytes) = &mut self.state {
            // A type can report a wrong length, so at most 1 MiB is reserved.
            bytes.reserve(len.min(1 << 20));
        }
    }

    pub(super) fn within_variant(self) -> Self {
        Self {
            in_variant: true,
            ..self
        }
    }

    fn start_bytes(&mut self) {
        self.state = ListState::Bytes(Vec::new());
    }

    fn start_array(&mut self) {
        self.out.extend_from_slice(b"<value><array><data>");
        self.state = ListState::Array;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        if let ListState::Start = self.state {
            if is_byte::<T>() {
                self.start_bytes();
            } else {
                self.start_array();
            }
        }
        match &mut self.state {
            ListState::Bytes(bytes) if is_byte::<T>() => {
                bytes.push(value.serialize(ByteOf)?);
                Ok(())
            }
            ListState::Bytes(bytes) => {
                // Not bytes after all: the bytes so far are rewritten as integers.
                let bytes = std::mem::take(bytes);
                self.start_array();
                for byte in bytes {
                    self.item(&i32::from(byte))?;
                }
                self.item(value)
            }
            ListState::Params => {
                self.out.extend_from_slice(b"<param>");
                self.item(value)?;
                self.out.extend_from_slice(b"</param>");
                Ok(())
            }
            ListState::Start | ListState::Array => self.item(value),
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        let ser = Ser::child::<T>(self.out, self.format, self.depth + 1, Role::Inner)?;
        self.written += 1;
        match value.serialize(ser) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.within(|| format!("{} {}", self.step, self.written))),
        }
    }

    fn finish(mut self) -> Result<bool, FormatError> {
        if let ListState::Start = self.state {
            self.start_array();
        }
        match self.state {
            ListState::Bytes(bytes) => {
                check_bytes(self.format, self.out, &bytes)?;
                write::base64(&bytes, self.out);
            }
            ListState::Params => self.out.extend_from_slice(b"</params>"),
            ListState::Start | ListState::Array => {
                self.out.extend_from_slice(b"</data></array></value>");
            }
        }
        if self.in_variant {
            self.out.extend_from_slice(VARIANT_END);
        }
        Ok(true)
    }
}

/// Called for each element, and evaluated by the compiler.
#[inline(always)]
fn is_byte<T: ?Sized>() -> bool {
    TypeIdentity::of::<T>().is_byte()
}

/// Writes a struct.
pub(crate) struct Members<'o> {
    out: &'o mut Vec<u8>,
    format: &'o XmlRpc,
    depth: usize,
    /// Offset in `out` of the member whose value is next.
    member: usize,
    in_variant: bool,
}

impl<'o> Members<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, format: &'o XmlRpc, depth: usize) -> Self {
        out.extend_from_slice(b"<value><struct>");
        Self {
            out,
            format,
            depth,
            member: 0,
            in_variant: false,
        }
    }

    pub(super) fn within_variant(self) -> Self {
        Self {
            in_variant: true,
            ..self
        }
    }

    pub(super) fn into_out(self) -> &'o mut Vec<u8> {
        self.out
    }

    pub(super) fn name(&mut self, name: &str) -> Result<(), FormatError> {
        self.member = self.out.len();
        self.out.extend_from_slice(b"<member><name>");
        write::escaped(name, self.format.write_forbidden, self.out)?;
        self.out.extend_from_slice(b"</name>");
        Ok(())
    }

    /// Writes the value of a member, which is left out if it is a [`Role::Member`] without a value.
    pub(super) fn write<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        role: Role,
    ) -> Result<(), FormatError> {
        let ser = Ser::child::<T>(self.out, self.format, self.depth + 1, role)?;
        match value.serialize(ser) {
            Ok(true) => self.out.extend_from_slice(b"</member>"),
            Ok(false) => self.out.truncate(self.member),
            Err(error) => return Err(error.within(|| self.step())),
        }
        Ok(())
    }

    /// Returns the error path step of the member whose value cannot be written.
    #[cold]
    fn step(&self) -> String {
        let name = self.member + b"<member>".len();
        member_step(&Reader::document(self.out, 1).text_at(name))
    }

    pub(super) fn finish(self) -> Result<bool, FormatError> {
        self.out.extend_from_slice(b"</struct></value>");
        if self.in_variant {
            self.out.extend_from_slice(VARIANT_END);
        }
        Ok(true)
    }
}

macro_rules! elements {
    ($($trait:ident: $method:ident;)*) => {$(
        impl $trait for Elements<'_> {
            type Ok = bool;
            type Error = FormatError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
                self.element(value)
            }

            fn end(self) -> Result<bool, FormatError> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! members {
    ($($trait:ident;)*) => {$(
        impl $trait for Members<'_> {
            type Ok = bool;
            type Error = FormatError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), FormatError> {
                self.name(key)?;
                self.write(value, Role::Member)
            }

            fn end(self) -> Result<bool, FormatError> {
                self.finish()
            }
        }
    )*};
}

members! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Members<'_> {
    type Ok = bool;
    type Error = FormatError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FormatError> {
        key.serialize(TextOf::new("the key of a map", |key: &str| self.name(key)))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        self.write(value, Role::Member)
    }

    fn end(self) -> Result<bool, FormatError> {
        self.finish()
    }
}
