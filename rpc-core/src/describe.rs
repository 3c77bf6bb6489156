//! Descriptions of methods for introspection, derived from their Rust types.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::type_identity::TypeIdentity;
use crate::value::{Kind, datetime};

impl Kind {
    /// Returns the kind that `T` is deserialized from.
    ///
    /// No value is needed: `T` is deserialized from a probe that only records which kind is
    /// requested. Every owned type that serde can deserialize is `Deserialize<'static>`.
    #[must_use]
    pub fn of<T: Deserialize<'static>>() -> Self {
        Parameter::of::<T>().kind
    }
}

/// One parameter of a method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// The name, if known.
    pub name: Option<String>,
    /// The kind of value that it is deserialized from.
    pub kind: Kind,
    /// `true` if a caller can omit it, provided that all following parameters are omitted too.
    pub optional: bool,
}

impl Parameter {
    /// Describes the parameter for an argument of type `T`.
    #[must_use]
    pub fn of<T: Deserialize<'static>>() -> Self {
        let (kind, optional) = if TypeIdentity::of::<T>().is_bytes() {
            (Kind::Bytes, false)
        } else {
            match T::deserialize(Probe { optional: false }) {
                Err(ProbeOutcome::Requested { kind, optional }) => (kind, optional),
                // The type requested no value, or its `Deserialize` failed: its kind is unknown.
                Ok(_) | Err(ProbeOutcome::Unknown) => (Kind::Any, false),
            }
        };
        Self {
            name: None,
            kind,
            optional,
        }
    }
}

/// The description of a method, for introspection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The help text, from the doc comment of the method.
    pub help: String,
    /// The parameters.
    pub params: Vec<Parameter>,
    /// `true` if any number of parameters is accepted after `params`.
    pub variadic: bool,
    /// The kind of the result.
    pub result: Kind,
}

impl Description {
    /// The signatures of the method, each the kind of the result followed by the kinds of the
    /// parameters. Each optional parameter at the end adds a signature without it.
    #[must_use]
    pub fn signatures(&self) -> Vec<Vec<Kind>> {
        let optional = self
            .params
            .iter()
            .rev()
            .take_while(|param| param.optional)
            .count();
        (self.params.len() - optional..=self.params.len())
            .rev()
            .map(|len| {
                let params = self.params[..len].iter().map(|param| param.kind);
                std::iter::once(self.result).chain(params).collect()
            })
            .collect()
    }
}

/// A deserializer that has no value, and reports which kind is requested of it.
struct Probe {
    optional: bool,
}

/// The error that ends each deserialization from a [`Probe`]: the requested kind, if known.
#[derive(Debug, thiserror::Error)]
#[error("a probe has no value")]
enum ProbeOutcome {
    Requested { kind: Kind, optional: bool },
    Unknown,
}

impl Probe {
    const fn requested(self, kind: Kind) -> ProbeOutcome {
        ProbeOutcome::Requested {
            kind,
            optional: self.optional,
        }
    }
}

impl de::Error for ProbeOutcome {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unknown
    }
}

macro_rules! probe {
    ($($kind:ident: $($method:ident$(($($argument:ty),*))?)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(
            self,
            $($(_: $argument,)*)?
            _: V,
        ) -> Result<V::Value, ProbeOutcome> {
            Err(self.requested(Kind::$kind))
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Probe {
    type Error = ProbeOutcome;

    probe! {
        Any: deserialize_any deserialize_ignored_any deserialize_identifier;
        // A unit variant is a string, a variant with content a struct.
        Any: deserialize_enum(&'static str, &'static [&'static str]);
        Nil: deserialize_unit deserialize_unit_struct(&'static str);
        Boolean: deserialize_bool;
        Int: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        Double: deserialize_f32 deserialize_f64;
        String: deserialize_char deserialize_str deserialize_string;
        Bytes: deserialize_bytes deserialize_byte_buf;
        Array: deserialize_seq deserialize_tuple(usize)
            deserialize_tuple_struct(&'static str, usize);
        Struct: deserialize_map deserialize_struct(&'static str, &'static [&'static str]);
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ProbeOutcome> {
        visitor.visit_some(Self { optional: true })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ProbeOutcome> {
        if name == datetime::NEWTYPE {
            return Err(self.requested(Kind::DateTime));
        }
        visitor.visit_newtype_struct(self)
    }
}

/// The deserializer of a parameter that the caller omitted: `None` if it is optional.
pub(crate) struct MissingParameter<E>(std::marker::PhantomData<E>);

impl<E: de::Error> MissingParameter<E> {
    /// Returns the value of an omitted parameter of type `T`, if it can be omitted.
    pub(crate) fn value<T: DeserializeOwned>() -> Option<T> {
        T::deserialize(Self(std::marker::PhantomData)).ok()
    }
}

impl<'de, E: de::Error> Deserializer<'de> for MissingParameter<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::custom("a parameter is missing"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::value::{DateTime, Value};

    #[test]
    fn arguments_are_described_exactly() {
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        struct Point {
            x: i32,
        }
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        struct Id(u32);
        let cases = [
            (Kind::of::<i64>(), Kind::Int),
            (Kind::of::<Id>(), Kind::Int),
            (Kind::of::<f32>(), Kind::Double),
            (Kind::of::<String>(), Kind::String),
            (Kind::of::<Vec<u8>>(), Kind::Bytes),
            (Kind::of::<Vec<String>>(), Kind::Array),
            (Kind::of::<(i32, i32)>(), Kind::Array),
            (Kind::of::<HashMap<String, i32>>(), Kind::Struct),
            (Kind::of::<Point>(), Kind::Struct),
            (Kind::of::<DateTime>(), Kind::DateTime),
            (Kind::of::<Value>(), Kind::Any),
            (Kind::of::<()>(), Kind::Nil),
        ];
        for (kind, expected) in cases {
            assert_eq!(kind, expected);
        }
        assert!(Parameter::of::<Option<Point>>().optional);
    }

    #[test]
    fn trailing_optional_parameters_make_more_signatures() {
        let description = Description {
            params: vec![
                Parameter::of::<Option<i32>>(),
                Parameter::of::<String>(),
                Parameter::of::<Option<bool>>(),
            ],
            result: Kind::Nil,
            ..Description::default()
        };
        let text: Vec<String> = description
            .signatures()
            .iter()
            .map(|kinds| {
                kinds
                    .iter()
                    .map(Kind::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(text, ["nil int string boolean", "nil int string"]);
    }
}
