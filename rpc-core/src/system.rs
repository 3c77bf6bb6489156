//! Introspection: the `system.*` methods that describe the methods of a server.

use crate::describe::{Description, OpenRpc, Parameter};
use crate::fault::Fault;
use crate::format::Format;
use crate::name::Name;
use crate::registry::{Method, RegisterError, Registry};
use crate::value::Kind;

impl<F: Format> Registry<F> {
    /// Registers `system.listMethods`, `system.methodHelp`, `system.methodSignature` and
    /// `system.describe`. They describe the registry as it is at the time of each call. A server
    /// that should not have one of them [unregisters](Self::unregister) it.
    ///
    /// The result of `system.describe` is an OpenRPC 1.3 document: all methods with their texts,
    /// the names and JSON Schemas of their parameters and results, and the facts
    /// [about](Self::set_about) the service. It has at most 10,000 methods, 2 MiB of texts and
    /// 50,000 values in schemas; what is beyond these limits is left out.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub fn register_introspection(&self) -> Result<&Self, RegisterError> {
        self.register_all([
            list_methods(),
            method_help(),
            method_signature(),
            describe("system.describe"),
        ])
    }

    /// Registers `rpc.discover`, the method by which tools for JSON-RPC ask for the document of
    /// `system.describe`.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn register_discovery(&self) -> Result<&Self, RegisterError> {
        self.register(describe("rpc.discover"))
    }
}

fn describe<F: Format>(name: &str) -> Method<F> {
    introspection(name, Kind::Struct, |registry: &Registry<F>, ()| {
        Ok(Described(registry.clone()))
    })
    .help("Describes all methods: the result is an OpenRPC document.")
}

/// The description of a registry, which is made while it is encoded.
struct Described<F: Format>(Registry<F>);

impl<F: Format> serde::Serialize for Described<F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OpenRpc::new(&self.0).serialize(serializer)
    }
}

fn list_methods<F: Format>() -> Method<F> {
    introspection("system.listMethods", Kind::Array, |registry, ()| {
        Ok(registry
            .names()
            .iter()
            .map(Name::to_string)
            .collect::<Vec<_>>())
    })
    .help("Lists the names of all methods, sorted.")
}

fn method_help<F: Format>() -> Method<F> {
    introspection(
        "system.methodHelp",
        Kind::String,
        |registry, (name,): (String,)| Ok(description(registry, &name)?.help.clone()),
    )
    .help("Returns the help text of a method.")
    .parameter_names(["method"])
}

fn method_signature<F: Format>() -> Method<F> {
    introspection(
        "system.methodSignature",
        Kind::Array,
        |registry, (name,): (String,)| {
            let signatures = description(registry, &name)?.signatures();
            let text = |kinds: &Vec<Kind>| kinds.iter().map(Kind::to_string).collect::<Vec<_>>();
            Ok(signatures.iter().map(text).collect::<Vec<_>>())
        },
    )
    .help("Lists the signatures of a method: the type of the result, then those of the parameters.")
    .parameter_names(["method"])
}

fn description<F: Format>(
    registry: &Registry<F>,
    name: &str,
) -> Result<std::sync::Arc<Description>, Fault> {
    registry
        .describe(name)
        .ok_or_else(|| Fault::unknown_method(name))
}

fn introspection<F, A, R>(
    name: &str,
    result: Kind,
    answer: impl Fn(&Registry<F>, A) -> Result<R, Fault> + Send + Sync + 'static,
) -> Method<F>
where
    F: Format,
    A: crate::args::FromArgs,
    R: serde::Serialize,
{
    let params: Vec<Parameter> = A::describe();
    let description = Description {
        params,
        result,
        ..Description::default()
    };
    Method::raw(
        name,
        description,
        move |registry, call: crate::call::Call<F>| {
            let run = || {
                let arguments = call.format.decode_args(&call.params)?;
                crate::registry::encode(&call.format, answer(registry, arguments))
            };
            crate::call::CallReply::ready(run())
        },
    )
}
