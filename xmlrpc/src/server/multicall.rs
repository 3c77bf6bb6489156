//! The `system.*` methods specific to XML-RPC.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use farcall_core::protocol::{Call, CallReply, Format, Payload};
use farcall_core::protocol::{Hold, NoRoom};
use farcall_core::{
    Budget, Description, Fault, FaultKind, Kind, Method, Parameter, RegisterError, Registry,
};
use farcall_http::server::{PeerAccount, log_call};
use serde::{Deserialize, Serialize};

use super::faults::{FaultPolicy, text_within};
use crate::XmlRpc;
use crate::de::Raw;
use crate::document::{
    LONG_NAME, MAX_NAME, REPLY_EPILOGUE, REPLY_PROLOGUE, reply_payload, write_fault_value,
};
use crate::xml::positions::{Positions, position_after};

const MULTICALL: &str = "system.multicall";

/// The elements around the results, and around each of them.
const LIST_START: &[u8] = b"<value><array><data>";
const LIST_END: &[u8] = b"</data></array></value>";

/// Bytes reserved for the fault of a call that has not run yet.
const SHORT_FAULT: usize = 512;

pub(super) fn register_system(
    registry: &Registry<XmlRpc>,
    limits: Limits,
    budget: &Budget,
) -> Result<(), RegisterError> {
    registry
        .register_introspection()?
        .register(
            Method::function("system.getCapabilities", capabilities).help(
                "Names the extensions of XML-RPC that this server has, with their specifications.",
            ),
        )?
        .register(multicall(limits, budget))?;
    Ok(())
}

/// Returns `system.multicall`: several calls in one request, which run in order and fail
/// independently.
///
/// Specification: Eric Kidd, "RFC: system.multicall" (2001). A multicall within a multicall is
/// refused. The limit of a reply applies to all results together, and the budget holds them while
/// further calls run. Once a result does not fit, it becomes a fault, and the calls after it are
/// refused without being run.
fn multicall(limits: Limits, budget: &Budget) -> Method<XmlRpc> {
    let budget = budget.clone();
    let description = Description {
        params: vec![Parameter {
            kind: Kind::Array,
            ..Parameter::default()
        }],
        result: Kind::Array,
        ..Description::default()
    };
    Method::raw(MULTICALL, description, move |registry, call| {
        CallReply::later(run(registry.clone(), call, limits, budget.clone()))
    })
    .help(
        "Makes several calls in one request. Each is a struct of methodName and params; each \
         result is an array of one value, or a fault struct.",
    )
    .parameter_names(["calls"])
    .batch()
}

/// The limits of a multicall, and the form of the faults among its results.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) calls: usize,
    /// Maximum bytes of the reply.
    pub(super) reply: usize,
    pub(super) policy: FaultPolicy,
}

/// Runs the calls until they complete, or until the account of their results is evicted.
async fn run(
    registry: Registry<XmlRpc>,
    call: Call<XmlRpc>,
    limits: Limits,
    budget: Budget,
) -> Result<Payload, Fault> {
    let account = PeerAccount::new(&budget);
    let running = account.complete(run_within(&account, registry, call, limits));
    running
        .await
        .unwrap_or_else(|| Err(NoRoom::default().of_reply()))
}

async fn run_within(
    account: &PeerAccount<'_>,
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
            "a multicall of {} calls is over the limit of {}",
            entries.len(),
            limits.calls
        );
        return Err(Fault::of(FaultKind::InvalidRequest, text));
    }
    let document = params.into_message();
    let positions = Positions::new(&document);
    let mut results = ResultList {
        out: [REPLY_PROLOGUE.as_bytes(), LIST_START].concat(),
        hold: Hold::default(),
        remaining: entries.len(),
        full: None,
        limits,
    };
    for Raw { range } in entries {
        // Methods that complete at once would otherwise block the event loop until all have run.
        tokio::task::consume_budget().await;
        let started = Instant::now();
        let (begin, start) = (range.start, positions.of(range.start));
        let entry = Payload::part_at(document.clone(), range, start);
        let (context, result) = match read_entry(&entry, format) {
            Ok((method, params)) => {
                let start = position_after(start, &document[begin..params.start]);
                let params = Payload::part_at(document.clone(), params, start);
                let call = Call {
                    params,
                    format,
                    context: context.for_method(method),
                };
                let context = call.context.clone();
                let result = match results.full {
                    Some(why) => Err(Fault::of(FaultKind::Overloaded, why)),
                    None => registry.dispatch(call).await,
                };
                (context, result)
            }
            Err(fault) => (context.clone(), Err(fault)),
        };
        let result = result
            .and_then(|reply| format.located_reply(reply).map_err(Fault::internal))
            .and_then(|reply| results.push(reply.as_slice(), account));
        let (peer, method) = (context.identity(), context.method());
        log_call(peer, method, started, result.as_ref().err());
        if let Err(fault) = result {
            results.push_fault(&fault, method, account);
        }
    }
    Ok(results.finish())
}

/// The results of a multicall, as they are written.
struct ResultList {
    out: Vec<u8>,
    hold: Hold,
    /// Number of results that are still to come.
    remaining: usize,
    /// The reason why there is no room for further results.
    full: Option<&'static str>,
    limits: Limits,
}

impl ResultList {
    /// Appends a result.
    fn push(&mut self, value: &[u8], account: &PeerAccount<'_>) -> Result<(), Fault> {
        let length = self.out.len() + value.len() + LIST_START.len() + LIST_END.len();
        if length > self.room() {
            self.full = Some("earlier results use up the limit of the reply");
            let limit = self.limits.reply;
            let text =
                format!("the call ran, but the reply would be over the limit of {limit} bytes");
            return Err(Fault::of(FaultKind::Internal, text));
        }
        account.resize(&mut self.hold, length).map_err(|no_room| {
            self.full = Some("there is no room for further results");
            no_room.of_reply()
        })?;
        self.out.extend_from_slice(LIST_START);
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(LIST_END);
        self.remaining -= 1;
        Ok(())
    }

    /// Appends a fault. A long text is replaced if there is no room for it.
    fn push_fault(&mut self, fault: &Fault, method: &str, account: &PeerAccount<'_>) {
        let (code, text) = self.limits.policy.apply(fault, method);
        let start = self.out.len();
        let room = self.room().saturating_sub(start);
        write_fault_value(code, text_within(&text, room), &mut self.out);
        let length = self.out.len();
        if length - start > SHORT_FAULT && account.resize(&mut self.hold, length).is_err() {
            self.out.truncate(start);
            let text = "there is no room for the text of the fault";
            write_fault_value(code, text, &mut self.out);
        }
        self.remaining -= 1;
    }

    /// Maximum length of the results so far, which leaves room for a short fault for each one to
    /// come.
    fn room(&self) -> usize {
        let others = SHORT_FAULT * self.remaining;
        self.limits.reply.saturating_sub(others)
    }

    fn finish(mut self) -> Payload {
        self.out.extend_from_slice(LIST_END);
        self.out.extend_from_slice(REPLY_EPILOGUE.as_bytes());
        reply_payload(self.out)
    }
}

/// Returns the method that an entry names, and the range of its parameters in the document: they
/// stay a slice of the request until the method reads them.
fn read_entry(entry: &Payload, format: XmlRpc) -> Result<(String, Range<usize>), Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MulticallEntry {
        method_name: String,
        params: Raw,
    }

    let MulticallEntry {
        method_name,
        params,
    } = format.decode_value(entry)?;
    if method_name == MULTICALL {
        return Err(Fault::of(
            FaultKind::InvalidRequest,
            "a multicall cannot contain a multicall",
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
    use farcall_core::{Context, Value};

    use super::*;
    use crate::xml::positions::work;

    fn entry(method: &str, params: &str) -> String {
        format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member>\
             <member><name>params</name><value><array><data>{params}</data></array></value></member>\
             </struct></value>\n"
        )
    }

    const fn limits(calls: usize) -> Limits {
        Limits {
            calls,
            reply: 32 << 20,
            policy: FaultPolicy::Interoperability,
        }
    }

    fn request(entries: &str) -> Call<XmlRpc> {
        let document = format!(
            "<params><param><value><array><data>\n{entries}</data></array></value></param></params>"
        );
        Call {
            params: document.into_bytes().into(),
            format: XmlRpc::default(),
            context: Context::new(MULTICALL),
        }
    }

    /// Runs a multicall of these entries. Returns the faults in its reply, and the length of the
    /// request.
    async fn faults(entries: &str) -> (Vec<String>, usize) {
        let registry = Registry::new();
        register_system(&registry, limits(1000), &Budget::default()).unwrap();
        let add = Method::function("add", |a: i64, b: i64| a + b);
        registry.register(add).unwrap();
        let call = request(entries);
        let length = call.params.as_slice().len();
        let reply = registry.dispatch(call).await.unwrap();
        let answers: Vec<Value> = XmlRpc::default().decode_reply(&reply).unwrap();
        let texts = answers.iter().map(|answer| &answer["faultString"]);
        let texts = texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect();
        (texts, length)
    }

    #[tokio::test]
    async fn the_number_of_calls_is_limited() {
        let two = entry("f", "").repeat(2);
        for (limit, fits) in [(2, true), (1, false), (0, false)] {
            let registry = Registry::new();
            register_system(&registry, limits(limit), &Budget::default()).unwrap();
            let reply = registry.dispatch(request(&two)).await;
            assert_eq!(reply.is_ok(), fits, "a limit of {limit}: {reply:?}");
        }
    }

    #[tokio::test]
    async fn the_budget_counts_the_texts_of_faults() {
        let registry = Registry::new();
        let budget = Budget::new(1 << 20);
        register_system(&registry, limits(1000), &budget).unwrap();
        let fail = || Err::<(), _>(Fault::new(7, "x".repeat(300_000)));
        let counted = budget.clone();
        registry
            .register(Method::function("fail", fail))
            .unwrap()
            .register(Method::function("held", move || counted.held()))
            .unwrap();
        let entries = entry("fail", "").repeat(5) + &entry("held", "");
        let reply = registry.dispatch(request(&entries)).await.unwrap();
        let answers: Vec<Value> = XmlRpc::default().decode_reply(&reply).unwrap();
        let (faults, held) = answers.split_at(5);
        for (index, fault) in faults.iter().enumerate() {
            assert_eq!(fault["faultCode"].as_i64(), Some(7));
            let is_long = fault["faultString"].as_str().unwrap().len() == 300_000;
            assert_eq!(is_long, index < 3, "{index}");
        }
        let held = held[0][0].as_i64().unwrap();
        assert!((800_000..1 << 20).contains(&held), "{held}");
    }

    #[tokio::test]
    async fn the_length_of_a_method_name_is_limited() {
        let of_length = |length| entry(&"x".repeat(length), "");
        let (texts, _) = faults(&(of_length(MAX_NAME) + &of_length(MAX_NAME + 1))).await;
        let too_long = texts.iter().map(|text| text.starts_with(LONG_NAME));
        assert!(too_long.eq([false, true]), "{texts:?}");
    }

    /// Regression: a gzip request of 1,380 bytes took 0.13 s, because the position of each failed
    /// entry was counted from the start of the document.
    #[tokio::test]
    async fn positions_of_many_errors_are_counted_once() {
        let int = "<value><int>1</int></value>";
        for bad in [
            // Errors in the arguments, in the entry, and after a long text.
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
