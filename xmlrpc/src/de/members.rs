//! Structs, and the variants of enums.

use std::borrow::Cow;
use std::marker::PhantomData;

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, VariantAccess, Visitor,
};

use super::De;
use super::key::KeyDe;
use super::path::{add_step, member_step};
use crate::xml::read::plain;
use crate::xml::read::{Markup, Tag};

impl<'de> De<'de> {
    /// Reads the struct in the value that starts at `start`; `<struct>` is open.
    pub(super) fn members<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let value = self.struct_members(start, visitor)?;
        self.end_of(&plain::VALUE, "</value>")?;
        Ok(value)
    }

    /// Reads the members of a struct that is open, to the end of the struct.
    pub(super) fn struct_members<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let mut members = MemberAccess::new(self);
        let value = visitor.visit_map(&mut members)?;
        members.end(start, "the struct has more members than were read")?;
        Ok(value)
    }

    /// Reads the variant of an enum with its content: a struct with one member.
    pub(super) fn variant<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let mut members = MemberAccess::new(self);
        let value = visitor.visit_enum(&mut members)?;
        members.end(
            start,
            "expected a struct with one member, the variant of an enum, found more",
        )?;
        self.end_of(&plain::VALUE, "</value>")?;
        Ok(value)
    }
}

/// Access to the members of a struct; `<struct>` is open.
struct MemberAccess<'d, 'de> {
    de: &'d mut De<'de>,
    done: bool,
    /// Offset of the name of the last member.
    named: usize,
    /// Offset of the value of that member, if it came before the name and is open already.
    opened: Option<usize>,
}

impl<'d, 'de> MemberAccess<'d, 'de> {
    const fn new(de: &'d mut De<'de>) -> Self {
        Self {
            de,
            done: false,
            named: 0,
            opened: None,
        }
    }

    /// Expects the end of the struct, which starts at `start`.
    fn end(mut self, start: usize, more: &str) -> Result<(), FormatError> {
        if self.done || self.next_key_seed(PhantomData::<IgnoredAny>)?.is_none() {
            return Ok(());
        }
        Err(self.de.reader.error(FormatErrorKind::Mismatch, start, more))
    }

    /// Returns the offset and the name of the next member, or `None` at the end of the struct.
    fn next_name(&mut self) -> Result<Option<(usize, Cow<'de, str>)>, FormatError> {
        let de = &mut *self.de;
        self.done = de.reader.close_plain(&plain::STRUCT);
        if self.done {
            return Ok(None);
        }
        let token = de.reader.tag()?;
        match token.markup {
            Markup::Start(Tag::Member) => {}
            Markup::End(_) => {
                self.done = true;
                return Ok(None);
            }
            _ => return Err(de.reader.unexpected(token, "<member>")),
        }
        let token = de.reader.tag_or(&plain::NAME)?;
        match token.markup {
            Markup::Start(Tag::Name) => Ok(Some((token.start, de.name_text()?))),
            Markup::Start(Tag::Value) => {
                self.opened = Some(token.start);
                de.name_after_value(token.start).map(Some)
            }
            _ => Err(de.reader.unexpected(token, "the <name> of a member")),
        }
    }
}

impl<'de> MapAccess<'de> for MemberAccess<'_, 'de> {
    type Error = FormatError;

    /// Reads the name of the next member; `<member>` stays open.
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FormatError> {
        if self.done {
            return Ok(None);
        }
        let (start, name) = match self.de.reader.open_member() {
            Some((start, name)) => (start, Cow::Borrowed(name)),
            None => match self.next_name()? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        self.named = start;
        seed.deserialize(KeyDe(name))
            .map(Some)
            .map_err(|error| error.at(|| self.de.reader.position(start)))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, FormatError> {
        let opened = self.opened.take();
        let start = match opened {
            Some(start) => start,
            None => self
                .de
                .reader
                .expect_start(&plain::VALUE, "the <value> of a member")?,
        };
        let value = self.de.value(start, seed).map_err(|error| {
            add_step(error, || member_step(&self.de.reader.text_at(self.named)))
        })?;
        if opened.is_some() {
            self.de.name()?;
        }
        self.de.end_of(&plain::MEMBER, "</member>")?;
        Ok(value)
    }
}

impl<'de> EnumAccess<'de> for &mut MemberAccess<'_, 'de> {
    type Error = FormatError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), FormatError> {
        match self.next_key_seed(seed)? {
            Some(variant) => Ok((variant, self)),
            None => Err(FormatError::new(
                FormatErrorKind::Mismatch,
                "expected a struct with one member, the variant of an enum, found none",
            )),
        }
    }
}

impl<'de> VariantAccess<'de> for &mut MemberAccess<'_, 'de> {
    type Error = FormatError;

    fn unit_variant(self) -> Result<(), FormatError> {
        self.next_value_seed(PhantomData::<()>)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, FormatError> {
        self.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.next_value_seed(Tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.next_value_seed(Map(visitor))
    }
}

struct Tuple<V>(usize, V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.0, self.1)
    }
}

struct Map<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Map<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}
