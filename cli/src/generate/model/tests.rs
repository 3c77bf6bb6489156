use super::*;
use crate::describe::{of_document, of_signatures};
use crate::json::parse;

fn interface(document: &str) -> Interface {
    let source = of_document(&parse(document).unwrap());
    let url = "http://host/".to_owned();
    let components = &source.components;
    Interface::new(url, Protocol::Json, None, source.methods, components)
}

/// Returns a tree with this many levels described, as a server describes it.
fn tree(levels: usize) -> String {
    let inner = match levels {
        0 => return r#"{"type": "object"}"#.to_owned(),
        1 => r#"{"type": "array"}"#.to_owned(),
        _ => format!(r#"{{"type": "array", "items": {}}}"#, tree(levels - 1)),
    };
    format!(
        r#"{{"type": "object", "title": "Tree", "required": ["name", "children"],
            "properties": {{"name": {{"type": "string"}}, "children": {inner}}}}}"#
    )
}

#[test]
fn a_type_that_contains_itself_is_one_type() {
    let method = |name: &str, levels| {
        format!(
            r#"{{"name": "{name}", "params": [], "result": {{"name": "r", "schema": {}}}}}"#,
            tree(levels)
        )
    };
    let document = format!(
        r#"{{"methods": [{}, {}, {}]}}"#,
        method("a", 1),
        method("b", 4),
        method("c", 2)
    );
    let interface = interface(&document);
    assert_eq!(interface.types.len(), 1);
    let Content::Struct(members) = &interface.types[0].content else {
        panic!("it is a struct");
    };
    assert_eq!(members[1].ty, Type::List(Box::new(Type::Named(0))));
    for method in &interface.methods {
        assert_eq!(method.result, Type::Named(0), "{}", method.name);
    }
}

#[test]
fn types_with_one_title_can_differ() {
    let interface = interface(
        r#"{"methods": [{"name": "m", "params": [
            {"name": "a", "required": true, "schema": {"title": "Page", "properties": {
                "inner": {"title": "Page", "properties": {"inner": {"type": "integer"}}}
            }}}
        ], "result": {"name": "r", "schema": {"title": "Color", "enum": ["red"]}}}]}"#,
    );
    let names: Vec<&str> = interface.types.iter().map(|ty| ty.name.as_str()).collect();
    assert_eq!(names, ["Page", "Page", "Color"]);
    let mut interface = interface;
    interface.name_types(&mut Names::new(&["Color"], "Type", "Unnamed"));
    let names: Vec<&str> = interface.types.iter().map(|ty| ty.name.as_str()).collect();
    assert_eq!(names, ["Page", "Page2", "ColorType"]);
    assert!(!interface.is_inside(1, 0) && interface.is_inside(0, 1));
}

#[test]
fn schemas_of_others_are_read() {
    let interface = interface(
        r##"{
          "methods": [{
            "name": "get", "summary": "Gets.",
            "params": [{"$ref": "#/components/contentDescriptors/Id"}],
            "result": {"name": "r", "schema": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Node"}]}}
          }],
          "components": {
            "contentDescriptors": {"Id": {"name": "id", "required": true, "schema": {"type": "string"}}},
            "schemas": {
              "Node": {"type": "object", "properties": {
                "next": {"$ref": "#/components/schemas/Node"},
                "loop": {"$ref": "#/components/schemas/Loop"},
                "pair": {"type": "array", "items": [{"type": "number"}, {"type": "boolean"}]},
                "both": {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "null"}}}]},
                "any": {"oneOf": [{"type": "string"}, {"type": "integer"}]}
              }},
              "Loop": {"$ref": "#/components/schemas/Loop"}
            }
          }
        }"##,
    );
    let method = &interface.methods[0];
    assert_eq!((&*method.help, method.required), ("Gets.", 1));
    assert_eq!(
        (&*method.params[0].name, &method.params[0].ty),
        ("id", &Type::Text)
    );
    let Type::Optional(node) = &method.result else {
        panic!("{:?}", method.result);
    };
    let Type::Named(node) = **node else {
        panic!("{node:?}");
    };
    let Content::Struct(members) = &interface.types[node].content else {
        panic!("it is a struct");
    };
    let types: Vec<&Type> = members.iter().map(|member| &member.ty).collect();
    assert_eq!(types[0], &Type::Named(node));
    assert_eq!(types[1], &Type::Any);
    assert_eq!(types[2], &Type::Tuple(vec![Type::Double, Type::Bool]));
    assert!(matches!(types[3], Type::Named(_)));
    assert_eq!(types[4], &Type::Any);
}

#[test]
fn signatures_of_xml_rpc_are_one_method() {
    let method = |signatures: &[&[&str]]| {
        let signatures = signatures.iter();
        let signatures = signatures
            .map(|types| types.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        of_signatures("m".to_owned(), String::new(), Some(signatures))
    };
    let one = method(&[&["int", "string"], &["int", "string", "base64"], &["int"]]);
    assert_eq!((one.required, one.result), (0, Node::Int));
    assert_eq!(one.params[0], ("arg1".to_owned(), Node::Text));
    assert_eq!(one.params[1], ("arg2".to_owned(), Node::Bytes));
    let other = method(&[&["int", "string"], &["array", "int"]]);
    assert_eq!((other.required, other.result), (1, Node::Any));
    assert_eq!(other.params[0].1, Node::Any);
    assert!(method(&[]).variadic && method(&[&[]]).variadic);
}

#[test]
fn hostile_schemas_end() {
    let deep = |levels: usize| {
        let open = r#"{"type": "array", "items": "#.repeat(levels);
        format!(
            r#"{{"methods": [{{"name": "m", "params": [], "result": {{"schema": {open}{{}}{}}}}}]}}"#,
            "}".repeat(levels)
        )
    };
    assert_eq!(interface(&deep(60)).methods.len(), 1);
    let twice = interface(
        r##"{"methods": [{"name": "m", "params": [], "result": {"schema": {"$ref": "#/components/schemas/A"}}}],
            "components": {"schemas": {"A": {"type": "array", "items": [{"$ref": "#/A"}, {"$ref": "#/A"}]}}}}"##,
    );
    assert_eq!(twice.methods.len(), 1);
    let many: Vec<String> = (0..3000)
        .map(|n| {
            format!(
                r#"{{"name": "m{n}", "params": [], "result": {{"schema": {{"title": "T", "properties": {{"p{n}": {{}}}}}}}}}}"#
            )
        })
        .collect();
    let interface = interface(&format!(r#"{{"methods": [{}]}}"#, many.join(", ")));
    assert_eq!(interface.types.len(), MAX_TYPES);
}
