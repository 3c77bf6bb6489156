//! Servers of connections.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::{
    Admission, BlockingConnection, Connection, Handler, Handling, Networks, Verify, thread,
};
use crate::output::{Causes, Foreign};
use crate::serve::{BlockingServer, Options, Serve, ShutdownReport, serve};
use crate::transport::{Address, Listen, Peer, SystemListener, ToTarget};

/// A server that runs a handler for each connection. An error of the handler is that of its
/// connection, which closes: it is logged at level debug.
#[derive(Clone)]
#[must_use = "it listens when it is bound"]
pub struct StreamServer {
    handler: Arc<Handler<Connection>>,
    max_connections: usize,
    drain_timeout: Duration,
    idle_timeout: Duration,
    admission: Admission,
    mode: u32,
}

impl StreamServer {
    /// Creates a server with an async handler, of which each connection has a task.
    pub fn new<H, Fut>(handler: H) -> Self
    where
        H: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        Self::boxed(Arc::new(move |connection: Connection| -> Handling {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler(connection).await })
        }))
    }

    /// Creates a server with a handler that may block, for which each connection has a thread.
    ///
    /// A thread cannot be aborted: one that computes when a stop must end is left running.
    pub fn threads<H>(handler: H) -> Self
    where
        H: Fn(BlockingConnection) -> io::Result<()> + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        Self::boxed(Arc::new(move |connection: Connection| -> Handling {
            let handler = Arc::clone(&handler);
            let connection = BlockingConnection::new(connection, Handle::current());
            Box::pin(thread::run(move || handler(connection)))
        }))
    }

    fn boxed(handler: Arc<Handler<Connection>>) -> Self {
        Self {
            handler,
            max_connections: 1024,
            drain_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(5 * 60),
            admission: Admission::default(),
            mode: SystemListener::MODE,
        }
    }

    /// Sets the maximum number of open connections. Further peers wait in the backlog of the
    /// system.
    ///
    /// Default: 1024, the number of open files that many systems allow a process.
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Sets how long a stop waits for open connections before it aborts them.
    ///
    /// Default: 30 seconds, within the time that service managers grant a process to exit.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }

    /// Sets the maximum time that the handler waits for the peer to send or to read. Then it
    /// gets an error of kind [`TimedOut`](io::ErrorKind::TimedOut).
    ///
    /// Default: 5 minutes, so that peers that have gone do not hold connections forever.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
        self
    }

    /// Serves only peers of these networks. Peers without a network address, as over a Unix socket,
    /// are not affected: the permissions of its file say who may connect.
    ///
    /// Default: all networks.
    pub fn allow(mut self, networks: Networks) -> Self {
        self.admission.networks = Some(networks);
        self
    }

    /// Calls `verify` for each peer before its handler, and closes the connection if the result is
    /// `false`. CPython calls this `verify_request`. It must not block.
    ///
    /// Default: all peers are served.
    pub fn verify(mut self, verify: impl Fn(&Peer) -> bool + Send + Sync + 'static) -> Self {
        let verify: Arc<Verify> = Arc::new(verify);
        self.admission.verify = Some(verify);
        self
    }

    /// Sets the permissions of the file of a Unix socket, such as `0o660` for the group of this
    /// process.
    ///
    /// Default: `0o600`, only for the user of this process, as there may be no other
    /// authentication.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Listens at an address, such as `"127.0.0.1:20000"` or the `Path` of a Unix socket: see
    /// [`ToTarget`]. Port 0 selects a free port.
    ///
    /// # Errors
    /// If the target is no address, cannot be found or bound, or is taken. The error names it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no socket behind.
    pub async fn bind(self, target: impl ToTarget) -> io::Result<BoundStreamServer> {
        let target = target.to_target();
        let target = target.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        match SystemListener::bind(&target, self.mode).await? {
            SystemListener::Tcp(listener) => self.listen(listener),
            #[cfg(unix)]
            SystemListener::Unix(listener) => self.listen(listener),
        }
    }

    /// Listens at an address, for programs without async code: see [`bind`](Self::bind).
    ///
    /// # Errors
    /// As with [`bind`](Self::bind), and in async code.
    pub fn bind_blocking(
        self,
        target: impl ToTarget,
    ) -> io::Result<BlockingServer<BoundStreamServer>> {
        BlockingServer::bind(self.bind(target))
    }

    /// Accepts connections from any listener.
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen<L: Listen>(self, listener: L) -> io::Result<BoundStreamServer> {
        Ok(BoundStreamServer {
            address: listener.local_address()?,
            serve: Box::new(move |stop| Box::pin(accept_loop(self, listener, stop))),
        })
    }
}

async fn accept_loop<L: Listen>(
    server: StreamServer,
    listener: L,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> ShutdownReport {
    let StreamServer {
        handler,
        idle_timeout,
        admission,
        ..
    } = server;
    let options = Options::default()
        .max_connections(server.max_connections)
        .drain_timeout(server.drain_timeout);
    serve(listener, &options, stop, |(io, peer), stopped| {
        let (handler, admission) = (Arc::clone(&handler), admission.clone());
        async move {
            if !admission.admits(&peer) {
                return;
            }
            let connection = Connection::new(io, peer.clone(), stopped, idle_timeout);
            if let Err(error) = handler(connection).await {
                let error = Foreign::excerpt(Causes(&error));
                tracing::debug!(%peer, %error, "the handler of a connection failed");
            }
        }
    })
    .await
}

impl fmt::Debug for StreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamServer")
            .field("max_connections", &self.max_connections)
            .field("drain_timeout", &self.drain_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("networks", &self.admission.networks)
            .finish_non_exhaustive()
    }
}

/// A [`StreamServer`] at an address.
#[must_use = "it accepts connections when it serves"]
pub struct BoundStreamServer {
    address: Address,
    serve: Box<dyn FnOnce(StopFuture) -> Serving + Send>,
}

type StopFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
type Serving = Pin<Box<dyn Future<Output = ShutdownReport> + Send>>;

impl BoundStreamServer {
    /// The address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Serves until the future is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: connections in the backlog are still
    /// accepted, reading comes to an end, and handlers have the
    /// [drain timeout](StreamServer::drain_timeout) to return.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let token = tokio_util::sync::CancellationToken::new();
        let serving = (self.serve)(Box::pin(token.clone().cancelled_owned()));
        let stopping = async {
            stop.await;
            token.cancel();
            pending().await
        };
        tokio::select! {
            drained = serving => drained,
            never = stopping => never,
        }
    }
}

impl Serve for BoundStreamServer {
    fn serve_until(self, stop: impl Future<Output = ()>) -> impl Future<Output = ShutdownReport> {
        Self::serve_until(self, stop)
    }
}

impl fmt::Debug for BoundStreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundStreamServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
