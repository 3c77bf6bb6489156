//! Batches: several calls in one array.

mod results;

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use farcall_core::protocol::{Args, Format as _, Name, all_or_nothing};
use farcall_core::{CallError, Context, FormatError, Json};
use farcall_http::client::{Transport, require_runtime};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::results::{BatchError, Results};
use super::endpoint::{Endpoint, Ids, write_named, write_request};
use super::{BLOCKING, Client};

/// Several calls in one request, sent as an array.
///
/// Each [`call`](Self::call) returns a [`Ticket`], which [`Results::take`] exchanges for the result
/// of that call. Calls fail independently: a fault of one does not affect the others. Answers are
/// matched by their ids, in whatever order they come. The specification leaves it to the server
/// whether it runs the calls in order, or at the same time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::jsonrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # server.register_function("name", || "Ada")?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let client = farcall::jsonrpc::Client::new(&listening.url())?;
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
    format: Json,
    ids: Ids,
    /// The array without its end.
    document: Vec<u8>,
    entries: Vec<BatchEntry>,
}

/// A call of a batch with a ticket.
#[derive(Debug)]
enum BatchEntry {
    /// Its id.
    Encoded(u64),
    /// The call cannot be encoded, and is not sent.
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

impl<T> Ticket<T> {
    /// Creates the claim to the result with this place among those of a batch.
    pub(crate) const fn new(batch: u64, index: usize) -> Self {
        Self {
            batch,
            index,
            result: PhantomData,
        }
    }
}

/// Returns the number of a new batch, which its tickets have.
pub(crate) fn next_batch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<C> Batch<C> {
    pub(crate) fn new(client: C, format: Json, ids: Ids) -> Self {
        let calls = Calls {
            batch: next_batch(),
            format,
            ids,
            document: b"[".to_vec(),
            entries: Vec::new(),
        };
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
        let format = self.calls.format;
        self.calls
            .add(&method.into(), |out| format.encode_args(&args, out))
    }

    /// Adds a call with parameters by name: the members of a struct or a map, which are encoded at
    /// once.
    pub fn call_named<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        params: &(impl Serialize + ?Sized),
    ) -> Ticket<R> {
        let format = self.calls.format;
        self.calls
            .add(&method.into(), |out| write_named(format, params, out))
    }

    /// Adds a notification, which has no result.
    ///
    /// # Errors
    /// [`CallError::Encode`] if the arguments cannot be encoded. Nothing is added then.
    pub fn notify(&mut self, method: impl Into<Name>, args: impl Args) -> Result<(), CallError> {
        let (format, method) = (self.calls.format, method.into());
        self.calls
            .write(&method, None, |out| format.encode_args(&args, out))
            .map_err(CallError::Encode)
    }

    /// Returns the number of calls in the batch that have a ticket.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.entries.len()
    }

    /// Returns `true` if the batch has no calls that have a ticket.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.entries.is_empty()
    }
}

impl Batch {
    /// Sends the calls and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// The errors of the whole request, as with [`Client::call`]: [`CallError::Fault`] if the
    /// server answers all calls with one error. An error of a single call is the result of its
    /// ticket. [`BatchError`] is the cause if the answers do not match the calls.
    ///
    /// # Cancel safety
    /// Dropping the future abandons all calls; each of them may still have run.
    pub async fn send(self) -> Result<Results, CallError> {
        require_runtime(BLOCKING)?;
        self.calls.send(&self.client.endpoint).await
    }
}

impl Calls {
    fn add<R>(
        &mut self,
        method: &str,
        params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Ticket<R> {
        let ticket = Ticket::new(self.batch, self.entries.len());
        let id = self.ids.next();
        let entry = match self.write(method, Some(id), params) {
            Ok(()) => BatchEntry::Encoded(id),
            Err(error) => BatchEntry::Failed(error),
        };
        self.entries.push(entry);
        ticket
    }

    fn write(
        &mut self,
        method: &str,
        id: Option<u64>,
        params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<(), FormatError> {
        all_or_nothing(&mut self.document, |out| {
            if out.len() > 1 {
                out.push(b',');
            }
            write_request(method, id, params, out)
        })
    }

    pub(crate) async fn send<T: Transport>(
        mut self,
        server: &Endpoint<T>,
    ) -> Result<Results, CallError> {
        let mut results = Results::new(self.batch, self.format, server.secrets(), self.entries);
        // Only the beginning.
        if self.document.len() == 1 {
            return Ok(results);
        }
        self.document.push(b']');
        let http = server.http();
        let context = Context::new("batch"); // for the headers that a handler's calls inherit
        let request = http.request(&context, self.document.len(), |out| {
            out.extend_from_slice(&self.document);
            Ok(())
        })?;
        drop(self.document);
        let mut response = http.exchange(request, None).await?;
        if !(results.are_empty() && response.is_only_accepted()) {
            http.read(response, |status, _, document| {
                results.read(status, document)
            })?;
        }
        Ok(results)
    }
}

/// Omits the calls, which may contain secrets.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calls").field(&self.entries.len()).finish()
    }
}
