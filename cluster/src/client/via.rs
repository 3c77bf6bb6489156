//! Calls of hosts through agents.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use farcall_conn::rpc::Encoding;
use farcall_core::protocol::{Call, Payload, time};
use farcall_core::{
    CallError, Caller, Context, Execution, Fault, FaultKind, FormatError, FormatErrorKind,
};
use serde::{Deserialize, Serialize};

use super::Client;
use crate::fault_kinds;

/// The method of an agent that calls a host.
const CALL: &str = "fanout.call";

/// The encoding of the arguments and results that agents pass on.
pub(crate) const ENCODING: Encoding = Encoding::MessagePack;

/// Maximum causes of a fault that are passed on, as over connections.
pub(crate) const MAX_CAUSES: usize = 16;

/// Time by which an agent's report of a timeout may come after it.
const GRACE: Duration = Duration::from_millis(150);

/// Time for which an agent that was not reached is called only if no other one is left.
const REST: Duration = Duration::from_secs(5);

/// Agents that call hosts for this program: each host is called by one of them, with its own
/// credentials and from its own place in the network. For more hosts than one machine can reach, or
/// that only the agents can.
///
/// One connection to each agent carries all calls. An agent needs the module
/// [`fanout`](crate::agent), which is off by default, with the hosts that it calls.
///
/// What ran is told as truthfully as without agents: a host whose agent was not reached did not run
/// the call, and one whose agent is lost meanwhile may have. Calls that did not reach one agent go
/// to the next.
///
/// ```
/// use farcall::cluster::{Client, Credentials, Fleet, Host, Via};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credentials = Credentials::new();
/// let urls = ["conn+rpc://rack1:7000", "conn+rpc://rack2:7000"];
/// let agents: Result<Vec<_>, _> = urls.iter().map(|url| Client::open(url, &credentials)).collect();
/// let via = Via::new(agents?);
/// let hosts = ["node1", "node2"].map(|name| Host::new(name, via.client(name)));
/// let fleet = Fleet::new(hosts);
/// # let _ = fleet;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "agents do nothing until a host is called through them"]
pub struct Via(Arc<Agents>);

#[derive(Debug)]
struct Agents {
    clients: Vec<Client>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The agent whose turn it is.
    next: usize,
    /// The times at which agents were not reached.
    failed: Vec<Option<Instant>>,
}

/// The answer of an agent about the call of a host. A fault of the agent is none of the host.
#[derive(Serialize, Deserialize)]
pub(crate) enum Passed {
    /// The result, encoded.
    Result(Bytes),
    /// The host answered with a fault.
    Fault {
        kind: String,
        code: i64,
        message: String,
        causes: Vec<String>,
    },
    /// There is no answer.
    Failed { execution: Ran, error: String },
}

/// The [`Execution`] of a call in the answer of an agent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ran {
    Never,
    Maybe,
    Completed,
}

impl From<Execution> for Ran {
    fn from(execution: Execution) -> Self {
        match execution {
            Execution::Never => Self::Never,
            Execution::Maybe => Self::Maybe,
            Execution::Completed => Self::Completed,
        }
    }
}

/// The failure of a call that an agent made. It quotes the agent: escape it for a terminal.
#[derive(Debug, thiserror::Error)]
#[error("the agent could not complete the call: {0}")]
struct FailedBehind(String);

/// The fault with which an agent answered, not the host.
#[derive(Debug, thiserror::Error)]
#[error("the agent did not make the call")]
struct AgentFault(#[source] Fault);

/// There are no agents.
#[derive(Debug, thiserror::Error)]
#[error("there is no agent to call through")]
struct NoAgent;

impl Via {
    /// Creates a way through these agents. Each call takes the next one.
    pub fn new(agents: impl IntoIterator<Item = Client>) -> Self {
        let clients: Vec<_> = agents.into_iter().collect();
        let failed = vec![None; clients.len()];
        let state = Mutex::new(State { next: 0, failed });
        Self(Arc::new(Agents { clients, state }))
    }

    /// Returns a client of the host that the agents know by this name.
    #[must_use]
    pub fn client(&self, host: &str) -> Client {
        let way = Way {
            via: self.clone(),
            host: host.to_owned(),
        };
        Client::of(host, way)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the agents in the order in which a call tries them: those that were not reached a
    /// moment ago are the last.
    fn order(&self) -> Vec<usize> {
        let count = self.0.clients.len();
        let mut state = self.state();
        let first = state.next;
        state.next = (first + 1) % count.max(1);
        let is_resting =
            |agent: usize| state.failed[agent].is_some_and(|failed| failed.elapsed() < REST);
        let all = (0..count).map(|number| (first + number) % count);
        let (resting, mut order): (Vec<_>, Vec<_>) = all.partition(|agent| is_resting(*agent));
        order.extend(resting);
        order
    }
}

/// The way to one host.
struct Way {
    via: Via,
    host: String,
}

impl Caller for Way {
    type Format = Encoding;

    fn format(&self) -> Encoding {
        ENCODING
    }

    async fn send(&self, call: Call<Encoding>) -> Result<Payload, CallError> {
        let method = call.method().to_string();
        let params = Bytes::copy_from_slice(call.params.as_slice());
        let is_idempotent = call.context.is_idempotent();
        let deadline = call.context.deadline();
        let mut unreached = CallError::NotSent(Box::new(NoAgent));
        for agent in self.via.order() {
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            let millis = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
            let args = (&self.host, &method, &params, millis, is_idempotent);
            let mut context = Context::new(CALL);
            if let Some(left) = left {
                let end = time::deadline(left.saturating_add(GRACE));
                context = context.with_deadline(Some(end.into_std()));
            }
            if is_idempotent {
                context = context.idempotent();
            }
            let passed = self.via.0.clients[agent].call_in(context, args).await;
            let is_reached = !matches!(passed, Err(CallError::NotSent(_)));
            let failed = (!is_reached).then(Instant::now);
            self.via.state().failed[agent] = failed;
            match passed {
                Ok(passed) => return result(passed),
                Err(CallError::NotSent(source)) => unreached = CallError::NotSent(source),
                Err(CallError::Fault(fault)) => return Err(fault_of_agent(fault)),
                Err(error) => return Err(error),
            }
        }
        Err(unreached)
    }
}

/// Returns the error of a call that the agent refused, or that failed in the agent: the host has
/// not answered.
fn fault_of_agent(fault: Fault) -> CallError {
    let is_never = fault.kind().is_refusal();
    let is_transient = fault.kind() == FaultKind::Overloaded;
    let source = Box::new(AgentFault(fault));
    match (is_never, is_transient) {
        (true, true) => CallError::NotSent(source),
        (true, false) => CallError::Refused(source),
        _ => CallError::Lost(source),
    }
}

/// Returns the outcome of a call as if there were no agent.
fn result(passed: Passed) -> Result<Payload, CallError> {
    let (execution, error) = match passed {
        Passed::Result(bytes) => return Ok(Payload::from(bytes)),
        Passed::Fault {
            kind,
            code,
            message,
            causes,
        } => {
            let fault = Fault::of(fault_kinds::of(&kind), message).with_code(code);
            let causes: Vec<String> = causes.into_iter().take(MAX_CAUSES).collect();
            return Err(CallError::Fault(fault.with_remote_causes(causes)));
        }
        Passed::Failed { execution, error } => (execution, error),
    };
    Err(match execution {
        Ran::Never => CallError::NotSent(Box::new(FailedBehind(error))),
        Ran::Maybe => CallError::Lost(Box::new(FailedBehind(error))),
        Ran::Completed => CallError::Decode(FormatError::new(FormatErrorKind::Mismatch, error)),
    })
}
