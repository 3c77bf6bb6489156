//! Descriptions of methods for introspection, derived from their Rust types.

mod probe;

use std::sync::Arc;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::name::Name;
use crate::value::Kind;

/// The methods of a registry, whatever their format, for those that describe them.
pub trait Catalog: Send + Sync {
    /// The version of the methods: after each change of a registry it is one that no registry of
    /// this process had before.
    fn version(&self) -> u64;

    /// Returns the names of all methods, sorted.
    fn names(&self) -> Vec<Name>;

    /// Returns the description of a method, if it exists.
    fn describe(&self, name: &str) -> Option<Arc<Description>>;
}

impl Kind {
    /// Returns the kind that `T` is deserialized from.
    ///
    /// No value is needed: `T` is deserialized from a probe that only records which kind is
    /// requested. Every owned type that serde can deserialize is `Deserialize<'static>`.
    #[must_use]
    pub fn of<T: Deserialize<'static>>() -> Self {
        Shape::of::<T>().kind
    }
}

/// The form of a value: its kind, and what is known of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The kind of the value.
    pub kind: Kind,
    /// `true` if the value may be missing, or nil.
    pub optional: bool,
    /// The content of the value.
    pub content: Content,
}

/// The content of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// There is none, or it is unknown.
    #[default]
    Unknown,
    /// Elements of this shape: those of an array, or the members of a struct, with any names.
    Elements(Box<Shape>),
    /// The members of a struct.
    Members(Vec<Member>),
    /// One of these strings.
    Choices(Vec<String>),
}

/// A member of a struct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// The form of its value.
    pub shape: Shape,
}

impl Shape {
    /// Returns the shape of the values that `T` is deserialized from, up to four levels of
    /// containers and 200 values.
    ///
    /// No value is needed: `T` is deserialized from a probe that only records what is requested.
    #[must_use]
    pub fn of<T: Deserialize<'static>>() -> Self {
        probe::shape_of::<T>()
    }
}

impl From<Kind> for Shape {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
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
    /// The content of the value.
    pub content: Content,
}

impl Parameter {
    /// Describes the parameter for an argument of type `T`.
    #[must_use]
    pub fn of<T: Deserialize<'static>>() -> Self {
        let Shape {
            kind,
            optional,
            content,
        } = Shape::of::<T>();
        Self {
            name: None,
            kind,
            optional,
            content,
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
    /// The content of the result.
    pub content: Content,
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
    fn the_content_of_types_is_described() {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(dead_code)]
        struct Tree {
            full_name: Option<String>,
            data: Vec<u8>,
            color: Color,
            children: Vec<Self>,
            by_name: HashMap<String, f64>,
        }
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[allow(dead_code)]
        enum Color {
            Red,
            Green,
        }
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        enum Event {
            Quit,
            Key(char),
        }
        fn text(shape: &Shape) -> String {
            let content = match &shape.content {
                Content::Unknown => String::new(),
                Content::Elements(shape) => format!("<{}>", text(shape)),
                Content::Choices(names) => format!("({})", names.join("|")),
                Content::Members(members) => {
                    let one = |member: &Member| format!("{}: {}", member.name, text(&member.shape));
                    let members: Vec<_> = members.iter().map(one).collect();
                    format!("{{{}}}", members.join(", "))
                }
            };
            let optional = if shape.optional { "?" } else { "" };
            format!("{}{content}{optional}", shape.kind)
        }
        assert_eq!(text(&Shape::of::<Vec<Vec<u8>>>()), "array<base64>");
        assert_eq!(text(&Shape::of::<Option<Vec<i8>>>()), "array<int>?");
        assert_eq!(
            text(&Shape::of::<Vec<Option<DateTime>>>()),
            "array<dateTime.iso8601?>"
        );
        assert_eq!(
            text(&Shape::of::<HashMap<String, bool>>()),
            "struct<boolean>"
        );
        assert_eq!(text(&Shape::of::<Value>()), "undef");
        assert_eq!(text(&Shape::of::<Vec<Value>>()), "array<undef>");
        assert_eq!(text(&Shape::of::<Event>()), "undef");
        let leaf = "fullName: string?, data: base64, color: undef(red|green)";
        let tree = text(&Shape::of::<Tree>());
        assert!(
            tree.starts_with(&format!("struct{{{leaf}, children: array<struct{{{leaf}")),
            "{tree}"
        );
        assert!(tree.ends_with("byName: struct<double>}"), "{tree}");
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
