//! Deserialization of XML directly to serde types.

mod elements;
mod key;
mod members;
mod path;
mod plain;
mod scalar;
#[cfg(test)]
mod tests;
mod value;
mod value_first;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use farcall_core::protocol::Payload;
use farcall_core::{FormatError, FormatErrorKind};
use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor,
};

use crate::format::XmlRpc;
use crate::xml::read::plain::{Element, VALUE};
use crate::xml::read::{Markup, Reader, Tag};

pub(crate) use elements::Params;
pub(crate) use path::member_step;
use scalar::Found;
use value::ValueDe;

/// Newtype name by which [`Raw`] requests the range of a value in the message.
const RAW: &str = "$farcall::xmlrpc::Raw";

/// Range of a `<value>` element in the message. The element was read to its end, so it is
/// well-formed and within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) range: Range<usize>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of an XML-RPC document")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
                match (seq.next_element()?, seq.next_element()?) {
                    (Some(start), Some(end)) => Ok(Raw { range: start..end }),
                    _ => Err(de::Error::invalid_length(0, &self)),
                }
            }
        }

        deserializer.deserialize_newtype_struct(RAW, RawVisitor)
    }
}

/// Reads the values of one payload.
pub(crate) struct De<'de> {
    pub(crate) reader: Reader<'de>,
    max_depth: usize,
    max_values: usize,
    depth: usize,
    values: usize,
    /// `true` if a `<value>` was opened and its content not read yet.
    pending: bool,
    /// `true` while a `farcall_core::Value` is read, which distinguishes dates from texts.
    dates: bool,
    /// `true` if the outermost value is a result, which `()` accepts whatever it is.
    result: bool,
    /// Values that come before their names, as offsets of start and end, sorted by start: see
    /// [`value_first`].
    skipped: Vec<(usize, usize)>,
}

impl<'de> De<'de> {
    pub(crate) fn new(payload: &'de Payload, format: XmlRpc) -> Self {
        let max_depth = usize::from(format.max_depth);
        Self {
            reader: Reader::new(payload, format.max_open()).forbidden(format.read_forbidden),
            max_depth,
            max_values: format.max_values,
            depth: 0,
            values: 0,
            pending: false,
            dates: false,
            result: false,
            skipped: Vec::new(),
        }
    }

    /// Creates the deserializer of a whole response document.
    pub(crate) fn of_response(payload: &'de Payload, format: XmlRpc) -> Self {
        let mut de = Self::new(payload, format);
        de.reader = de.reader.allow_declaration();
        de.result = true;
        de
    }

    /// Reads a payload that is one value, to its end.
    pub(crate) fn only_value<T: DeserializeOwned>(&mut self) -> Result<T, FormatError> {
        let start = self.reader.expect_start(&VALUE, "<value>")?;
        let value = self.value(start, PhantomData)?;
        self.eof()?;
        Ok(value)
    }

    /// Reads the result of a reply that has none, after its end: nil, for the types that accept it.
    pub(crate) fn missing_result<T: DeserializeOwned>(&mut self) -> Result<T, FormatError> {
        T::deserialize(ValueDe::missing(self))
    }

    /// Reads the value whose `<value>` tag, just read, starts at `start`.
    pub(crate) fn value<S: DeserializeSeed<'de>>(
        &mut self,
        start: usize,
        seed: S,
    ) -> Result<S::Value, FormatError> {
        let outside = self.reader.open() - 1;
        self.open_value(start)?;
        self.pending = true;
        let value = seed
            .deserialize(ValueDe::new(self, start))
            .map_err(|error| error.at(|| self.reader.position(start)))?;
        if self.pending {
            self.skip()?;
        }
        self.depth -= 1;
        if self.reader.open() != outside {
            return Err(self.unread(start));
        }
        Ok(value)
    }

    #[cold]
    fn unread(&self, start: usize) -> FormatError {
        let message = "the value was not read to its end";
        self.reader.error(FormatErrorKind::Mismatch, start, message)
    }

    /// Expects the end of an element, which is `element` in plain documents.
    // Inlined into callers that pass a constant element, as the shortcuts are.
    #[inline(always)]
    pub(crate) fn end_of(&mut self, element: &Element, expected: &str) -> Result<(), FormatError> {
        if self.reader.close_plain(element) {
            Ok(())
        } else {
            self.end(expected).map(|_| ())
        }
    }

    /// Expects the end of an element, and returns the offset after it. The reader has checked that
    /// it matches the start.
    pub(crate) fn end(&mut self, expected: &str) -> Result<usize, FormatError> {
        let token = self.reader.tag()?;
        match token.markup {
            Markup::End(_) => Ok(token.end),
            _ => Err(self.reader.unexpected(token, expected)),
        }
    }

    /// Expects the end of the document. Comments and white space may precede it.
    pub(crate) fn eof(&mut self) -> Result<(), FormatError> {
        if self.reader.is_at_end() {
            return Ok(());
        }
        let token = self.reader.tag()?;
        match token.markup {
            Markup::Eof => Ok(()),
            _ => Err(self.reader.unexpected(token, "the end of the document")),
        }
    }

    /// Reads a struct that has no `<value>` around it. Its start tag, just read, is at `start`.
    pub(crate) fn bare_struct<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.open_value(start)?;
        let value = self
            .struct_members(start, visitor)
            .map_err(|error| error.at(|| self.reader.position(start)))?;
        self.depth -= 1;
        Ok(value)
    }

    /// Counts a value and its depth.
    #[inline]
    fn open_value(&mut self, start: usize) -> Result<(), FormatError> {
        self.depth += 1;
        self.values += 1;
        if self.depth > self.max_depth || self.values > self.max_values {
            return Err(self.too_many(start));
        }
        Ok(())
    }

    #[cold]
    fn too_many(&self, start: usize) -> FormatError {
        let message = if self.depth > self.max_depth {
            format!("the values are nested more than {} deep", self.max_depth)
        } else {
            format!("there are more than {} values", self.max_values)
        };
        self.reader.error(FormatErrorKind::Limit, start, message)
    }

    /// Skips the rest of the open `<value>` without recursion, and returns the offset after it. The
    /// values in it count against the limits.
    fn skip(&mut self) -> Result<usize, FormatError> {
        self.pending = false;
        let outside = self.reader.open() - 1;
        let depth = self.depth;
        loop {
            let token = self.reader.skip_to_tag()?;
            match token.markup {
                Markup::Start(Tag::Value) => self.open_value(token.start)?,
                Markup::End(_) if self.reader.open() == outside => {
                    self.depth = depth;
                    return Ok(token.end);
                }
                Markup::End(Tag::Value) => self.depth -= 1,
                _ => {}
            }
        }
    }

    /// Reads an open `<value>` until its kind is known: scalars are read to the end of the value,
    /// arrays and structs stay open.
    fn enter(&mut self) -> Result<Found<'de>, FormatError> {
        self.pending = false;
        match plain::enter(&mut self.reader) {
            Some(found) => Ok(found),
            None => scalar::enter(self),
        }
    }
}
