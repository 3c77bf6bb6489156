//! The `system.*` methods that only XML-RPC has.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use rpc_core::{
    Answer, Call, Description, Fault, FaultKind, Kind, Method, Parameter, Payload, RegisterError,
    Registry,
};
use serde::{Deserialize, Serialize};

use super::http::log;
use super::options::ServerOptions;
use crate::de::Raw;
use crate::{XmlRpc, message};

const MULTICALL: &str = "system.multicall";

pub(super) fn register_system(
    registry: &Registry<XmlRpc>,
    options: &ServerOptions,
) -> Result<(), RegisterError> {
    registry
        .register_introspection()?
        .register(Method::function("system.getCapabilities", capabilities).help(
            "Names the extensions of XML-RPC that this server has, with their specifications.",
        ))?
        .register(multicall(options))?;
    Ok(())
}

/// `system.multicall`: several calls in one request, run in their order, each failing alone.
///
/// Specification: Eric Kidd, "RFC: system.multicall" (2001). A multicall within a multicall is
/// refused. What the replies take together is limited like a request's body: the calls after that
/// are refused without being run.
fn multicall(options: &ServerOptions) -> Method<XmlRpc> {
    let (limit, max_reply, policy) = (options.max_multicall, options.max_body, options.fault_policy);
    let description = Description {
        params: vec![Parameter { kind: Kind::Array, ..Parameter::default() }],
        result: Kind::Array,
        ..Description::default()
    };
    Method::raw(MULTICALL, description, move |registry, call: Call<XmlRpc>| {
        let entries = match call.format.decode::<(Vec<Raw>,)>(&call.params) {
            Ok((entries,)) => entries,
            Err(error) => return Fault::from(error).into(),
        };
        if entries.len() > limit {
            let message = format!("a multicall of {} calls, the limit is {limit}", entries.len());
            return Fault::of(FaultKind::InvalidRequest, message).into();
        }
        let registry = registry.clone();
        Answer::later(async move {
            let Call { params, format, context } = call;
            let document = params.into_message();
            let mut out = Vec::new();
            out.extend_from_slice(message::REPLY_HEAD);
            out.extend_from_slice(b"<value><array><data>");
            for entry in entries {
                let started = Instant::now();
                let (context, result) = match entry_call(&document, &entry, format) {
                    Ok((method, params)) => {
                        let context = context.for_method(method);
                        let result = if out.len() > max_reply {
                            let text = format!("the replies before are over {max_reply} bytes");
                            Err(Fault::of(FaultKind::Overloaded, text))
                        } else {
                            let call = Call { params, format, context: context.clone() };
                            registry.dispatch(call).await
                        };
                        (context, result)
                    }
                    Err(fault) => (context.clone(), Err(fault)),
                };
                log(&context, started, result.as_ref().err());
                match result {
                    Ok(reply) => {
                        out.extend_from_slice(b"<value><array><data>");
                        out.extend_from_slice(message::reply_value(reply.as_slice()));
                        out.extend_from_slice(b"</data></array></value>");
                    }
                    Err(fault) => {
                        let (code, text) = policy.apply(&fault, context.method());
                        message::write_fault_value(code, &text, &mut out);
                    }
                }
            }
            out.extend_from_slice(b"</data></array></value>");
            out.extend_from_slice(message::REPLY_TAIL);
            Ok(out.into())
        })
    })
    .help("Makes several calls in one request. Each is a struct of methodName and params; each \
           answer is an array of the one result, or a fault struct.")
    .parameter_names(["calls"])
}

/// The call that an entry of a multicall holds. Its parameters stay a slice of the request.
fn entry_call(document: &Bytes, entry: &Raw, format: XmlRpc) -> Result<(String, Payload), Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        method_name: String,
        params: Raw,
    }

    let entry = Payload::part(document.clone(), entry.range());
    let Entry { method_name, params } = format.decode_value(&entry)?;
    if method_name == MULTICALL {
        return Err(Fault::of(FaultKind::InvalidRequest, "a multicall cannot hold a multicall"));
    }
    Ok((method_name, Payload::part(document.clone(), params.range())))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capability {
    spec_url: &'static str,
    spec_version: i32,
}

fn capabilities() -> BTreeMap<&'static str, Capability> {
    let capability = |name, spec_url, spec_version| (name, Capability { spec_url, spec_version });
    BTreeMap::from([
        capability("xmlrpc", "http://www.xmlrpc.com/spec", 1),
        capability(
            "faults_interop",
            "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php",
            20010516,
        ),
        capability(
            "introspection",
            "http://xmlrpc-epi.sourceforge.net/specs/rfc.introspection.php",
            1,
        ),
        capability("system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1),
        capability("nil", "http://www.ontosys.com/xml-rpc/extensions.php", 20010518),
    ])
}
