//! The kinds of the values that a type is deserialized from, found without a value.

use std::cell::Cell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::sample::Sample;
use super::{Content, Member, Shape};
use crate::attachment;
use crate::type_identity::TypeIdentity;
use crate::value::{Kind, datetime};

/// Maximum levels of containers that are described. Types can contain themselves.
const MAX_DEPTH: usize = 4;

/// Maximum number of values that are described of one type: a large configuration is no help to
/// the caller of a method.
const MAX_SHAPES: usize = 200;

/// Maximum length of a tuple whose elements are described each. Longer ones are arrays.
const MAX_TUPLE: usize = 12;

/// Returns the shape of the values that `T` is deserialized from.
pub(super) fn shape_of<T: Deserialize<'static>>() -> Shape {
    if TypeIdentity::of::<T>().is_bytes() {
        return Shape::from(Kind::Bytes);
    }
    let explorer = Explorer {
        remaining: Cell::new(MAX_SHAPES),
        probe: |path: &[Step]| {
            let probe = Probe {
                path,
                optional: false,
            };
            // The type requested no value, or its `Deserialize` failed: its kind is unknown.
            T::deserialize(probe).err().unwrap_or(Outcome::Unknown)
        },
    };
    explorer.shape_at(&mut Vec::new())
}

/// Deserializes a type repeatedly, each time with the probe at another part of it.
struct Explorer<P> {
    remaining: Cell<usize>,
    probe: P,
}

/// The way from a value to one that it contains.
#[derive(Clone, Copy)]
enum Step {
    Element,
    /// An element of a tuple.
    Item(usize),
    Member(&'static str),
    Variant(&'static str),
}

impl<P: Fn(&[Step]) -> Outcome> Explorer<P> {
    /// Looks at a part of the value at `path`.
    fn inside<T>(
        &self,
        path: &mut Vec<Step>,
        step: Step,
        look: impl FnOnce(&Self, &mut Vec<Step>) -> T,
    ) -> T {
        path.push(step);
        let seen = look(self, path);
        path.pop();
        seen
    }

    fn outcome_at(&self, path: &[Step]) -> Outcome {
        (self.probe)(path)
    }

    fn shape_at(&self, path: &mut Vec<Step>) -> Shape {
        let remaining = self.remaining.get();
        let (true, Outcome::Requested { parts, optional }) = (remaining > 0, self.outcome_at(path))
        else {
            return Shape::default();
        };
        self.remaining.set(remaining - 1);
        let is_deep = path.len() == MAX_DEPTH;
        let mut inside = |step| self.inside(path, step, Self::shape_at);
        let content = match parts {
            _ if is_deep => Content::Unknown,
            Parts::None(_) => Content::Unknown,
            Parts::Elements(_) => Content::Elements(Box::new(inside(Step::Element))),
            Parts::Items(len) if len > MAX_TUPLE => {
                Content::Elements(Box::new(inside(Step::Item(0))))
            }
            Parts::Items(len) => {
                Content::Items((0..len).map(|index| inside(Step::Item(index))).collect())
            }
            Parts::Members { name, fields } => {
                let member = |field: &&'static str| Member {
                    name: (*field).to_owned(),
                    shape: inside(Step::Member(field)),
                };
                Content::Members {
                    name: type_name(name),
                    members: fields.iter().map(member).collect(),
                }
            }
            Parts::Variants { name, variants } => {
                let variant = |variant: &&'static str| Member {
                    name: (*variant).to_owned(),
                    shape: inside(Step::Variant(variant)),
                };
                of_variants(type_name(name), variants.iter().map(variant).collect())
            }
            Parts::Attachment => match self
                .inside(path, Step::Element, |this, path| this.outcome_at(path))
            {
                Outcome::Refused => Content::Object,
                _ => Content::Stream(Box::new(self.inside(path, Step::Element, Self::shape_at))),
            },
        };
        Shape {
            kind: parts.kind(),
            optional,
            content,
        }
    }
}

/// Returns the content of an enum, whose variants without content are nil.
fn of_variants(name: String, variants: Vec<Member>) -> Content {
    if variants
        .iter()
        .all(|variant| variant.shape.kind == Kind::Nil)
    {
        Content::Choices {
            name,
            choices: variants.into_iter().map(|variant| variant.name).collect(),
        }
    } else {
        Content::Variants { name, variants }
    }
}

/// Returns the name of a type in serde as that of a type in a language: a class of Python has its
/// module in front of it.
fn type_name(name: &str) -> String {
    let last = name.rsplit(['.', ':', ' ']).next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if last.starts_with(|c: char| c.is_ascii_alphabetic()) && last.chars().all(is_name) {
        last.to_owned()
    } else {
        String::new()
    }
}

/// A deserializer that has no value, and reports which one is requested of it, or of the part that
/// a path leads to.
struct Probe<'p> {
    path: &'p [Step],
    optional: bool,
}

/// The error that ends each deserialization from a [`Probe`].
#[derive(Debug, thiserror::Error)]
#[error("a probe has no value")]
enum Outcome {
    Requested {
        parts: Parts,
        optional: bool,
    },
    /// The type takes no value of this kind.
    Refused,
    Unknown,
}

/// A requested value, and its parts.
#[derive(Clone, Copy, Debug)]
enum Parts {
    None(Kind),
    /// Of an array, or of a struct whose members have any names.
    Elements(Kind),
    /// Of a tuple of this length.
    Items(usize),
    Members {
        name: &'static str,
        fields: &'static [&'static str],
    },
    Variants {
        name: &'static str,
        variants: &'static [&'static str],
    },
    /// A stream, with elements, or an object.
    Attachment,
}

impl Parts {
    const fn kind(self) -> Kind {
        match self {
            Self::None(kind) | Self::Elements(kind) => kind,
            Self::Items(_) => Kind::Array,
            Self::Members { .. } => Kind::Struct,
            // A unit variant is a string, a variant with content a struct.
            Self::Variants { .. } | Self::Attachment => Kind::Any,
        }
    }
}

impl de::Error for Outcome {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unknown
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Refused
    }
}

impl<'p> Probe<'p> {
    /// Returns the rest of the path if the value requested here is on it.
    fn request(&self, parts: Parts) -> Result<(Step, &'p [Step]), Outcome> {
        match self.path {
            [] => Err(Outcome::Requested {
                parts,
                optional: self.optional,
            }),
            [step, rest @ ..] => Ok((*step, rest)),
        }
    }

    fn plain<T>(&self, kind: Kind) -> Result<T, Outcome> {
        self.request(Parts::None(kind))?;
        Err(Outcome::Unknown)
    }

    fn tuple<'de, V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Outcome> {
        match self.request(Parts::Items(len))? {
            (Step::Item(index), path) => visitor.visit_seq(Inside {
                samples: index,
                ..Inside::at("", path)
            }),
            _ => Err(Outcome::Unknown),
        }
    }

    fn members<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        match self.request(Parts::Members { name, fields })? {
            (Step::Member(name), path) => visitor.visit_map(Inside::at(name, path)),
            _ => Err(Outcome::Unknown),
        }
    }
}

macro_rules! plain {
    ($($kind:ident: $($method:ident$(($($argument:ty),*))?)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, $($(_: $argument,)*)? _: V) -> Result<V::Value, Outcome> {
            self.plain(Kind::$kind)
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Outcome;

    plain! {
        Any: deserialize_any deserialize_ignored_any deserialize_identifier;
        Nil: deserialize_unit deserialize_unit_struct(&'static str);
        Boolean: deserialize_bool;
        Int: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        Double: deserialize_f32 deserialize_f64;
        String: deserialize_char deserialize_str deserialize_string;
        Bytes: deserialize_bytes deserialize_byte_buf;
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        self.tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        self.tuple(len, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        let (_, path) = self.request(Parts::Elements(Kind::Array))?;
        visitor.visit_seq(Inside::at("", path))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        let (_, path) = self.request(Parts::Elements(Kind::Struct))?;
        visitor.visit_map(Inside::at("", path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        self.members(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        match self.request(Parts::Variants { name, variants })? {
            (Step::Variant(name), path) => visitor.visit_enum(Inside::at(name, path)),
            _ => Err(Outcome::Unknown),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        let inner = Self {
            optional: true,
            ..self
        };
        if TypeIdentity::of::<V::Value>().is_optional_bytes() {
            return inner.plain(Kind::Bytes);
        }
        visitor.visit_some(inner)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        if name == datetime::NEWTYPE {
            return self.plain(Kind::DateTime);
        }
        if name == attachment::NAME {
            let (_, path) = self.request(Parts::Attachment)?;
            return visitor.visit_seq(Inside::at("", path));
        }
        visitor.visit_newtype_struct(self)
    }
}

/// The content of a value: one part of it, in which the probe is.
struct Inside<'p> {
    /// Of a member or a variant.
    name: &'static str,
    path: &'p [Step],
    /// Number of elements in front of the part, which have sample values.
    samples: usize,
}

impl<'p> Inside<'p> {
    const fn at(name: &'static str, path: &'p [Step]) -> Self {
        Self {
            name,
            path,
            samples: 0,
        }
    }

    const fn inner(&self) -> Probe<'p> {
        Probe {
            path: self.path,
            optional: false,
        }
    }

    fn probe<'de, S: DeserializeSeed<'de>>(&self, seed: S) -> Result<S::Value, Outcome> {
        let probe = self.inner();
        if TypeIdentity::of::<S::Value>().is_bytes() {
            return probe.plain(Kind::Bytes);
        }
        seed.deserialize(probe)
    }

    fn name(&self) -> StrDeserializer<'static, Outcome> {
        self.name.into_deserializer()
    }
}

impl<'de> SeqAccess<'de> for Inside<'_> {
    type Error = Outcome;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Outcome> {
        match self.samples.checked_sub(1) {
            Some(rest) => {
                self.samples = rest;
                seed.deserialize(Sample::default()).map(Some)
            }
            None => self.probe(seed).map(Some),
        }
    }
}

impl<'de> MapAccess<'de> for Inside<'_> {
    type Error = Outcome;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Outcome> {
        seed.deserialize(self.name()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Outcome> {
        self.probe(seed)
    }
}

impl<'de> EnumAccess<'de> for Inside<'_> {
    type Error = Outcome;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Outcome> {
        Ok((seed.deserialize(self.name())?, self))
    }
}

/// A unit variant is reported as nil.
impl<'de> VariantAccess<'de> for Inside<'_> {
    type Error = Outcome;

    fn unit_variant(self) -> Result<(), Outcome> {
        self.inner().plain(Kind::Nil)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Outcome> {
        self.probe(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Outcome> {
        self.inner().tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        self.inner().members("", fields, visitor)
    }
}
