//! A server at an address.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;

use farcall_core::CannotBlock;
use farcall_core::serve::{self, ShutdownReport, Stopped, serve};
use farcall_core::transport::{Address, AddressError, Listen, Peer, SystemListener, Target};
use tokio_util::sync::CancellationToken;

use super::HttpServer;
use super::browser::HostPolicy;
#[cfg(feature = "_tls")]
use super::tls::handshakes_at;
use crate::EncodedSocketPath;

/// Builder of a server at an address, returned by [`HttpServer::bind`]. It listens when it is
/// awaited.
#[must_use = "it listens when it is awaited"]
pub struct Bind {
    server: HttpServer,
    target: Result<Target, AddressError>,
    is_scgi: bool,
    mode: u32,
}

impl Bind {
    pub(super) const fn new(
        server: HttpServer,
        target: Result<Target, AddressError>,
        is_scgi: bool,
    ) -> Self {
        Self {
            server,
            target,
            is_scgi,
            mode: SystemListener::MODE,
        }
    }

    /// Sets the permissions of the file of a Unix socket, such as `0o660` to allow the group of
    /// this process. They apply before the first peer can connect.
    ///
    /// Default: `0o600`, for the user of this process only, independently of the umask, as there
    /// may be no other authentication.
    #[cfg(unix)]
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    async fn listen(self) -> Result<BoundServer, BindError> {
        let listener = SystemListener::bind(&self.target?, self.mode).await?;
        if self.is_scgi {
            return Ok(match listener {
                SystemListener::Tcp(listener) => self.server.listen_scgi(listener)?,
                #[cfg(unix)]
                SystemListener::Unix(listener) => self.server.listen_scgi(listener)?,
            });
        }
        Ok(self.server.listen_at(listener)?)
    }
}

impl IntoFuture for Bind {
    type Output = Result<BoundServer, BindError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.listen())
    }
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("target", &self.target)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("server", &self.server)
            .finish()
    }
}

/// The error of listening at an address. It names the address.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The given target is not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address is in use, does not belong to this machine, or is not permitted.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A blocking function cannot wait here.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

farcall_core::debug_errors!(BindError);

/// A server that is bound to an address and ready to serve.
#[must_use = "it accepts connections when it serves"]
pub struct BoundServer {
    server: HttpServer,
    address: Address,
    serve: Serve,
    /// `http`, `https` or `scgi`.
    scheme: &'static str,
}

/// The accept loop for one kind of listener. The call of the loop is dynamic; what it does for each
/// connection, each read and each write is not.
type Serve = Box<dyn FnOnce(HttpServer, CancellationToken) -> Serving + Send>;
type Serving = Pin<Box<dyn Future<Output = ShutdownReport> + Send>>;

impl BoundServer {
    pub(super) fn new<L: Listen>(server: HttpServer, listener: L) -> io::Result<Self> {
        let address = listener.local_address()?;
        let hosts = HostPolicy::at(&address, &server.options);
        #[cfg(feature = "_tls")]
        if let Some(handshakes) = handshakes_at(&address, &server.options) {
            let serve = accept_loop(listener, move |server, (io, peer), stop| {
                server.tls_connection(handshakes.clone(), io, peer, hosts, stop)
            });
            return Ok(Self {
                server,
                address,
                serve,
                scheme: "https",
            });
        }
        let serve = accept_loop(listener, move |server, (io, peer), stop| {
            server.connection(io, peer, hosts, stop)
        });
        Ok(Self {
            server,
            address,
            serve,
            scheme: "http",
        })
    }

    pub(super) fn over_scgi<L: Listen>(server: HttpServer, listener: L) -> io::Result<Self> {
        Ok(Self {
            server,
            address: listener.local_address()?,
            serve: accept_loop(listener, |server, (io, peer), stop| {
                server.scgi_connection(io, peer, stop)
            }),
            scheme: "scgi",
        })
    }

    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Returns the URL that clients call: `http://127.0.0.1:8000/RPC2` (or `https://`, if the server
    /// has TLS), or `http+unix://PATH:/RPC2` with special characters in the path percent-encoded.
    /// Over SCGI it begins with `scgi`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = self.scheme;
        match &self.address {
            Address::Tcp(address) => format!("{scheme}://{address}/RPC2"),
            Address::Unix(path) => format!("{scheme}+unix://{}:/RPC2", EncodedSocketPath(path)),
            address => address.to_string(),
        }
    }

    /// Serves until the future is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve(self) {
        self.serve_until(std::future::pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: no further connections are accepted
    /// except those that wait in the backlog, idle connections are closed, and running calls
    /// complete, all within the [drain timeout](super::ServerOptions::drain_timeout). A connection
    /// without a call yet has [a second](serve::FIRST_CALL_GRACE) for it.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let token = CancellationToken::new();
        let serving = (self.serve)(self.server, token.clone());
        let stopping = async {
            stop.await;
            token.cancel();
            std::future::pending().await
        };
        tokio::select! {
            drained = serving => drained,
            never = stopping => never,
        }
    }
}

/// Returns the accept loop for a listener, which runs `handler` on each connection.
fn accept_loop<L: Listen, F: Future<Output = ()> + Send + 'static>(
    listener: L,
    handler: impl Fn(HttpServer, (L::Io, Peer), Stopped) -> F + Send + Sync + 'static,
) -> Serve {
    Box::new(move |server, stop| {
        Box::pin(async move {
            let options = serve::Options::default()
                .max_connections(server.options.max_connections)
                .drain_timeout(server.options.drain_timeout);
            serve(listener, &options, stop.cancelled(), |connection, stop| {
                handler(server.clone(), connection, stop)
            })
            .await
        })
    })
}

/// Shows the address and the server.
impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer")
            .field("address", &format_args!("{}", self.address))
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
