//! The server: services at paths, and the connections of their clients.

mod account;
mod body;
mod browser;
pub mod cgi;
mod coalesce;
mod connection;
mod head;
mod http;
mod log;
mod multicall;
mod options;
mod poll_on_wake;
mod reply;
mod timer;
mod write_timeout;

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use farcall_core::protocol::handler::{FromCall, Function, IntoReply, IntoResult};
use farcall_core::protocol::{CallLimit, Name};
use farcall_core::serve::{self, ShutdownReport};
use farcall_core::transport::{Address, Listen, tcp};
#[cfg(feature = "workers")]
use farcall_core::workers::{self, Worker, WorkerListener};
use farcall_core::{Instance, RegisterError, Registry};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio_util::sync::CancellationToken;

use self::browser::HostPolicy;
pub use self::options::{FaultPolicy, Rejection, ServerOptions};
pub use self::reply::{ReplyBody, ReplyEvicted};
use crate::XmlRpc;
use crate::socket_url::EncodedSocketPath;

/// An XML-RPC server: methods that programs in any language can call over HTTP.
///
/// A server is a handle: clones share one server, and methods can be registered while it serves.
/// It serves `/` and `/RPC2`; [`at`](Self::at) adds services at other paths. Each service has
/// `system.listMethods`, `system.methodHelp`, `system.methodSignature`, `system.multicall` and
/// `system.getCapabilities`.
///
/// A server is also a `tower_service::Service` over HTTP requests, so it can be mounted in axum.
///
/// # Refused requests
///
/// | status | condition |
/// |---|---|
/// | 400 | the head is malformed, or does not have exactly one host |
/// | 400 | the body is incomplete, has trailers or does not match its content coding |
/// | 403 | a web page of another [origin](ServerOptions::allow_origins) sent the request |
/// | 403 | the request is for another [host](ServerOptions::hosts) |
/// | 404 | there is no service at the path |
/// | 405 | the method is not POST |
/// | 408 | the body did not arrive in time |
/// | 411 | there is neither a `Content-Length` nor a chunked body |
/// | 413 | the body is over the limit, on the wire or inflated |
/// | 415 | the content type is not XML, or the content coding is not gzip |
/// | 431 | the head has more than 64 KiB or 100 headers |
/// | 501 | there is a transfer coding other than chunked |
/// | 503 | [`max_calls`](ServerOptions::max_calls) calls are running; the body is a fault |
/// | 503 | the [budget](ServerOptions::budget) has no room for the request; the body is a fault |
/// | 503 | the request was evicted from the budget |
///
/// Every other request is answered with status 200 and an XML-RPC document, which may be a fault:
/// for instance if the method name has more than 1024 bytes. A request without a content type is
/// assumed to be XML, unless a web page sent it.
///
/// The only web pages that can make a browser call this server are those of its own host and those
/// of [allowed](ServerOptions::allow_origins) origins. A server on a loopback address accepts
/// addresses and `localhost` as hosts; other names must be [configured](ServerOptions::hosts).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = farcall::xmlrpc::Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// let listening = server.bind("127.0.0.1:0").await?;
/// let client = farcall::xmlrpc::Client::new(&listening.url())?;
/// let running = tokio::spawn(listening.serve());
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # running.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    options: Arc<ServerOptions>,
    main: Registry<XmlRpc>,
    /// Services at other paths. Most servers have none, and then take no lock.
    services: Arc<OnceLock<Services>>,
    calls: CallLimit,
}

type Services = RwLock<HashMap<String, Registry<XmlRpc>>>;

impl Server {
    /// Creates a server with default options, and with no methods except `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// Creates a server with `options`.
    #[must_use]
    pub fn with_options(mut options: ServerOptions) -> Self {
        options.complete();
        let main = new_service(&options);
        Self {
            calls: CallLimit::new(options.max_calls),
            options: Arc::new(options),
            main,
            services: Arc::default(),
        }
    }

    /// Returns the service at the default paths.
    #[must_use]
    pub const fn registry(&self) -> &Registry<XmlRpc> {
        &self.main
    }

    /// Returns the service at `path`, such as `/admin`. The first call with a path creates its
    /// service. Each path has its own methods, even `/` and `/RPC2` after a call with them.
    #[must_use]
    pub fn at(&self, path: &str) -> Registry<XmlRpc> {
        let mut services = self
            .services
            .get_or_init(RwLock::default)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        services
            .entry(path.to_owned())
            .or_insert_with(|| new_service(&self.options))
            .clone()
    }

    fn service_at(&self, path: &str) -> Option<Cow<'_, Registry<XmlRpc>>> {
        let own = self.services.get().and_then(|services| {
            let services = services.read().unwrap_or_else(PoisonError::into_inner);
            services.get(path).cloned()
        });
        own.map(Cow::Owned)
            .or_else(|| matches!(path, "/" | "/RPC2").then_some(Cow::Borrowed(&self.main)))
    }

    /// Registers a function or closure at the default paths: see [`Registry::register_function`].
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_function<H, A, Cx, Mode>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        self.main.register_function(name, function)?;
        Ok(self)
    }

    /// Registers a function that blocks or computes for long: see [`Registry::register_blocking`].
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_blocking<H, A, Cx, Mark>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoResult<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        self.main.register_blocking(name, function)?;
        Ok(self)
    }

    /// Registers the methods of an object: see [`Registry::register_instance`].
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance<I: Instance>(&self, instance: I) -> Result<&Self, RegisterError> {
        self.main.register_instance(instance)?;
        Ok(self)
    }

    /// Registers the methods of an object under a prefix: see [`Registry::register_instance_at`].
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance_at<I: Instance>(
        &self,
        prefix: &str,
        instance: I,
    ) -> Result<&Self, RegisterError> {
        self.main.register_instance_at(prefix, instance)?;
        Ok(self)
    }

    /// Listens on a TCP address, such as `"127.0.0.1:8000"`. Port 0 selects a free port.
    ///
    /// # Errors
    /// If the address cannot be resolved or bound.
    pub async fn bind(&self, address: impl ToSocketAddrs) -> io::Result<BoundServer<TcpListener>> {
        self.listen(tcp::bind(address).await?)
    }

    /// Listens on a Unix socket, to which only the user of this process can connect (`0o600`).
    /// There is no other authentication. [`bind_unix_with_mode`](Self::bind_unix_with_mode) admits
    /// other users.
    ///
    /// The socket file of a server that no longer runs is replaced.
    ///
    /// # Errors
    /// If the path cannot be bound, or a running server listens on it.
    #[cfg(unix)]
    pub async fn bind_unix(
        &self,
        path: impl AsRef<std::path::Path>,
    ) -> io::Result<BoundServer<farcall_core::transport::unix::UnixListener>> {
        self.listen(farcall_core::transport::unix::UnixListener::bind(path).await?)
    }

    /// Listens on a Unix socket whose file has the permissions `mode`, such as `0o660` for the
    /// group of this process: see
    /// [`UnixListener::bind_with_mode`](farcall_core::transport::unix::UnixListener::bind_with_mode).
    ///
    /// # Errors
    /// As with [`bind_unix`](Self::bind_unix).
    #[cfg(unix)]
    pub async fn bind_unix_with_mode(
        &self,
        path: impl AsRef<std::path::Path>,
        mode: u32,
    ) -> io::Result<BoundServer<farcall_core::transport::unix::UnixListener>> {
        let listener = farcall_core::transport::unix::UnixListener::bind_with_mode(path, mode);
        self.listen(listener.await?)
    }

    /// Accepts connections from any listener.
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen<L: Listen>(&self, listener: L) -> io::Result<BoundServer<L>> {
        let address = listener.local_address()?;
        Ok(BoundServer {
            server: self.clone(),
            listener,
            address,
        })
    }

    /// Serves as one of several [workers], until the worker is stopped.
    ///
    /// ```no_run
    /// use farcall::workers::Workers;
    /// use farcall::xmlrpc::Server;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let workers = Workers::new().threads(&"127.0.0.1:8000".parse()?, async |worker| {
    ///     let server = Server::new();
    ///     server.register_function("add", |a: i64, b: i64| a + b)?;
    ///     server.serve_worker(worker).await
    /// })?;
    /// workers.run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the event loop cannot watch the worker's socket.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    #[cfg(feature = "workers")]
    pub async fn serve_worker(&self, worker: Worker) -> Result<ShutdownReport, workers::Error> {
        let (listener, stop) = worker.listen()?;
        let stop = stop.cancelled_owned();
        Ok(match listener {
            WorkerListener::Tcp(listener) => self.listen(listener)?.serve_until(stop).await,
            #[cfg(unix)]
            WorkerListener::Unix(listener) => self.listen(listener)?.serve_until(stop).await,
        })
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

fn new_service(options: &ServerOptions) -> Registry<XmlRpc> {
    let registry = Registry::new();
    multicall::register_system(&registry, options)
        .expect("the names are distinct, and the registry is empty");
    registry
}

/// A server that is bound to an address and ready to serve.
#[derive(Debug)]
pub struct BoundServer<L> {
    server: Server,
    listener: L,
    address: Address,
}

impl<L: Listen> BoundServer<L> {
    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Returns the URL that clients call: `http://127.0.0.1:8000/RPC2`, or `http+unix://PATH:/RPC2`
    /// with special characters in the path percent-encoded.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.address {
            Address::Tcp(address) => format!("http://{address}/RPC2"),
            Address::Unix(path) => format!("http+unix://{}:/RPC2", EncodedSocketPath(path)),
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

    /// Serves until `stop` completes, then drains: no new connections are accepted, idle
    /// connections are closed, and running calls complete, all within the [drain
    /// timeout](farcall_core::serve::Options::drain_timeout).
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let Self {
            server,
            listener,
            address,
        } = self;
        let options = server.options.connections.clone();
        let hosts = HostPolicy::at(&address, &server.options);
        let token = CancellationToken::new();
        let serving = serve::serve(listener, &options, token.clone(), move |io, peer, stop| {
            server.clone().connection(io, peer, hosts, stop)
        });
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
