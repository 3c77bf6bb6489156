//! Servers as workers.

use farcall_core::serve::ShutdownReport;
use farcall_core::workers::{self, Worker};

use super::HttpServer;

impl HttpServer {
    /// Serves as one of several [workers], until the worker is stopped.
    ///
    /// ```no_run
    /// use farcall::workers::Workers;
    /// use farcall::xmlrpc::Server;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let workers = Workers::new().threads(&"127.0.0.1:8000".parse()?, async |worker| {
    ///     let server = Server::new();
    ///     server.register_function("add", |a: i64, b: i64| a + b)?;
    ///     server.serve_worker(worker).await
    /// })?;
    /// workers.run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the event loop cannot watch the worker's socket.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve_worker(
        &self,
        worker: Worker,
    ) -> Result<ShutdownReport, workers::WorkerError> {
        let (listener, stop) = worker.listen()?;
        let bound = self.listen_at(listener)?;
        Ok(bound.serve_until(stop.cancelled_owned()).await)
    }
}
