//! The description of a server, from whichever method it has.

use std::collections::{BTreeMap, HashSet};

use farcall::cluster::{AnyFormat, ClientFormat};
use farcall::{CallError, Caller};

use super::schema::Node;
use crate::json::Json;

/// The method that every server with introspection has.
pub(crate) const LIST_METHODS: &str = "system.listMethods";

/// Maximum number of methods that are asked about one by one.
const MAX_METHODS: usize = 10_000;

/// The description of a server.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) methods: Vec<RawMethod>,
    /// Schemas that others refer to.
    pub(crate) components: BTreeMap<String, Node>,
}

/// A method before its types have names.
#[derive(Debug, Default)]
pub(crate) struct RawMethod {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) params: Vec<(String, Node)>,
    pub(crate) required: usize,
    pub(crate) variadic: bool,
    pub(crate) result: Node,
}

/// Asks a server for the description of its methods: an OpenRPC document, or else the names,
/// signatures and help texts of XML-RPC.
pub(crate) async fn read(server: &impl Caller<Format: ClientFormat>) -> Result<Source, CallError> {
    match document(server).await? {
        Some(document) => Ok(of_document(&document)),
        None => by_introspection(server).await,
    }
}

/// Asks a server for an OpenRPC document of its methods.
pub(crate) async fn document(
    server: &impl Caller<Format: ClientFormat>,
) -> Result<Option<Json>, CallError> {
    let is_json = matches!(server.format().into(), AnyFormat::Json(_));
    let discover = is_json.then_some("rpc.discover");
    for method in ["system.describe"].into_iter().chain(discover) {
        let described: Option<Json> = optional(server.call(method, ()).await)?;
        if let Some(document) = described.filter(|found| found.member("methods").is_some()) {
            return Ok(Some(document));
        }
    }
    Ok(None)
}

/// Reads an OpenRPC document.
pub(crate) fn of_document(document: &Json) -> Source {
    let schemas = document
        .member("components")
        .and_then(|parts| parts.member("schemas"));
    let components = schemas.map(Json::members).unwrap_or_default().iter();
    let components =
        components.map(|(name, schema)| (name.clone(), titled(Node::read(schema), name)));
    let methods = document.member("methods").map(Json::elements);
    let mut names = HashSet::new();
    let methods = methods
        .unwrap_or_default()
        .iter()
        .map(|method| of_method(document, method))
        .filter(|method| !is_builtin(&method.name) && names.insert(method.name.clone()));
    Source {
        methods: methods.collect(),
        components: components.collect(),
    }
}

/// Methods that every server has are not part of its interface.
fn is_builtin(name: &str) -> bool {
    name.is_empty() || name.starts_with("system.") || name.starts_with("rpc.")
}

/// Gives a type the name of its component, if it has none of its own.
fn titled(mut node: Node, name: &str) -> Node {
    match &mut node {
        Node::Struct { title, .. } | Node::Choices { title, .. } | Node::Variants { title, .. }
            if title.is_empty() =>
        {
            name.clone_into(title);
        }
        _ => {}
    }
    node
}

fn of_method(document: &Json, method: &Json) -> RawMethod {
    let variadic = method.member("x-variadic") == Some(&Json::Bool(true));
    let params = method
        .member("params")
        .map(Json::elements)
        .unwrap_or_default();
    let mut required = 0;
    let params = params
        .iter()
        .enumerate()
        .filter(|_| !variadic)
        .map(|(index, param)| {
            let param = resolved(document, param);
            if param.member("required") == Some(&Json::Bool(true)) {
                required = index + 1;
            }
            (param.text_of("name"), of_descriptor(param))
        });
    let params = params.collect();
    let description = method.text_of("description");
    RawMethod {
        name: method.text_of("name"),
        help: if description.is_empty() {
            method.text_of("summary")
        } else {
            description
        },
        params,
        required,
        variadic,
        result: method.member("result").map_or(Node::Nil, |result| {
            of_descriptor(resolved(document, result))
        }),
    }
}

fn of_descriptor(descriptor: &Json) -> Node {
    descriptor
        .member("schema")
        .map(Node::read)
        .unwrap_or_default()
}

/// Returns the content descriptor that a reference means.
fn resolved<'a>(document: &'a Json, descriptor: &'a Json) -> &'a Json {
    let Some(Json::String(target)) = descriptor.member("$ref") else {
        return descriptor;
    };
    let path = target.strip_prefix("#/").unwrap_or_default().split('/');
    path.into_iter()
        .try_fold(document, |part, name| part.member(name))
        .unwrap_or(descriptor)
}

/// Asks for the signature and the help text of each method.
async fn by_introspection(server: &impl Caller<Format: ClientFormat>) -> Result<Source, CallError> {
    let names: Vec<String> = server.call(LIST_METHODS, ()).await?;
    let mut seen = HashSet::new();
    let names = names
        .into_iter()
        .filter(|name| !is_builtin(name) && seen.insert(name.clone()));
    let mut methods = Vec::new();
    for name in names.take(MAX_METHODS) {
        // Servers without signatures report this in different ways, so any result of another type
        // counts as none. A lost connection would be lost for the next call, too.
        let signatures = optional(server.call("system.methodSignature", (&name,)).await)?;
        let help = optional(server.call("system.methodHelp", (&name,)).await)?;
        methods.push(of_signatures(name, help.unwrap_or_default(), signatures));
    }
    Ok(Source {
        methods,
        components: BTreeMap::new(),
    })
}

fn optional<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Fault(_) | CallError::Decode(_) | CallError::NotAReply(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes one method of all of its signatures: the longest one, whose last parameters are optional
/// if another signature does not have them.
pub(crate) fn of_signatures(
    name: String,
    help: String,
    signatures: Option<Vec<Vec<String>>>,
) -> RawMethod {
    let signatures: Vec<(String, Vec<String>)> = signatures
        .unwrap_or_default()
        .into_iter()
        .filter_map(|mut types| (!types.is_empty()).then(|| (types.remove(0), types)))
        .collect();
    let lengths = signatures.iter().map(|(_, params)| params.len());
    let (Some(longest), Some(required)) = (lengths.clone().max(), lengths.min()) else {
        return RawMethod {
            name,
            help,
            variadic: true,
            ..RawMethod::default()
        };
    };
    // Types that differ from signature to signature are any.
    let common = |mut types: Box<dyn Iterator<Item = &String> + '_>| {
        let first = types.next();
        first
            .filter(|first| types.all(|other| other == *first))
            .map_or(Node::Any, |name| of_kind(name))
    };
    let params = (0..longest).map(|index| {
        let types = signatures
            .iter()
            .filter_map(move |(_, params)| params.get(index));
        (format!("arg{}", index + 1), common(Box::new(types)))
    });
    RawMethod {
        params: params.collect(),
        result: common(Box::new(signatures.iter().map(|(result, _)| result))),
        name,
        help,
        required,
        variadic: false,
    }
}

/// Returns the type of a name of XML-RPC.
fn of_kind(name: &str) -> Node {
    match name {
        "nil" => Node::Nil,
        "boolean" | "bool" => Node::Bool,
        "int" | "i4" | "i8" => Node::Int,
        "double" => Node::Double,
        "string" => Node::Text,
        "base64" => Node::Bytes,
        "dateTime.iso8601" => Node::Date,
        "array" => Node::List(Box::default()),
        "struct" => Node::Map(Box::default()),
        _ => Node::Any,
    }
}
