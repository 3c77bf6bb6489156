//! The answering end.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rpc_core::call::Answer;
use rpc_core::handler::{FromCall, Function, IntoReply, Reply};
use rpc_core::registry::{Instance, Method, RegisterError};
use rpc_core::serve::Drained;
use rpc_core::transport::Peer;
use rpc_core::{Call, Context, Fault, Name, Registry};
use tokio::sync::OwnedMutexGuard;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::client::{Client, origin};
use super::encoding::Encoding;
use super::error::Disconnected;
use super::greeting::{self, GreetingError, hear, refuse, welcome};
use super::message::Token;
use super::options::Options;
use super::session::{Driver, Lifeline, Link, Session, random};
use crate::codec::Bincode;
use crate::connection::Connection;
use crate::listener::Listener;

/// Offers methods and objects to the [`Client`]s that connect.
///
/// A server is a handle: clones are one and the same, and methods can be added and removed while it serves.
/// The same objects and functions can be offered over XML-RPC too.
///
/// # Examples
///
/// ```
/// use conn::Listener;
/// use conn::rpc::{Client, Server};
/// use rpc_core::{CallError, client, service};
///
/// struct Calculator;
///
/// #[service]
/// impl Calculator {
///     fn add(&self, a: i64, b: i64) -> i64 {
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
/// let listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(server.serve(listener));
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
    sessions: Arc<Sessions>,
    factories: Arc<AtomicU64>,
}

/// The settings of a [`Server`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ServerOptions {
    session: Options,
    lease: Duration,
    max_connections: usize,
    drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            session: Options::default(),
            lease: Duration::ZERO,
            max_connections: 1024,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServerOptions {
    /// The limits and habits of each session.
    pub fn session(mut self, options: Options) -> Self {
        self.session = options;
        self
    }

    /// How long the objects of a client are kept after its connection broke. A client that
    /// [reconnects](super::Reconnect) within this time has them back.
    ///
    /// Default: zero. Objects go at once when the connection does.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// How many connections may be open at once, and how many sessions may outlive theirs. Further clients are
    /// turned away with a message that says so.
    ///
    /// Default: 1024.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long a graceful stop waits for calls under way before it aborts them.
    ///
    /// Default: 30 seconds.
    pub const fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }
}

impl Server {
    /// A server with the default settings, and with no methods but `system.*`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ServerOptions::default())
    }

    /// A server with settings of your choice.
    #[must_use]
    pub fn with_options(options: ServerOptions) -> Self {
        let registry = Registry::new();
        // Names in a new registry are free.
        let _ = registry.register_introspection();
        Self {
            registry,
            options: Arc::new(options),
            sessions: Arc::default(),
            factories: Arc::default(),
        }
    }

    /// The methods that are offered.
    #[must_use]
    pub const fn registry(&self) -> &Registry<Encoding> {
        &self.registry
    }

    /// Offers a function or closure: see [`Registry::register_function`].
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
        self.registry.register_function(name, function)?;
        Ok(self)
    }

    /// Offers a function that computes for long or blocks: see [`Registry::register_blocking`].
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_blocking<H, A, Cx, Mark>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: Reply<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        self.registry.register_blocking(name, function)?;
        Ok(self)
    }

    /// Offers the methods of one object to all clients: see [`Registry::register_instance`].
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance<I: Instance>(&self, instance: I) -> Result<&Self, RegisterError> {
        self.registry.register_instance(instance)?;
        Ok(self)
    }

    /// As [`register_instance`](Self::register_instance), under a prefix of this call's choice.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance_at<I: Instance>(
        &self,
        prefix: &str,
        instance: I,
    ) -> Result<&Self, RegisterError> {
        self.registry.register_instance_at(prefix, instance)?;
        Ok(self)
    }

    /// Offers the methods of an object that each connection has of its own: it is made at the first call
    /// of one of them, and goes when the connection does.
    ///
    /// The factory is asked once more, here, to learn what the methods are.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_per_connection<I: Instance>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
    ) -> Result<&Self, RegisterError> {
        let number = self.factories.fetch_add(1, Ordering::Relaxed);
        self.register_made(factory, move |context, make| {
            match Client::of(context) {
                Some(client) => client.session().instance(number, make),
                // The connection is gone, or the call came over none.
                None => make(),
            }
        })
    }

    /// Offers the methods of an object that is made for each call anew.
    ///
    /// The factory is asked once more, here, to learn what the methods are.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_per_call<I: Instance>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
    ) -> Result<&Self, RegisterError> {
        self.register_made(factory, |_, make| make())
    }

    /// Offers the methods of objects that are made when they are called.
    fn register_made<I, M>(
        &self,
        factory: impl Fn(&Context) -> I + Send + Sync + 'static,
        made: M,
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
        let answer = Arc::new(move |call: Call<Encoding>| -> Answer {
            let make = || {
                let registry = Registry::new();
                registry
                    .register_instance(factory(&call.context))
                    .map_err(Fault::internal)?;
                Ok(registry)
            };
            match made(&call.context, &make) {
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

    /// Serves the clients that the listener lets in, for ever: await it, or spawn it.
    ///
    /// # Errors
    /// When the runtime that the listener was made in is shut down.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all connections at once. To let calls finish, use
    /// [`serve_until`](Self::serve_until).
    pub fn serve(&self, listener: Listener) -> impl Future<Output = io::Result<()>> + Send + use<> {
        let served = self.serve_until(listener, pending());
        async { served.await.map(drop) }
    }

    /// Serves until `stop` ends. Then nobody else gets in, clients are told to make no more calls, those under
    /// way are answered, and the connections close. Tells how that went.
    ///
    /// # Errors
    /// When the runtime that the listener was made in is shut down.
    ///
    /// # Cancel safety
    /// As with [`serve`](Self::serve).
    pub fn serve_until<S: Future<Output = ()> + Send>(
        &self,
        listener: Listener,
        stop: S,
    ) -> impl Future<Output = io::Result<Drained>> + Send + use<S> {
        self.clone().accept(listener, stop)
    }

    async fn accept(
        self,
        mut listener: Listener,
        stop: impl Future<Output = ()> + Send,
    ) -> io::Result<Drained> {
        let mut stop = std::pin::pin!(stop);
        let stopping = CancellationToken::new();
        let mut connections = JoinSet::new();
        let result = loop {
            tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                Some(ended) = connections.join_next() => log_panic(ended),
                accepted = listener.accept::<(), (), Bincode>() => match accepted {
                    Ok(connection) => {
                        let full = connections.len() >= self.options.max_connections;
                        connections.spawn(self.clone().connection(connection, full, stopping.clone()));
                    }
                    Err(error) => break Err(error),
                },
            }
        };
        listener.close().await;
        stopping.cancel();
        let drained = drain(connections, self.options.drain_timeout).await;
        result.map(|()| drained)
    }

    /// One connection, from the greeting to the end.
    async fn connection(self, connection: Connection, full: bool, stopping: CancellationToken) {
        let Connection {
            reader,
            writer,
            peer,
            ..
        } = connection;
        let mut link = Link { reader, writer };
        if full {
            return refuse(&mut link, "there are too many connections").await;
        }
        match self.open(&mut link).await {
            Ok(seat) => seat.drive(link, peer, stopping).await,
            Err(error) => tracing::debug!(%peer, %error, "a peer did not come to a session"),
        }
    }

    /// The session that a peer asks for: a new one, or its old one.
    async fn open(&self, link: &mut Link) -> Result<Seat, GreetingError> {
        let guest = hear(link).await?;
        let settings = self
            .options
            .session
            .settings(link.reader.max_message, self.options.lease);
        let limits = settings.limits;
        if let Some(token) = guest.resume
            && let Some(seated) = self.sessions.find(token)
            && seated.lifeline.encoding == guest.encoding
        {
            // What is left of the old connection lets go first.
            seated.current().cancel();
            let turn = timeout(greeting::TIME, Arc::clone(&seated.turn).lock_owned()).await;
            if let Ok(turn) = turn
                && !seated.lifeline.is_ended()
            {
                let seat = self.seat(seated, turn, true);
                welcome(link, guest.encoding, limits, Some(token), true).await?;
                seat.seated.lifeline.up(guest.limits, true);
                return Ok(seat);
            }
        }
        let token = Token(random());
        let lifeline = Session::open(
            guest.encoding,
            settings,
            self.registry.clone(),
            false,
            token,
        );
        let seated = Arc::new(Seated {
            lifeline,
            turn: Arc::default(),
            current: Mutex::default(),
            turns: AtomicU64::new(0),
        });
        let turn = Arc::clone(&seated.turn).lock_owned().await;
        let leases = !self.options.lease.is_zero();
        let max = self.options.max_connections;
        let resumable = leases && self.sessions.add(token, &seated, max);
        let told = resumable.then_some(token);
        if let Err(error) = welcome(link, guest.encoding, limits, told, false).await {
            self.sessions.remove(token);
            return Err(error);
        }
        let seat = self.seat(seated, turn, resumable);
        seat.seated.lifeline.up(guest.limits, false);
        Ok(seat)
    }

    fn seat(&self, seated: Arc<Seated>, turn: OwnedMutexGuard<()>, resumable: bool) -> Seat {
        let taken_over = CancellationToken::new();
        *seated.current() = taken_over.clone();
        Seat {
            seated,
            turn,
            taken_over,
            sessions: Arc::clone(&self.sessions),
            lease: match resumable {
                true => self.options.lease,
                false => Duration::ZERO,
            },
        }
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
            .field("registry", &self.registry)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The sessions that can be resumed.
#[derive(Default)]
struct Sessions(Mutex<HashMap<Token, Arc<Seated>>>);

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Token, Arc<Seated>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, token: Token) -> Option<Arc<Seated>> {
        self.lock().get(&token).cloned()
    }

    /// Says whether there was room.
    fn add(&self, token: Token, seated: &Arc<Seated>, max_lingering: usize) -> bool {
        let mut sessions = self.lock();
        // Those with a connection are limited already.
        let has_room = sessions.len() < max_lingering.saturating_mul(2);
        if has_room {
            sessions.insert(token, Arc::clone(seated));
        }
        has_room
    }

    fn remove(&self, token: Token) {
        let removed = self.lock().remove(&token);
        // Its objects are dropped where the lock is free.
        drop(removed);
    }
}

/// A session of this server.
struct Seated {
    lifeline: Arc<Lifeline>,
    /// Held by the connection that carries the session.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Tells that connection to let go.
    current: Mutex<CancellationToken>,
    /// How many connections carried it.
    turns: AtomicU64,
}

impl Seated {
    fn current(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session, and the right to carry it.
struct Seat {
    seated: Arc<Seated>,
    turn: OwnedMutexGuard<()>,
    taken_over: CancellationToken,
    sessions: Arc<Sessions>,
    lease: Duration,
}

impl Seat {
    /// Carries the session until its connection ends.
    async fn drive(self, link: Link, peer: Peer, stopping: CancellationToken) {
        let Self {
            seated,
            turn,
            taken_over,
            sessions,
            lease,
        } = self;
        let lifeline = Arc::clone(&seated.lifeline);
        let number = seated.turns.fetch_add(1, Ordering::Relaxed) + 1;
        // Whatever ends this task, the session learns of it.
        let mut guard = EndOnDrop(Some(Arc::clone(&lifeline)));
        let origin = origin(&lifeline, peer.clone());
        let mut driver = Driver::new(Arc::clone(lifeline.session()), link, origin);
        let mut told = false;
        let reason = loop {
            tokio::select! {
                biased;
                reason = &mut driver => break reason,
                () = taken_over.cancelled() => {
                    break Disconnected::Left("it came back over another connection".to_owned());
                }
                () = stopping.cancelled(), if !told => {
                    told = true;
                    lifeline.leave("the server stops");
                }
            }
        };
        drop(driver);
        guard.0 = None;
        tracing::debug!(%peer, %reason, "a connection ended");
        let goes_on = lifeline.down(&reason);
        drop(turn);
        if !goes_on || lease.is_zero() || stopping.is_cancelled() {
            sessions.remove(lifeline.token);
            return lifeline.end(&reason);
        }
        // The session waits for its client, not this connection's task.
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = sleep(lease) => {}
            }
            if seated.turns.load(Ordering::Relaxed) == number {
                sessions.remove(lifeline.token);
                lifeline.end(&Disconnected::Forgotten);
            }
        });
    }
}

/// Ends the session of a task that is aborted.
struct EndOnDrop(Option<Arc<Lifeline>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(lifeline) = &self.0 {
            lifeline.end(&Disconnected::Closed);
        }
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}

/// Waits until the connections have ended, and ends them when the time is over.
async fn drain(mut connections: JoinSet<()>, time: Duration) -> Drained {
    let mut drained = Drained::default();
    let finish = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
            drained.finished += 1;
        }
    };
    if timeout(time, finish).await.is_err() {
        drained.aborted = connections.len();
        connections.shutdown().await;
    }
    drained
}
