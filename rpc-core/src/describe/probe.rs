//! The kinds of the values that a type is deserialized from, found without a value.

use std::cell::Cell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::{Content, Member, Shape};
use crate::type_identity::TypeIdentity;
use crate::value::{Kind, datetime};

/// Maximum levels of containers that are described. Types can contain themselves.
const MAX_DEPTH: usize = 4;

/// Maximum number of values that are described of one type: a large configuration is no help to
/// the caller of a method.
const MAX_SHAPES: usize = 200;

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
    Member(&'static str),
    Variant(&'static str),
}

impl<P: Fn(&[Step]) -> Outcome> Explorer<P> {
    fn shape_at(&self, path: &mut Vec<Step>) -> Shape {
        let remaining = self.remaining.get();
        let (true, Outcome::Requested { parts, optional }) = (remaining > 0, (self.probe)(path))
        else {
            return Shape::default();
        };
        self.remaining.set(remaining - 1);
        let is_deep = path.len() == MAX_DEPTH;
        let mut inside = |step| {
            path.push(step);
            let shape = self.shape_at(path);
            path.pop();
            shape
        };
        let content = match parts {
            _ if is_deep => Content::Unknown,
            Parts::None(_) => Content::Unknown,
            Parts::Elements(_) => Content::Elements(Box::new(inside(Step::Element))),
            Parts::Members(names) => {
                let member = |name: &&'static str| Member {
                    name: (*name).to_owned(),
                    shape: inside(Step::Member(name)),
                };
                Content::Members(names.iter().map(member).collect())
            }
            Parts::Variants(names) => {
                let mut kinds = names.iter().map(|name| inside(Step::Variant(name)).kind);
                if kinds.all(|kind| kind == Kind::Nil) {
                    Content::Choices(names.iter().map(|&name| name.to_owned()).collect())
                } else {
                    Content::Unknown
                }
            }
        };
        Shape {
            kind: parts.kind(),
            optional,
            content,
        }
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
    Requested { parts: Parts, optional: bool },
    Unknown,
}

/// A requested value, and its parts.
#[derive(Clone, Copy, Debug)]
enum Parts {
    None(Kind),
    /// Of an array, or of a struct whose members have any names.
    Elements(Kind),
    Members(&'static [&'static str]),
    Variants(&'static [&'static str]),
}

impl Parts {
    const fn kind(self) -> Kind {
        match self {
            Self::None(kind) | Self::Elements(kind) => kind,
            Self::Members(_) => Kind::Struct,
            // A unit variant is a string, a variant with content a struct.
            Self::Variants(_) => Kind::Any,
        }
    }
}

impl de::Error for Outcome {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unknown
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
        Array: deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize);
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        let (_, path) = self.request(Parts::Elements(Kind::Array))?;
        visitor.visit_seq(Inside { name: "", path })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        let (_, path) = self.request(Parts::Elements(Kind::Struct))?;
        visitor.visit_map(Inside { name: "", path })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        match self.request(Parts::Members(fields))? {
            (Step::Member(name), path) => visitor.visit_map(Inside { name, path }),
            _ => Err(Outcome::Unknown),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        match self.request(Parts::Variants(variants))? {
            (Step::Variant(name), path) => visitor.visit_enum(Inside { name, path }),
            _ => Err(Outcome::Unknown),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Outcome> {
        visitor.visit_some(Self {
            optional: true,
            ..self
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Outcome> {
        if name == datetime::NEWTYPE {
            return self.plain(Kind::DateTime);
        }
        visitor.visit_newtype_struct(self)
    }
}

/// The content of a value: one part of it, in which the probe is.
struct Inside<'p> {
    /// Of a member or a variant.
    name: &'static str,
    path: &'p [Step],
}

impl Inside<'_> {
    fn probe<'de, S: DeserializeSeed<'de>>(&self, seed: S) -> Result<S::Value, Outcome> {
        let probe = Probe {
            path: self.path,
            optional: false,
        };
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
        self.probe(seed).map(Some)
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

/// A unit variant is reported as nil, any other as unknown.
impl<'de> VariantAccess<'de> for Inside<'_> {
    type Error = Outcome;

    fn unit_variant(self) -> Result<(), Outcome> {
        Err(Outcome::Requested {
            parts: Parts::None(Kind::Nil),
            optional: false,
        })
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Outcome> {
        Err(Outcome::Unknown)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Outcome> {
        Err(Outcome::Unknown)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Outcome> {
        Err(Outcome::Unknown)
    }
}
