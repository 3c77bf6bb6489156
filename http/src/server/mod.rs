//! The server: accepts requests, and gives their documents to protocols.

mod account;
mod authorize;
pub mod blocking;
mod body;
mod bound;
mod browser;
pub mod cgi;
mod connection;
mod head;
mod log;
mod options;
mod pages;
mod phase;
mod protocol;
mod reply;
mod reply_stream;
mod request;
pub(crate) mod scgi;
#[cfg(feature = "_tls")]
mod tls;
mod upgrade;
#[cfg(feature = "workers")]
mod worker;

use std::fmt;
use std::io;
use std::sync::Arc;

use farcall_core::Budget;
use farcall_core::protocol::CallLimit;
use farcall_core::transport::{Listen, SystemListener, ToTarget};

pub use self::account::PeerAccount;
pub use self::authorize::{Authorize, Rejection};
pub use self::bound::{Bind, BindError, BoundServer};
pub use self::log::log_call;
pub use self::options::ServerOptions;
pub use self::pages::{PageRequest, Pages};
use self::protocol::Offered;
pub use self::protocol::{Answer, Exchange, Protocol};
pub use self::reply::{ReplyBody, ReplyEvicted};
pub use self::upgrade::{Switch, Upgrade, UpgradedConnection};

/// A server of HTTP, which does what requests need whatever their documents are: admission, bodies,
/// codings, limits and the budget. Protocols answer the documents.
///
/// A server is a handle: clones share its limits and its protocols. It is also a
/// `tower_service::Service` over HTTP requests, so it can be mounted in axum.
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
/// | 415 | the content type is that of no protocol of the server, or the content coding is not gzip |
/// | 431 | the head has more than 64 KiB or 100 headers |
/// | 501 | there is a transfer coding other than chunked |
/// | 503 | [`max_calls`](ServerOptions::max_calls) calls are running; the body is a fault |
/// | 503 | the [budget](ServerOptions::budget) has no room for the request; the body is a fault |
/// | 503 | the request was evicted from the budget |
///
/// Every other request is answered with status 200 and a document of its protocol, which may be a
/// fault, or with status 204 if it asks for no answer. A request without a content type is assumed
/// to be of the first protocol unless it looks like one of another; a web page must send a type.
///
/// The only web pages that can make a browser call this server are those of its own host and those
/// of [allowed](ServerOptions::allow_origins) origins. A server on a loopback address accepts
/// addresses and `localhost` as hosts; other names must be [configured](ServerOptions::hosts).
#[derive(Clone)]
pub struct HttpServer {
    options: Arc<ServerOptions>,
    protocols: Arc<[Arc<dyn Protocol>]>,
    calls: CallLimit,
    budget: Budget,
}

impl HttpServer {
    /// Creates a server that has no protocol yet.
    #[must_use]
    pub fn new(options: ServerOptions) -> Self {
        Self {
            budget: options.budget_for_server(),
            calls: CallLimit::new(options.max_calls),
            options: Arc::new(options),
            protocols: Arc::default(),
        }
    }

    /// Answers requests of a further protocol, by their content type. A clone made before does not
    /// answer it.
    #[must_use]
    pub fn with(mut self, protocol: Arc<dyn Protocol>) -> Self {
        let before = self.protocols.iter().cloned();
        self.protocols = before.chain([protocol]).collect();
        self
    }

    /// The budget of this server.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Maximum bytes of a reply: see [`ServerOptions::max_reply`].
    #[must_use]
    pub fn max_reply(&self) -> usize {
        self.options.max_reply
    }

    /// Returns the protocols at a path, if there are any.
    fn protocols_at(&self, path: &str) -> Option<Offered<'_>> {
        let own = self.protocols.iter().find_map(|protocol| protocol.at(path));
        own.map(Offered::Own).or_else(|| {
            let mut paths = self.protocols.iter().map(|protocol| protocol.paths());
            paths
                .any(|paths| paths.contains(&path))
                .then_some(Offered::All(&self.protocols))
        })
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
    /// else that of `REQUEST_URI`. [`hosts`](ServerOptions::hosts) are checked if any are set, at a
    /// loopback address too: which names may be called is decided by the web server in front.
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

impl AsRef<Self> for HttpServer {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Shows the protocols with the number of their methods, and the options.
impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("protocols", &Offered::All(&self.protocols))
            .field("running_calls", &self.calls.running())
            .field("options", &self.options)
            .finish()
    }
}
