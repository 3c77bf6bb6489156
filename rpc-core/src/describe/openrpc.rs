//! The methods of a registry as an OpenRPC document.

use std::cell::Cell;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::schema::Schema;
use super::{Catalog, Content, Description, Kind, Parameter, Shape};

/// Maximum number of methods in a document. A caller of more asks `system.methodSignature`.
const MAX_METHODS: usize = 10_000;

/// Bytes of help texts after which methods are described without theirs. 2 MiB are 1,000 methods
/// with long texts, as on the documentation page.
const MAX_TEXT: usize = 2 << 20;

/// Number of values in schemas after which types are described without their content, which bounds
/// a document at some MiB.
const MAX_VALUES: usize = 50_000;

/// The methods of a registry as a document of [OpenRPC 1.3.2](https://spec.open-rpc.org).
pub(crate) struct OpenRpc<'a> {
    methods: &'a dyn Catalog,
    text: Cell<usize>,
    values: Cell<usize>,
    /// Schemas that those of the methods refer to.
    #[cfg(feature = "schemars")]
    components: std::cell::RefCell<std::collections::BTreeMap<String, serde_json::Value>>,
}

impl<'a> OpenRpc<'a> {
    pub(crate) fn new(methods: &'a dyn Catalog) -> Self {
        Self {
            methods,
            text: Cell::new(MAX_TEXT),
            values: Cell::new(MAX_VALUES),
            #[cfg(feature = "schemars")]
            components: std::cell::RefCell::default(),
        }
    }

    /// Returns a text if there is room for it.
    fn admitted<'t>(&self, text: &'t str) -> &'t str {
        match self.text.get().checked_sub(text.len()) {
            Some(rest) => {
                self.text.set(rest);
                text
            }
            None => "",
        }
    }

    /// Returns a shape, without its content if there is no room for it.
    fn bounded(&self, mut shape: Shape) -> Shape {
        match self.values.get().checked_sub(shape.content.len()) {
            Some(rest) => self.values.set(rest),
            None => shape.content = Content::Unknown,
        }
        #[cfg(feature = "schemars")]
        if let Content::Schema(known) = &shape.content {
            let mut components = self.components.borrow_mut();
            for (name, schema) in &known.definitions {
                components
                    .entry(name.clone())
                    .or_insert_with(|| schema.clone());
            }
        }
        shape
    }
}

impl Content {
    /// The number of values that it describes.
    fn len(&self) -> usize {
        let of = |shape: &Shape| 1 + shape.content.len();
        match self {
            Self::Unknown | Self::Object => 0,
            Self::Elements(shape) | Self::Stream(shape) => of(shape),
            Self::Items(shapes) => shapes.iter().map(of).sum(),
            Self::Members { members, .. }
            | Self::Variants {
                variants: members, ..
            } => members.iter().map(|member| of(&member.shape)).sum(),
            Self::Choices { choices, .. } => choices.len(),
            #[cfg(feature = "schemars")]
            Self::Schema(schema) => schema.len(),
        }
    }
}

impl Serialize for OpenRpc<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.methods.names();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("openrpc", "1.3.2")?;
        map.serialize_entry("info", &Info(self))?;
        map.serialize_entry("methods", &Methods(self, &names))?;
        #[cfg(feature = "schemars")]
        if !self.components.borrow().is_empty() {
            let schemas = std::collections::BTreeMap::from([("schemas", &self.components)]);
            map.serialize_entry("components", &schemas)?;
        }
        if names.len() > MAX_METHODS {
            map.serialize_entry("x-methods", &names.len())?;
        }
        map.end()
    }
}

struct Info<'a>(&'a OpenRpc<'a>);

impl Serialize for Info<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let about = self.0.methods.about();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", self.0.admitted(&about.title))?;
        map.serialize_entry("version", self.0.admitted(&about.version))?;
        entry_of_text(&mut map, "description", self.0.admitted(&about.text))?;
        map.end()
    }
}

struct Methods<'a>(&'a OpenRpc<'a>, &'a [crate::name::Name]);

impl Serialize for Methods<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.1.iter().take(MAX_METHODS);
        // A method can have been removed since its name was listed.
        let methods = names.filter_map(|name| {
            let description = self.0.methods.describe(name)?;
            Some(Method {
                document: self.0,
                name,
                description: MethodDescription(description),
            })
        });
        serializer.collect_seq(methods)
    }
}

struct MethodDescription(std::sync::Arc<Description>);

struct Method<'a> {
    document: &'a OpenRpc<'a>,
    name: &'a str,
    description: MethodDescription,
}

impl Serialize for Method<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            document,
            name,
            description: MethodDescription(description),
        } = self;
        let help = document.admitted(&description.help);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        entry_of_text(&mut map, "summary", help.lines().next().unwrap_or_default())?;
        entry_of_text(&mut map, "description", help)?;
        let has_names = description.params.iter().all(|param| param.name.is_some());
        let structure = if has_names && !description.variadic {
            "either"
        } else {
            "by-position"
        };
        map.serialize_entry("paramStructure", structure)?;
        map.serialize_entry("params", &Parameters(document, description))?;
        let result = Descriptor {
            name: "result",
            required: description.result != Kind::Nil,
            shape: document.bounded(description.result_shape()),
        };
        map.serialize_entry("result", &result)?;
        if !description.faults.is_empty() {
            map.serialize_entry("errors", &Faults(&description.faults))?;
        }
        if description.variadic {
            map.serialize_entry("x-variadic", &true)?;
        }
        map.end()
    }
}

struct Parameters<'a>(&'a OpenRpc<'a>, &'a Description);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(document, description) = self;
        let required = description.required();
        let names: Vec<&str> = description.params.iter().filter_map(name_of).collect();
        let unnamed = |number: usize| {
            let mut name = format!("parameter{number}");
            while names.contains(&&*name) {
                name.push('_');
            }
            name
        };
        let params = description.params.iter().enumerate().map(|(index, param)| {
            let name = name_of(param).map_or_else(|| unnamed(index + 1), ToOwned::to_owned);
            Descriptor {
                name,
                required: index < required,
                shape: document.bounded(param.shape()),
            }
        });
        let rest = description.variadic.then(|| Descriptor {
            name: unnamed(description.params.len() + 1),
            required: false,
            shape: Shape::default(),
        });
        serializer.collect_seq(params.chain(rest))
    }
}

fn name_of(param: &Parameter) -> Option<&str> {
    param.name.as_deref()
}

/// A parameter or a result.
struct Descriptor<N> {
    name: N,
    required: bool,
    shape: Shape,
}

impl<N: Serialize> Serialize for Descriptor<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("required", &self.required)?;
        map.serialize_entry("schema", &Schema(&self.shape))?;
        map.end()
    }
}

struct Faults<'a>(&'a [(i64, String)]);

impl Serialize for Faults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(code, text)| Fault { code, text }))
    }
}

#[derive(serde::Serialize)]
struct Fault<'a> {
    code: &'a i64,
    #[serde(rename = "message")]
    text: &'a str,
}

fn entry_of_text<M: serde::ser::SerializeMap>(
    map: &mut M,
    name: &'static str,
    text: &str,
) -> Result<(), M::Error> {
    if text.is_empty() {
        return Ok(());
    }
    map.serialize_entry(name, text)
}
