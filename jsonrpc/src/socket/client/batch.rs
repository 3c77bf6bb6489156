//! Batches: several calls in one message.

use std::fmt;

use farcall_core::protocol::{Args, Call, Format as _, Name, Payload};
use farcall_core::{CallError, Caller as _, Context, FormatError, Json};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SocketClient;
use crate::client::batch::next_batch;
use crate::client::endpoint::write_named;
use crate::{Results, Ticket};

/// Several calls in one message of a [`SocketClient`], sent as an array.
///
/// It is the [`Batch`](crate::Batch) of connections: each [`call`](Self::call) returns a
/// [`Ticket`], which [`Results::take`] exchanges for the result of that call. Calls fail
/// independently.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use farcall::jsonrpc::{Framing, Service, SocketClient, SocketServer};
/// # let registry = farcall::Registry::new();
/// # registry.register_function("add", |a: i64, b: i64| a + b)?;
/// # registry.register_function("name", || "Ada")?;
/// # let server = SocketServer::new(Service::new(registry), Framing::Lines);
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let client = SocketClient::new(&listening.url())?;
/// # tokio::spawn(listening.serve());
/// let mut batch = client.batch();
/// let sum = batch.call::<i64>("add", (3, 5));
/// let name = batch.call::<String>("name", ());
/// let mut results = batch.send().await?;
/// assert_eq!(results.take(sum)?, 8);
/// assert_eq!(results.take(name)?, "Ada");
/// # Ok(())
/// # }
/// ```
#[must_use = "a batch does nothing unless it is sent"]
pub struct SocketBatch {
    client: SocketClient,
    format: Json,
    batch: u64,
    calls: Vec<Call<Json>>,
    /// The place of each call with a ticket among `calls`, or why it is not sent.
    entries: Vec<Result<usize, FormatError>>,
}

impl SocketBatch {
    pub(super) fn new(client: SocketClient) -> Self {
        Self {
            format: client.format(),
            client,
            batch: next_batch(),
            calls: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Adds a call with a tuple of arguments, which are encoded at once. If that fails, this call
    /// is not sent and the result of its ticket is [`CallError::Encode`].
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Ticket<R> {
        let params = self.format.params(&args);
        self.add(method.into(), params)
    }

    /// Adds a call with parameters by name: the members of a struct or a map, which are encoded at
    /// once.
    pub fn call_named<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        params: &(impl Serialize + ?Sized),
    ) -> Ticket<R> {
        let mut out = Vec::new();
        let written = write_named(self.format, params, &mut out);
        self.add(method.into(), written.map(|()| Payload::from(out)))
    }

    /// Adds a notification, which has no result.
    ///
    /// # Errors
    /// [`CallError::Encode`] if the arguments cannot be encoded. Nothing is added then.
    pub fn notify(&mut self, method: impl Into<Name>, args: impl Args) -> Result<(), CallError> {
        let params = self.format.params(&args).map_err(CallError::Encode)?;
        let context = Context::new(method).one_way();
        self.push(context, params);
        Ok(())
    }

    /// Returns the number of calls in the batch that have a ticket.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if the batch has no calls that have a ticket.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sends the calls and waits for their results. An empty batch sends nothing. The
    /// [timeout](super::SocketClientOptions::timeout) of the client applies to all together.
    ///
    /// # Errors
    /// If they cannot be sent. An error of a single call, and an error with which the server
    /// answers all of them, is the result of a ticket.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the calls; they may have run nevertheless.
    pub async fn send(self) -> Result<Results, CallError> {
        let answers = match self.calls.as_slice() {
            [] => Vec::new(),
            calls => self.client.send_batch(calls).await?,
        };
        let mut answers: Vec<_> = answers.into_iter().map(Some).collect();
        let outcomes = self.entries.into_iter().map(|entry| match entry {
            // Each place is that of one entry.
            Ok(place) => answers.get_mut(place).and_then(Option::take),
            Err(error) => Some(Err(CallError::Encode(error))),
        });
        let secrets = self.client.secrets();
        Ok(Results::of(self.batch, self.format, secrets, outcomes))
    }

    fn add<R>(&mut self, method: Name, params: Result<Payload, FormatError>) -> Ticket<R> {
        let ticket = Ticket::new(self.batch, self.entries.len());
        let entry = params.map(|params| {
            self.push(Context::new(method), params);
            self.calls.len() - 1
        });
        self.entries.push(entry);
        ticket
    }

    fn push(&mut self, context: Context, params: Payload) {
        self.calls.push(Call {
            params,
            format: self.format,
            context,
        });
    }
}

/// Omits the calls, which may contain secrets.
impl fmt::Debug for SocketBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketBatch")
            .field("client", &self.client)
            .field("calls", &self.entries.len())
            .finish_non_exhaustive()
    }
}
