//! The server of both protocols.

use std::io;

use farcall_core::protocol::handler::{FromCall, Function, IntoReply, IntoResult};
use farcall_core::protocol::{Call, Dispatch, Name, Payload};
use farcall_core::transport::{Listen, ToTarget};
use farcall_core::{About, Context, Fault, Instance, Json, RegisterError, Registry};
use farcall_xmlrpc::{Bind, BoundServer, ServerOptions, XmlRpc};
use tower_layer::Layer;

use crate::Service;

/// A server of JSON-RPC 2.0 and XML-RPC at one port and path: each method is registered once, and
/// has the same name, guard and description over both.
///
/// It serves `/`, `/RPC2` and `/jsonrpc`. Both protocols have `system.listMethods`,
/// `system.methodHelp`, `system.methodSignature` and `system.describe`, which is `rpc.discover` of
/// JSON-RPC as well; batches of XML-RPC are calls of `system.multicall`, those of JSON-RPC are
/// arrays.
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
    http: farcall_xmlrpc::Server,
    service: Service,
}

impl Server {
    /// Creates a server with default options, and with no methods except `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// Creates a server with `options`, which apply to both protocols.
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
    pub fn of(options: ServerOptions, service: Service) -> Self {
        let http = farcall_xmlrpc::Server::with_options(options).beside(service.clone());
        Self { http, service }
    }

    /// The server, to be mounted in axum, or run by workers. Methods that are registered with it
    /// directly are offered over XML-RPC only.
    #[must_use]
    pub const fn http(&self) -> &farcall_xmlrpc::Server {
        &self.http
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
        self.http
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
        self.http
            .register_blocking(name.clone(), function.clone())?;
        self.json().register_blocking(name, function)?;
        Ok(self)
    }

    /// Registers the methods of an object whose impl block is marked `#[service]`, such as the
    /// `Arc` of one. Both protocols share the object.
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
        self.http.register_instance_at(prefix, instance.clone())?;
        self.json().register_instance_at(prefix, instance)?;
        Ok(self)
    }

    /// Removes a method. Calls of it that have started continue. Returns `true` if the method was
    /// registered.
    pub fn unregister(&self, name: &str) -> bool {
        self.http.unregister(name) | self.json().unregister(name)
    }

    /// Sets the facts about the service as a whole: see [`Registry::set_about`].
    pub fn set_about(&self, about: About) -> &Self {
        self.http.set_about(about.clone());
        self.json().set_about(about);
        self
    }

    /// Sets a guard that is called before each call of any method: see [`Registry::set_guard`].
    pub fn set_guard(
        &self,
        guard: impl Fn(&Context) -> Result<(), Fault> + Clone + Send + Sync + 'static,
    ) -> &Self {
        self.http.set_guard(guard.clone());
        self.json().set_guard(guard);
        self
    }

    /// Puts a tower layer around all calls of both protocols: see [`Registry::layer`]. Each call of
    /// a batch passes it.
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<XmlRpc>> + Layer<Dispatch<Json>> + Clone,
        <L as Layer<Dispatch<XmlRpc>>>::Service: tower_service::Service<
                Call<XmlRpc>,
                Response = Payload,
                Error: Into<Fault>,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
        <L as Layer<Dispatch<Json>>>::Service: tower_service::Service<Call<Json>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.http.layer(layer.clone());
        self.json().layer(layer);
        self
    }

    /// Returns a builder of this server at an address: see
    /// [`farcall::xmlrpc::Server::bind`](farcall_xmlrpc::Server::bind).
    ///
    /// # Errors
    /// Awaiting the builder fails if the server cannot listen at the address.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.http.bind(target)
    }

    /// Returns a builder of this server at an address, where it speaks SCGI: see
    /// [`farcall::xmlrpc::Server::bind_scgi`](farcall_xmlrpc::Server::bind_scgi).
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

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}
