//! The server for programs without async code.

use std::future::{Future, IntoFuture as _};

use farcall_core::serve::{BlockingServer, Serve, ShutdownReport};

use super::{Bind, BindError};

/// A server that is bound to an address and ready to serve: the blocking form of the async
/// [`BoundServer`](super::BoundServer), returned by [`Bind::wait`]. It has its `local_address` and
/// `url`.
pub type BoundServer = BlockingServer<super::BoundServer>;

impl Serve for super::BoundServer {
    fn serve_until(self, stop: impl Future<Output = ()>) -> impl Future<Output = ShutdownReport> {
        self.serve_until(stop)
    }
}

impl Bind {
    /// Listens, and blocks until the address is bound.
    ///
    /// # Errors
    /// As with `.await`; also in async code.
    pub fn wait(self) -> Result<BoundServer, BindError> {
        BoundServer::bind(self.into_future())
    }
}
