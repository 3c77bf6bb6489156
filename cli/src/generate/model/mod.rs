//! Methods and types as all languages share them.

use std::collections::{BTreeMap, HashMap};

use super::names::{Names, pascal};
use crate::describe::{Field, Node, RawMethod};

/// The most types that are defined. Those beyond it are any value.
const MAX_TYPES: usize = 2_000;

/// Maximum number of values in all schemas: one that refers to itself twice would have no end.
const MAX_VALUES: usize = 200_000;

/// Maximum levels of references in a schema, and of types in each other.
const MAX_DEPTH: u8 = 32;

/// The methods of a server.
#[derive(Debug)]
pub(super) struct Interface {
    /// The URL without secrets.
    pub(super) url: String,
    pub(super) protocol: Protocol,
    /// The name of the class or trait that has the methods.
    pub(super) class: String,
    pub(super) methods: Vec<Method>,
    pub(super) types: Vec<Definition>,
}

/// The protocol of the generated code, as far as it matters for its types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    XmlRpc,
    /// JSON-RPC over HTTP.
    Json,
    /// Another one, which has streams and objects.
    Connection,
    /// Another one, without them.
    Other,
}

#[derive(Debug)]
pub(super) struct Method {
    /// The name for calls.
    pub(super) name: String,
    /// The name without the chosen prefix, from which that in the language is made.
    pub(super) short: String,
    pub(super) help: String,
    pub(super) params: Vec<Parameter>,
    /// Number of parameters that must be passed.
    pub(super) required: usize,
    /// Any number of values is accepted.
    pub(super) variadic: bool,
    pub(super) result: Type,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) ty: Type,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
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
    Map(Box<Self>),
    Optional(Box<Self>),
    Stream(Box<Self>),
    Object,
    /// The index of a definition.
    Named(usize),
}

impl Type {
    /// The type of a value that is passed: not nil.
    pub(super) fn present(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner.present(),
            other => other,
        }
    }
}

/// A type that has a name.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Struct(Vec<Member>),
    Choices(Vec<String>),
    /// Variants, each with its value, if it has one.
    Variants(Vec<(String, Option<Type>)>),
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) ty: Type,
    /// It may be missing.
    pub(super) optional: bool,
}

impl Interface {
    /// Gives names to the types of methods. `components` are schemas that others refer to.
    pub(super) fn new(
        url: String,
        protocol: Protocol,
        prefix: Option<&str>,
        methods: Vec<RawMethod>,
        components: &BTreeMap<String, Node>,
    ) -> Self {
        let class = prefix.map(pascal).unwrap_or_default();
        let class = if class.is_empty() {
            "Methods".to_owned()
        } else {
            class
        };
        let mut types = Types {
            definitions: Vec::new(),
            sources: Vec::new(),
            by_title: HashMap::new(),
            components,
            remaining: MAX_VALUES,
        };
        let short = |name: &str| match prefix {
            None => Some(name.to_owned()),
            Some(prefix) => Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned()),
        };
        let methods: Vec<(String, RawMethod)> = methods
            .into_iter()
            .filter_map(|method| Some((short(&method.name)?, method)))
            .collect();
        types.define_all(methods.iter().map(|(_, method)| method));
        let methods = methods.into_iter().map(|(short, method)| {
            let hint = pascal(&short);
            let params = method.params.iter();
            let params = params.map(|(name, node)| Parameter {
                name: name.clone(),
                ty: types.ty(node, &format!("{hint}{}", pascal(name)), 0),
            });
            Method {
                params: params.collect(),
                result: types.ty(&method.result, &format!("{hint}Result"), 0),
                name: method.name,
                short,
                help: method.help,
                required: method.required,
                variadic: method.variadic,
            }
        });
        let methods = methods.collect();
        Self {
            url,
            protocol,
            class,
            methods,
            types: types.definitions,
        }
    }

    /// Renames all types, so that each name is one of the language and unique.
    pub(super) fn name_types(&mut self, names: &mut Names) {
        self.class = names.unique(&self.class);
        for definition in &mut self.types {
            definition.name = names.unique(&definition.name);
        }
    }

    /// Returns `true` if the definition `to` is part of the definition `from`, other than in lists
    /// and maps.
    pub(super) fn is_inside(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.types.len()];
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            if next == to {
                return true;
            }
            if std::mem::replace(&mut seen[next], true) {
                continue;
            }
            match &self.types[next].content {
                Content::Struct(members) => {
                    members
                        .iter()
                        .for_each(|member| inline(&member.ty, &mut open));
                }
                Content::Variants(variants) => {
                    let values = variants.iter().filter_map(|(_, value)| value.as_ref());
                    values.for_each(|value| inline(value, &mut open));
                }
                Content::Choices(_) => {}
            }
        }
        false
    }
}

/// Adds the definitions that a value of this type holds without a pointer.
fn inline(ty: &Type, found: &mut Vec<usize>) {
    match ty {
        Type::Named(index) => found.push(*index),
        Type::Optional(inner) => inline(inner, found),
        Type::Tuple(items) => items.iter().for_each(|item| inline(item, found)),
        _ => {}
    }
}

/// The types that have been defined.
struct Types<'a> {
    definitions: Vec<Definition>,
    /// The schema of each definition.
    sources: Vec<Node>,
    by_title: HashMap<String, Vec<usize>>,
    components: &'a BTreeMap<String, Node>,
    /// Number of values that may follow.
    remaining: usize,
}

impl Types<'_> {
    /// Defines the types that have titles: the most complete occurrence of each first, since a
    /// description ends after some levels.
    fn define_all<'m>(&mut self, methods: impl Iterator<Item = &'m RawMethod>) {
        let mut titled: Vec<&Node> = Vec::new();
        let components = self.components;
        for component in components.values() {
            component.collect_titled(&mut titled);
        }
        for method in methods {
            for (_, node) in &method.params {
                node.collect_titled(&mut titled);
            }
            method.result.collect_titled(&mut titled);
        }
        titled.sort_by_cached_key(|node| (std::cmp::Reverse(node.len()), node.title().to_owned()));
        for node in titled {
            self.ty(node, "", 0);
        }
    }

    /// Returns the type of a schema. `hint` names it if it has no title.
    fn ty(&mut self, node: &Node, hint: &str, depth: u8) -> Type {
        if depth > MAX_DEPTH || self.remaining == 0 {
            return Type::Any;
        }
        self.remaining -= 1;
        let mut boxed =
            |node: &Node, more: &str| Box::new(self.ty(node, &format!("{hint}{more}"), depth + 1));
        match node {
            Node::Any => Type::Any,
            Node::Nil => Type::Nil,
            Node::Bool => Type::Bool,
            Node::Int => Type::Int,
            Node::Double => Type::Double,
            Node::Text => Type::Text,
            Node::Bytes => Type::Bytes,
            Node::Date => Type::Date,
            Node::Object => Type::Object,
            Node::List(inner) => Type::List(boxed(inner, "Item")),
            Node::Map(inner) => Type::Map(boxed(inner, "Value")),
            Node::Stream(inner) => Type::Stream(boxed(inner, "Item")),
            Node::Optional(inner) => match *boxed(inner, "") {
                same @ (Type::Any | Type::Optional(_) | Type::Nil) => same,
                other => Type::Optional(Box::new(other)),
            },
            Node::Tuple(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| *boxed(item, &format!("Item{}", index + 1)));
                Type::Tuple(items.collect())
            }
            Node::Reference(name) => match self.components.get(name) {
                Some(component) => self.ty(component, name, depth + 1),
                None => Type::Any,
            },
            Node::Struct { .. } | Node::Choices { .. } | Node::Variants { .. } => {
                self.named(node, hint, depth)
            }
        }
    }

    /// Returns the definition of a type, which is made unless there is one.
    fn named(&mut self, node: &Node, hint: &str, depth: u8) -> Type {
        let title = node.title();
        let known = self.by_title.get(title).into_iter().flatten().copied();
        let mut known = known.filter(|&index| self.sources[index].covers(node));
        if let Some(index) = known.next() {
            return Type::Named(index);
        }
        if self.definitions.len() == MAX_TYPES {
            return Type::Any;
        }
        let index = self.definitions.len();
        let name = match pascal(title) {
            name if name.is_empty() => pascal(hint),
            name => name,
        };
        self.definitions.push(Definition {
            name: name.clone(),
            // Replaced below, when the types in it can refer to this one.
            content: Content::Choices(Vec::new()),
        });
        self.sources.push(node.clone());
        // Types without a title are the same if they are equal.
        self.by_title
            .entry(title.to_owned())
            .or_default()
            .push(index);
        let mut inside =
            |node: &Node, part: &str| self.ty(node, &format!("{name}{}", pascal(part)), depth + 1);
        let content = match node {
            Node::Struct { fields, .. } => {
                let member = |field: &Field| Member {
                    ty: inside(&field.node, &field.name),
                    name: field.name.clone(),
                    optional: !field.required,
                };
                Content::Struct(fields.iter().map(member).collect())
            }
            Node::Variants { variants, .. } => {
                let variant = |(name, value): &(String, Option<Node>)| {
                    let value = value.as_ref().map(|value| inside(value, name));
                    (name.clone(), value)
                };
                Content::Variants(variants.iter().map(variant).collect())
            }
            Node::Choices { choices, .. } => Content::Choices(choices.clone()),
            _ => Content::Struct(Vec::new()),
        };
        self.definitions[index].content = content;
        Type::Named(index)
    }
}

#[cfg(test)]
mod tests;
