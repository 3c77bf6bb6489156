//! Arrays, and the parameters of a call.

use std::marker::PhantomData;

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::De;
use super::path::add_step;
use crate::xml::read::plain;
use crate::xml::read::{Markup, Tag};

impl<'de> De<'de> {
    /// Reads the array in the value that starts at `start`; `<array>` is open.
    pub(super) fn array<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let value = self.elements(start, visitor)?;
        self.end_of(&plain::VALUE, "</value>")?;
        Ok(value)
    }

    fn elements<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let mut elements = ElementAccess::of_array(self)?;
        let value = visitor.visit_seq(&mut elements)?;
        let read = elements.read;
        let rest = elements.count_rest()?;
        if rest > 0 {
            return Err(self.reader.error(
                FormatErrorKind::Mismatch,
                start,
                format!("expected {read} elements, found {}", read + rest),
            ));
        }
        Ok(value)
    }
}

/// The elements around the values of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// `<params>`, and `<param>` around each value.
    Params,
    /// `<array><data>`.
    Data,
    /// `<array>` alone, as some peers write it.
    Array,
}

/// Access to the elements of an array, or the parameters of a call.
struct ElementAccess<'d, 'de> {
    de: &'d mut De<'de>,
    around: Around,
    /// Offset of the next value, if its tag was read already.
    opened: Option<usize>,
    /// `true` once the list is closed.
    done: bool,
    read: usize,
}

impl<'d, 'de> ElementAccess<'d, 'de> {
    const fn new(de: &'d mut De<'de>, around: Around, opened: Option<usize>, done: bool) -> Self {
        Self {
            de,
            around,
            opened,
            done,
            read: 0,
        }
    }

    /// Creates the access to the elements of an array; `<array>` is open.
    fn of_array(de: &'d mut De<'de>) -> Result<Self, FormatError> {
        let token = de.reader.tag_or(&plain::DATA)?;
        let (around, opened, done) = match token.markup {
            Markup::Start(Tag::Data) => (Around::Data, None, false),
            Markup::Start(Tag::Value) => (Around::Array, Some(token.start), false),
            Markup::End(_) => (Around::Array, None, true),
            _ => return Err(de.reader.unexpected(token, "<data>")),
        };
        Ok(Self::new(de, around, opened, done))
    }

    /// Returns the offset of the next value, or `None` once the list is closed.
    fn next(&mut self) -> Result<Option<usize>, FormatError> {
        if self.done || self.opened.is_some() {
            return Ok(self.opened.take());
        }
        let reader = &mut self.de.reader;
        let params = self.around == Around::Params;
        if params {
            if reader.open_plain(&plain::PARAM).is_some() {
                return reader.expect_start(&plain::VALUE, "<value>").map(Some);
            }
            if reader.close_plain(&plain::PARAMS) {
                self.done = true;
                return Ok(None);
            }
        } else if let Some(start) = reader.open_plain(&plain::VALUE) {
            return Ok(Some(start));
        } else if self.around == Around::Data && reader.close_plain(&plain::DATA) {
            self.de.end_of(&plain::ARRAY, "</array>")?;
            self.done = true;
            return Ok(None);
        }
        let token = reader.tag()?;
        match token.markup {
            Markup::End(_) => {
                if self.around == Around::Data {
                    self.de.end("</array>")?;
                }
                self.done = true;
                Ok(None)
            }
            Markup::Start(Tag::Value) if !params => Ok(Some(token.start)),
            Markup::Start(Tag::Param) if params => {
                reader.expect_start(&plain::VALUE, "<value>").map(Some)
            }
            _ => {
                let expected = if params { "<param>" } else { "<value>" };
                Err(reader.unexpected(token, expected))
            }
        }
    }

    fn read_next<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        let Some(start) = self.next()? else {
            return Ok(None);
        };
        let value = self.de.value(start, seed)?;
        if self.around == Around::Params {
            self.de.end_of(&plain::PARAM, "</param>")?;
        }
        self.read += 1;
        Ok(Some(value))
    }

    /// Skips the elements that were not read, and returns their number. They are still checked.
    fn count_rest(&mut self) -> Result<usize, FormatError> {
        let read = self.read;
        while self.read_next(PhantomData::<IgnoredAny>)?.is_some() {}
        Ok(self.read - read)
    }
}

impl<'de> SeqAccess<'de> for &mut ElementAccess<'_, 'de> {
    type Error = FormatError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        let result = self.read_next(seed);
        result.map_err(|error| add_step(error, || format!("element {}", self.read + 1)))
    }
}

/// Deserializer of the parameters of a call, as one tuple or list.
pub(crate) struct Params<'d, 'de>(ElementAccess<'d, 'de>);

impl<'d, 'de> Params<'d, 'de> {
    /// Creates the deserializer of the parameters in `<params>`, which is open.
    pub(crate) const fn open(de: &'d mut De<'de>) -> Self {
        Self(ElementAccess::new(de, Around::Params, None, false))
    }

    /// Creates the deserializer for a call without parameters.
    pub(crate) const fn none(de: &'d mut De<'de>) -> Self {
        Self(ElementAccess::new(de, Around::Params, None, true))
    }

    /// Creates the deserializer of parameters in an array; `<array>` is open.
    pub(crate) fn of_array(de: &'d mut De<'de>) -> Result<Self, FormatError> {
        ElementAccess::of_array(de).map(Self)
    }

    fn arity(expected: usize, found: usize) -> FormatError {
        let expected = match expected {
            0 => "no parameters".to_owned(),
            1 => "1 parameter".to_owned(),
            n => format!("{n} parameters"),
        };
        let message = format!("expected {expected}, got {found}");
        FormatError::new(FormatErrorKind::Mismatch, message)
    }
}

impl<'de> SeqAccess<'de> for &mut Params<'_, 'de> {
    type Error = FormatError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        let result = self.0.read_next(seed);
        result.map_err(|error| error.within(|| format!("parameter {}", self.0.read + 1)))
    }
}

impl<'de> Deserializer<'de> for Params<'_, 'de> {
    type Error = FormatError;

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let result = visitor.visit_seq(&mut self);
        let (done, read) = (self.0.done, self.0.read);
        match result {
            // The cause is the number of parameters, and not one of them.
            Err(_) if done && read < len => Err(Params::arity(len, read)),
            Err(error) => Err(error),
            Ok(value) => match self.0.count_rest()? {
                0 => Ok(value),
                rest => Err(Params::arity(len, read + rest)),
            },
        }
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, FormatError> {
        let value = visitor.visit_seq(&mut self)?;
        let read = self.0.read;
        match self.0.count_rest()? {
            0 => Ok(value),
            rest => Err(Params::arity(read, read + rest)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}
