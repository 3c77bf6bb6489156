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

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use rpc_core::{Args, BlockingCaller, CallError, Caller as _, Context, Name};
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{ClientOptions, InvalidUrl, Results, Ticket, XmlRpc};

/// A client of one XML-RPC server, whose calls block the calling thread.
///
/// Clones share connections and settings, and can call from several threads at the same time.
///
/// The client works outside async runtimes, and within them where blocking is allowed, as in
/// tokio's `spawn_blocking`. Elsewhere in a runtime a call fails as [`CallError::NotSent`].
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<OwnRuntime>,
}

impl Client {
    /// A client of the server at `url`, with the default [options](ClientOptions): see
    /// [`Client::new`](crate::Client::new). Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL is malformed or of another scheme, or the proxy that the environment names
    /// cannot be used.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        crate::Client::new(url).map(Self::from)
    }

    /// A client of the server at `url`, with these options.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options(url: &str, options: ClientOptions) -> Result<Self, InvalidUrl> {
        crate::Client::with_options(url, options).map(Self::from)
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
        self.runtime.run(self.client.call(method, args))?
    }

    /// Several calls in one request: see [`Batch`](crate::Batch).
    pub fn batch(&self) -> Batch {
        Batch {
            batch: self.client.batch(),
            runtime: Arc::clone(&self.runtime),
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
        self.runtime.run(self.client.call_in(context, args))?
    }
}

/// The blocking form of a client. It must not have been used with another runtime before: its
/// connections would depend on that one.
impl From<crate::Client> for Client {
    fn from(client: crate::Client) -> Self {
        Self {
            client,
            runtime: Arc::default(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// Several calls that go to the server in one request: [`Batch`](crate::Batch) without async.
#[derive(Debug)]
#[must_use = "a batch does nothing unless it is sent"]
pub struct Batch {
    batch: crate::Batch,
    runtime: Arc<OwnRuntime>,
}

impl Batch {
    /// Adds a call, with a tuple of arguments. They are encoded at once; where that fails, this call
    /// is not sent and its ticket gives [`CallError::Encode`].
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Ticket<R> {
        self.batch.call(method, args)
    }

    /// How many calls were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether no call was added yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Sends the calls, and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// As with the async [`send`](crate::Batch::send); also [`CallError::NotSent`] from within an
    /// async runtime.
    pub fn send(self) -> Result<Results, CallError> {
        self.runtime.run(self.batch.send())?
    }
}

/// The runtime of one client and its clones, started by the first call.
#[derive(Debug, Default)]
struct OwnRuntime(Mutex<Option<Arc<Runtime>>>);

impl OwnRuntime {
    fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, CallError> {
        let runtime = self
            .started()
            .map_err(|e| CallError::NotSent(Box::new(e)))?;
        // Nothing tells whether blocking is allowed at this place of a runtime, but trying.
        if Handle::try_current().is_ok() {
            let attempt = AssertUnwindSafe(|| runtime.block_on(async {}));
            if catch_unwind(attempt).is_err() {
                return Err(CallError::NotSent(Box::new(WithinRuntime)));
            }
        }
        Ok(runtime.block_on(future))
    }

    fn started(&self) -> io::Result<Arc<Runtime>> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => Ok(Arc::clone(runtime)),
            None => {
                let new = Arc::new(Builder::new_current_thread().enable_all().build()?);
                *runtime = Some(Arc::clone(&new));
                Ok(new)
            }
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        let runtime = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Waiting for the runtime's threads, as its own drop does, panics within another runtime.
        // No call can be running: it would hold this value.
        if let Some(runtime) = runtime.take().and_then(Arc::into_inner) {
            runtime.shutdown_background();
        }
    }
}

/// The blocking client was used where blocking is not allowed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the blocking client was used within an async runtime, whose other tasks would stop: use \
     `xmlrpc::Client` there, or `spawn_blocking`"
)]
struct WithinRuntime;
