//! The server: the side that accepts connections.

mod bound;
mod options;
mod sessions;
#[cfg(feature = "workers")]
mod worker;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::{Causes, Foreign};
use farcall_core::protocol::{Call, CallLimit, CallReply, Dispatch, Payload};
use farcall_core::transport::ToTarget;
use farcall_core::{Context, Fault, Identity, Instance, Method, RegisterError, Registry};
use tower_layer::Layer;
use tower_service::Service;

pub use bound::{Bind, BoundServer};
pub use options::ServerOptions;
use sessions::{ActiveSession, Registration, ResumableSession, ResumableSessions, ServerState};

use super::client::Client;
use super::encoding::Encoding;
use super::greeting::{ConnectionHalves, GreetingError, receive_client_hello, reject, send_hello};
use super::message::{SessionStart, Token};
use super::session::{Session, SessionHandle, random};
use crate::establish::Established;
use crate::listener::{Listener, ListenerBuilder};

/// Server that offers methods and objects to the [`Client`]s that connect.
///
/// A server is a handle of its registry: the methods of [`Registry`] register functions and objects
/// on it, clones share them, and methods can be added and removed while it serves. The same objects
/// and functions can also be offered over XML-RPC.
///
/// # Examples
///
/// ```
/// use farcall::rpc::{Client, Server};
/// use farcall::{CallError, client, service};
///
/// struct Calculator;
///
/// #[service]
/// impl Calculator {
///     pub fn add(&self, a: i64, b: i64) -> i64 {
///         a + b
///     }
/// }
///
/// #[client]
/// trait CalculatorApi {
///     async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_instance(Calculator)?;
/// let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = bound.local_address().clone();
/// tokio::spawn(bound.serve());
///
/// let calculator = Client::connect(address).authkey("a secret").await?;
/// assert_eq!(calculator.add(3, 5).await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    registry: Registry<Encoding>,
    options: Arc<ServerOptions>,
    sessions: Arc<ResumableSessions>,
    calls: CallLimit,
    factories: Arc<AtomicU64>,
}

impl Server {
    /// Creates a server with the default options and no methods except `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// Creates a server with these options.
    #[must_use]
    pub fn with_options(options: ServerOptions) -> Self {
        let registry = Registry::new();
        // Cannot fail: a new registry has no names that could be taken.
        let _ = registry.register_introspection();
        Self {
            registry,
            calls: CallLimit::new(options.max_calls),
            options: Arc::new(options),
            sessions: Arc::default(),
            factories: Arc::default(),
        }
    }

    /// Returns the registry of the methods that the server offers.
    #[must_use]
    pub const fn registry(&self) -> &Registry<Encoding> {
        &self.registry
    }

    /// Offers the methods of an object that is created for each connection: at the first call of
    /// one of its methods. The object is dropped with the session.
    ///
    /// The factory is also called once during registration, to learn the methods.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_per_connection<I: Instance>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
    ) -> Result<&Self, RegisterError> {
        let number = self.factories.fetch_add(1, Ordering::Relaxed);
        self.register_factory(factory, move |context, make| {
            match Client::of(context) {
                Some(client) => client.session().instance(number, make),
                // The session was dropped, or the call came over no connection.
                None => make(),
            }
        })
    }

    /// Offers the methods of an object that is created anew for each call.
    ///
    /// The factory is also called once during registration, to learn the methods.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_per_call<I: Instance>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
    ) -> Result<&Self, RegisterError> {
        self.register_factory(factory, |_, make| make())
    }

    /// Offers the methods of objects that `factory` creates. `instance` decides for each call
    /// whether to create one.
    fn register_factory<I, M>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
        instance: M,
    ) -> Result<&Self, RegisterError>
    where
        I: Instance,
        M: Fn(
                &Context,
                &dyn Fn() -> Result<Registry<Encoding>, Fault>,
            ) -> Result<Registry<Encoding>, Fault>
            + Send
            + Sync
            + 'static,
    {
        let template: Registry<Encoding> = Registry::new();
        template.register_instance(factory(&Context::default()))?;
        let answer = Arc::new(move |call: Call<Encoding>| -> CallReply {
            let make = || {
                let registry = Registry::new();
                registry
                    .register_instance(factory(&call.context))
                    .map_err(Fault::internal)?;
                Ok(registry)
            };
            match instance(&call.context, &make) {
                Ok(registry) => registry.dispatch(call),
                Err(fault) => fault.into(),
            }
        });
        let methods: Vec<Method<Encoding>> = template
            .names()
            .into_iter()
            .filter_map(|name| {
                let description = template.describe(&name)?;
                let answer = Arc::clone(&answer);
                Some(Method::raw(name, (*description).clone(), move |_, call| {
                    answer(call)
                }))
            })
            .collect();
        self.registry.register_all(methods)?;
        Ok(self)
    }

    /// Puts a tower layer around every call that clients make: of methods, and of the objects that
    /// they refer to. See [`Registry::layer`] for the order of layers, waiting and errors. Add
    /// layers before the server begins to serve.
    ///
    /// While a call waits in a layer, it counts against `max_calls` of the
    /// [server](ServerOptions::max_calls) and of its connection. Calls that a program makes on its
    /// own objects pass no layer.
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<Encoding>>,
        L::Service: Service<Call<Encoding>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.registry.layer(layer);
        self
    }

    /// Returns a builder of a server at this address; port 0 selects a free port. Call setters,
    /// such as [`authkey`](Bind::authkey), then `.await` it for a [`BoundServer`].
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.listen(Listener::bind(target))
    }

    /// Returns a builder of a server at any listener, such as one over a custom transport
    /// ([`Listener::over`]).
    pub fn listen(&self, listener: ListenerBuilder) -> Bind {
        Bind::new(self.clone(), listener)
    }

    /// Performs the handshake and the greeting. Returns the future that drives the connection after
    /// them.
    async fn begin<H: Future<Output = Option<Established>>>(
        self,
        handshake: H,
        state: Arc<ServerState>,
    ) -> Option<impl Future<Output = ()> + use<H>> {
        let Established {
            reader,
            writer,
            identity,
        } = handshake.await?;
        let mut halves = ConnectionHalves { reader, writer };
        let Some(registration) = state.register() else {
            refused(Refusal::Connections);
            reject(&mut halves, "too many connections").await;
            return None;
        };
        match self.open(&mut halves, registration, &identity).await {
            Ok(active) => Some(active.drive(halves, identity)),
            Err(error) => {
                let error = Foreign::excerpt(Causes(&error));
                tracing::debug!(peer = %identity, %error, "greeting failed");
                None
            }
        }
    }

    /// Opens the session that a client asks for: a new one, or the one of the same caller that it
    /// resumes.
    async fn open(
        &self,
        halves: &mut ConnectionHalves,
        registration: Registration,
        caller: &Identity,
    ) -> Result<ActiveSession, GreetingError> {
        let (encoding, hello) = receive_client_hello(halves).await?;
        let settings = Arc::clone(&registration.server.settings);
        let limits = settings.limits;
        if let Some(token) = hello.session
            && let Some(resumable) = self.sessions.find(token, caller)
            && resumable.handle.encoding == encoding
            && let Some(claim) = Arc::clone(&resumable).take_over().await
        {
            let active =
                ActiveSession::new(Arc::clone(&resumable.handle), registration, Some(claim));
            let answered =
                send_hello(halves, encoding, limits, Some(token), SessionStart::Resumed).await;
            if let Err(error) = answered {
                active.linger();
                return Err(error);
            }
            resumable.handle.on_connected(&hello, SessionStart::Resumed);
            return Ok(active);
        }
        let root = self.registry.clone();
        let session = Session::open(encoding, settings, root);
        let resumable = self.lease(&session, caller);
        let token = resumable.as_ref().map(|resumable| resumable.token);
        let claim = match resumable {
            // Does not wait: the session is new, and no other connection has a claim on it.
            Some(resumable) => Some(resumable.take_over().await.ok_or(GreetingError::TimedOut)?),
            None => None,
        };
        let active = ActiveSession::new(Arc::clone(&session), registration, claim);
        send_hello(halves, encoding, limits, token, SessionStart::New).await?;
        session.on_connected(&hello, SessionStart::New);
        Ok(active)
    }

    /// Makes the session resumable, if the server has a lease and room for another resumable
    /// session.
    fn lease(
        &self,
        session: &Arc<SessionHandle>,
        caller: &Identity,
    ) -> Option<Arc<ResumableSession>> {
        if self.options.lease.is_zero() {
            return None;
        }
        let resumable = ResumableSession::new(Arc::clone(session), Token(random()), caller.clone());
        let max = self.options.max_connections;
        self.sessions.add(&resumable, max).then_some(resumable)
    }
}

/// A server is a handle of its registry, so the methods of [`Registry`] register, remove and guard
/// its methods.
impl Deref for Server {
    type Target = Registry<Encoding>;

    fn deref(&self) -> &Registry<Encoding> {
        &self.registry
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("methods", &self.registry.names().len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
