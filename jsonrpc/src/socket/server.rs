//! The server of framed byte streams.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::Quota;
use farcall_core::protocol::{CallLimit, Origin};
use farcall_core::serve::{self, ShutdownReport, StopHandle, serve};
#[cfg(feature = "_tls")]
use farcall_core::serve::{PendingHandshakes, TlsHandshakes};
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::{Profile, ServerTls};
use farcall_core::transport::{Address, AddressError, Io, Listen, Peer, SystemListener, ToTarget};
use farcall_core::{Budget, Identity};
use tokio::io::{AsyncRead, AsyncWrite, split};

use crate::message::{FramedReader, FramedWriter};
use crate::session::{Driver, Offer};
use crate::session_options::setters;
use crate::{Framing, Service};

/// Items of its own subscriptions that a server keeps for each, as a client does.
pub(super) const WINDOW: usize = 1024;

/// A server of JSON-RPC over TCP, Unix sockets, and other byte streams, such as the standard input
/// and output of a language server.
///
/// The calls of a connection run concurrently, and are answered as they complete, also for
/// [some time](crate::SessionOptions::completion_timeout) after the peer has closed its direction
/// of the connection. A result that is a stream becomes a subscription. Handlers reach their caller
/// through its [`Session`](crate::Session). The limits of each connection are those of
/// [`Service::sessions`].
///
/// There is no authentication besides the user of a Unix socket and, over
/// [TLS](SocketServerOptions::tls), the certificate of a client: listen at loopback addresses and
/// Unix sockets, or see [`accept`](SocketServerOptions::accept).
///
/// ```
/// use farcall::jsonrpc::{Framing, Service, SocketClient, SocketServer};
/// use farcall::{Caller as _, Registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// registry.register_function("add", |a: i64, b: i64| a + b)?;
/// let server = SocketServer::new(Service::new(registry), Framing::Lines);
/// let bound = server.bind("127.0.0.1:0").await?;
/// let client = SocketClient::new(&bound.url())?;
/// tokio::spawn(bound.serve());
/// assert_eq!(client.call::<i64>("add", (3, 5)).await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SocketServer {
    service: Service,
    framing: Framing,
    options: SocketServerOptions,
    calls: CallLimit,
}

/// Options of a [`SocketServer`]. The defaults are safe for a server that untrusted peers can
/// reach.
#[derive(Clone)]
#[must_use = "options do nothing until they are given to a server"]
pub struct SocketServerOptions {
    max_connections: usize,
    max_calls: usize,
    drain_timeout: Duration,
    mode: u32,
    budget: Budget,
    accept: Option<Arc<Accept>>,
    #[cfg(feature = "_tls")]
    tls: Option<ServerTls>,
    #[cfg(feature = "_tls")]
    handshake_timeout: Duration,
    #[cfg(feature = "_tls")]
    max_pending: usize,
    #[cfg(feature = "_tls")]
    max_pending_per_address: usize,
}

type Accept = dyn Fn(&Identity) -> bool + Send + Sync;

impl Default for SocketServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_calls: 512,
            drain_timeout: Duration::from_secs(30),
            mode: SystemListener::MODE,
            budget: Budget::default(),
            accept: None,
            #[cfg(feature = "_tls")]
            tls: None,
            #[cfg(feature = "_tls")]
            handshake_timeout: Duration::from_secs(10),
            #[cfg(feature = "_tls")]
            max_pending: PendingHandshakes::MAX,
            #[cfg(feature = "_tls")]
            max_pending_per_address: PendingHandshakes::MAX_PER_ADDRESS,
        }
    }
}

impl SocketServerOptions {
    setters! {
        /// Maximum number of open connections. Further peers wait in the backlog of the listener.
        /// Default: 1024, the number of open files that many systems allow a process.
        max_connections: usize,

        /// Maximum messages whose calls run at once, over all connections. Further ones are
        /// refused, with an error of the kind `overloaded`. Calls that complete at once do not
        /// count. Default: 512.
        max_calls: usize,

        /// Maximum time that a graceful stop waits for running calls. Default: 30 s, within the
        /// time that service managers grant a process to exit.
        drain_timeout: Duration,

        /// Permissions of the file of a Unix socket. Default: `0o600`, for the user of this process
        /// only.
        mode: u32,
    }

    /// Sets the budget for the bytes held for all peers: messages from their first byte until they
    /// are answered, and answers until they are written. Their sum counts, without the first 64 KiB
    /// of each connection.
    /// Servers can share a budget. Default: 64 MiB for each server.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Calls `accept` for each new connection, which is closed if the result is `false`. Default:
    /// all are accepted.
    pub fn accept(mut self, accept: impl Fn(&Identity) -> bool + Send + Sync + 'static) -> Self {
        self.accept = Some(Arc::new(accept));
        self
    }
}

#[cfg(feature = "_tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
impl SocketServerOptions {
    /// Serves over TLS 1.3 (`json+tls://`), on all listeners except Unix sockets, whose bytes do not
    /// leave the machine. `accept` and handlers see the names in the verified certificate of a
    /// client. Default: no TLS.
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    setters! {
        /// Timeout of the TLS handshake. Default: 10 s, enough for slow networks and small devices.
        handshake_timeout: Duration,

        /// Maximum number of concurrent TLS handshakes of each listener, and at most half of
        /// [`max_connections`](Self::max_connections). When one more peer connects, the oldest
        /// handshake is aborted. Default: 512.
        max_pending: usize,

        /// The same with one IPv4 address or one IPv6 /64 network. Default: 256.
        max_pending_per_address: usize,
    }

    /// Returns the handshakes of a listener at `address`, if its connections use TLS.
    pub(super) fn handshakes_at(&self, address: &Address) -> Option<TlsHandshakes> {
        if matches!(address, Address::Unix(_) | Address::Abstract(_)) {
            return None;
        }
        let pending = PendingHandshakes::new(
            self.max_pending.min(self.max_connections / 2),
            self.max_pending_per_address,
        );
        let (tls, timeout) = (self.tls.clone()?, self.handshake_timeout);
        Some(TlsHandshakes::new(
            tls,
            Profile::Connection,
            timeout,
            pending,
        ))
    }
}

impl fmt::Debug for SocketServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SocketServerOptions");
        shown
            .field("max_connections", &self.max_connections)
            .field("max_calls", &self.max_calls)
            .field("drain_timeout", &self.drain_timeout)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("budget", &self.budget)
            .field("accept", &self.accept.as_ref().map(|_| ".."));
        #[cfg(feature = "_tls")]
        shown
            .field("tls", &self.tls)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("max_pending", &self.max_pending)
            .field("max_pending_per_address", &self.max_pending_per_address);
        shown.finish()
    }
}

impl SocketServer {
    /// Creates a server with default options.
    #[must_use]
    pub fn new(service: Service, framing: Framing) -> Self {
        Self::with_options(service, framing, SocketServerOptions::default())
    }

    /// Creates a server with `options`.
    #[must_use]
    pub fn with_options(service: Service, framing: Framing, options: SocketServerOptions) -> Self {
        Self {
            service,
            framing,
            calls: CallLimit::new(options.max_calls),
            options,
        }
    }

    /// Listens at an address, such as `"127.0.0.1:0"` or the `Path` of a Unix socket: see
    /// [`ToTarget`].
    ///
    /// # Errors
    /// If the target is not an address, or cannot be bound. The error names the target.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no socket behind.
    pub async fn bind(&self, target: impl ToTarget) -> Result<BoundSocketServer, SocketBindError> {
        let listener = SystemListener::bind(&target.to_target()?, self.options.mode).await?;
        Ok(match listener {
            SystemListener::Tcp(listener) => self.listen(listener),
            #[cfg(unix)]
            SystemListener::Unix(listener) => self.listen(listener),
        }?)
    }

    /// Accepts connections from any listener.
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen(&self, listener: impl Listen) -> io::Result<BoundSocketServer> {
        let address = listener.local_address()?;
        let server = self.clone();
        #[cfg(feature = "_tls")]
        let security = self.options.handshakes_at(&address);
        #[cfg(feature = "_tls")]
        let is_secure = security.is_some();
        #[cfg(not(feature = "_tls"))]
        let (security, is_secure) = ((), false);
        let serve = Box::new(move |stop: StopHandle| -> Serving {
            Box::pin(async move {
                let options = serve::Options::default()
                    .max_connections(server.options.max_connections)
                    .drain_timeout(server.options.drain_timeout);
                serve(listener, &options, stop.stopped(), |(io, peer), stop| {
                    server.clone().accepted(io, peer, security.clone(), stop)
                })
                .await
            })
        });
        Ok(BoundSocketServer {
            url: super::url::url_of(&address, self.framing, is_secure),
            address,
            serve,
        })
    }

    /// Serves a connection of a listener, after its TLS handshake.
    async fn accepted(
        self,
        io: impl Io,
        peer: Peer,
        security: Security,
        stop: impl Future<Output = ()> + Send,
    ) {
        #[cfg(feature = "_tls")]
        if let Some(handshakes) = security {
            let mut stop = Box::pin(stop);
            if let Some((io, identity)) = handshakes.perform(io, peer, &mut stop).await {
                drop(handshakes);
                let (reader, writer) = split(io);
                self.connection(reader, writer, identity, stop).await;
            }
            return;
        }
        #[cfg(not(feature = "_tls"))]
        let () = security;
        let (reader, writer) = split(io);
        self.connection(reader, writer, peer.into(), stop).await;
    }

    /// Serves one connection, such as standard input and output, until the peer closes it.
    ///
    /// ```no_run
    /// # use farcall::jsonrpc::{Framing, Service, SocketServer};
    /// # async fn serve(service: Service) {
    /// // A language server.
    /// let server = SocketServer::new(service, Framing::Headers);
    /// server.serve_streams(tokio::io::stdin(), tokio::io::stdout()).await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection and cancels its calls.
    pub async fn serve_streams(
        &self,
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) {
        let mut server = self.clone();
        // The peer began this program, and may have nothing to say for long. What it wrote before
        // it closed its end of a pipe is completed.
        server.service.sessions.idle_timeout = None;
        server.service.sessions.completion_timeout = None;
        let served = server.connection(reader, writer, Identity::default(), pending());
        served.await;
    }

    async fn connection(
        self,
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        identity: Identity,
        stop: impl Future<Output = ()> + Send,
    ) {
        let Self {
            service,
            framing,
            options,
            calls,
        } = self;
        if options
            .accept
            .as_ref()
            .is_some_and(|accept| !accept(&identity))
        {
            static REFUSALS: Quota = Quota::new(10);
            refused(Refusal::Peer);
            if let Some(admitted) = REFUSALS.admit() {
                let suppressed = admitted.suppressed();
                tracing::info!(peer = %identity, suppressed, "peer refused");
            }
            return;
        }
        let limits = service.sessions;
        let reader = FramedReader::new(reader, framing).strict();
        let writer = FramedWriter::new(writer, framing, Some(limits.write_timeout));
        let offer = Offer {
            service: Some(service),
            origin: Origin {
                identity,
                ..Origin::default()
            },
            budget: options.budget,
            calls: Some(calls),
            secrets: Arc::default(),
        };
        let (session, driver) = Driver::new(reader, writer, offer, limits, WINDOW);
        // Kept, so that handlers reach it.
        driver.run(stop).await;
        drop(session);
    }
}

/// The error of listening at an address. It names the address.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SocketBindError {
    /// The given target is not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address is in use, does not belong to this machine, or is not permitted.
    #[error(transparent)]
    Io(#[from] io::Error),
}

farcall_core::debug_errors!(SocketBindError);

/// The handshakes of a listener, if its connections use TLS.
#[cfg(feature = "_tls")]
type Security = Option<TlsHandshakes>;
#[cfg(not(feature = "_tls"))]
type Security = ();

type Serving = Pin<Box<dyn Future<Output = ShutdownReport> + Send>>;

/// A [`SocketServer`] that is bound to an address and ready to serve.
#[must_use = "it accepts connections when it serves"]
pub struct BoundSocketServer {
    address: Address,
    url: String,
    serve: Box<dyn FnOnce(StopHandle) -> Serving + Send>,
}

impl BoundSocketServer {
    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Returns the URL for a [`SocketClient`](crate::SocketClient): `json+tcp://127.0.0.1:4000`,
    /// `json+tls://…` or `json+unix://PATH`, and `json+lsp+…` for messages with headers.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Serves until the future is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: running calls complete and
    /// subscriptions end, all within the [drain timeout](SocketServerOptions::drain_timeout).
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let handle = StopHandle::new();
        let serving = (self.serve)(handle.clone());
        let stopping = async {
            stop.await;
            handle.stop();
            pending().await
        };
        tokio::select! {
            report = serving => report,
            never = stopping => never,
        }
    }
}

impl fmt::Debug for BoundSocketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundSocketServer")
            .field("address", &format_args!("{}", self.address))
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
