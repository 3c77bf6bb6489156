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
use crate::xml::places::{Places, counted};

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
    let places = Places::new(&document);
    let mut out = Vec::from(REPLY_PROLOGUE);
    out.extend_from_slice(b"<value><array><data>");
    for Raw { range } in entries {
        // Methods that answer at once would otherwise hold the event loop for all of them.
        tokio::task::consume_budget().await;
        let started = Instant::now();
        let (begin, start) = (range.start, places.of(range.start));
        let entry = Payload::part_at(document.clone(), range, start);
        let (context, result) = match read_entry(&entry, format) {
            Ok((method, params)) => {
                let start = counted(start, &document[begin..params.start]);
                let params = Payload::part_at(document.clone(), params, start);
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

#[cfg(test)]
mod tests {
    use rpc_core::{Context, Value};

    use super::*;
    use crate::xml::places::work;

    fn entry(method: &str, params: &str) -> String {
        format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member>\
             <member><name>params</name><value><array><data>{params}</data></array></value></member>\
             </struct></value>\n"
        )
    }

    /// Runs a multicall of these entries, and gives the faults in its answer and the length of the request.
    async fn faults(entries: &str) -> (Vec<String>, usize) {
        let registry = Registry::new();
        let options = ServerOptions::default();
        register_system(&registry, &options).unwrap();
        let add = Method::function("add", |a: i64, b: i64| a + b);
        registry.register(add).unwrap();
        let document = format!(
            "<params><param><value><array><data>\n{entries}</data></array></value></param></params>"
        );
        let length = document.len();
        let call = Call {
            params: document.into_bytes().into(),
            format: XmlRpc::default(),
            context: Context::new(MULTICALL),
        };
        let reply = registry.dispatch(call).await.unwrap();
        let answers: Vec<Value> = XmlRpc::default().decode_reply(&reply).unwrap();
        let texts = answers.iter().map(|answer| &answer["faultString"]);
        let texts = texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect();
        (texts, length)
    }

    /// A request of 1,380 bytes with gzip took 0.13 s: each entry that failed was counted from the start of it.
    #[tokio::test]
    async fn positions_of_many_errors_are_counted_once() {
        let int = "<value><int>1</int></value>";
        for bad in [
            // In the arguments, in the entry, and with a text in front.
            entry("add", &format!("{int}<value>x</value>")),
            "<value><struct><member><name>methodName</name><value>x</value></member></struct></value>\n"
                .to_owned(),
            entry("add", &format!("<value>{}</value>{int}", "x".repeat(1_000))),
        ] {
            work::take();
            let (texts, length) = faults(&bad.repeat(1_000)).await;
            let work = work::take();
            assert!(work <= 3 * length, "{work} bytes counted of {length}");
            let line = |number: usize| format!(", at line {number}, column ");
            assert!(texts[0].contains(&line(2)), "{}", texts[0]);
            assert!(texts[999].contains(&line(1001)), "{}", texts[999]);
        }
    }

    #[tokio::test]
    async fn positions_of_errors_are_those_in_the_request() {
        let (texts, _) = faults(&entry(
            "add",
            "<value><int>1</int></value>\n<value>x</value>",
        ))
        .await;
        assert_eq!(
            texts,
            ["parameter 2: expected int, found string, at line 3, column 1"]
        );
    }
}
