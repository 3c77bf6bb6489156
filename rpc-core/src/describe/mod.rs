//! Descriptions of methods for introspection, derived from their Rust types.

mod openrpc;
mod probe;
mod sample;
mod schema;
#[cfg(feature = "schemars")]
mod type_schema;

use std::sync::Arc;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

pub(crate) use self::openrpc::OpenRpc;
#[cfg(feature = "schemars")]
pub use self::type_schema::TypeSchema;
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

    /// Returns the facts about the service as a whole.
    fn about(&self) -> Arc<About>;
}

/// A service as a whole, as `system.describe` and `rpc.discover` present it.
///
/// ```
/// use farcall::{About, Registry};
/// # fn offer<F: farcall::protocol::Format>(registry: &Registry<F>) {
/// registry.set_about(About::new("Calculator").version("1.2.0").text("Adds and divides."));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct About {
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) text: String,
}

impl About {
    /// Creates the facts about a service with a title, such as its name.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            version: "0".to_owned(),
            text: String::new(),
        }
    }

    /// Sets the version of the service. Default: `0`, since OpenRPC needs one.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets a text about the service, in Markdown. Default: none.
    pub fn text(mut self, markdown: impl Into<String>) -> Self {
        self.text = markdown.into();
        self
    }
}

/// A service without a title.
impl Default for About {
    fn default() -> Self {
        Self::new("service")
    }
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
    /// Elements of an array with a fixed length, one shape each.
    Items(Vec<Shape>),
    /// The members of a struct.
    Members {
        /// The name of the type, or nothing if it has none.
        name: String,
        /// The members.
        members: Vec<Member>,
    },
    /// One of these strings.
    Choices {
        /// The name of the type, or nothing if it has none.
        name: String,
        /// The strings.
        choices: Vec<String>,
    },
    /// The variants of an enum. One of kind [`Kind::Nil`] is its name as a string, any other a
    /// struct whose only member is the variant.
    Variants {
        /// The name of the type, or nothing if it has none.
        name: String,
        /// The variants.
        variants: Vec<Member>,
    },
    /// A stream of items of this shape, which comes beside the value.
    Stream(Box<Shape>),
    /// A reference to an object.
    Object,
    /// A JSON Schema that the type brings along.
    #[cfg(feature = "schemars")]
    #[cfg_attr(docsrs, doc(cfg(feature = "schemars")))]
    Schema(Box<TypeSchema>),
}

/// A member of a struct, or a variant of an enum.
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
    /// The shape of the parameter.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape {
            kind: self.kind,
            optional: self.optional,
            content: self.content.clone(),
        }
    }

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
    /// `true` if the result may be nil.
    pub optional: bool,
    /// The content of the result.
    pub content: Content,
    /// The codes and texts of faults that callers should expect.
    pub faults: Vec<(i64, String)>,
}

impl Description {
    /// The shape of the result.
    #[must_use]
    pub fn result_shape(&self) -> Shape {
        Shape {
            kind: self.result,
            optional: self.optional,
            content: self.content.clone(),
        }
    }

    /// The number of parameters that a caller must pass: those behind them are optional.
    #[must_use]
    pub fn required(&self) -> usize {
        let is_required = |param: &Parameter| !param.optional;
        let last = self.params.iter().rposition(is_required);
        last.map_or(0, |last| last + 1)
    }

    /// The signatures of the method, each the kind of the result followed by the kinds of the
    /// parameters. Each optional parameter at the end adds a signature without it.
    #[must_use]
    pub fn signatures(&self) -> Vec<Vec<Kind>> {
        (self.required()..=self.params.len())
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
            Click { x: i32, y: i32 },
            Drag((i32, i32), Color),
        }
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        struct Endless(Box<Self>, i32);
        fn text(shape: &Shape) -> String {
            let content = match &shape.content {
                Content::Unknown => String::new(),
                Content::Elements(shape) => format!("<{}>", text(shape)),
                Content::Items(shapes) => {
                    let shapes: Vec<_> = shapes.iter().map(text).collect();
                    format!("[{}]", shapes.join(", "))
                }
                Content::Choices { name, choices } => format!("{name}({})", choices.join("|")),
                Content::Members { name, members }
                | Content::Variants {
                    name,
                    variants: members,
                } => {
                    let one = |member: &Member| format!("{}: {}", member.name, text(&member.shape));
                    let members: Vec<_> = members.iter().map(one).collect();
                    format!(" {name}{{{}}}", members.join(", "))
                }
                Content::Stream(items) => format!(" stream of {}", text(items)),
                Content::Object => " object".to_owned(),
                #[cfg(feature = "schemars")]
                Content::Schema(_) => " schema".to_owned(),
            };
            let optional = if shape.optional { "?" } else { "" };
            format!("{}{content}{optional}", shape.kind)
        }
        assert_eq!(text(&Shape::of::<Vec<Vec<u8>>>()), "array<base64>");
        assert_eq!(text(&Shape::of::<Option<Vec<i8>>>()), "array<int>?");
        assert_eq!(text(&Shape::of::<Vec<Option<Vec<u8>>>>()), "array<base64?>");
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
        assert_eq!(
            text(&Shape::of::<Event>()),
            "undef Event{Quit: nil, Key: string, Click: struct {x: int, y: int}, \
             Drag: array[array[int, int], undefColor(red|green)]}"
        );
        assert_eq!(
            text(&Shape::of::<(DateTime, Option<Color>, (Event, Vec<u8>, f64))>()),
            "array[dateTime.iso8601, undefColor(red|green)?, array[undef Event{Quit: nil, \
             Key: string, Click: struct {x: int, y: int}, Drag: array[array, undef]}, \
             base64, double]]"
        );
        assert_eq!(text(&Shape::of::<[f32; 20]>()), "array<double>");
        assert_eq!(text(&Shape::of::<((), Endless)>()).find("int"), None);
        let leaf = "fullName: string?, data: base64, color: undefColor(red|green)";
        let tree = text(&Shape::of::<Tree>());
        assert!(
            tree.starts_with(&format!(
                "struct Tree{{{leaf}, children: array<struct Tree{{{leaf}"
            )),
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
