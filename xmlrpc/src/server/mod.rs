//! The server: services at paths, over HTTP.

mod faults;
mod multicall;
mod options;
mod service;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_core::protocol::{Call, Dispatch, Payload};
#[cfg(feature = "workers")]
use farcall_core::serve::ShutdownReport;
use farcall_core::transport::{Listen, ToTarget};
#[cfg(feature = "workers")]
use farcall_core::workers::{Worker, WorkerError};
use farcall_core::{Fault, Registry};
use farcall_http::server::{Bind, BoundServer, HttpServer, Protocol, ReplyBody, ServerOptions};
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;

pub use self::faults::FaultPolicy;
pub use self::options::DocumentOptions;
use self::service::Service;
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
/// The requests that are refused, and with which status, are listed at [`HttpServer`]. Every other
/// request is answered with status 200 and an XML-RPC document, which may be a fault: for instance
/// if the method name has more than 1024 bytes. A request without a content type is assumed to be
/// XML, unless a web page sent it.
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
    http: HttpServer,
    service: Arc<Service>,
}

impl Server {
    /// Creates a server with default options, and with no methods except `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// Creates a server with `options`.
    #[must_use]
    pub fn with_options(options: ServerOptions) -> Self {
        Self::of(options, DocumentOptions::default())
    }

    /// Creates a server with options for HTTP, and those for the documents of XML-RPC.
    #[must_use]
    pub fn of(options: ServerOptions, documents: DocumentOptions) -> Self {
        let http = HttpServer::new(options);
        let service = Arc::new(Service::new(documents, &http));
        Self {
            http: http.with(Arc::clone(&service) as _),
            service,
        }
    }

    /// Answers requests of another protocol beside XML-RPC, by their content type, at the paths of
    /// both. Default: only XML-RPC. A clone made before answers only that. The methods of the other
    /// protocol are its own: the server of `farcall::jsonrpc` offers the same ones over both.
    #[must_use]
    pub fn beside(mut self, protocol: impl Protocol) -> Self {
        self.http = self.http.with(Arc::new(protocol));
        self
    }

    /// Returns the service at the default paths.
    #[must_use]
    pub fn registry(&self) -> &Registry<XmlRpc> {
        &self.service.registry
    }

    /// Returns the service at `path`, such as `/admin`. The first call with a path creates its
    /// service. Each path has its own methods, even `/` and `/RPC2` after a call with them.
    #[must_use]
    pub fn at(&self, path: &str) -> Registry<XmlRpc> {
        self.service.registry_at(path)
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
        L::Service: tower_service::Service<
                Call<XmlRpc>,
                Response = Payload,
                Error: Into<Fault>,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.registry().layer(layer);
        for (_, other) in self.service.others() {
            other.set_outer_layers(self.registry().layers());
        }
        self
    }

    /// Answers one HTTP request.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call that the request made.
    pub async fn respond(&self, request: Request<impl Body>) -> Response<ReplyBody> {
        self.http.respond(request).await
    }

    /// Returns a builder of this server at an address: see [`HttpServer::bind`].
    ///
    /// # Errors
    /// Awaiting the builder fails if the server cannot listen at the address.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.http.bind(target)
    }

    /// Returns a builder of this server at an address, where it speaks SCGI instead of HTTP: see
    /// [`HttpServer::bind_scgi`].
    ///
    /// # Errors
    /// As with [`bind`](Self::bind).
    pub fn bind_scgi(&self, target: impl ToTarget) -> Bind {
        self.http.bind_scgi(target)
    }

    /// Accepts connections from any listener.
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen(&self, listener: impl Listen) -> io::Result<BoundServer> {
        self.http.listen(listener)
    }

    /// Accepts connections from any listener, over each of which it speaks SCGI, as after
    /// [`bind_scgi`](Self::bind_scgi).
    ///
    /// # Errors
    /// If the local address of the listener is not available.
    pub fn listen_scgi(&self, listener: impl Listen) -> io::Result<BoundServer> {
        self.http.listen_scgi(listener)
    }

    /// Serves as one of several workers: see [`HttpServer::serve_worker`].
    ///
    /// # Errors
    /// If the event loop cannot watch the worker's socket.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all its connections at once.
    #[cfg(feature = "workers")]
    pub async fn serve_worker(&self, worker: Worker) -> Result<ShutdownReport, WorkerError> {
        self.http.serve_worker(worker).await
    }
}

/// The server of HTTP, as CGI programs need it.
impl AsRef<HttpServer> for Server {
    fn as_ref(&self) -> &HttpServer {
        &self.http
    }
}

/// Requests with any body type are answered: see [`HttpServer`].
impl<R> tower_service::Service<R> for Server
where
    HttpServer: tower_service::Service<R>,
{
    type Response = <HttpServer as tower_service::Service<R>>::Response;
    type Error = <HttpServer as tower_service::Service<R>>::Error;
    type Future = <HttpServer as tower_service::Service<R>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.http.call(request)
    }
}

/// Access to the methods of the default paths: a server is a handle of its registry.
impl Deref for Server {
    type Target = Registry<XmlRpc>;

    fn deref(&self) -> &Registry<XmlRpc> {
        self.registry()
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
        f.debug_struct("Server")
            .field("main", self.registry())
            .field("at", &self.service.others())
            .field("documents", &self.service.options())
            .field("http", &self.http)
            .finish()
    }
}
