//! The module `fanout`: calls of other hosts, for callers that reach more of them through agents.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_conn::rpc::Encoding;
use farcall_core::protocol::output::Causes;
use farcall_core::protocol::{Call, Format as _, Payload, time};
use farcall_core::{
    CallError, Caller as _, Context, Fault, FaultKind, FormatError, FormatErrorKind, Value,
    Variadic, service,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::access::Allow;
use crate::client::via::{ENCODING, MAX_CAUSES, Passed};
use crate::client::{AnyFormat, Client};
use crate::fault_kinds;
use crate::fleet::Host;

/// Maximum characters of the text of an error.
const MAX_ERROR: usize = 4096;

/// Settings of the module `fanout`, which calls other hosts for its callers.
///
/// The agent calls with credentials of its own, so whoever may use the module can do to these hosts
/// what the agent can. It calls no host that is not one of its settings, and no URL that a caller
/// names.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "options do nothing until they are given to an agent"]
pub struct FanOutOptions {
    pub(super) allow: Allow,
    #[serde(rename = "hosts")]
    names: String,
    pub(super) max_calls: usize,
    #[serde(skip)]
    pub(super) hosts: Vec<Host>,
}

impl Default for FanOutOptions {
    fn default() -> Self {
        Self {
            allow: Allow::nobody(),
            names: String::new(),
            max_calls: 256,
            hosts: Vec::new(),
        }
    }
}

impl FanOutOptions {
    /// Callers who may use the module. Default: nobody.
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allow = allow;
        self
    }

    /// Hosts that callers may name. Default: none.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = Host>) -> Self {
        self.hosts = hosts.into_iter().collect();
        self
    }

    /// Maximum number of calls at once. Further ones are refused as overloaded. Default: 256, with
    /// as many connections.
    pub const fn max_calls(mut self, max_calls: usize) -> Self {
        self.max_calls = max_calls;
        self
    }

    /// The set of hosts that the TOML names.
    pub(super) fn names(&self) -> &str {
        &self.names
    }
}

/// The service of the module.
pub(super) struct FanOut {
    clients: HashMap<String, Client>,
    max_calls: usize,
    places: Arc<Semaphore>,
}

impl FanOut {
    pub(super) fn new(options: &FanOutOptions) -> Self {
        let clients = options.hosts.iter();
        let clients = clients.map(|host| (host.name().to_owned(), host.client().clone()));
        Self {
            clients: clients.collect(),
            max_calls: options.max_calls,
            places: Arc::new(Semaphore::new(options.max_calls)),
        }
    }
}

#[service(prefix = "fanout")]
impl FanOut {
    /// Calls a method of a host that this agent knows, and returns its result or why there is none.
    /// Arguments: `host`, its name; `method`; `params`, an array of the arguments in MessagePack;
    /// `timeout_ms`, the time for the call or null; `idempotent`.
    #[service]
    async fn call(
        &self,
        context: &Context,
        host: String,
        method: String,
        params: Bytes,
        timeout_ms: Option<u64>,
        idempotent: bool,
    ) -> Result<Passed, Fault> {
        let client = self.clients.get(&host).ok_or_else(|| {
            Fault::of(FaultKind::Denied, "the agent calls no host with this name")
        })?;
        let _place = self.places.try_acquire().map_err(|_| {
            let message = format!("the agent makes {} calls already", self.max_calls);
            Fault::of(FaultKind::Overloaded, message)
        })?;
        let mut own = Context::new(method);
        if let Some(millis) = timeout_ms {
            let end = time::deadline(Duration::from_millis(millis)).into_std();
            own = own.with_deadline(Some(end));
        }
        if idempotent {
            own = own.idempotent();
        }
        let passed = tokio::select! {
            passed = pass(client, own, params) => passed,
            () = context.cancelled() => {
                return Err(Fault::of(FaultKind::Cancelled, "the caller has gone"));
            }
        };
        // Hosts are many, and each is called seldom.
        client.disconnect();
        match passed {
            Ok(result) => Ok(Passed::Result(result)),
            Err(CallError::Fault(fault)) => Ok(passed_fault(&fault)),
            Err(error) => {
                let execution = error.execution().into();
                let error = Causes(&error).to_string();
                let error = error.chars().take(MAX_ERROR).collect();
                Ok(Passed::Failed { execution, error })
            }
        }
    }
}

fn passed_fault(fault: &Fault) -> Passed {
    Passed::Fault {
        kind: fault_kinds::name(fault.kind()).to_owned(),
        code: fault.code(),
        message: fault.message().to_owned(),
        causes: fault.causes().take(MAX_CAUSES).collect(),
    }
}

/// Makes a call, and returns its result in MessagePack. What is in that encoding already is passed
/// on as it is.
async fn pass(client: &Client, context: Context, params: Bytes) -> Result<Bytes, CallError> {
    let params = Payload::from(params);
    let format = client.format();
    if format == AnyFormat::Rpc(ENCODING) {
        let call = Call {
            format,
            params,
            context,
        };
        let reply = client.send(call).await?;
        let bytes = Bytes::copy_from_slice(reply.as_slice());
        return match reply.attachments() {
            [] => Ok(bytes),
            _ => Err(CallError::Decode(FormatError::new(
                FormatErrorKind::Mismatch,
                "it has a stream or an object, which agents do not pass on",
            ))),
        };
    }
    let args: Variadic<Value> = ENCODING.decode_args(&params).map_err(CallError::Encode)?;
    let result: Value = client.call_in(context, args).await?;
    let encoded = Encoding::reply(&ENCODING, &result).map_err(CallError::Decode)?;
    Ok(Bytes::copy_from_slice(encoded.as_slice()))
}
