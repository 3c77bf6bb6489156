//! The client: the side that connects.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::protocol::{Args, Call, Name, Origin, Payload};
use farcall_core::transport::{Connect, Peer, Target, ToTarget};
use farcall_core::{CallError, Caller, Context, Identity, Registry, Within};
use serde::de::DeserializeOwned;
use tokio::time::timeout_at;
use tower_service::Service;

use super::encoding::Encoding;
use super::error::Disconnected;
use super::greeting::{ConnectionHalves, GreetingError, greet_server};
use super::message::{Hello, SessionLimits, SessionStart, Token};
use super::reconnect::Reconnect;
use super::session::{CallFuture, Driver, Session, SessionHandle, SessionStats, Settings};
use super::session_options::SessionOptions;
use crate::auth::{AuthKey, Binding, Digest, Role};
use crate::connect::{Dialer, OptionalTarget};
use crate::establish::{
    ConnectionConfig, ConnectionSettings, Established, client_setters, setters,
};

/// Handle that makes calls to the peer: to a server, or from a handler of a server to its caller.
///
/// A `Client` is a [`Caller`], so that the methods of every `#[client]` trait are available on it,
/// and a tower service. Clones share one session. The connection closes when the last clone is
/// dropped together with the last [`Remote`](super::Remote) and [`Stream`](super::Stream) that was
/// received over it.
///
/// Any number of calls may be in flight. Calls begin in the order in which they are first polled.
/// Dropping the future of a call cancels the call at the peer. Calls beyond the peer's limit of
/// concurrent calls wait locally.
///
/// # Examples
///
/// ```
/// use farcall::rpc::{Client, Server};
/// use farcall::Caller as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = bound.local_address().clone();
/// tokio::spawn(bound.serve());
///
/// let client = Client::connect(address).authkey("a secret").await?;
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    session: Arc<SessionHandle>,
    peer: Peer,
}

impl Client {
    /// Connects to a [`Server`](super::Server) at this address, when the builder is awaited.
    pub fn connect(target: impl ToTarget) -> ClientBuilder {
        ClientBuilder::new(Dialer::Target(target.to_target()))
    }

    /// Connects over a custom transport.
    pub fn over(connector: impl Connect) -> ClientBuilder {
        ClientBuilder::new(Dialer::over(connector))
    }

    /// Calls a method by name with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// [`CallError::Fault`] if the server replied with a fault; the other variants are failures to
    /// send the call or to receive its reply. [`execution`](CallError::execution) tells whether the
    /// method ran.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call at the peer; the method may still have run.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        Caller::call(self, method, args)
    }

    /// Returns a client whose calls take at most `time`, or the remaining time of the call that is
    /// being handled, if that is less. A call that exceeds the limit fails and is cancelled. The
    /// methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        Caller::within(self, time)
    }

    /// Returns a client for the peer that made the call of this context, so that a handler can call
    /// the methods that its caller [offers](ClientBuilder::offer).
    ///
    /// Returns `None` if the call did not come over a connection of this module, or if that session
    /// was dropped.
    #[must_use]
    pub fn of(context: &Context) -> Option<Self> {
        Some(Self {
            session: context.session()?,
            peer: context.peer().clone(),
        })
    }

    /// The peer of the connection.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Completes when no more calls can be made: the connection is closed or broken, and the client
    /// does not reconnect.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn closed(&self) {
        self.session.ended().await;
    }

    /// Returns `true` if no more calls can be made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.is_ended()
    }

    /// Closes the connection gracefully: makes no new calls, tells the peer, and waits for the
    /// calls in flight in both directions. References and streams that are still open end with the
    /// connection.
    ///
    /// Waits for streams and one-way calls for at most the [default
    /// timeout](SessionOptions::timeout) of a call.
    ///
    /// # Cancel safety
    /// The connection still closes when the future is dropped.
    pub async fn close(self) {
        self.session.close("");
        self.session.ended().await;
    }

    pub(super) const fn session(&self) -> &Arc<SessionHandle> {
        &self.session
    }

    /// Current numbers of calls, objects and streams of the session.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        self.session.stats()
    }
}

impl Caller for Client {
    type Format = Encoding;

    fn format(&self) -> Encoding {
        self.session.encoding
    }

    fn send(
        &self,
        call: Call<Encoding>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send {
        CallFuture::new(&*self.session, None, call)
    }
}

impl Service<Call<Encoding>> for Client {
    type Response = Payload;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Payload, CallError>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<Encoding>) -> Self::Future {
        Box::pin(CallFuture::new(Arc::clone(&self.session), None, call))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("peer", &self.peer)
            .field("encoding", &self.session.encoding)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Creates the origin of the calls that arrive over a session.
pub(super) fn origin(session: &Arc<SessionHandle>, identity: Identity) -> Arc<Origin> {
    let session: Weak<SessionHandle> = Arc::downgrade(session);
    Arc::new(Origin {
        identity,
        session: Some(session),
        ..Origin::default()
    })
}

/// Builder of a [`Client`], created by [`Client::connect`]. Awaiting it connects.
#[must_use = "it connects when it is awaited"]
pub struct ClientBuilder {
    dialer: Dialer,
    settings: ConnectionSettings,
    encoding: Encoding,
    session: SessionOptions,
    offered: Registry<Encoding>,
    reconnect: Option<Reconnect>,
}

impl ClientBuilder {
    fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            settings: ConnectionSettings::default(),
            encoding: Encoding::default(),
            session: SessionOptions::default(),
            offered: Registry::new(),
            reconnect: None,
        }
    }

    setters!();
    client_setters!();

    /// Maximum time for connecting, including the handshake and the greeting.
    ///
    /// Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.config.timeout = timeout;
        self
    }

    /// Encoding of arguments and results.
    ///
    /// Default: [`Encoding::Bincode`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Local limits and settings of the session.
    pub fn session(mut self, options: SessionOptions) -> Self {
        self.session = options;
        self
    }

    /// Methods that the server can call on this client: see [`Client::of`].
    ///
    /// Default: none.
    pub fn offer(mut self, methods: Registry<Encoding>) -> Self {
        self.offered = methods;
        self
    }

    /// Makes a new connection whenever the current one breaks: see [`Reconnect`].
    ///
    /// Default: the client closes when its connection breaks.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = Some(reconnect);
        self
    }

    async fn open(self) -> Result<Client, OpenError> {
        let max_message = self.settings.config.max_message;
        let config = self
            .settings
            .build(Role::Client)
            .map_err(crate::ConnectError::from)?;
        let settings = Settings {
            layers: self.offered.layers(),
            reconnects: self.reconnect.is_some(),
            ..self.session.settings(max_message)
        };
        let connector = SessionConnector {
            dialer: self.dialer,
            config,
            encoding: self.encoding,
            limits: settings.limits,
        };
        let opened = connector.open(None).await?;
        let session = Session::open(self.encoding, Arc::new(settings), self.offered);
        let peer = opened.identity.peer().clone();
        session.on_connected(&opened.hello, SessionStart::New);
        let driver = Driver::new(
            Arc::clone(session.session()),
            opened.halves,
            origin(&session, opened.identity),
        );
        let weak = Arc::downgrade(&session);
        tokio::spawn(run(
            Arc::clone(session.session()),
            weak,
            driver,
            connector,
            self.reconnect,
            opened.hello.session,
        ));
        Ok(Client { session, peer })
    }
}

impl IntoFuture for ClientBuilder {
    type Output = Result<Client, OpenError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("target", &self.dialer)
            .field("settings", &self.settings)
            .field("encoding", &self.encoding)
            .field("session", &self.session)
            .field("offered", &self.offered)
            .field("reconnect", &self.reconnect)
            .finish_non_exhaustive()
    }
}

/// Error of opening the session of a [`Client`].
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No connection could be made.
    #[error(transparent)]
    Connect(#[from] crate::ConnectError),
    /// A connection was made, but the greeting failed.
    #[error("cannot open a session{}", OptionalTarget("with", .target.as_ref()))]
    Greeting {
        /// The target, unless the program connected [over](Client::over) its own transport.
        target: Option<Target>,
        /// The cause.
        source: GreetingError,
    },
}

farcall_core::debug_errors!(OpenError);

/// Connects to the peer and performs the greeting, for the first connection and for further ones.
struct SessionConnector {
    dialer: Dialer,
    config: ConnectionConfig,
    encoding: Encoding,
    limits: SessionLimits,
}

/// A connection after its greeting.
struct GreetedConnection {
    halves: ConnectionHalves,
    identity: Identity,
    hello: Hello,
}

impl SessionConnector {
    async fn open(&self, resume: Option<Token>) -> Result<GreetedConnection, OpenError> {
        let deadline = self.config.deadline();
        let Established {
            reader,
            writer,
            identity,
        } = self.dialer.connect(&self.config).await?;
        let mut halves = ConnectionHalves { reader, writer };
        let greeting = greet_server(&mut halves, self.encoding, self.limits, resume);
        let hello = timeout_at(deadline, greeting).await;
        let hello = hello.unwrap_or(Err(GreetingError::TimedOut));
        let hello = hello.map_err(|source| OpenError::Greeting {
            target: self.dialer.target(),
            source,
        })?;
        Ok(GreetedConnection {
            halves,
            identity,
            hello,
        })
    }
}

/// Drives the session over successive connections until it ends.
async fn run(
    session: Arc<Session>,
    handle: Weak<SessionHandle>,
    mut driver: Driver,
    connector: SessionConnector,
    reconnect: Option<Reconnect>,
    mut token: Option<Token>,
) {
    loop {
        let reason = (&mut driver).await;
        let can_continue = session.on_disconnected(&reason);
        // Closes the connection before the next one is made.
        drop(driver);
        let Some(reconnect) = reconnect.as_ref().filter(|_| can_continue) else {
            return;
        };
        static LOG_QUOTA: Quota = Quota::new(10);
        if tracing::enabled!(tracing::Level::INFO)
            && let Some(admitted) = LOG_QUOTA.admit()
        {
            let (shown, suppressed) = (Foreign::excerpt(&reason), admitted.suppressed());
            tracing::info!(reason = %shown, suppressed, "connection lost, reconnecting");
        }
        let opened = tokio::select! {
            biased;
            () = session.ended() => return,
            // Boxed, so that its memory is not kept for the life of a connection.
            opened = Box::pin(reopen(&connector, reconnect, token)) => opened,
            never = Box::pin(session.tick_while_disconnected()) => match never {},
        };
        let Some(opened) = opened else {
            return session.end(&reason);
        };
        let Some(handle) = handle.upgrade() else {
            return session.end(&Disconnected::Closed);
        };
        token = opened.hello.session;
        session.on_connected(&opened.hello, opened.hello.start);
        let origin = origin(&handle, opened.identity);
        driver = Driver::new(Arc::clone(&session), opened.halves, origin);
    }
}

/// Makes the next connection. Returns `None` once `reconnect` gives up.
async fn reopen(
    connector: &SessionConnector,
    reconnect: &Reconnect,
    token: Option<Token>,
) -> Option<GreetedConnection> {
    for pause in reconnect.attempts() {
        tokio::time::sleep(pause).await;
        match connector.open(token).await {
            Ok(opened) => return Some(opened),
            Err(error) => {
                let error = Foreign::excerpt(Causes(&error));
                tracing::debug!(%error, "reconnect attempt failed");
            }
        }
    }
    None
}
