//! The client for programs without async.
//!
//! Names and signatures are those of the async [`Client`](crate::Client), without `async`:
//!
//! ```no_run
//! use xmlrpc::blocking::Client;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("http://localhost:8000")?;
//! let sum: i64 = client.call("add", (3, 5))?;
//! # Ok(())
//! # }
//! ```

mod sockets;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use rpc_core::{Args, BlockingCaller, CallError, Caller as _, Context, Name};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use self::sockets::Connector;
use crate::client::batch::Calls;
use crate::client::endpoint::Endpoint;
use crate::{ClientOptions, InvalidUrl, Results, Ticket, XmlRpc};

/// A client of one XML-RPC server, whose calls block the calling thread.
///
/// Clones share connections and settings, and can call from several threads at the same time. A
/// connection that was not used for the [`idle_timeout`](ClientOptions::idle_timeout) is closed
/// with the next call, as nothing runs between the calls.
///
/// The client works on the system's own sockets, outside async runtimes, and within them where
/// blocking is allowed, as in tokio's `spawn_blocking`. Elsewhere in a runtime a call fails as
/// [`CallError::NotSent`].
#[derive(Clone)]
pub struct Client {
    endpoint: Arc<Endpoint<Connector>>,
}

impl Client {
    /// A client of the server at `url`, with the default [options](ClientOptions): see
    /// [`Client::new`](crate::Client::new). Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL is malformed or of another scheme, or the proxy that the environment names
    /// cannot be used.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Self::with_options(url, ClientOptions::default())
    }

    /// A client of the server at `url`, with these options.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    #[expect(clippy::needless_pass_by_value, reason = "as with every with_options")]
    pub fn with_options(url: &str, options: ClientOptions) -> Result<Self, InvalidUrl> {
        let endpoint = Endpoint::new(url, &options, Connector::to)?;
        Ok(Self {
            endpoint: Arc::new(endpoint),
        })
    }

    /// Calls a method by its name, with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// As with the async [`call`](crate::Client::call); also [`CallError::NotSent`] from within an
    /// async runtime, where blocking would stop the runtime's other tasks.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<R, CallError> {
        BlockingCaller::call(self, method, args)
    }

    /// Several calls in one request: see [`Batch`](crate::Batch).
    pub fn batch(&self) -> Batch {
        Batch {
            client: self.clone(),
            calls: Calls::new(self.endpoint.format()),
        }
    }
}

impl BlockingCaller for Client {
    type Format = XmlRpc;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        wait(self.endpoint.call_in(context, args))
    }
}

/// Without user, password and query of the URL.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client")
            .field(&self.endpoint.shown())
            .finish()
    }
}

/// Several calls that go to the server in one request: [`Batch`](crate::Batch) without async.
#[derive(Debug)]
#[must_use = "a batch does nothing unless it is sent"]
pub struct Batch {
    client: Client,
    calls: Calls,
}

impl Batch {
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
    /// As with the async [`send`](crate::Batch::send); also [`CallError::NotSent`] from within an
    /// async runtime.
    pub fn send(self) -> Result<Results, CallError> {
        wait(self.calls.send(&self.client.endpoint))
    }
}

/// What a future gives whose only waits are those of its thread for sockets.
fn wait<T>(future: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    // Nothing tells whether blocking is allowed at this place of a runtime, but trying.
    if let Ok(runtime) = Handle::try_current() {
        let attempt = AssertUnwindSafe(|| runtime.block_on(async {}));
        if catch_unwind(attempt).is_err() {
            return Err(CallError::NotSent(Box::new(WithinRuntime)));
        }
    }
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a blocking transport is ready when it is polled"),
    }
}

/// The blocking client was used where blocking is not allowed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the blocking client was used within an async runtime, whose other tasks would stop: use \
     `xmlrpc::Client` there, or `spawn_blocking`"
)]
struct WithinRuntime;
