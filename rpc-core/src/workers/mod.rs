//! Several event loops for one address, as threads or as processes.
//!
//! A worker is one thread with an event loop, a listener and a service of its own: it shares nothing with the
//! others, so that none ever waits for another. Each is restarted if it ends before it is told to, and all finish
//! the calls that run when the server stops.
//!
//! - [`Workers::threads`] runs the workers as threads of this process.
//! - [`Workers::processes`] runs each as a process, so that a crash costs the calls of one worker only, and
//!   replaces them one after the other, by a newer program for instance, while calls go on.
//!
//! # Examples
//!
//! A worker is made by an async function, which is called in the worker itself. What it does with the listener is
//! up to it; servers of Farcall have a method `serve_worker` that does what is usual.
//!
//! ```
//! use rpc_core::serve::{self, serve};
//! use rpc_core::transport::{Connect, tcp::TcpConnector};
//! use rpc_core::workers::{WorkerListener, Workers};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let workers = Workers::new().count(2).threads(&"127.0.0.1:0".parse()?, async |worker| {
//!     let index = worker.index();
//!     let (listener, stop) = worker.listen()?;
//!     let WorkerListener::Tcp(listener) = listener else { unreachable!() };
//!     Ok(serve(listener, &serve::Options::default(), stop, |mut io, _, _| async move {
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
//! # Who gets which connection
//!
//! On Linux, each worker has a socket of its own at the same TCP port (`SO_REUSEPORT`), and the system deals
//! connections out by their addresses, evenly where there are many. The sockets are opened once, and outlive
//! their workers: connections that nobody has accepted yet are neither refused nor lost while a worker is
//! restarted or replaced, they wait for the next. Elsewhere, and on Unix sockets, the workers share one socket,
//! and who is awake first accepts.
//!
//! A server that stops for good accepts what waits before it closes its sockets. A connection that comes to be in
//! the moment between is reset by the system, and its peer told that nobody listens.

mod backoff;
#[cfg(unix)]
mod processes;
mod sockets;
mod stop;
mod threads;
mod worker;

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

#[cfg(unix)]
pub use self::processes::Processes;
pub use self::threads::Threads;
pub use self::worker::{Error, Worker, WorkerListener};
use crate::serve::ShutdownReport;
use crate::transport::Address;

/// How many workers there are, and how they are restarted and stopped.
#[derive(Clone, Debug)]
#[must_use = "workers do nothing until they are run"]
pub struct Workers {
    count: usize,
    drain_timeout: Duration,
    restart_pause: (Duration, Duration),
    /// Of a Unix socket's file.
    mode: u32,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            count: available_parallelism().map_or(1, NonZero::get),
            drain_timeout: Duration::from_secs(35),
            restart_pause: (Duration::from_millis(100), Duration::from_secs(10)),
            mode: 0o600,
        }
    }
}

impl Workers {
    /// Workers with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many workers there are; at least one.
    ///
    /// Default: as many as the process may use processors at the same time.
    pub fn count(mut self, count: usize) -> Self {
        self.count = count.max(1);
        self
    }

    /// How long a worker that is told to stop may take to finish. It is given up then, and its calls with it.
    ///
    /// Default: 35 seconds, a little more than servers themselves wait for calls that run.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }

    /// How long to wait before a worker that ended is started again: `min` at first, twice as long each further
    /// time, and `max` at the most. A worker that has run for `max` begins anew.
    ///
    /// Default: 100 milliseconds to 10 seconds.
    pub fn restart_pause(mut self, min: Duration, max: Duration) -> Self {
        self.restart_pause = (min, max.max(min));
        self
    }

    /// The permissions of a Unix socket's file, such as `0o660` for the group of this process. They hold before the
    /// first peer can connect, as with [`UnixListener::bind_with_mode`](crate::transport::unix::UnixListener::bind_with_mode).
    ///
    /// Default: `0o600`, for the user of this process alone: there may be no other authentication.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Opens the sockets of workers that are threads of this process. `serve` is called in the thread and the
    /// event loop of each worker, and nothing that it makes needs to be `Send`.
    ///
    /// # Errors
    /// If the address is taken, not of this machine, or of a kind that has no sockets.
    pub fn threads<F>(&self, address: &Address, serve: F) -> io::Result<Threads>
    where
        F: AsyncFn(Worker) -> Result<ShutdownReport, Error> + Send + Sync + 'static,
    {
        Threads::new(
            self.clone(),
            address,
            Arc::new(worker::in_event_loop(serve)),
        )
    }

    /// Opens the sockets of workers that are processes of their own. Call it outside of event loops, and once in
    /// a program.
    ///
    /// A worker process is this same program, with the same arguments, started anew. There, this function does
    /// not return: it calls `serve`, and ends the process after that. So what the program does before is done in
    /// each worker, and what it does after in the supervisor alone.
    ///
    /// # Errors
    /// If the address is taken, not of this machine, or of a kind that has no sockets.
    #[cfg(unix)]
    pub fn processes<F>(&self, address: &Address, serve: F) -> io::Result<Processes>
    where
        F: AsyncFn(Worker) -> Result<ShutdownReport, Error> + Send + Sync + 'static,
    {
        if let Some(child) = processes::child_worker()? {
            let code = child.work(worker::in_event_loop(serve), self.drain_timeout);
            std::process::exit(code);
        }
        Processes::new(self.clone(), address)
    }
}
