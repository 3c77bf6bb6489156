//! The `system.*` methods that only XML-RPC has.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use rpc_core::{
    Answer, Call, Description, Fault, FaultKind, Format, Kind, Method, Parameter, Payload,
    RegisterError, Registry,
};
use serde::{Deserialize, Serialize};

use super::log;
use super::options::{FaultPolicy, ServerOptions};
use crate::XmlRpc;
use crate::de::Raw;
use crate::document::{
    LONG_NAME, MAX_NAME, REPLY_EPILOGUE, REPLY_PROLOGUE, reply_value, write_fault_value,
};

const MULTICALL: &str = "system.multicall";

pub(super) fn register_system(
    registry: &Registry<XmlRpc>,
    options: &ServerOptions,
) -> Result<(), RegisterError> {
    registry
        .register_introspection()?
        .register(
            Method::function("system.getCapabilities", capabilities).help(
                "Names the extensions of XML-RPC that this server has, with their specifications.",
            ),
        )?
        .register(multicall(options))?;
    Ok(())
}

/// `system.multicall`: several calls in one request, run in their order, each failing alone.
///
/// Specification: Eric Kidd, "RFC: system.multicall" (2001). A multicall within a multicall is
/// refused. What the replies take together is limited like a request's body: the calls after that
/// are refused without being run.
fn multicall(options: &ServerOptions) -> Method<XmlRpc> {
    let limits = Limits {
        calls: options.max_multicall,
        replies: options.max_body,
        policy: options.fault_policy,
    };
    let description = Description {
        params: vec![Parameter {
            kind: Kind::Array,
            ..Parameter::default()
        }],
        result: Kind::Array,
        ..Description::default()
    };
    Method::raw(MULTICALL, description, move |registry, call| {
        Answer::later(run(registry.clone(), call, limits))
    })
    .help(
        "Makes several calls in one request. Each is a struct of methodName and params; each \
         answer is an array of the one result, or a fault struct.",
    )
    .parameter_names(["calls"])
}

#[derive(Clone, Copy)]
struct Limits {
    calls: usize,
    replies: usize,
    policy: FaultPolicy,
}

async fn run(
    registry: Registry<XmlRpc>,
    call: Call<XmlRpc>,
    limits: Limits,
) -> Result<Payload, Fault> {
    let Call {
        params,
        format,
        context,
    } = call;
    let (entries,): (Vec<Raw>,) = format.decode_args(&params)?;
    if entries.len() > limits.calls {
        let text = format!(
            "a multicall of {} calls, the limit is {}",
            entries.len(),
            limits.calls
        );
        return Err(Fault::of(FaultKind::InvalidRequest, text));
    }
    let document = params.into_message();
    let mut out = Vec::from(REPLY_PROLOGUE);
    out.extend_from_slice(b"<value><array><data>");
    for Raw { range } in entries {
        // Methods that answer at once would otherwise hold the event loop for all of them.
        tokio::task::consume_budget().await;
        let started = Instant::now();
        let entry = Payload::part(document.clone(), range);
        let (context, result) = match read_entry(&entry, format) {
            Ok((method, params)) => {
                let params = Payload::part(document.clone(), params);
                let call = Call {
                    params,
                    format,
                    context: context.for_method(method),
                };
                let context = call.context.clone();
                let result = if out.len() > limits.replies {
                    let text = format!("the replies before are over {} bytes", limits.replies);
                    Err(Fault::of(FaultKind::Overloaded, text))
                } else {
                    registry.dispatch(call).await
                };
                (context, result)
            }
            Err(fault) => (context.clone(), Err(fault)),
        };
        let (peer, method) = (context.peer(), context.method());
        log::outcome(peer, method, started, result.as_ref().err());
        let value = match &result {
            Ok(reply) => reply_value(reply, format).map_err(Fault::internal),
            Err(fault) => Err(fault.clone()),
        };
        match value {
            Ok(value) => {
                out.extend_from_slice(b"<value><array><data>");
                out.extend_from_slice(value);
                out.extend_from_slice(b"</data></array></value>");
            }
            Err(fault) => {
                let (code, text) = limits.policy.apply(&fault, context.method());
                write_fault_value(code, &text, &mut out);
            }
        }
    }
    out.extend_from_slice(b"</data></array></value>");
    out.extend_from_slice(REPLY_EPILOGUE.as_bytes());
    Ok(out.into())
}

/// The method that an entry names, and where in the document its parameters are: they stay a
/// slice of the request until the method reads them.
fn read_entry(entry: &Payload, format: XmlRpc) -> Result<(String, Range<usize>), Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        method_name: String,
        params: Raw,
    }

    let Entry {
        method_name,
        params,
    } = format.decode_value(entry)?;
    if method_name == MULTICALL {
        return Err(Fault::of(
            FaultKind::InvalidRequest,
            "a multicall cannot hold a multicall",
        ));
    }
    if method_name.len() > MAX_NAME {
        return Err(Fault::of(FaultKind::InvalidRequest, LONG_NAME));
    }
    Ok((method_name, params.range))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capability {
    spec_url: &'static str,
    spec_version: i32,
}

fn capabilities() -> BTreeMap<&'static str, Capability> {
    let capability = |name, spec_url, spec_version| {
        (
            name,
            Capability {
                spec_url,
                spec_version,
            },
        )
    };
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
        capability(
            "system.multicall",
            "http://www.xmlrpc.com/discuss/msgReader$1208",
            1,
        ),
        capability(
            "nil",
            "http://www.ontosys.com/xml-rpc/extensions.php",
            20010518,
        ),
    ])
}
