//! The description of one method, for people.

use std::collections::BTreeMap;

use farcall::cluster::ClientFormat;
use farcall::{CallError, Caller};

use super::schema::{Field, Node};
use super::source::{self, RawMethod, Source};

/// Maximum levels of a type that are shown.
const MAX_DEPTH: u8 = 4;

/// The description of a method.
pub(crate) struct MethodHelp {
    /// The call with the names of its parameters: `add(a: int, b: int) -> int`.
    pub(crate) signature: String,
    /// Its documentation.
    pub(crate) text: String,
}

/// Asks a server to describe a method. Returns `None` if it describes no such method in this way.
pub(crate) async fn help(
    server: &impl Caller<Format: ClientFormat>,
    method: &str,
) -> Result<Option<MethodHelp>, CallError> {
    let Some(document) = source::document(server).await? else {
        return Ok(None);
    };
    let Source {
        methods,
        components,
    } = source::of_document(&document);
    let found = methods.into_iter().find(|found| found.name == method);
    Ok(found.map(|method| MethodHelp {
        signature: signature(&method, &components),
        text: method.help,
    }))
}

type Components = BTreeMap<String, Node>;

fn signature(method: &RawMethod, components: &Components) -> String {
    let shown = |node: &Node| shown(node, components, MAX_DEPTH);
    let params = method.params.iter().enumerate();
    let params = params.map(|(index, (name, node))| {
        let ty = shown(node);
        let may_be_left_out = index >= method.required && !ty.ends_with('?');
        let mark = if may_be_left_out { "?" } else { "" };
        format!("{name}: {ty}{mark}")
    });
    let mut params: Vec<_> = params.collect();
    if method.variadic {
        params.push("...".to_owned());
    }
    let (name, result) = (&method.name, shown(&method.result));
    format!("{name}({}) -> {result}", params.join(", "))
}

/// Returns `true` for a type that is made of others.
fn has_parts(node: &Node) -> bool {
    match node {
        Node::List(_) | Node::Tuple(_) | Node::Map(_) | Node::Struct { .. } => true,
        Node::Variants { .. } | Node::Optional(_) | Node::Stream(_) | Node::Reference(_) => true,
        Node::Any | Node::Nil | Node::Bool | Node::Int | Node::Double | Node::Text => false,
        Node::Bytes | Node::Date | Node::Choices { .. } | Node::Object => false,
    }
}

/// Returns the name of a type, with its parts.
fn shown(node: &Node, components: &Components, depth: u8) -> String {
    let deeper = match depth.checked_sub(1) {
        Some(deeper) => deeper,
        None if has_parts(node) => return "...".to_owned(),
        None => 0,
    };
    let inside = |node: &Node| shown(node, components, deeper);
    let field = |field: &Field| {
        let mark = if field.required { "" } else { "?" };
        format!("{}{mark}: {}", field.name, inside(&field.node))
    };
    match node {
        Node::Any => "any".to_owned(),
        Node::Nil => "nil".to_owned(),
        Node::Bool => "boolean".to_owned(),
        Node::Int => "int".to_owned(),
        Node::Double => "double".to_owned(),
        Node::Text => "string".to_owned(),
        Node::Bytes => "bytes".to_owned(),
        Node::Date => "date".to_owned(),
        Node::Object => "object".to_owned(),
        Node::List(inner) => format!("array of {}", inside(inner)),
        Node::Map(inner) => format!("struct of {}", inside(inner)),
        Node::Stream(inner) => format!("stream of {}", inside(inner)),
        Node::Optional(inner) => inside(inner) + "?",
        Node::Tuple(items) => {
            let items: Vec<_> = items.iter().map(inside).collect();
            format!("[{}]", items.join(", "))
        }
        Node::Struct { fields, .. } => {
            let fields: Vec<_> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Node::Choices { choices, .. } => {
            let choices: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            choices.join(" or ")
        }
        Node::Variants { variants, .. } => {
            let variants = variants.iter().map(|(name, value)| match value {
                None => format!("{name:?}"),
                Some(value) => format!("{{{name}: {}}}", inside(value)),
            });
            variants.collect::<Vec<_>>().join(" or ")
        }
        Node::Reference(name) => match components.get(name) {
            Some(component) => inside(component),
            None => "any".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn signatures_have_names_and_parts() {
        let document = r##"{"methods": [{"name": "m", "params": [
            {"name": "a", "required": true, "schema": {"type": "integer"}},
            {"name": "b", "required": true, "schema": {"$ref": "#/components/schemas/T"}},
            {"name": "c", "schema": {"type": "string"}}
        ], "result": {"name": "r", "schema": {"type": "array", "items": {"type": "number"}}}}],
        "components": {"schemas": {"T": {"type": "object", "required": ["x"],
            "properties": {"x": {"type": "boolean"}, "next": {"$ref": "#/components/schemas/T"}}}}}}"##;
        let Source {
            methods,
            components,
        } = source::of_document(&parse(document).unwrap());
        let shown = signature(&methods[0], &components);
        assert!(
            shown.starts_with("m(a: int, b: {x: boolean, next?: {x: boolean, next?: "),
            "{shown}"
        );
        assert!(
            shown.ends_with(", c: string?) -> array of double"),
            "{shown}"
        );
    }
}
