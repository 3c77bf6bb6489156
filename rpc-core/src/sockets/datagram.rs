//! Servers of datagrams.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};

use super::{Admission, Handler, Handling, Networks, Verify, thread};
use crate::call::panic_message;
use crate::output::{Causes, Foreign, Quota};
use crate::serve::{BlockingServer, Serve, ShutdownReport};
use crate::time::deadline;
use crate::transport::{Address, Peer, Target, ToTarget, cannot_listen};

/// The pause after an error of the socket.
const PAUSE: Duration = Duration::from_millis(5);

/// A server that runs a handler for each datagram over UDP.
///
/// Anyone can send a datagram in the name of another address, which then gets the answer: answers
/// should not be much longer than requests, or go to [known networks](Self::allow) only. A
/// `RateLimit` of `farcall::middleware` within [`verify`](Self::verify) bounds the answers to each
/// address.
#[derive(Clone)]
#[must_use = "it listens when it is bound"]
pub struct DatagramServer {
    handler: Arc<Handler<Datagram>>,
    max_size: usize,
    max_handlers: usize,
    drain_timeout: Duration,
    admission: Admission,
}

impl DatagramServer {
    /// Creates a server with an async handler, of which each datagram has a task.
    pub fn new<H, Fut>(handler: H) -> Self
    where
        H: Fn(Datagram) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        Self::boxed(Arc::new(move |datagram: Datagram| -> Handling {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler(datagram).await })
        }))
    }

    /// Creates a server with a handler that may block, for which each datagram has a thread.
    pub fn threads<H>(handler: H) -> Self
    where
        H: Fn(Datagram) -> io::Result<()> + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        Self::boxed(Arc::new(move |datagram: Datagram| -> Handling {
            let handler = Arc::clone(&handler);
            Box::pin(thread::run(move || handler(datagram)))
        }))
    }

    fn boxed(handler: Arc<Handler<Datagram>>) -> Self {
        Self {
            handler,
            max_size: 8192,
            max_handlers: 64,
            drain_timeout: Duration::from_secs(30),
            admission: Admission::default(),
        }
    }

    /// Sets the maximum bytes of a datagram. A longer one is dropped.
    ///
    /// Default: 8192, as in CPython. The largest datagram of UDP has 65,507 bytes.
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Sets the maximum number of handlers that run at once, at least one. Further datagrams wait
    /// in the buffer of the system, which drops those for which it has no room.
    ///
    /// Default: 64, as a datagram costs its sender next to nothing.
    pub fn max_handlers(mut self, count: usize) -> Self {
        self.max_handlers = count.max(1);
        self
    }

    /// Sets how long a stop waits for handlers before it aborts them.
    ///
    /// Default: 30 seconds, within the time that service managers grant a process to exit.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }

    /// Serves only peers of these networks.
    ///
    /// Default: all networks.
    pub fn allow(mut self, networks: Networks) -> Self {
        self.admission.networks = Some(networks);
        self
    }

    /// Calls `verify` for the sender of each datagram before its handler, and drops the datagram if
    /// the result is `false`. It runs where datagrams are received: it must neither block nor
    /// panic.
    ///
    /// Default: all senders are served.
    pub fn verify(mut self, verify: impl Fn(&Peer) -> bool + Send + Sync + 'static) -> Self {
        let verify: Arc<Verify> = Arc::new(verify);
        self.admission.verify = Some(verify);
        self
    }

    /// Binds a UDP socket at an address, such as `"127.0.0.1:20000"`: see [`ToTarget`]. Port 0
    /// selects a free port.
    ///
    /// # Errors
    /// If the target is no address of the network, cannot be found or bound, or is taken. The error
    /// names it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no socket behind.
    pub async fn bind(self, target: impl ToTarget) -> io::Result<BoundDatagramServer> {
        let target = target.to_target();
        let target = target.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let bound = match &target {
            Target::Host(host, port) => {
                let host = if host.is_empty() { "0.0.0.0" } else { host };
                UdpSocket::bind((host, *port)).await
            }
            Target::Address(Address::Tcp(address)) => UdpSocket::bind(address).await,
            Target::Address(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "datagrams need an address of the network",
            )),
        };
        let socket = bound.map_err(|error| cannot_listen(&target, &error))?;
        Ok(BoundDatagramServer {
            address: socket.local_addr()?,
            socket: Arc::new(socket),
            server: self,
        })
    }

    /// Binds a UDP socket, for programs without async code: see [`bind`](Self::bind).
    ///
    /// # Errors
    /// As with [`bind`](Self::bind), and in async code.
    pub fn bind_blocking(
        self,
        target: impl ToTarget,
    ) -> io::Result<BlockingServer<BoundDatagramServer>> {
        BlockingServer::bind(self.bind(target))
    }
}

impl fmt::Debug for DatagramServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramServer")
            .field("max_size", &self.max_size)
            .field("max_handlers", &self.max_handlers)
            .field("drain_timeout", &self.drain_timeout)
            .field("networks", &self.admission.networks)
            .finish_non_exhaustive()
    }
}

/// A datagram, as a handler has it.
#[derive(Clone)]
pub struct Datagram {
    bytes: Bytes,
    peer: SocketAddr,
    socket: Arc<UdpSocket>,
}

impl Datagram {
    /// The content.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The sender, or whoever the sender says that it is.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        Peer::Tcp(self.peer)
    }

    /// Sends a datagram back to the sender. It does not wait: like any datagram it may be lost.
    ///
    /// # Errors
    /// If it is too long, or the system has no room for it or no way to the sender.
    pub fn reply(&self, bytes: &[u8]) -> io::Result<()> {
        self.socket.try_send_to(bytes, self.peer).map(drop)
    }
}

/// Shows the sender and the length.
impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram")
            .field("peer", &self.peer)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A [`DatagramServer`] at an address.
#[derive(Debug)]
#[must_use = "it receives datagrams when it serves"]
pub struct BoundDatagramServer {
    address: SocketAddr,
    socket: Arc<UdpSocket>,
    server: DatagramServer,
}

impl BoundDatagramServer {
    /// The address that clients send to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> Address {
        Address::Tcp(self.address)
    }

    /// Serves until the future is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket and aborts all handlers at once.
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then waits for the handlers that run, as long as the
    /// [drain timeout](DatagramServer::drain_timeout).
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket and aborts all handlers at once.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let Self { socket, server, .. } = self;
        let mut stop = pin!(stop);
        let mut handlers = JoinSet::new();
        // One byte more tells that a datagram is longer than the limit.
        let mut buffer = vec![0; server.max_size.saturating_add(1).min(1 << 16)];
        loop {
            let received = tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = handlers.join_next() => continue,
                received = socket.recv_from(&mut buffer), if handlers.len() < server.max_handlers => received,
            };
            let (length, peer) = match received {
                Ok(received) => received,
                Err(error) => {
                    static FAILURES: Quota = Quota::new(10);
                    if let Some(admitted) = FAILURES.admit() {
                        let suppressed = admitted.suppressed();
                        tracing::warn!(%error, suppressed, "cannot receive datagrams, retrying");
                    }
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if length > server.max_size || !server.admission.admits(&Peer::Tcp(peer)) {
                continue;
            }
            let datagram = Datagram {
                bytes: Bytes::copy_from_slice(&buffer[..length]),
                peer,
                socket: Arc::clone(&socket),
            };
            let handling = AssertUnwindSafe((server.handler)(datagram)).catch_unwind();
            handlers.spawn(handling.map(move |ended| log(peer, ended)));
        }
        let running = handlers.len();
        let mut aborted = 0;
        let all = async { while handlers.join_next().await.is_some() {} };
        if timeout_at(deadline(server.drain_timeout), all)
            .await
            .is_err()
        {
            while handlers.try_join_next().is_some() {}
            aborted = handlers.len();
            handlers.abort_all();
        }
        let finished = running - aborted;
        ShutdownReport { finished, aborted }
    }
}

/// Logs a handler that failed or panicked.
fn log(peer: SocketAddr, ended: std::thread::Result<io::Result<()>>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = Foreign::excerpt(Causes(&error));
            tracing::debug!(%peer, %error, "the handler of a datagram failed");
        }
        Err(panic) => {
            let message = panic_message(&*panic).map(Foreign::excerpt);
            let message = message.map(tracing::field::display);
            tracing::error!(%peer, message, "the handler of a datagram panicked");
        }
    }
}

impl Serve for BoundDatagramServer {
    fn serve_until(self, stop: impl Future<Output = ()>) -> impl Future<Output = ShutdownReport> {
        Self::serve_until(self, stop)
    }
}
