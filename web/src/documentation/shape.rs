//! Types as people read them.

use std::fmt::Write as _;

use farcall_core::{Content, Kind, Shape};

/// Maximum bytes of an example that a field begins with.
const MAX_EXAMPLE: usize = 2000;

/// Returns the name of a kind.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Nil => "nil",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Double => "double",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::DateTime => "date",
        Kind::Array => "array",
        Kind::Struct => "struct",
        _ => "any",
    }
}

/// Returns the name of a type: `array of int`.
pub(super) fn short(shape: &Shape) -> String {
    let mut name = match (&shape.content, shape.kind) {
        (Content::Elements(inner), Kind::Array) => format!("array of {}", short(inner)),
        (Content::Elements(inner), _) => format!("struct of {}", short(inner)),
        (Content::Choices { .. }, _) => "string".to_owned(),
        (Content::Stream(inner), _) => format!("stream of {}", short(inner)),
        (Content::Object, _) => "object".to_owned(),
        (_, of) => kind(of).to_owned(),
    };
    if shape.optional {
        name.push('?');
    }
    name
}

/// Returns what there is to say of a type beyond its name: its members or choices.
pub(super) fn details(shape: &Shape) -> Option<String> {
    match &shape.content {
        Content::Elements(inner) | Content::Stream(inner) => details(inner),
        Content::Items(items) => {
            let items: Vec<_> = items.iter().map(whole).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Content::Choices { choices, .. } => {
            let choices: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            Some(choices.join(" or "))
        }
        Content::Members { members, .. } => {
            let members = members
                .iter()
                .map(|member| format!("{}: {}", member.name, whole(&member.shape)));
            Some(format!("{{{}}}", members.collect::<Vec<_>>().join(", ")))
        }
        Content::Variants { variants, .. } => {
            let variants = variants.iter().map(|variant| match variant.shape.kind {
                Kind::Nil => format!("{:?}", variant.name),
                _ => format!("{{{}: {}}}", variant.name, whole(&variant.shape)),
            });
            Some(variants.collect::<Vec<_>>().join(" or "))
        }
        _ => None,
    }
}

/// Returns the name of a type with what there is to say of it.
fn whole(shape: &Shape) -> String {
    match details(shape) {
        Some(inside) => format!("{} {inside}", short(shape)),
        None => short(shape),
    }
}

/// Returns an example of a value with parts, in JSON.
pub(super) fn example(shape: &Shape) -> Option<String> {
    let mut out = String::new();
    write_example(&mut out, shape, 0);
    let has_parts = matches!(shape.kind, Kind::Array | Kind::Struct);
    (has_parts && out.len() <= MAX_EXAMPLE).then_some(out)
}

fn write_example(out: &mut String, shape: &Shape, depth: usize) {
    match (&shape.content, shape.kind) {
        (Content::Elements(inner), Kind::Array) => {
            out.push('[');
            write_example(out, inner, depth);
            out.push(']');
        }
        (Content::Elements(inner), _) => {
            out.push_str("{\"name\": ");
            write_example(out, inner, depth);
            out.push('}');
        }
        (Content::Items(items), _) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_example(out, item, depth);
            }
            out.push(']');
        }
        (Content::Members { members, .. }, _) => {
            let indent = "  ".repeat(depth);
            out.push('{');
            for (index, member) in members.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = write!(out, "{comma}\n{indent}  {:?}: ", member.name);
                write_example(out, &member.shape, depth + 1);
            }
            let _ = write!(out, "\n{indent}}}");
        }
        (Content::Choices { choices, .. }, _) => {
            let _ = write!(out, "{:?}", choices.first().map_or("", String::as_str));
        }
        (_, of) => out.push_str(match of {
            Kind::Boolean => "false",
            Kind::Int => "0",
            Kind::Double => "0.0",
            Kind::Array => "[]",
            Kind::Struct => "{}",
            Kind::String | Kind::Bytes | Kind::DateTime => "\"\"",
            _ => "null",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn types_are_named_by_their_content() {
        assert_eq!(short(&Shape::of::<Vec<Option<i32>>>()), "array of int?");
        let map = Shape::of::<Option<HashMap<String, Vec<f64>>>>();
        assert_eq!(short(&map), "struct of array of double?");
        let map = Shape::of::<HashMap<String, Vec<f64>>>();
        assert_eq!(example(&map).unwrap(), "{\"name\": [0.0]}");
        assert_eq!(example(&Shape::of::<i32>()), None);
        let pairs = Shape::of::<Vec<(String, f64)>>();
        assert_eq!(short(&pairs), "array of array");
        assert_eq!(details(&pairs).unwrap(), "[string, double]");
        assert_eq!(example(&pairs).unwrap(), "[[\"\", 0.0]]");
    }
}
