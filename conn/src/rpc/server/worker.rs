//! Servers as workers.

use farcall_core::serve::ShutdownReport;
use farcall_core::transport::SystemListener;
use farcall_core::workers::{self, Worker};

use super::Server;
use crate::listener::{Listener, ListenerBuilder};

impl Server {
    /// Serves as one of several [workers], until the worker is stopped. `set` configures the
    /// listener, for example its authkey.
    ///
    /// ```no_run
    /// use farcall::rpc::Server;
    /// use farcall::workers::Workers;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let workers = Workers::new().threads(&"127.0.0.1:7000".parse()?, async |worker| {
    ///     let server = Server::new();
    ///     server.register_function("add", |a: i64, b: i64| a + b)?;
    ///     server.serve_worker(worker, |listener| listener.authkey("a secret")).await
    /// })?;
    /// workers.run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Sessions and objects belong to one worker. A client that reconnects may reach another
    /// worker, which does not know its session.
    ///
    /// # Errors
    /// If the key cannot be used, or the event loop cannot register the worker's socket.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all connections at once.
    pub async fn serve_worker(
        &self,
        worker: Worker,
        set: impl FnOnce(ListenerBuilder) -> ListenerBuilder,
    ) -> Result<ShutdownReport, workers::WorkerError> {
        let (listener, stop) = worker.listen()?;
        let listener = match listener {
            SystemListener::Tcp(listener) => Listener::over(listener),
            #[cfg(unix)]
            SystemListener::Unix(listener) => Listener::over(listener),
        };
        let bound = self.listen(set(listener)).await?;
        Ok(bound.serve_until(stop.cancelled_owned()).await)
    }
}
