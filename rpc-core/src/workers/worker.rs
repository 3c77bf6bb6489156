//! One worker, whether a thread or a process.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::serve::ShutdownReport;
use crate::transport::{Socket, SystemListener};

/// Any error that keeps a worker from serving. It is logged, and the worker restarted.
pub type WorkerError = Box<dyn std::error::Error + Send + Sync>;

/// One worker, passed to the function that serves in it.
pub struct Worker {
    index: usize,
    socket: Socket,
    stop: CancellationToken,
    /// Called when the worker is ready to accept.
    ready: Box<dyn FnOnce() + Send>,
}

impl Worker {
    pub(super) fn new(index: usize, socket: Socket, stop: CancellationToken) -> Self {
        Self {
            index,
            socket,
            stop,
            ready: Box::new(|| ()),
        }
    }

    #[cfg(unix)]
    pub(super) fn on_ready(mut self, ready: impl FnOnce() + Send + 'static) -> Self {
        self.ready = Box::new(ready);
        self
    }

    /// The number of this worker, counted from zero. A restarted worker keeps the number.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The token that is cancelled when the worker must finish its calls and return.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Returns the listener, and the token that is cancelled when the worker must finish its calls
    /// and return.
    ///
    /// Create the service before: a worker that replaces another counts as ready from this call on.
    ///
    /// # Errors
    /// If the socket cannot be registered with the event loop.
    pub fn listen(self) -> io::Result<(SystemListener, CancellationToken)> {
        let listener = SystemListener::of_socket(self.socket)?;
        (self.ready)();
        Ok((listener, self.stop))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("index", &self.index)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

/// Creates the event loop of one worker.
pub(super) fn event_loop() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Returns a function that runs `serve` in the event loop of a worker. The duration is the maximum
/// time that it takes once the worker is stopped.
pub(super) fn in_event_loop<F>(
    serve: F,
) -> impl Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, WorkerError> + Send + Sync + 'static
where
    F: AsyncFn(Worker) -> Result<ShutdownReport, WorkerError> + Send + Sync + 'static,
{
    move |runtime, worker, drain_timeout| {
        let stop = worker.stop.clone();
        let expired = async {
            stop.cancelled().await;
            tokio::time::sleep(drain_timeout).await;
        };
        runtime.block_on(async {
            tokio::select! {
                result = serve(worker) => result,
                () = expired => Err(format!("the worker did not finish within {drain_timeout:?}").into()),
            }
        })
    }
}
