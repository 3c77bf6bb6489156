//! Shapes as JSON Schema.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{Content, Member, Shape};
use crate::value::Kind;

/// A shape as JSON Schema (2020-12), of the value in JSON. There are no nulls in it, since not
/// every protocol has them.
///
/// Keywords that begin with `x-` are for what JSON has no type for: `x-stream` has the schema of
/// the items of a stream, and `x-object` marks a reference to an object.
pub(super) struct Schema<'a>(pub(super) &'a Shape);

/// The types of a schema: one, or one and null.
struct Types {
    name: &'static str,
    optional: bool,
}

impl Serialize for Types {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.optional {
            [self.name, "null"].serialize(serializer)
        } else {
            self.name.serialize(serializer)
        }
    }
}

impl Serialize for Schema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Shape {
            kind,
            optional,
            content,
        } = self.0;
        #[cfg(feature = "schemars")]
        if let Content::Schema(known) = content {
            return known.schema.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        let name = match content {
            Content::Choices { .. } => Some("string"),
            _ => type_of(*kind),
        };
        // A choice that can be missing is one of two schemas: an `enum` names all values, and null
        // is not among these.
        let is_either = *optional && matches!(content, Content::Choices { .. });
        if let Some(name) = name.filter(|_| !is_either) {
            let optional = *optional && name != "null";
            map.serialize_entry("type", &Types { name, optional })?;
        }
        match (kind, content) {
            (Kind::Bytes, _) => map.serialize_entry("contentEncoding", "base64")?,
            (Kind::DateTime, _) => map.serialize_entry("format", "date-time")?,
            (Kind::Array, Content::Elements(inner)) => {
                map.serialize_entry("items", &Schema(inner))?;
            }
            (_, Content::Elements(inner)) => {
                map.serialize_entry("additionalProperties", &Schema(inner))?;
            }
            (_, Content::Items(items)) => {
                map.serialize_entry("prefixItems", &Schemas(items))?;
                map.serialize_entry("minItems", &items.len())?;
                map.serialize_entry("maxItems", &items.len())?;
            }
            (_, Content::Members { name, members }) => {
                title(&mut map, name)?;
                map.serialize_entry("properties", &Properties(members))?;
                let required = members.iter().filter(|member| !member.shape.optional);
                let required: Vec<&str> = required.map(|member| member.name.as_str()).collect();
                // Draft 4 has no empty list.
                if !required.is_empty() {
                    map.serialize_entry("required", &required)?;
                }
            }
            (_, Content::Choices { name, .. }) if is_either => {
                title(&mut map, name)?;
                let certain = Shape {
                    optional: false,
                    ..self.0.clone()
                };
                let null = Shape::from(Kind::Nil);
                map.serialize_entry("anyOf", &[Schema(&certain), Schema(&null)])?;
            }
            (_, Content::Choices { name, choices }) => {
                title(&mut map, name)?;
                map.serialize_entry("enum", choices)?;
            }
            (_, Content::Variants { name, variants }) => {
                title(&mut map, name)?;
                let null = optional.then_some(Alternative::Null);
                let all = variants.iter().map(Alternative::Variant).chain(null);
                map.serialize_entry("anyOf", &all.collect::<Vec<_>>())?;
            }
            (_, Content::Stream(items)) => map.serialize_entry("x-stream", &Schema(items))?,
            (_, Content::Object) => map.serialize_entry("x-object", &true)?,
            (_, Content::Unknown) => {}
            #[cfg(feature = "schemars")]
            (_, Content::Schema(_)) => {}
        }
        map.end()
    }
}

/// The title is the name of the type.
fn title<M: serde::ser::SerializeMap>(map: &mut M, name: &str) -> Result<(), M::Error> {
    if name.is_empty() {
        return Ok(());
    }
    map.serialize_entry("title", name)
}

const fn type_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Any => None,
        Kind::Nil => Some("null"),
        Kind::Boolean => Some("boolean"),
        Kind::Int => Some("integer"),
        Kind::Double => Some("number"),
        Kind::String | Kind::Bytes | Kind::DateTime => Some("string"),
        Kind::Array => Some("array"),
        Kind::Struct => Some("object"),
    }
}

struct Schemas<'a>(&'a [Shape]);

impl Serialize for Schemas<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Schema))
    }
}

struct Properties<'a>(&'a [Member]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.iter();
        serializer.collect_map(members.map(|member| (&member.name, Schema(&member.shape))))
    }
}

/// A form of an enum: its variants are tagged by their names, as serde does by default.
enum Alternative<'a> {
    Variant(&'a Member),
    Null,
}

impl Serialize for Alternative<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Null => map.serialize_entry("type", "null")?,
            Self::Variant(member) if member.shape.kind == Kind::Nil => {
                map.serialize_entry("type", "string")?;
                map.serialize_entry("enum", &[&member.name])?;
            }
            Self::Variant(member) => {
                map.serialize_entry("type", "object")?;
                let members = std::slice::from_ref(*member);
                map.serialize_entry("properties", &Properties(members))?;
                map.serialize_entry("required", &[&member.name])?;
            }
        }
        map.end()
    }
}
