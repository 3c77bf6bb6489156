//! The server: services at paths, and the connections of their clients.

mod account;
mod authorize;
mod body;
mod bound;
mod browser;
pub mod cgi;
mod connection;
mod http;
mod log;
mod multicall;
mod options;
mod pages;
mod protocol;
mod reply;
mod reply_stream;
pub(crate) mod scgi;
mod timer;
#[cfg(feature = "_tls")]
mod tls;
mod upgrade;
#[cfg(feature = "workers")]
mod worker;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use farcall_core::protocol::{Call, CallLimit, Dispatch, Payload};
use farcall_core::transport::{Listen, SystemListener, ToTarget};
use farcall_core::{Budget, Fault, Registry};
use tower_layer::Layer;
use tower_service::Service;

pub use self::account::PeerAccount;
pub use self::authorize::{Authorize, Rejection};
pub use self::bound::{Bind, BindError, BoundServer};
pub use self::options::{FaultPolicy, ServerOptions};
pub use self::pages::{PageRequest, Pages};
pub use self::protocol::{Answer, Exchange, Protocol};
pub use self::reply::{ReplyBody, ReplyEvicted};
pub use self::upgrade::{Switch, Upgrade, UpgradedConnection};
use crate::XmlRpc;

/// An XML-RPC server: methods that programs in any language can call over HTTP.
///
/// A server is a handle: clones share one server, and methods can be registered while it serves,
/// with the methods of [`Registry`]. It serves `/` and `/RPC2`; [`at`](Self::at) adds services at
/// other paths. Each service has `system.listMethods`, `system.methodHelp`,
/// `system.methodSignature`, `system.describe`, `system.multicall` and `system.getCapabilities`.
///
/// A server is also a `tower_service::Service` over HTTP requests, so it can be mounted in axum.
///
/// # Refused requests
///
/// | status | condition |
/// |---|---|
/// | 400 | the head is malformed, or does not have exactly one host |
/// | 400 | the body is incomplete, has trailers or does not match its content coding |
/// | 401, 429 | the ready-made [`authorize`](ServerOptions::authorize) refuses it |
/// | 403 | a web page of another [origin](ServerOptions::allow_origins) sent the request |
/// | 403 | the request is for another [host](ServerOptions::hosts) |
/// | 404 | there is no service at the path |
/// | 405 | the method is not POST, and there is no [page](ServerOptions::pages) |
/// | 408 | the body did not arrive in time |
/// | 411 | there is neither a `Content-Length` nor a chunked body |
/// | 413 | the body is over the limit, on the wire or inflated |
/// | 415 | the content type is not XML, nor of the protocol [beside](Self::beside) it, or the content coding is not gzip |
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
#[derive(Clone)]
pub struct Server {
    options: Arc<ServerOptions>,
    main: Registry<XmlRpc>,
    /// Services at other paths. Most servers have none, and then take no lock.
    services: Arc<OnceLock<Services>>,
    beside: Option<Arc<dyn Protocol>>,
    calls: CallLimit,
    budget: Budget,
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
        // The encoder stops at the limit instead of writing a reply that is not sent.
        options.format = options.format.max_reply(options.max_reply);
        let budget = options.budget_for_server();
        Self {
            main: new_service(&options, &budget),
            budget,
            calls: CallLimit::new(options.max_calls),
            options: Arc::new(options),
            services: Arc::default(),
            beside: None,
        }
    }

    /// Answers requests of another protocol beside XML-RPC, at the default paths and at `/jsonrpc`,
    /// by their content type. Default: only XML-RPC. A clone made before answers only that. The
    /// methods of the other protocol are its own: the server of `farcall::jsonrpc` offers the same
    /// ones over both.
    #[must_use]
    pub fn beside(mut self, protocol: impl Protocol) -> Self {
        self.beside = Some(Arc::new(protocol));
        self
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
            .or_insert_with(|| {
                let service = new_service(&self.options, &self.budget);
                service.set_outer_layers(self.main.layers());
                service
            })
            .clone()
    }

    /// Puts a tower layer around every call that the server answers, at any path: see
    /// [`Registry::layer`] for the order of layers, waiting and errors. A `system.multicall` does
    /// not pass it, but each of its calls does. Layers of the service [`at`](Self::at) a path are
    /// inside those of the server.
    ///
    /// While a call waits in a layer, it counts against
    /// [`max_calls`](ServerOptions::max_calls) and its time against
    /// [`call_timeout`](ServerOptions::call_timeout).
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<XmlRpc>>,
        L::Service: Service<Call<XmlRpc>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.main.layer(layer);
        if let Some(services) = self.services.get() {
            let services = services.write().unwrap_or_else(PoisonError::into_inner);
            for service in services.values() {
                service.set_outer_layers(self.main.layers());
            }
        }
        self
    }

    fn service_at(&self, path: &str) -> Option<Cow<'_, Registry<XmlRpc>>> {
        let own = self.services.get().and_then(|services| {
            let services = services.read().unwrap_or_else(PoisonError::into_inner);
            services.get(path).cloned()
        });
        let is_default =
            || matches!(path, "/" | "/RPC2") || path == "/jsonrpc" && self.beside.is_some();
        own.map(Cow::Owned)
            .or_else(|| is_default().then_some(Cow::Borrowed(&self.main)))
    }

    /// Returns a builder of this server at an address, such as `"127.0.0.1:8000"`, `"localhost:0"`
    /// or the `Path` of a Unix socket: see [`ToTarget`]. Port 0 selects a free port. Call setters,
    /// then `.await` it for a [`BoundServer`].
    ///
    /// Only the user of this process can connect to a Unix socket, unless its [`mode`](Bind::mode)
    /// is set; there is no other authentication. Its file is removed when the server stops, and a
    /// file left behind by a dead process is replaced.
    ///
    /// # Errors
    /// Awaiting the builder fails if the target is not an address, cannot be found or bound, or a
    /// running server listens there. The error names the target.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        Bind::new(self.clone(), target.to_target(), false)
    }

    /// Returns a builder of this server at an address, where it speaks SCGI instead of HTTP: behind
    /// a web server (`scgi_pass` of nginx), or for clients as those of rtorrent. Each connection is
    /// one request, with the limits of those over HTTP. There is no TLS.
    ///
    /// The caller is the peer of the connection, unless it is a web server that the option
    /// [`trust_scgi`](ServerOptions::trust_scgi) names. The path is the variable `PATH_INFO`, or
    /// else that of `REQUEST_URI`. [`hosts`](ServerOptions::hosts) are checked if any are set.
    ///
    /// ```no_run
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = farcall::xmlrpc::Server::new();
    /// server.register_function("add", |a: i64, b: i64| a + b)?;
    /// server.bind_scgi("127.0.0.1:5000").await?.serve().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As with [`bind`](Self::bind).
    pub fn bind_scgi(&self, target: impl ToTarget) -> Bind {
        Bind::new(self.clone(), target.to_target(), true)
    }

    /// Accepts connections from any listener.
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen(&self, listener: impl Listen) -> io::Result<BoundServer> {
        BoundServer::new(self.clone(), listener)
    }

    /// Accepts connections from any listener, over each of which it speaks SCGI, as after
    /// [`bind_scgi`](Self::bind_scgi).
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen_scgi(&self, listener: impl Listen) -> io::Result<BoundServer> {
        BoundServer::over_scgi(self.clone(), listener)
    }

    fn listen_at(&self, listener: SystemListener) -> io::Result<BoundServer> {
        match listener {
            SystemListener::Tcp(listener) => self.listen(listener),
            #[cfg(unix)]
            SystemListener::Unix(listener) => self.listen(listener),
        }
    }
}

/// Access to the methods of the default paths: a server is a handle of its registry.
impl Deref for Server {
    type Target = Registry<XmlRpc>;

    fn deref(&self) -> &Registry<XmlRpc> {
        &self.main
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the methods of the default paths, the other paths and the options.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("main", &self.main);
        if let Some(services) = self.services.get() {
            let services = services.read().unwrap_or_else(PoisonError::into_inner);
            shown.field("at", &*services);
        }
        shown
            .field("running_calls", &self.calls.running())
            .field("options", &self.options)
            .finish()
    }
}

fn new_service(options: &ServerOptions, budget: &Budget) -> Registry<XmlRpc> {
    let registry = Registry::new();
    multicall::register_system(&registry, options, budget)
        .expect("the names are distinct, and the registry is empty");
    registry
}
