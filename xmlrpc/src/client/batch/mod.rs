//! Batches: several calls in one request, by `system.multicall`.

mod results;
mod support;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use farcall_core::protocol::{Args, Call, Name, Payload, all_or_nothing};
use farcall_core::{CallError, Caller, Context, Fault, FaultKind, FormatError};
use farcall_http::client::Transport;
use serde::de::DeserializeOwned;

pub use self::results::{BatchError, Results};
use super::Client;
use super::endpoint::Endpoint;
use crate::XmlRpc;
use crate::xml::Forbidden;
use crate::xml::write::escaped;

const MULTICALL: &str = "system.multicall";
const PROLOGUE: &[u8] = b"<params><param><value><array><data>";
const EPILOGUE: &[u8] = b"</data></array></value></param></params>";

/// Several calls in one request, sent as a `system.multicall`.
///
/// Each [`call`](Self::call) returns a [`Ticket`], which [`Results::take`] exchanges for the result
/// of that call. Calls fail independently: a fault of one does not affect the others. Most servers
/// run them in order.
///
/// A server without `system.multicall` gets the calls one after the other instead, and later
/// batches do not try it again. No call runs twice because of this: a fault that suggests an
/// unknown method may come from a call in the batch, so the server is first asked with an empty
/// multicall, and the calls are sent only if that fails in the same way. Some servers answer an
/// unknown method with HTTP status 404, as they do for a wrong path: if the first single call gets
/// a 404 too, that is the error of the batch, and no other call is sent.
///
/// The protocol wraps each result in an array of one element. Results of a server that does not
/// wrap them (Supervisor) are accepted if at least one of them shows it: one that is neither an
/// array of one element nor a fault.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::xmlrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # server.register_function("name", || "Ada")?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let client = farcall::xmlrpc::Client::new(&listening.url())?;
/// # tokio::spawn(listening.serve());
/// let mut batch = client.batch();
/// let sum = batch.call::<i64>("add", (3, 5));
/// let name = batch.call::<String>("name", ());
/// let oops = batch.call::<i64>("no such method", ());
///
/// let mut results = batch.send().await?;
/// assert_eq!(results.take(sum)?, 8);
/// assert_eq!(results.take(name)?, "Ada");
/// assert!(results.take(oops).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a batch does nothing unless it is sent"]
pub struct Batch<C = Client> {
    client: C,
    calls: Calls,
}

/// The encoded calls of a batch, of either client.
pub(crate) struct Calls {
    batch: u64,
    format: XmlRpc,
    /// The parameters of the multicall, without the epilogue.
    params: Vec<u8>,
    entries: Vec<BatchEntry>,
}

#[derive(Debug)]
enum BatchEntry {
    /// A method, and the range of its arguments in the parameters: the `<value>` of an array.
    Encoded(Name, Range<usize>),
    /// Arguments that cannot be encoded: the call is not sent.
    Failed(FormatError),
}

/// A claim to the result of one call of a [`Batch`].
#[must_use = "the result of the call is taken with its ticket"]
pub struct Ticket<T> {
    batch: u64,
    index: usize,
    result: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.index).finish()
    }
}

impl<C> Batch<C> {
    pub(crate) fn new(client: C, format: XmlRpc) -> Self {
        let calls = Calls::new(format);
        Self { client, calls }
    }

    /// Returns the client, and the calls to send.
    pub(crate) fn into_parts(self) -> (C, Calls) {
        (self.client, self.calls)
    }

    /// Adds a call with a tuple of arguments, which are encoded at once. If that fails, this call
    /// is not sent and the result of its ticket is [`CallError::Encode`].
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Ticket<R> {
        self.calls.add(method.into(), &args)
    }

    /// Returns the number of calls in the batch.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns `true` if the batch has no calls.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.len() == 0
    }
}

impl Batch {
    /// Sends the calls and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// The errors of the whole request, as with [`Client::call`]; an error of a single call is the
    /// result of its ticket. If the server replies to the whole batch with one fault, any of the
    /// calls may have run. [`BatchError`] is the cause if the reply does not match the calls.
    ///
    /// # Cancel safety
    /// Dropping the future abandons all calls; each of them may still have run.
    pub async fn send(self) -> Result<Results, CallError> {
        self.calls.send(&self.client.endpoint).await
    }
}

impl Calls {
    pub(crate) fn new(format: XmlRpc) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            batch: NEXT.fetch_add(1, Ordering::Relaxed),
            format,
            params: PROLOGUE.to_vec(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn add<R>(&mut self, method: Name, args: &impl Args) -> Ticket<R> {
        let ticket = Ticket {
            batch: self.batch,
            index: self.entries.len(),
            result: PhantomData,
        };
        let format = self.format;
        let written = all_or_nothing(&mut self.params, |out| {
            write_entry(&method, args, format, out)
        });
        let entry = match written {
            Ok(range) => BatchEntry::Encoded(method, range),
            Err(error) => BatchEntry::Failed(error),
        };
        self.entries.push(entry);
        ticket
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) async fn send<T: Transport>(
        mut self,
        server: &Endpoint<T>,
    ) -> Result<Results, CallError> {
        self.params.extend_from_slice(EPILOGUE);
        let params = Bytes::from(std::mem::take(&mut self.params));
        if count(&self.entries) == 0 || server.lacks_multicall() {
            return self.send_one_by_one(server, &params).await;
        }
        let call = Call {
            params: params.clone().into(),
            format: self.format,
            context: Context::new(MULTICALL),
        };
        match server.send(call).await {
            Ok(reply) => {
                let secrets = Arc::clone(server.secrets());
                Results::read(self.batch, self.format, secrets, reply, self.entries)
            }
            Err(CallError::Fault(fault)) => {
                if support::may_be_unsupported(&fault)
                    && support::is_unsupported(server, self.format).await
                {
                    server.set_lacks_multicall();
                    return self.send_one_by_one(server, &params).await;
                }
                Err(CallError::Fault(of_some_call(fault)))
            }
            Err(error) if support::is_not_found(&error) => {
                self.send_one_by_one(server, &params).await
            }
            Err(error) => Err(error),
        }
    }

    /// Sends each call in a request of its own. After a 404 to the multicall, the first reply tells
    /// whether the server lacks `system.multicall` or the path is wrong.
    async fn send_one_by_one<T: Transport>(
        self,
        server: &Endpoint<T>,
        params: &Bytes,
    ) -> Result<Results, CallError> {
        let format = self.format;
        let mut is_unknown = !server.lacks_multicall();
        let mut outcomes = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let call = match entry {
                BatchEntry::Failed(error) => Err(error),
                BatchEntry::Encoded(method, range) => {
                    let args = Payload::part(params.clone(), range);
                    format.params_of(&args).map(|params| Call {
                        params: params.into(),
                        format,
                        context: Context::new(method),
                    })
                }
            };
            let call = match call {
                Ok(call) => call,
                Err(error) => {
                    outcomes.push(Err(CallError::Encode(error)));
                    continue;
                }
            };
            let result = server.send(call).await;
            if std::mem::take(&mut is_unknown) {
                match result {
                    Err(error) if support::is_not_found(&error) => return Err(error),
                    Ok(_) | Err(CallError::Fault(_)) => server.set_lacks_multicall(),
                    Err(_) => {}
                }
            }
            outcomes.push(result);
        }
        let secrets = Arc::clone(server.secrets());
        Ok(Results::of_single_calls(
            self.batch, format, secrets, outcomes,
        ))
    }
}

/// Appends an entry, and returns the range of its arguments. rTorrent reads the members in this
/// order only.
fn write_entry(
    method: &str,
    args: &impl Args,
    format: XmlRpc,
    out: &mut Vec<u8>,
) -> Result<Range<usize>, FormatError> {
    out.extend_from_slice(b"<value><struct><member><name>methodName</name><value><string>");
    escaped(method, Forbidden::Refuse, out)?;
    out.extend_from_slice(b"</string></value></member><member><name>params</name>");
    let start = out.len();
    format.write_args_array(args, out)?;
    let end = out.len();
    out.extend_from_slice(b"</member></struct></value>");
    Ok(start..end)
}

/// Omits the calls, which may contain secrets.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calls").field(&self.len()).finish()
    }
}

/// Returns the fault that a server replied with to a whole batch, without its kind, which would
/// claim that no call ran: Perl's `RPC::XML` replies with the fault of the first call that fails,
/// after those before it have run.
fn of_some_call(fault: Fault) -> Fault {
    match fault.kind() {
        // Confirmed by the HTTP status: no call ran.
        FaultKind::Overloaded => fault,
        _ => Fault::new(fault.code(), fault.message()),
    }
}

fn count(entries: &[BatchEntry]) -> usize {
    let encoded = |entry: &&BatchEntry| matches!(entry, BatchEntry::Encoded(..));
    entries.iter().filter(encoded).count()
}
