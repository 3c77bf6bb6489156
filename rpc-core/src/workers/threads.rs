//! Workers that are threads of this process.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::backoff::Backoff;
use super::sockets::Sockets;
use super::stop::stop_signal;
use super::worker::{Worker, WorkerError, event_loop};
use super::{GRACE, Workers, manager};
use crate::call::panic_message;
use crate::serve::ShutdownReport;
use crate::transport::Address;

type Serve =
    dyn Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, WorkerError> + Send + Sync;

/// Workers that are threads of this process, with open sockets. Created by [`Workers::threads`].
#[must_use = "workers do nothing until they are run"]
pub struct Threads {
    workers: Workers,
    sockets: Sockets,
    serve: Box<Serve>,
}

impl Threads {
    pub(super) fn new(workers: Workers, address: &Address, serve: Box<Serve>) -> io::Result<Self> {
        Ok(Self {
            sockets: Sockets::bind(address, workers.count, workers.mode)?,
            workers,
            serve,
        })
    }

    /// The address that clients connect to, with the actual port.
    #[must_use]
    pub fn local_address(&self) -> &Address {
        self.sockets.address()
    }

    /// Serves until the process receives SIGTERM or SIGINT (Ctrl-C), finishes running calls, and
    /// returns. Within an event loop, use [`serve_until`](Self::serve_until) instead.
    ///
    /// # Errors
    /// If the system cannot start another thread, or cannot watch signals.
    ///
    /// # Panics
    /// If called within an event loop.
    pub fn run(self) -> io::Result<()> {
        event_loop()?.block_on(async {
            let stop = stop_signal()?;
            tokio::spawn(manager::feed_watchdog());
            // The sockets are open: peers that connect wait for the workers.
            manager::ready();
            self.serve_until(async {
                stop.await;
                manager::stopping();
            })
            .await
        })
    }

    /// Serves until `stop` completes, then waits for the workers to finish running calls. A worker
    /// whose handler still blocks its thread a second after the
    /// [drain timeout](Workers::drain_timeout) is left running.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    ///
    /// # Cancel safety
    /// Dropping the future stops the workers without waiting for them.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let running = TaskTracker::new();
        let guard = StopGuard {
            threads: Arc::new(self),
            stop: CancellationToken::new(),
        };
        for index in 0..guard.threads.workers.count {
            let thread = Thread {
                index,
                threads: Arc::clone(&guard.threads),
                stop: guard.stop.clone(),
                _running: running.token(),
            };
            std::thread::Builder::new()
                .name(format!("worker {index}"))
                .spawn(move || thread.run())?;
        }
        running.close();
        stop.await;
        let drain_timeout = guard.threads.workers.drain_timeout;
        drop(guard);
        let limit = drain_timeout.saturating_add(GRACE);
        if timeout(limit, running.wait()).await.is_err() {
            tracing::error!("workers whose handlers block did not finish in time and are left");
        }
        Ok(())
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("workers", &self.workers)
            .field("address", self.sockets.address())
            .finish_non_exhaustive()
    }
}

/// Stops the workers on drop.
struct StopGuard {
    threads: Arc<Threads>,
    stop: CancellationToken,
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        // Closed first, so that a worker that then closes its socket closes the last duplicate.
        self.threads.sockets.close();
        self.stop.cancel();
    }
}

/// The thread of one worker and of those that are restarted in its place.
struct Thread {
    index: usize,
    threads: Arc<Threads>,
    stop: CancellationToken,
    _running: TaskTrackerToken,
}

impl Thread {
    fn run(self) {
        let worker = self.index;
        let mut backoff = Backoff::new(self.threads.workers.restart_pause);
        let mut pause = Duration::ZERO;
        loop {
            let begin = Instant::now();
            let result = self.work(pause);
            let stopped = self.stop.is_cancelled();
            match result {
                Ok(report) if stopped => {
                    let ShutdownReport { finished, aborted } = report.unwrap_or_default();
                    tracing::info!(worker, finished, aborted, "a worker stopped");
                }
                Ok(_) => tracing::error!(worker, "a worker exited before it was stopped"),
                Err(error) => {
                    let error: &dyn std::error::Error = &*error;
                    tracing::error!(worker, error, "a worker failed");
                }
            }
            if stopped {
                return;
            }
            pause = backoff.after(begin.elapsed().saturating_sub(pause));
            tracing::info!(worker, ?pause, "the worker is restarted");
        }
    }

    /// Runs one worker after a pause. `None` if the server stopped before the worker started.
    fn work(&self, pause: Duration) -> Result<Option<ShutdownReport>, WorkerError> {
        let runtime = event_loop()?;
        let stopped = async { timeout(pause, self.stop.cancelled()).await.is_ok() };
        if !pause.is_zero() && runtime.block_on(stopped) {
            return Ok(None);
        }
        let Threads {
            workers,
            sockets,
            serve,
        } = &*self.threads;
        let Some(socket) = sockets.for_worker(self.index)? else {
            return Ok(None);
        };
        let worker = Worker::new(self.index, socket, self.stop.clone());
        let serve = || serve(&runtime, worker, workers.drain_timeout);
        let result = catch_unwind(AssertUnwindSafe(serve));
        // Blocking tasks in the background are not waited for.
        runtime.shutdown_background();
        match result {
            Ok(report) => report.map(Some),
            Err(panic) => {
                let message = panic_message(&*panic).unwrap_or("(no message)");
                Err(format!("the worker panicked: {message}").into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_stop_does_not_wait_for_a_worker_that_blocks() {
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Mutex::new(blocked);
        let serves = Arc::new(Notify::new());
        let is_served = Arc::clone(&serves);
        let drain_timeout = Duration::from_millis(10);
        let workers = Workers::new().count(1).drain_timeout(drain_timeout);
        let address = "127.0.0.1:0".parse().expect("an address");
        let threads = workers.threads(&address, async move |worker| {
            let (_listener, stop) = worker.listen()?;
            serves.notify_one();
            stop.cancelled().await;
            let _ = blocked.lock().map(|blocked| blocked.recv());
            Ok(ShutdownReport::default())
        });
        let begin = Instant::now();
        let serving = threads.expect("a port");
        let serving = serving.serve_until(async move { is_served.notified().await });
        let served = timeout(Duration::from_secs(30), serving).await;
        served.expect("the worker blocks").expect("a thread");
        assert!(begin.elapsed() >= GRACE);
        drop(release);
    }
}
