//! The server: each method is registered once, whatever the protocols.

use std::io;
#[cfg(not(feature = "xmlrpc-server"))]
use std::sync::Arc;

use farcall_core::protocol::handler::{FromCall, Function, IntoReply, IntoResult};
use farcall_core::protocol::{Call, Dispatch, Name, Payload};
use farcall_core::transport::{Listen, ToTarget};
use farcall_core::{About, Context, Fault, Instance, Json, RegisterError, Registry};
use farcall_http::server::{Bind, BoundServer, HttpServer, ServerOptions};
#[cfg(feature = "xmlrpc-server")]
use farcall_xmlrpc::XmlRpc;
use tower_layer::Layer;
use tower_service::Service as Tower;

use crate::Service;

/// A server of JSON-RPC 2.0 and, with the feature `xmlrpc-server`, of XML-RPC at one port and path:
/// each method is registered once, and has the same name, guard and description over both.
///
/// It serves `/`, `/RPC2` and `/jsonrpc`. Both protocols have `system.listMethods`,
/// `system.methodHelp`, `system.methodSignature` and `system.describe`, which is `rpc.discover` of
/// JSON-RPC as well; batches of XML-RPC are calls of `system.multicall`, those of JSON-RPC are
/// arrays. The requests that are refused, and with which status, are listed at [`HttpServer`].
///
/// A server is a handle: clones share one server, and methods can be registered while it serves.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = farcall::jsonrpc::Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// let bound = server.bind("127.0.0.1:0").await?;
/// let client = farcall::xmlrpc::Client::new(&bound.url())?;
/// tokio::spawn(bound.serve());
/// assert_eq!(client.call::<i64>("add", (3, 5)).await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    http: HttpServer,
    service: Service,
    #[cfg(feature = "xmlrpc-server")]
    xmlrpc: farcall_xmlrpc::Server,
}

impl Server {
    /// Creates a server with default options, and with no methods except `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// Creates a server with `options`, which apply to all protocols.
    #[must_use]
    pub fn with_options(options: ServerOptions) -> Self {
        let registry = Registry::new();
        registry
            .register_introspection()
            .and_then(Registry::register_discovery)
            .expect("the registry is empty");
        Self::of(options, Service::new(registry))
    }

    /// Creates a server with a service that has limits of its own. Methods that only the registry
    /// of the service has are not offered over XML-RPC.
    #[must_use]
    #[cfg(feature = "xmlrpc-server")]
    pub fn of(options: ServerOptions, service: Service) -> Self {
        Self::beside(farcall_xmlrpc::Server::with_options(options), service)
    }

    /// Creates a server with a service that has limits of its own.
    #[must_use]
    #[cfg(not(feature = "xmlrpc-server"))]
    pub fn of(options: ServerOptions, service: Service) -> Self {
        let http = HttpServer::new(options).with(Arc::new(service.clone()));
        Self { http, service }
    }

    /// Creates a server that answers JSON-RPC by a service beside a server of XML-RPC, which has
    /// options of its own for documents.
    #[must_use]
    #[cfg(feature = "xmlrpc-server")]
    pub fn beside(xmlrpc: farcall_xmlrpc::Server, service: Service) -> Self {
        let xmlrpc = xmlrpc.beside(service.clone());
        Self {
            http: xmlrpc.as_ref().clone(),
            service,
            xmlrpc,
        }
    }

    /// The server of HTTP, to be mounted in axum, or run by workers.
    #[must_use]
    pub const fn http(&self) -> &HttpServer {
        &self.http
    }

    /// The server of XML-RPC. Methods that are registered with it directly are offered over XML-RPC
    /// only.
    #[must_use]
    #[cfg(feature = "xmlrpc-server")]
    pub const fn xmlrpc(&self) -> &farcall_xmlrpc::Server {
        &self.xmlrpc
    }

    /// The service that answers JSON-RPC.
    pub const fn service(&self) -> &Service {
        &self.service
    }

    const fn json(&self) -> &Registry<Json> {
        self.service.registry()
    }

    /// Registers a function or closure: see [`Registry::register_function`]. Its parameters have no
    /// names, so that JSON-RPC passes them as an array.
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_function<H, A, Cx, Mode>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>> + Clone,
        A: FromCall<Cx>,
    {
        let name = name.into();
        #[cfg(feature = "xmlrpc-server")]
        self.xmlrpc
            .register_function(name.clone(), function.clone())?;
        self.json().register_function(name, function)?;
        Ok(self)
    }

    /// Registers a function that computes for long or blocks: see [`Registry::register_blocking`].
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_blocking<H, A, Cx, Mark>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoResult<Mark>> + Clone,
        A: FromCall<Cx> + Send + 'static,
    {
        let name = name.into();
        #[cfg(feature = "xmlrpc-server")]
        self.xmlrpc
            .register_blocking(name.clone(), function.clone())?;
        self.json().register_blocking(name, function)?;
        Ok(self)
    }

    /// Registers the methods of an object whose impl block is marked `#[service]`, such as the
    /// `Arc` of one. All protocols share the object.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance<I: Instance + Clone>(
        &self,
        instance: I,
    ) -> Result<&Self, RegisterError> {
        self.register_instance_at(I::PREFIX, instance)
    }

    /// Registers the methods of an object under `prefix`: see
    /// [`Registry::register_instance_at`].
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance_at<I: Instance + Clone>(
        &self,
        prefix: &str,
        instance: I,
    ) -> Result<&Self, RegisterError> {
        #[cfg(feature = "xmlrpc-server")]
        self.xmlrpc.register_instance_at(prefix, instance.clone())?;
        self.json().register_instance_at(prefix, instance)?;
        Ok(self)
    }

    /// Removes a method. Calls of it that have started continue. Returns `true` if the method was
    /// registered.
    pub fn unregister(&self, name: &str) -> bool {
        let found = self.json().unregister(name);
        #[cfg(feature = "xmlrpc-server")]
        let found = self.xmlrpc.unregister(name) | found;
        found
    }

    /// Sets the facts about the service as a whole: see [`Registry::set_about`].
    pub fn set_about(&self, about: About) -> &Self {
        #[cfg(feature = "xmlrpc-server")]
        self.xmlrpc.set_about(about.clone());
        self.json().set_about(about);
        self
    }

    /// Sets a guard that is called before each call of any method: see [`Registry::set_guard`].
    pub fn set_guard(
        &self,
        guard: impl Fn(&Context) -> Result<(), Fault> + Clone + Send + Sync + 'static,
    ) -> &Self {
        #[cfg(feature = "xmlrpc-server")]
        self.xmlrpc.set_guard(guard.clone());
        self.json().set_guard(guard);
        self
    }

    /// Puts a tower layer around all calls of both protocols: see [`Registry::layer`]. Each call of
    /// a batch passes it.
    #[cfg(feature = "xmlrpc-server")]
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<XmlRpc>> + Layer<Dispatch<Json>> + Clone,
        <L as Layer<Dispatch<XmlRpc>>>::Service: Tower<Call<XmlRpc>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        <L as Layer<Dispatch<Json>>>::Service: Tower<Call<Json>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.xmlrpc.layer(layer.clone());
        self.json().layer(layer);
        self
    }

    /// Puts a tower layer around all calls: see [`Registry::layer`]. Each call of a batch passes
    /// it.
    #[cfg(not(feature = "xmlrpc-server"))]
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<Json>>,
        L::Service: Tower<Call<Json>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.json().layer(layer);
        self
    }

    /// Returns a builder of this server at an address: see [`HttpServer::bind`].
    ///
    /// # Errors
    /// Awaiting the builder fails if the server cannot listen at the address.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.http.bind(target)
    }

    /// Returns a builder of this server at an address, where it speaks SCGI: see
    /// [`HttpServer::bind_scgi`].
    ///
    /// # Errors
    /// Awaiting the builder fails if the server cannot listen at the address.
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
}

/// The server of HTTP, as CGI programs need it.
impl AsRef<HttpServer> for Server {
    fn as_ref(&self) -> &HttpServer {
        &self.http
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}
