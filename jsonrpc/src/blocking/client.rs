//! The blocking client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::{Args, Name};
use farcall_core::{BlockingCaller, CallError, Caller as _, Context, Json, Within};
use farcall_http::client::{BlockingConnector, InvalidUrl, complete};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::endpoint::Endpoint;
use crate::{ClientOptions, Results};

/// A client of one JSON-RPC server, whose calls block the calling thread.
///
/// Clones share connections, ids and settings, and can be used from several threads at the same
/// time. A connection that was idle for the [`idle_timeout`](ClientOptions::idle_timeout) is closed
/// by the next call, since nothing runs between calls.
///
/// ```no_run
/// use farcall::jsonrpc::blocking::Client;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new("http://localhost:8000")?;
/// let sum: i64 = client.call("add", (3, 5))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    endpoint: Arc<Endpoint<BlockingConnector>>,
}

impl Client {
    /// Creates a client of the server at `url`, with the default [options](ClientOptions): see
    /// [`Client::new`](crate::Client::new). Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL is malformed or has another scheme, or if the proxy set in the environment cannot
    /// be used.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Self::with_options(url, ClientOptions::default())
    }

    /// Creates a client of the server at `url` with `options`.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options(url: &str, options: ClientOptions) -> Result<Self, InvalidUrl> {
        let endpoint = Arc::new(Endpoint::new(url, options, BlockingConnector::to)?);
        Ok(Self { endpoint })
    }

    /// Calls a method by name with a tuple of arguments, which are sent as an array, and waits for
    /// the result.
    ///
    /// # Errors
    /// As with the async [`call`](crate::Client::call); also [`CallError::NotSent`] in async code.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<R, CallError> {
        BlockingCaller::call(self, method, args)
    }

    /// Calls a method with parameters by name: the members of a struct or a map.
    ///
    /// # Errors
    /// As with the async [`call_named`](crate::Client::call_named); also [`CallError::NotSent`] in
    /// async code.
    pub fn call_named<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        params: &(impl Serialize + ?Sized),
    ) -> Result<R, CallError> {
        complete(self.endpoint.call_named(method.into(), params))
    }

    /// Sends a notification: a call that is not answered.
    ///
    /// # Errors
    /// As with the async [`notify`](crate::Client::notify); also [`CallError::NotSent`] in async
    /// code.
    pub fn notify(&self, method: impl Into<Name>, args: impl Args) -> Result<(), CallError> {
        BlockingCaller::notify(self, method, args)
    }

    /// Returns a client whose calls take at most `time`, or the remaining time of the call that is
    /// being handled, if that is less. A call that exceeds the limit fails and is cancelled. The
    /// methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        BlockingCaller::within(self, time)
    }

    /// Starts a [`Batch`](crate::Batch): several calls in one request.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone(), self.endpoint.format(), self.endpoint.ids())
    }
}

impl BlockingCaller for Client {
    type Format = Json;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        complete(self.endpoint.call_in(context, args))
    }
}

/// Shows the URL without user, password and query, and the limits.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.endpoint, f)
    }
}

/// Several calls in one request: the blocking form of the async [`Batch`](crate::Batch).
pub type Batch = crate::Batch<Client>;

impl Batch {
    /// Sends the calls and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// As with the async [`send`](crate::Batch::send); also [`CallError::NotSent`] in async code.
    pub fn send(self) -> Result<Results, CallError> {
        let (client, calls) = self.into_parts();
        complete(calls.send(&client.endpoint))
    }
}
