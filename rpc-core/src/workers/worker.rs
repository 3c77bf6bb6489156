//! One worker, whether it is a thread or a process.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::sockets::Socket;
use crate::serve::ShutdownReport;
#[cfg(unix)]
use crate::transport::unix::UnixListener;

/// Why a worker cannot serve: any error. It is logged, and the worker started again.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The place of one worker, given to the function that serves in it.
pub struct Worker {
    index: usize,
    socket: Socket,
    stop: CancellationToken,
    /// Told when the worker is ready to accept.
    ready: Box<dyn FnOnce() + Send>,
}

/// What a worker accepts on.
#[derive(Debug)]
pub enum WorkerListener {
    /// A port of an IP address.
    Tcp(TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
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

    /// Which worker this is, counted from zero. One that is started again has the number of the one before.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Is cancelled when the worker is to finish what runs, and end.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The listener, and the token that is cancelled when the worker is to finish what runs, and end.
    ///
    /// Make the service before: a worker that is to take the place of another counts as ready from here on.
    ///
    /// # Errors
    /// If the event loop cannot watch the socket.
    pub fn listen(self) -> io::Result<(WorkerListener, CancellationToken)> {
        let listener = self.socket.into_listener()?;
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

/// The event loop of one worker.
pub(super) fn event_loop() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Serves in the event loop of a worker, until that is over; the time is what it has from when it is told to
/// stop.
pub(super) fn in_event_loop<F>(
    serve: F,
) -> impl Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, Error> + Send + Sync + 'static
where
    F: AsyncFn(Worker) -> Result<ShutdownReport, Error> + Send + Sync + 'static,
{
    move |runtime, worker, drain_timeout| {
        let stop = worker.stop.clone();
        let over = async {
            stop.cancelled().await;
            tokio::time::sleep(drain_timeout).await;
        };
        runtime.block_on(async {
            tokio::select! {
                ended = serve(worker) => ended,
                () = over => Err(format!("it has not finished within {drain_timeout:?}").into()),
            }
        })
    }
}
