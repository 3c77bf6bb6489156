//! Several calls in one request, through `system.multicall`.

mod lacking;
mod results;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rpc_core::{
    Args, Call, CallError, Caller, Context, Fault, FaultKind, FormatError, Name, Payload,
    all_or_nothing,
};
use serde::de::DeserializeOwned;

pub use self::results::{BatchError, Results};
use super::Client;
use super::endpoint::Endpoint;
use super::transport::Transport;
use crate::XmlRpc;
use crate::de::Raw;
use crate::xml::Forbidden;
use crate::xml::write::escaped;

const MULTICALL: &str = "system.multicall";
const PROLOGUE: &[u8] = b"<params><param><value><array><data>";
const EPILOGUE: &[u8] = b"</data></array></value></param></params>";

/// Several calls that go to the server in one request, as one `system.multicall`.
///
/// Each [`call`](Self::call) gives a [`Ticket`], which [`Results::take`] exchanges for the result
/// of that call. The calls fail one by one: a fault of one leaves the others alone. The server runs
/// them in order, or so most do.
///
/// A server that knows no `system.multicall` gets the calls one after the other instead, from then
/// on without being asked first. No call runs twice for that: a fault that reads like it may be
/// that of a call in the batch, so the server is asked again with a multicall of no calls, and only
/// if it does not know that either are the calls sent. Some say with HTTP status 404 that they know
/// none, as of a path where nothing is: if the first call finds nothing either, that is the error
/// of the batch, and no other call is sent.
///
/// Results come as arrays of one element each. Those of a server that sends them without
/// (Supervisor) are taken as well where one of them shows it: where it is neither an array of one
/// element nor a fault.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = xmlrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # server.register_function("name", || "Ada")?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let client = xmlrpc::Client::new(&listening.url())?;
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
pub struct Batch {
    client: Client,
    calls: Calls,
}

/// The calls of a batch, whatever client will send them.
pub(crate) struct Calls {
    batch: u64,
    format: XmlRpc,
    /// The parameters of the multicall, so far.
    params: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    /// A method and where in the parameters its arguments are, as the `<value>` of an array.
    Encoded(Name, Range<usize>),
    /// The arguments cannot be encoded: the call is left out.
    Failed(FormatError),
}

/// The claim to the result of one call of a [`Batch`].
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

impl Batch {
    pub(super) fn new(client: Client) -> Self {
        let calls = Calls::new(client.format());
        Self { client, calls }
    }

    /// Adds a call, with a tuple of arguments. They are encoded at once; where that fails, this
    /// call is not sent and its ticket gives [`CallError::Encode`].
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Ticket<R> {
        self.calls.add(method.into(), &args)
    }

    /// How many calls were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call was added yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.len() == 0
    }

    /// Sends the calls, and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// What concerns the whole request, as with [`Client::call`]; what concerns a single call is
    /// the result of its ticket. Where the server answers all of them with one fault, any of them
    /// may have run. [`BatchError`] is the cause where the answer does not fit the calls.
    ///
    /// # Cancel safety
    /// Dropping the future gives all calls up; each of them may have run all the same.
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
            Ok(range) => Entry::Encoded(method, range),
            Err(error) => Entry::Failed(error),
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
            Ok(reply) => Results::read(self.batch, self.format, reply, self.entries),
            Err(CallError::Fault(fault)) => {
                if lacking::is_shown_by(&fault) && lacking::is_proved(server, self.format).await {
                    server.remember_that_multicall_is_lacking();
                    return self.send_one_by_one(server, &params).await;
                }
                Err(CallError::Fault(of_some_call(fault)))
            }
            Err(error) if lacking::is_not_found(&error) => {
                self.send_one_by_one(server, &params).await
            }
            Err(error) => Err(error),
        }
    }

    /// Sends each call as a request of its own. Where it is not known yet whether the server lacks
    /// the multicall or there is no server at this path, the first answer tells.
    async fn send_one_by_one<T: Transport>(
        self,
        server: &Endpoint<T>,
        params: &Bytes,
    ) -> Result<Results, CallError> {
        let format = self.format;
        let mut is_unsure = !server.lacks_multicall();
        let mut answers = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let result = match entry {
                Entry::Failed(error) => Err(CallError::Encode(error)),
                Entry::Encoded(method, range) => match single(params, range, format) {
                    Err(error) => Err(CallError::Encode(error)),
                    Ok(params) => {
                        let call = Call {
                            params: params.into(),
                            format,
                            context: Context::new(method),
                        };
                        let result = server.send(call).await;
                        if std::mem::take(&mut is_unsure) {
                            match result {
                                Err(error) if lacking::is_not_found(&error) => return Err(error),
                                Ok(_) | Err(CallError::Fault(_)) => {
                                    server.remember_that_multicall_is_lacking();
                                }
                                Err(_) => {}
                            }
                        }
                        result
                    }
                },
            };
            answers.push(result);
        }
        Ok(Results::of_single_calls(self.batch, format, answers))
    }
}

/// Appends an entry, and says where its arguments are. rTorrent reads the members in this order
/// only.
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

/// Without the calls, which may hold secrets.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calls").field(&self.len()).finish()
    }
}

/// A fault that answers a whole batch, whose code does not say what became of the calls: Perl's
/// `RPC::XML` answers so with the fault of the first call that fails, when those before it have
/// run.
fn of_some_call(fault: Fault) -> Fault {
    match fault.kind() {
        // The HTTP layer says so as well: nothing ran.
        FaultKind::Overloaded => fault,
        _ => Fault::new(fault.code(), fault.message()),
    }
}

fn count(entries: &[Entry]) -> usize {
    let encoded = |entry: &&Entry| matches!(entry, Entry::Encoded(..));
    entries.iter().filter(encoded).count()
}

/// The arguments of an entry as the parameters of a call of its own.
fn single(entries: &Bytes, args: Range<usize>, format: XmlRpc) -> Result<Vec<u8>, FormatError> {
    let args: Vec<Raw> = format.decode_value(&Payload::part(entries.clone(), args))?;
    let mut params = b"<params>".to_vec();
    for Raw { range } in args {
        params.extend_from_slice(b"<param>");
        params.extend_from_slice(&entries[range]);
        params.extend_from_slice(b"</param>");
    }
    params.extend_from_slice(b"</params>");
    Ok(params)
}
