//! The blocking server.

use std::future::IntoFuture as _;
use std::io;

use farcall_core::CannotBlock;
use farcall_core::protocol::blocking::BlockingRuntime;
use farcall_core::serve::{ShutdownReport, StopHandle};
use farcall_core::transport::Address;

use crate::Bind;

/// A server that is bound to an address and ready to serve: the blocking form of the async
/// [`BoundServer`](crate::BoundServer), returned by [`Bind::wait`].
///
/// It has a runtime of its own, with one thread for each core, that starts when it is bound. Plain
/// and async handlers run on these threads: a handler that blocks or computes for long stalls the
/// connections of its thread, and must be registered with
/// [`register_blocking`](farcall_core::Registry::register_blocking).
#[derive(Debug)]
#[must_use = "it accepts connections when it serves"]
pub struct BoundServer {
    bound: crate::BoundServer,
    stop: StopHandle,
    // Declared after the server, whose listener is registered with it.
    runtime: BlockingRuntime,
}

impl BoundServer {
    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        self.bound.local_address()
    }

    /// Returns the URL that clients call: see [`BoundServer::url`](crate::BoundServer::url).
    #[must_use]
    pub fn url(&self) -> String {
        self.bound.url()
    }

    /// Returns a handle that stops the server from another thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Serves until a [stop handle](Self::stop_handle) stops it, and drains, as
    /// [`BoundServer::serve_until`](crate::BoundServer::serve_until) does. Tasks that handlers have
    /// spawned end when it returns.
    ///
    /// # Errors
    /// In async code. The server is closed then.
    pub fn serve(self) -> Result<ShutdownReport, CannotBlock> {
        let Self {
            bound,
            stop,
            runtime,
        } = self;
        runtime.wait(async move { bound.serve_until(stop.stopped()).await })
    }
}

impl Bind {
    /// Listens, and blocks until the address is bound.
    ///
    /// # Errors
    /// As with `.await`; also in async code.
    pub fn wait(self) -> io::Result<BoundServer> {
        let runtime = BlockingRuntime::start()?;
        let bound = runtime.wait(self.into_future())??;
        Ok(BoundServer {
            bound,
            stop: StopHandle::new(),
            runtime,
        })
    }
}
