//! The connecting end.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use rpc_core::output::{Causes, Foreign, Quota};
use rpc_core::transport::{Connect, Peer};
use rpc_core::{Call, CallError, Caller, Context, Origin, Payload, Registry};
use tokio::time::timeout_at;
use tower_service::Service;

use super::encoding::Encoding;
use super::error::Disconnected;
use super::greeting::{GreetingError, greet};
use super::message::{SessionLimits, Token};
use super::options::Options;
use super::reconnect::Reconnect;
use super::session::{CallFuture, Driver, Lifeline, Link, Session, SessionStats};
use crate::address::ToTarget;
use crate::auth::{AuthKey, Binding, Digest};
use crate::client::Dialer;
use crate::setup::{Admitted, Setup, Terms, setters};

/// Makes calls on the other end of a connection: on a server, or from a server's method on its caller.
///
/// It is a [`Caller`], so that every `#[client]` trait has its methods on it, and a tower service. Clones
/// are one and the same; when the last is gone, and with it the last [`Remote`](super::Remote) and
/// [`Stream`](super::Stream) that came over it, the connection closes.
///
/// Any number of calls may be under way. They begin in the order in which they are first polled; a call whose future
/// is dropped is cancelled at the other end. Where the other end has as many calls to answer as it takes,
/// further ones wait here.
///
/// # Examples
///
/// ```
/// use conn::Listener;
/// use conn::rpc::{Client, Server};
/// use rpc_core::Caller as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// let listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(server.serve(listener));
///
/// let client = Client::connect(address).authkey("a secret").await?;
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    session: Arc<Lifeline>,
    peer: Peer,
}

impl Client {
    /// Connects to a [`Server`](super::Server) at this address. Set what is to be set, then `.await` it.
    pub fn connect(target: impl ToTarget) -> ClientBuilder {
        ClientBuilder::new(Dialer::Target(target.to_target()))
    }

    /// Connects over a transport of any kind.
    pub fn over(connector: impl Connect) -> ClientBuilder {
        ClientBuilder::new(Dialer::over(connector))
    }

    /// The other end of the connection that the call came over which this context is of, so that a method
    /// can call what its caller [offers](ClientBuilder::offer).
    #[must_use]
    pub fn of(context: &Context) -> Option<Self> {
        Some(Self {
            session: context.session()?,
            peer: context.peer().clone(),
        })
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Ends when no more calls can be made: the connection is closed or broken, and there will be no other.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn closed(&self) {
        self.session.ended().await;
    }

    /// Whether no more calls can be made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.is_ended()
    }

    /// Closes the connection: makes no new calls, waits for those under way in both directions, and says
    /// goodbye. Handles of objects and streams that are still there end with it.
    ///
    /// For streams, and for one-way calls, it waits no longer than the [default time](Options::timeout) of a call.
    ///
    /// # Cancel safety
    /// The connection closes all the same when the future is dropped.
    pub async fn close(self) {
        self.session.leave("");
        self.session.ended().await;
    }

    pub(super) const fn session(&self) -> &Arc<Lifeline> {
        &self.session
    }

    /// How much the session holds at the moment.
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
            .finish_non_exhaustive()
    }
}

/// Where the calls of a session come from.
pub(super) fn origin(session: &Arc<Lifeline>, peer: Peer) -> Arc<Origin> {
    let session: Weak<Lifeline> = Arc::downgrade(session);
    Arc::new(Origin {
        peer,
        session: Some(session),
        ..Origin::default()
    })
}

/// A client to be connected. Made by [`Client::connect`].
#[must_use = "it connects when it is awaited"]
pub struct ClientBuilder {
    dialer: Dialer,
    setup: Setup,
    encoding: Encoding,
    options: Options,
    offered: Registry<Encoding>,
    reconnect: Option<Reconnect>,
}

impl ClientBuilder {
    fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            setup: Setup::default(),
            encoding: Encoding::default(),
            options: Options::default(),
            offered: Registry::new(),
            reconnect: None,
        }
    }

    setters!();

    /// How long connecting may take, the handshake and the greeting included.
    ///
    /// Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.setup.timeout = timeout;
        self
    }

    /// How arguments and results are encoded.
    ///
    /// Default: [`Encoding::Bincode`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The limits and habits of this end.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The methods that the server can call here: see [`Client::of`].
    ///
    /// Default: none.
    pub fn offer(mut self, methods: Registry<Encoding>) -> Self {
        self.offered = methods;
        self
    }

    /// Makes a new connection whenever one breaks: see [`Reconnect`].
    ///
    /// Default: the client closes when its connection breaks.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = Some(reconnect);
        self
    }

    async fn open(self) -> Result<Client, ConnectError> {
        let max_message = self.setup.max_message;
        let terms = self.setup.finish().map_err(crate::ConnectError::from)?;
        let settings = self.options.settings(max_message);
        let route = Route {
            dialer: self.dialer,
            terms,
            encoding: self.encoding,
            limits: settings.limits,
        };
        let opened = route.open(None).await?;
        let session = Session::open(
            self.encoding,
            Arc::new(settings),
            self.offered,
            self.reconnect.is_some(),
        );
        let peer = opened.peer.clone();
        session.up(opened.limits, false);
        let driver = Driver::new(
            Arc::clone(session.session()),
            opened.link,
            origin(&session, peer.clone()),
        );
        let weak = Arc::downgrade(&session);
        tokio::spawn(run(
            Arc::clone(session.session()),
            weak,
            driver,
            route,
            self.reconnect,
            opened.token,
        ));
        Ok(Client { session, peer })
    }
}

impl IntoFuture for ClientBuilder {
    type Output = Result<Client, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("setup", &self.setup)
            .field("encoding", &self.encoding)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] crate::ConnectError),
    /// There was a connection, but the two ends did not come to a session.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
}

/// How to reach the other end.
struct Route {
    dialer: Dialer,
    terms: Terms,
    encoding: Encoding,
    limits: SessionLimits,
}

/// A connection on which the two ends have greeted.
struct Opened {
    link: Link,
    peer: Peer,
    limits: SessionLimits,
    token: Option<Token>,
    resumed: bool,
}

impl Route {
    async fn open(&self, resume: Option<Token>) -> Result<Opened, ConnectError> {
        let deadline = self.terms.deadline();
        let Admitted {
            reader,
            writer,
            peer,
        } = self.dialer.connect(&self.terms).await?;
        let mut link = Link { reader, writer };
        let greeting = greet(&mut link, self.encoding, self.limits, resume);
        let greeted = timeout_at(deadline, greeting).await;
        let greeted = greeted.unwrap_or(Err(GreetingError::TimedOut))?;
        Ok(Opened {
            link,
            peer,
            limits: greeted.limits,
            token: greeted.session,
            resumed: greeted.resumed,
        })
    }
}

/// Drives the session over one connection after the other, until it is over.
async fn run(
    session: Arc<Session>,
    lifeline: Weak<Lifeline>,
    mut driver: Driver,
    route: Route,
    reconnect: Option<Reconnect>,
    mut token: Option<Token>,
) {
    loop {
        let reason = (&mut driver).await;
        let goes_on = session.down(&reason);
        // The connection closes before there is another.
        drop(driver);
        let Some(reconnect) = reconnect.as_ref().filter(|_| goes_on) else {
            return;
        };
        static LOST: Quota = Quota::new(10);
        if tracing::enabled!(tracing::Level::INFO)
            && let Some(admitted) = LOST.admit()
        {
            let (shown, suppressed) = (Foreign::excerpt(&reason), admitted.suppressed());
            tracing::info!(reason = %shown, suppressed, "the connection is lost, trying again");
        }
        let opened = tokio::select! {
            biased;
            () = session.ended() => return,
            // What it takes is not kept while a connection lasts.
            opened = Box::pin(reopen(&route, reconnect, token)) => opened,
            never = Box::pin(session.tick_while_disconnected()) => match never {},
        };
        let Some(opened) = opened else {
            return session.end(&reason);
        };
        let Some(lifeline) = lifeline.upgrade() else {
            return session.end(&Disconnected::Closed);
        };
        token = opened.token;
        session.up(opened.limits, opened.resumed);
        let origin = origin(&lifeline, opened.peer);
        driver = Driver::new(Arc::clone(&session), opened.link, origin);
    }
}

/// The next connection, unless it takes too long.
async fn reopen(route: &Route, reconnect: &Reconnect, token: Option<Token>) -> Option<Opened> {
    for pause in reconnect.attempts() {
        tokio::time::sleep(pause).await;
        match route.open(token).await {
            Ok(opened) => return Some(opened),
            Err(error) => {
                tracing::debug!(error = %Foreign::excerpt(Causes(&error)), "no connection yet");
            }
        }
    }
    None
}
