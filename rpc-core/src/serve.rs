//! The accept loop that protocols share.
//!
//! # Examples
//!
//! ```
//! use farcall::serve;
//! use farcall::serve::serve;
//! use farcall::transport::{Connect, memory};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (listener, connector) = memory::listener("greeter");
//! let stop = CancellationToken::new();
//! let server = tokio::spawn({
//!     let stop = stop.clone();
//!     async move {
//!         let options = serve::Options::default();
//!         serve(listener, &options, stop, |mut io, _peer, _stop| async move {
//!             let _ = io.write_all(b"hello").await;
//!         })
//!         .await
//!     }
//! });
//!
//! let mut greeting = String::new();
//! connector.connect().await?.read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//!
//! stop.cancel();
//! assert_eq!(server.await?.aborted, 0);
//! # Ok(())
//! # }
//! ```

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::{JoinError, JoinSet, unconstrained, yield_now};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::call::panic_message;
use crate::output::{Foreign, Quota};
use crate::transport::{Listen, Peer};

/// The maximum number of log lines per minute about connections that cannot be accepted.
static FAILURES: Quota = Quota::new(10);

/// The pause after the first error of the listener; each further error doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause: short enough that few peers have given up by then.
const MAX_PAUSE: Duration = Duration::from_secs(1);

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

    /// Sets how long a graceful stop waits for open connections before it aborts them.
    ///
    /// Default: 30 seconds, within the time that service managers grant a process to exit.
    pub fn drain_timeout(mut self, drain_timeout: Duration) -> Self {
        self.drain_timeout = drain_timeout;
        self
    }
}

/// The outcome of a graceful stop: counts of the connections that were open when it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections whose handler returned or panicked after the stop began.
    pub finished: usize,
    /// Connections aborted when the [drain timeout](Options::drain_timeout) expired.
    pub aborted: usize,
}

/// Accepts connections and runs `handler` on each in a task of its own, until `stop` is cancelled.
///
/// The token that a handler receives is cancelled along with `stop`: the handler then finishes its
/// calls and returns. Connections in the backlog at this moment are still accepted, up to the
/// maximum number of connections, because their peers may already have sent a call. Then the
/// listener closes.
///
/// An error of a single connection never ends the loop. A panic in the future of a handler is
/// logged. An error of the listener, such as a lack of file descriptors, is logged as well; the
/// loop then tries again after a pause that grows from 5 ms to one second, or as soon as a
/// connection closes.
///
/// # Cancel safety
///
/// Dropping the future closes the listener and aborts all connections at once. To let them finish,
/// cancel `stop` and await the future.
pub async fn serve<L, H, Fut>(
    mut listener: L,
    options: &Options,
    stop: CancellationToken,
    handler: H,
) -> ShutdownReport
where
    L: Listen,
    H: Fn(L::Io, Peer, CancellationToken) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let (io, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&mut listener), if connections.len() < options.max_connections => accepted,
        };
        let connection = handler(io, peer.clone(), stop.child_token());
        connections.spawn(log_panic(connection, peer));
    }
    // Closing the listener resets the connections in its backlog. A listener that was just
    // registered with the event loop learns of its backlog after one turn of the loop.
    yield_now().await;
    while connections.len() < options.max_connections
        && let Some(Ok((io, peer))) = unconstrained(listener.accept()).now_or_never()
    {
        let connection = handler(io, peer.clone(), stop.child_token());
        connections.spawn(log_panic(connection, peer));
    }
    drop(listener);
    drain(connections, options.drain_timeout).await
}

/// Accepts the next connection. An error of the listener, such as a lack of file descriptors, is
/// logged, and accepting is tried again after a pause that grows from 5 ms to one second.
///
/// For protocols with an accept loop of their own; [`serve`] has it built in.
///
/// # Cancel safety
///
/// No connection is lost when the future is dropped. The pauses start over.
pub async fn accept<L: Listen>(listener: &mut L) -> (L::Io, Peer) {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
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

/// Waits until the connections have finished, and aborts those that are left after `time`.
async fn drain(mut connections: JoinSet<()>, time: Duration) -> ShutdownReport {
    let mut report = ShutdownReport::default();
    let mut count = |result: Result<(), JoinError>| match result {
        Ok(()) => report.finished += 1,
        Err(_) => report.aborted += 1,
    };
    let all_finished = async {
        while let Some(result) = connections.join_next().await {
            count(result);
        }
    };
    if timeout(time, all_finished).await.is_err() {
        connections.abort_all();
        while let Some(result) = connections.join_next().await {
            count(result);
        }
        tracing::warn!(
            aborted = report.aborted,
            "connections aborted at the drain timeout"
        );
    }
    report
}

/// Runs the handler of a connection and logs its panic.
// Not an async function: its future would reserve space for the connection twice, as an argument
// and where it is polled.
fn log_panic(connection: impl Future<Output = ()>, peer: Peer) -> impl Future<Output = ()> {
    AssertUnwindSafe(connection)
        .catch_unwind()
        .map(move |result| {
            if let Err(panic) = result {
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

/// Stops a blocking server from any thread. Clones stop the same server.
///
/// A handler of Ctrl-C that runs as ordinary code, such as that of the crate `ctrlc`, can call
/// [`stop`](Self::stop). A raw signal handler cannot, since it wakes threads.
///
/// Dropping a handle does not stop the server.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(CancellationToken);

impl StopHandle {
    /// Creates a handle, for a server that waits for [`stopped`](Self::stopped).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the server to stop gracefully: it accepts no further connections, completes running
    /// calls, and then its `serve` returns. Returns at once. A server that does not serve yet stops
    /// as soon as it does.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Returns `true` once the server was told to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes once the server was told to stop.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::pending;
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::transport::{Address, Connect, Io, memory};

    /// Serves in a task of its own.
    fn start<L, H, Fut>(
        listener: L,
        options: Options,
        handler: H,
    ) -> (CancellationToken, JoinHandle<ShutdownReport>)
    where
        L: Listen,
        H: Fn(L::Io, Peer, CancellationToken) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let server = tokio::spawn({
            let stop = stop.clone();
            async move { serve(listener, &options, stop, handler).await }
        });
        (stop, server)
    }

    /// Sends each byte back until the peer closes the connection or the server stops.
    async fn echo(mut io: impl Io, _: Peer, stop: CancellationToken) {
        while let Some(Ok(byte)) = stop.run_until_cancelled(io.read_u8()).await {
            if io.write_u8(byte).await.is_err() {
                break;
            }
        }
    }

    async fn round_trip(io: &mut impl Io) -> io::Result<()> {
        io.write_u8(42).await?;
        assert_eq!(io.read_u8().await?, 42);
        Ok(())
    }

    #[tokio::test]
    async fn beyond_the_limit_peers_wait_until_a_connection_closes() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, server) = start(listener, Options::default().max_connections(2), echo);

        let mut first = TcpStream::connect(address).await?;
        let mut second = TcpStream::connect(address).await?;
        let mut third = TcpStream::connect(address).await?;
        round_trip(&mut first).await?;
        round_trip(&mut second).await?;
        let early = timeout(Duration::from_millis(50), round_trip(&mut third)).await;
        assert!(early.is_err(), "the third peer waits in the backlog");

        drop(first);
        assert_eq!(third.read_u8().await?, 42, "its byte is echoed now");
        stop.cancel();
        let finished = ShutdownReport {
            finished: 2,
            aborted: 0,
        };
        assert_eq!(server.await?, finished);
        Ok(())
    }

    /// Fails with `errors`, one per call, then accepts `peer`, then never completes.
    struct Failing {
        errors: VecDeque<io::ErrorKind>,
        peer: Option<DuplexStream>,
    }

    impl Listen for Failing {
        type Io = DuplexStream;

        async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
            if let Some(error) = self.errors.pop_front() {
                return Err(error.into());
            }
            match self.peer.take() {
                Some(io) => Ok((io, Peer::Unknown)),
                None => pending().await,
            }
        }

        fn local_address(&self) -> io::Result<Address> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Returns how long the accept loop takes to serve a peer after these errors.
    async fn time_to_recover(
        errors: impl IntoIterator<Item = io::ErrorKind>,
    ) -> io::Result<Duration> {
        let (mut client, server) = tokio::io::duplex(64);
        let listener = Failing {
            errors: errors.into_iter().collect(),
            peer: Some(server),
        };
        let begin = Instant::now();
        let (_stop, server) = start(listener, Options::default(), echo);
        round_trip(&mut client).await?;
        server.abort();
        Ok(begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn errors_of_the_listener_are_retried_after_growing_pauses() -> io::Result<()> {
        use io::ErrorKind::Other;
        assert_eq!(time_to_recover([Other; 3]).await?.as_millis(), 5 + 10 + 20);
        let longest = time_to_recover([Other; 11]).await? - time_to_recover([Other; 10]).await?;
        assert_eq!(longest.as_millis(), 1000);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn errors_of_one_connection_are_retried_at_once() -> io::Result<()> {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        let errors = [ConnectionAborted, ConnectionReset, Interrupted];
        assert_eq!(time_to_recover(errors).await?, Duration::ZERO);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_the_listener_to_recover() -> io::Result<()> {
        let listener = Failing {
            errors: [io::ErrorKind::Other; 100].into(),
            peer: None,
        };
        let (stop, server) = start(listener, Options::default(), echo);
        sleep(Duration::from_secs(10)).await;
        stop.cancel();
        let begin = Instant::now();
        assert_eq!(server.await?, ShutdownReport::default());
        assert_eq!(begin.elapsed(), Duration::ZERO);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_closes_the_listener_and_finishes_open_connections() -> io::Result<()> {
        let (listener, connector) = memory::listener("slow");
        let (stop, server) = start(listener, Options::default(), |mut io, _, stop| async move {
            stop.cancelled().await;
            sleep(Duration::from_secs(29)).await;
            let _ = io.write_u8(1).await;
        });
        let mut client = connector.connect().await?;
        sleep(Duration::from_millis(1)).await;
        stop.cancel();
        sleep(Duration::from_millis(1)).await;
        assert!(connector.connect().await.is_err(), "the listener is closed");
        assert_eq!(client.read_u8().await?, 1);
        let finished = ShutdownReport {
            finished: 1,
            aborted: 0,
        };
        assert_eq!(server.await?, finished);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn connections_beyond_the_drain_timeout_are_aborted_and_counted() -> io::Result<()> {
        let (listener, connector) = memory::listener("stubborn");
        let options = Options::default().drain_timeout(Duration::from_secs(2));
        // A handler that received a byte returns at the stop; one without stays.
        let (stop, server) = start(listener, options, |mut io, _, stop| async move {
            if io.read_u8().await.is_ok() {
                stop.cancelled().await;
            } else {
                pending::<()>().await;
            }
        });
        let mut polite = connector.connect().await?;
        polite.write_u8(0).await?;
        drop(connector.connect().await?);
        let mut silent = connector.connect().await?;
        sleep(Duration::from_millis(1)).await;

        let begin = Instant::now();
        stop.cancel();
        let mixed = ShutdownReport {
            finished: 1,
            aborted: 2,
        };
        assert_eq!(server.await?, mixed);
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
        assert_eq!(silent.read(&mut [0]).await?, 0, "the server closed it");
        Ok(())
    }

    #[tokio::test]
    async fn a_stop_accepts_no_peers_beyond_the_limit() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, server) = start(listener, Options::default().max_connections(1), echo);
        let mut first = TcpStream::connect(address).await?;
        round_trip(&mut first).await?;
        let _waits = TcpStream::connect(address).await?;
        stop.cancel();
        let finished = ShutdownReport {
            finished: 1,
            aborted: 0,
        };
        assert_eq!(server.await?, finished);
        Ok(())
    }

    #[tokio::test]
    async fn a_panic_in_a_handler_does_not_end_the_loop() -> io::Result<()> {
        let (listener, connector) = memory::listener("shaky");
        let first = AtomicBool::new(true);
        let options = Options::default().max_connections(1);
        let (stop, server) = start(listener, options, move |io, peer, stop| {
            let first = first.swap(false, Ordering::Relaxed);
            async move {
                assert!(!first, "the first connection panics on purpose");
                echo(io, peer, stop).await;
            }
        });
        let mut unlucky = connector.connect().await?;
        assert_eq!(unlucky.read(&mut [0]).await?, 0);
        round_trip(&mut connector.connect().await?).await?;
        stop.cancel();
        server.await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_handler_cannot_stop_the_others() -> io::Result<()> {
        let (listener, connector) = memory::listener("selfish");
        let (_stop, server) = start(listener, Options::default(), |io, peer, stop| async move {
            stop.cancel();
            echo(io, peer, stop).await;
        });
        let mut client = connector.connect().await?;
        assert_eq!(client.read(&mut [0]).await?, 0);
        connector.connect().await?;
        assert!(!server.is_finished());
        Ok(())
    }

    #[tokio::test]
    async fn dropping_the_future_aborts_the_connections() -> io::Result<()> {
        let (listener, connector) = memory::listener("dropped");
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let (_stop, server) = start(listener, Options::default(), move |io, _, _| {
            let held = Arc::clone(&held);
            async move {
                let _held = (io, held);
                pending::<()>().await;
            }
        });
        let mut client = connector.connect().await?;
        yield_now().await;
        server.abort();
        assert_eq!(client.read(&mut [0]).await?, 0);
        assert!(server.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(Arc::strong_count(&alive), 1);
        Ok(())
    }
}
