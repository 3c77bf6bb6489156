//! Several event loops for one address, as threads or as processes.
//!
//! A worker is one thread with its own event loop, listener and service. Workers share nothing, so
//! that none ever waits for another. A worker that exits before it is stopped is
//! restarted, and all finish their calls when the server stops.
//!
//! - [`Workers::threads`] runs the workers as threads of this process.
//! - [`Workers::processes`] runs each as a process, so that a crash affects the calls of one worker
//!   only. It can replace them one after the other, for instance with a newer program, without
//!   interrupting service.
//!
//! # Examples
//!
//! A worker runs an async function, which decides what to do with the listener. Servers of Farcall
//! have a method `serve_worker` that does the usual.
//!
//! ```
//! use farcall::serve;
//! use farcall::serve::serve;
//! use farcall::transport::tcp::TcpConnector;
//! use farcall::transport::{Connect, SystemListener};
//! use farcall::workers::Workers;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let workers = Workers::new().count(2).threads(&"127.0.0.1:0".parse()?, async |worker| {
//!     let index = worker.index();
//!     let (listener, stop) = worker.listen()?;
//!     let SystemListener::Tcp(listener) = listener else { unreachable!() };
//!     Ok(serve(listener, &serve::Options::default(), stop.cancelled(), |(mut io, _), _| async move {
//!         let _ = io.write_all(format!("worker {index} says hello").as_bytes()).await;
//!     })
//!     .await)
//! })?;
//!
//! let address = workers.local_address().to_string();
//! let greeting = async {
//!     let connector = TcpConnector::from(address.parse::<std::net::SocketAddr>().unwrap());
//!     let mut greeting = String::new();
//!     connector.connect().await?.read_to_string(&mut greeting).await?;
//!     std::io::Result::Ok(greeting)
//! };
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let (served, greeting) = tokio::join!(
//!     workers.serve_until(async { drop(stopped.await) }),
//!     async {
//!         let greeting = greeting.await;
//!         drop(stop);
//!         greeting
//!     }
//! );
//! served?;
//! assert!(greeting?.ends_with("says hello"));
//! # Ok(())
//! # }
//! ```
//!
//! # Distribution of connections
//!
//! On Linux, each worker has its own socket at the same TCP port (`SO_REUSEPORT`), and the system
//! distributes connections by their addresses, evenly if there are many. The sockets are opened
//! once and outlive their workers: connections that are not yet accepted are neither refused nor
//! lost while a worker is restarted or replaced, but wait for the next one. On other systems, and
//! on Unix sockets, the workers share one socket, and the first worker to wake up accepts.
//!
//! A server that stops for good accepts the connections in its backlog before it closes its
//! sockets. A connection established between the two is reset by the system.
//!
//! # Service managers
//!
//! At the address `systemd:NAME` the workers share a socket that systemd has opened. With the
//! feature `systemd`, `run` tells the service manager that the server is ready, stops and is alive,
//! and [processes](Workers::processes) also that they are replaced: a unit of `Type=notify-reload`
//! needs no more.

mod backoff;
mod manager;
#[cfg(unix)]
mod processes;
mod sockets;
mod stop;
mod threads;
mod worker;

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

#[cfg(unix)]
pub use self::processes::Processes;
pub use self::threads::Threads;
pub use self::worker::{Worker, WorkerError};
use crate::serve::ShutdownReport;
use crate::transport::{Address, SystemListener};

/// The time added to a worker's drain timeout, as the worker enforces that itself.
const GRACE: Duration = Duration::from_secs(1);

/// The number of workers, and how they are restarted and stopped.
#[derive(Clone, Debug)]
#[must_use = "workers do nothing until they are run"]
pub struct Workers {
    count: usize,
    drain_timeout: Duration,
    restart_pause: (Duration, Duration),
    /// The permissions of the file of a Unix socket.
    mode: u32,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            count: available_parallelism().map_or(1, NonZero::get),
            drain_timeout: Duration::from_secs(35),
            restart_pause: (Duration::from_millis(100), Duration::from_secs(10)),
            mode: SystemListener::MODE,
        }
    }
}

impl Workers {
    /// Returns workers with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of workers, at least one.
    ///
    /// Default: the number of CPUs that the process may use at the same time.
    pub fn count(mut self, count: usize) -> Self {
        self.count = count.max(1);
        self
    }

    /// Sets the maximum time that a worker takes to finish its calls once the server stops. Then it
    /// is aborted together with its calls.
    ///
    /// Default: 35 seconds, a little longer than servers themselves wait for running calls.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }

    /// Sets the pause before a worker that exited is restarted: `min` at first, doubled each time,
    /// up to `max`. It starts again at `min` after a worker that ran for at least `max`.
    ///
    /// Default: 100 milliseconds to 10 seconds.
    pub fn restart_pause(mut self, min: Duration, max: Duration) -> Self {
        self.restart_pause = (min, max.max(min));
        self
    }

    /// Sets the permissions of the file of a Unix socket, such as `0o660` for the group of this
    /// process. They apply before the first peer can connect, as with
    /// [`UnixListener::bind_with_mode`](crate::transport::unix::UnixListener::bind_with_mode).
    ///
    /// Default: `0o600`, only for the user of this process, as there may be no other
    /// authentication.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Opens the sockets of workers that are threads of this process. `serve` is called in the
    /// thread and the event loop of each worker, and nothing that it creates needs to be `Send`.
    ///
    /// # Errors
    /// If the address is taken, not of this machine, or of a kind without sockets.
    pub fn threads<F>(&self, address: &Address, serve: F) -> io::Result<Threads>
    where
        F: AsyncFn(Worker) -> Result<ShutdownReport, WorkerError> + Send + Sync + 'static,
    {
        Threads::new(
            self.clone(),
            address,
            Box::new(worker::in_event_loop(serve)),
        )
    }

    /// Opens the sockets of workers that are processes of their own. Call it outside of event
    /// loops, and once per program.
    ///
    /// A worker process is started from the program file of this process, with the same arguments.
    /// In a worker, this function does not return: it calls `serve` and then exits the process.
    /// Code before this call therefore runs in each worker too, and code after it only in the
    /// supervisor.
    ///
    /// # Errors
    /// If the address is taken, not of this machine, or of a kind without sockets.
    #[cfg(unix)]
    pub fn processes<F>(&self, address: &Address, serve: F) -> io::Result<Processes>
    where
        F: AsyncFn(Worker) -> Result<ShutdownReport, WorkerError> + Send + Sync + 'static,
    {
        if let Some(child) = processes::child_worker()? {
            let code = child.work(worker::in_event_loop(serve), self.drain_timeout);
            std::process::exit(code);
        }
        Processes::new(self.clone(), address)
    }
}
