//! JSON Schema as a tree of what code can be made of.

use std::collections::HashSet;

use crate::json::Json;

/// Maximum levels of a schema that are read.
const MAX_DEPTH: u8 = 32;

/// The form of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Node {
    /// Any value, or an unknown one.
    #[default]
    Any,
    Nil,
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Date,
    List(Box<Self>),
    Tuple(Vec<Self>),
    /// Members with any names.
    Map(Box<Self>),
    Struct {
        title: String,
        fields: Vec<Field>,
    },
    Choices {
        title: String,
        choices: Vec<String>,
    },
    /// Variants with their names as tags: a string, or a struct of one member.
    Variants {
        title: String,
        variants: Vec<(String, Option<Self>)>,
    },
    /// The value, or nil.
    Optional(Box<Self>),
    Stream(Box<Self>),
    Object,
    /// The name of a schema among the components of the document.
    Reference(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) node: Node,
    pub(crate) required: bool,
}

impl Node {
    /// Reads a schema. What is not understood is any value.
    pub(crate) fn read(schema: &Json) -> Self {
        read(schema, MAX_DEPTH)
    }

    /// Makes a node that may be nil.
    fn or_nil(self) -> Self {
        Self::Optional(Box::new(self))
    }

    /// The name of the type, or nothing.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Struct { title, .. }
            | Self::Choices { title, .. }
            | Self::Variants { title, .. } => title,
            _ => "",
        }
    }

    fn parts(&self) -> Vec<&Self> {
        match self {
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) | Self::Stream(inner) => {
                vec![inner]
            }
            Self::Tuple(items) => items.iter().collect(),
            Self::Struct { fields, .. } => fields.iter().map(|field| &field.node).collect(),
            Self::Variants { variants, .. } => variants
                .iter()
                .filter_map(|(_, value)| value.as_ref())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        1 + self.parts().into_iter().map(Self::len).sum::<usize>()
    }

    /// Adds all parts that have titles, and this node if it has one.
    pub(crate) fn collect_titled<'a>(&'a self, found: &mut Vec<&'a Self>) {
        if !self.title().is_empty() {
            found.push(self);
        }
        for part in self.parts() {
            part.collect_titled(found);
        }
    }

    /// Returns `true` if `part` is the same type, of which less is known.
    pub(crate) fn covers(&self, part: &Self) -> bool {
        let all = |ours: &[Self], theirs: &[Self]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.covers(b))
        };
        match (self, part) {
            (_, Self::Any) => true,
            (Self::Tuple(_), Self::List(inner)) | (Self::Struct { .. }, Self::Map(inner)) => {
                **inner == Self::Any
            }
            (Self::List(a), Self::List(b))
            | (Self::Map(a), Self::Map(b))
            | (Self::Optional(a), Self::Optional(b))
            | (Self::Stream(a), Self::Stream(b)) => a.covers(b),
            (Self::Tuple(a), Self::Tuple(b)) => all(a, b),
            (
                Self::Struct { title, fields },
                Self::Struct {
                    title: other,
                    fields: others,
                },
            ) => {
                title == other
                    && fields.len() == others.len()
                    && fields.iter().zip(others).all(|(a, b)| {
                        a.name == b.name && a.required == b.required && a.node.covers(&b.node)
                    })
            }
            (
                Self::Variants { title, variants },
                Self::Variants {
                    title: other,
                    variants: others,
                },
            ) => {
                title == other
                    && variants.len() == others.len()
                    && variants.iter().zip(others).all(|(a, b)| {
                        a.0 == b.0
                            && match (&a.1, &b.1) {
                                (Some(a), Some(b)) => a.covers(b),
                                (None, None) => true,
                                _ => false,
                            }
                    })
            }
            _ => self == part,
        }
    }
}

fn read(schema: &Json, depth: u8) -> Node {
    let Some(depth) = depth.checked_sub(1) else {
        return Node::Any;
    };
    let inner = |schema: &Json| Box::new(read(schema, depth));
    if let Some(Json::String(target)) = schema.member("$ref") {
        let name = target.rsplit('/').next().unwrap_or_default();
        return Node::Reference(name.to_owned());
    }
    if let Some(items) = schema.member("x-stream") {
        return Node::Stream(inner(items));
    }
    if schema.member("x-object").is_some() {
        return Node::Object;
    }
    if schema.text_of("contentEncoding") == "base64" {
        return nilable(schema, Node::Bytes);
    }
    let title = schema.text_of("title");
    if let Some(Json::Array(schemas)) = schema.member("anyOf").or_else(|| schema.member("oneOf")) {
        return one_of(title, schemas, depth);
    }
    if let Some(Json::Array(schemas)) = schema.member("allOf") {
        return all_of(title, schemas, depth);
    }
    if let Some(Json::Array(values)) = schema.member("enum")
        && let Some(choices) = texts(values)
    {
        return nilable(schema, Node::Choices { title, choices });
    }
    let of_type = |name: &str| match name {
        "null" => Node::Nil,
        "boolean" => Node::Bool,
        "integer" => Node::Int,
        "number" => Node::Double,
        "string" if schema.text_of("format") == "date-time" => Node::Date,
        "string" => Node::Text,
        "array" => array(schema, depth),
        "object" => object(schema, &title, depth),
        _ => Node::Any,
    };
    match schema.member("type") {
        Some(Json::String(name)) => of_type(name),
        Some(Json::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_text).collect();
            match names[..] {
                [name] => of_type(name),
                [name, "null"] | ["null", name] => of_type(name).or_nil(),
                _ => Node::Any,
            }
        }
        None if schema.member("properties").is_some() => object(schema, &title, depth),
        _ => Node::Any,
    }
}

/// Adds nil to a node if it is among the types of a schema.
fn nilable(schema: &Json, node: Node) -> Node {
    let null = Json::String("null".to_owned());
    match schema.member("type") {
        Some(Json::Array(names)) if names.contains(&null) => node.or_nil(),
        _ => node,
    }
}

/// Returns the values of an `enum` if all are strings, and different.
fn texts(values: &[Json]) -> Option<Vec<String>> {
    let texts: Option<Vec<&str>> = values.iter().map(Json::as_text).collect();
    let texts = texts.filter(|texts| !texts.is_empty())?;
    let distinct: HashSet<&str> = texts.iter().copied().collect();
    (distinct.len() == texts.len()).then(|| texts.into_iter().map(ToOwned::to_owned).collect())
}

fn array(schema: &Json, depth: u8) -> Node {
    let tuple = |items: &[Json]| Node::Tuple(items.iter().map(|item| read(item, depth)).collect());
    match (schema.member("prefixItems"), schema.member("items")) {
        (Some(Json::Array(items)), _) if schema.member("maxItems").is_some() => tuple(items),
        // Of draft 7.
        (None, Some(Json::Array(items))) => tuple(items),
        (None, Some(items)) => Node::List(Box::new(read(items, depth))),
        _ => Node::List(Box::default()),
    }
}

fn object(schema: &Json, title: &str, depth: u8) -> Node {
    let required: HashSet<&str> = match schema.member("required") {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_text).collect(),
        _ => HashSet::new(),
    };
    match (
        schema.member("properties"),
        schema.member("additionalProperties"),
    ) {
        (Some(Json::Object(members)), _) if !members.is_empty() => {
            let mut seen = HashSet::new();
            let members = members
                .iter()
                .filter(|(name, _)| seen.insert(name.as_str()));
            let fields = members.map(|(name, schema)| Field {
                required: required.contains(name.as_str()),
                node: read(schema, depth),
                name: name.clone(),
            });
            Node::Struct {
                title: title.to_owned(),
                fields: fields.collect(),
            }
        }
        (_, Some(values @ Json::Object(_))) => Node::Map(Box::new(read(values, depth))),
        _ => Node::Map(Box::default()),
    }
}

fn one_of(title: String, schemas: &[Json], depth: u8) -> Node {
    let is_null = |schema: &&Json| schema.text_of("type") == "null";
    let others: Vec<&Json> = schemas.iter().filter(|schema| !is_null(schema)).collect();
    let is_optional = others.len() < schemas.len();
    let node = match others[..] {
        [] => Node::Nil,
        [only] => {
            let mut only = only.clone();
            if let Json::Object(members) = &mut only
                && !title.is_empty()
                && !members.iter().any(|(name, _)| name == "title")
            {
                members.push(("title".to_owned(), Json::String(title)));
            }
            read(&only, depth)
        }
        _ => {
            let variants: Option<Vec<_>> = others.iter().map(|one| variant(one, depth)).collect();
            let mut seen = HashSet::new();
            match variants {
                Some(variants) if variants.iter().all(|(name, _)| seen.insert(name.clone())) => {
                    Node::Variants { title, variants }
                }
                _ => Node::Any,
            }
        }
    };
    if is_optional && node != Node::Nil {
        node.or_nil()
    } else {
        node
    }
}

/// Reads a variant that is tagged by its name.
fn variant(schema: &Json, depth: u8) -> Option<(String, Option<Node>)> {
    if let Some(Json::Array(values)) = schema.member("enum") {
        let mut texts = texts(values)?;
        let only = texts.pop();
        return only.filter(|_| texts.is_empty()).map(|only| (only, None));
    }
    match (schema.member("properties")?, schema.member("required")?) {
        (Json::Object(members), Json::Array(required)) => match (&members[..], &required[..]) {
            ([(name, value)], [tag]) if tag.as_text() == Some(name) => {
                Some((name.clone(), Some(read(value, depth))))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Merges structs into one.
fn all_of(title: String, schemas: &[Json], depth: u8) -> Node {
    if let [only] = schemas {
        return read(only, depth);
    }
    let mut all: Vec<Field> = Vec::new();
    let mut names = HashSet::new();
    for schema in schemas {
        let Node::Struct { fields, .. } = read(schema, depth) else {
            return Node::Any;
        };
        all.extend(
            fields
                .into_iter()
                .filter(|field| names.insert(field.name.clone())),
        );
    }
    Node::Struct { title, fields: all }
}
