//! The accept loop of all protocols, and the graceful stop of their servers.
//!
//! [`serve`] accepts connections and runs a handler on each, in a task of its own. Whatever must
//! happen between the two, such as a handshake, is the first step of the handler, and delays no
//! other connection.
//!
//! # Examples
//!
//! ```
//! use farcall::serve::{Options, StopHandle, serve};
//! use farcall::transport::{Connect, memory};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (listener, connector) = memory::listener("greeter");
//! let stop = StopHandle::new();
//! let stopped = stop.clone();
//! let server = tokio::spawn(async move {
//!     serve(listener, &Options::default(), stopped.stopped(), |(mut io, _peer), _| async move {
//!         let _ = io.write_all(b"hello").await;
//!     })
//!     .await
//! });
//!
//! let mut greeting = String::new();
//! connector.connect().await?.read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//!
//! stop.stop();
//! assert_eq!(server.await?.aborted, 0);
//! # Ok(())
//! # }
//! ```

mod blocking;
#[cfg(feature = "_tls")]
mod handshakes;
mod pending;
mod stop;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::{JoinSet, unconstrained, yield_now};
use tokio::time::{Instant, sleep, timeout, timeout_at};

pub use self::blocking::{BlockingServer, Serve};
#[cfg(feature = "_tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub use self::handshakes::TlsHandshakes;
pub use self::pending::PendingHandshakes;
pub use self::stop::{StopHandle, Stopped};
use crate::call::panic_message;
use crate::counts::{Drain, OpenConnection, Refusal, refused};
use crate::output::{Foreign, Quota};
use crate::time::deadline;
use crate::transport::{Listen, Peer};

/// The maximum number of log lines per minute about connections that cannot be accepted.
static FAILURES: Quota = Quota::new(10);

/// The pause after the first error of the listener; each further error doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause: short enough that few peers have given up by then.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The time that a connection has for its first call, even if the server stops meanwhile: 1 second.
/// Over HTTP, a connection has the same time after each reply for another call.
///
/// Its client does not know of the stop, and makes the call as soon as it is connected.
pub const FIRST_CALL_GRACE: Duration = Duration::from_secs(1);

/// The time in which aborted connections are closed: 1 second. One whose handler computes or blocks
/// for longer, and so cannot be aborted yet, is not waited for.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// The limits of [`serve`].
///
/// For authors of protocols: a server has them among its own options.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to `serve`"]
pub struct Options {
    max_connections: usize,
    drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl Options {
    /// Sets the maximum number of open connections. Further peers wait in the backlog of the
    /// listener until one of them closes.
    ///
    /// Default: 1024, the number of open files that many systems allow a process. A program that
    /// expects more peers raises both.
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Sets how long after its request a graceful stop aborts the connections that are still open.
    /// It takes at most one second more, if the handler of an aborted connection blocks its thread.
    ///
    /// Default: 30 seconds, within the time that service managers grant a process to exit.
    pub fn drain_timeout(mut self, drain_timeout: Duration) -> Self {
        self.drain_timeout = drain_timeout;
        self
    }
}

/// The outcome of a graceful stop. Each connection is counted once that was open when the stop
/// began, or in the backlog of the listener, whatever its state: idle, in a handshake, or with a
/// call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections that ended by themselves: their calls were answered, their peer disconnected, or
    /// they failed, for example in the handshake.
    pub finished: usize,
    /// Connections that were still open when the [drain timeout](Options::drain_timeout) expired,
    /// and were aborted.
    pub aborted: usize,
}

/// A source of connections, for [`serve`]. Every [`Listen`]er is one, of byte streams.
pub trait Accept: Send {
    /// One connection.
    type Connection;

    /// Accepts the next connection.
    ///
    /// # Errors
    /// As with [`Listen::accept`]. [`serve`] tries again.
    ///
    /// # Cancel safety
    /// As with [`Listen::accept`]: no connection is lost.
    fn next(&mut self) -> impl Future<Output = io::Result<Self::Connection>> + Send;

    /// The peer of a connection, for the log.
    fn peer(connection: &Self::Connection) -> &Peer;
}

impl<L: Listen> Accept for L {
    type Connection = (L::Io, Peer);

    fn next(&mut self) -> impl Future<Output = io::Result<Self::Connection>> + Send {
        self.accept()
    }

    fn peer((_, peer): &Self::Connection) -> &Peer {
        peer
    }
}

/// Accepts connections and runs `handler` on each in a task of its own, until `stop` completes.
///
/// At the stop, the future that each handler has received completes: the handler then finishes its
/// calls and returns.
/// Connections in the backlog at this moment are still accepted, up to the maximum number of
/// connections, because their peers may already have sent a call. Then the listener closes.
///
/// An error of a single connection never ends the loop. A panic in the future of a handler is
/// logged. An error of the listener, such as a lack of file descriptors, is logged as well; the
/// loop then tries again after a pause that grows from 5 ms to one second, or as soon as a
/// connection closes.
///
/// # Cancel safety
///
/// Dropping the future closes the listener and aborts all connections at once. To let them finish,
/// complete `stop` and await the future.
pub async fn serve<A, H, Fut>(
    mut listener: A,
    options: &Options,
    stop: impl Future<Output = ()>,
    handler: H,
) -> ShutdownReport
where
    A: Accept,
    H: Fn(A::Connection, Stopped) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut stop = pin!(stop);
    let signal = StopHandle::new();
    let mut connections = JoinSet::new();
    let handle = |accepted: A::Connection| {
        let open = OpenConnection::new();
        let peer = A::peer(&accepted).clone();
        log_panic(handler(accepted, signal.stopped()), peer).map(|()| drop(open))
    };
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&mut listener), if connections.len() < options.max_connections => accepted,
        };
        connections.spawn(handle(accepted));
        if connections.len() == options.max_connections {
            refused(Refusal::Connections);
        }
    }
    let _drain = Drain::begin();
    let end = deadline(options.drain_timeout);
    // Those that ended before the stop do not count.
    while connections.try_join_next().is_some() {}
    // Closing the listener resets the connections in its backlog. A listener that was just
    // registered with the event loop learns of its backlog after one turn of the loop. The turn has
    // no end while a handler blocks the thread.
    let _ = timeout_at(end, yield_now()).await;
    signal.stop();
    while connections.len() < options.max_connections
        && Instant::now() < end
        && let Some(accepted) = unconstrained(accept(&mut listener)).now_or_never()
    {
        connections.spawn(handle(accepted));
    }
    drop(listener);
    drain(connections, end).await
}

/// Accepts the next connection. An error of the listener, such as a lack of file descriptors, is
/// logged, and accepting is tried again after a pause that grows from 5 ms to one second.
async fn accept<A: Accept>(listener: &mut A) -> A::Connection {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.next().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "a peer disconnected before it was accepted");
            }
            Err(error) => {
                // With few descriptors left, accepting succeeds and fails by turns as peers come
                // and go.
                if let Some(admitted) = FAILURES.admit() {
                    let suppressed = admitted.suppressed();
                    tracing::warn!(%error, ?pause, suppressed, "cannot accept connections, retrying");
                }
                sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

/// Waits until the connections have finished, and aborts those that are left at `end`.
async fn drain(mut connections: JoinSet<()>, end: Instant) -> ShutdownReport {
    let open = connections.len();
    let mut aborted = 0;
    if timeout_at(end, join_all(&mut connections)).await.is_err() {
        while connections.try_join_next().is_some() {}
        aborted = connections.len();
        tracing::warn!(aborted, "connections aborted at the drain timeout");
        connections.abort_all();
        let _ = timeout(ABORT_GRACE, join_all(&mut connections)).await;
    }
    let finished = open - aborted;
    ShutdownReport { finished, aborted }
}

async fn join_all(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Logs the panic of a handler. It is a defect of the protocol: panics of methods become faults.
fn log_panic(
    handler: impl Future<Output = ()> + Send + 'static,
    peer: Peer,
) -> impl Future<Output = ()> + Send + 'static {
    AssertUnwindSafe(handler).catch_unwind().map(move |ended| {
        if let Err(panic) = ended {
            let message = panic_message(&*panic);
            // The message of a panic may contain data of the peer.
            let message = message.map(Foreign::excerpt).map(tracing::field::display);
            tracing::error!(%peer, message, "the handler of a connection panicked");
        }
    })
}

/// Returns `true` if accepting the next connection may succeed right away.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
