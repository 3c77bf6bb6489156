//! Opening connections.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::CannotBlock;
use farcall_core::transport::{Address, AddressError, Connect, SystemConnector, Target, ToTarget};
use tokio::time::timeout_at;

use crate::auth::{AuthError, AuthKey, Binding, Digest, Role};
use crate::codec::Codec;
use crate::connection::{Connection, SplitStream, split};
use crate::establish::{
    ConnectionConfig, ConnectionSettings, Established, client_setters, plain_setters, setters,
};

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Returns a builder of a connection to the listener at this address, which may be CPython's.
    /// Call setters, then `.await` it for the connection. Its types come from the variable that it
    /// is assigned to, or from `Connection::<S, R, C>::connect`.
    #[cfg_attr(
        unix,
        doc = "\nPrograms without async code call [`wait`](ConnectionBuilder::wait) for a [`blocking::Connection`](crate::blocking::Connection)."
    )]
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use farcall::conn::{Connection};
    /// use farcall::pickle::Pickle;
    ///
    /// let mut adder: Connection<(i64, i64), i64, Pickle> =
    ///     Connection::connect(("localhost", 16000)).authkey("12345").await?;
    /// adder.send(&(3, 5)).await?;
    /// assert_eq!(adder.recv().await?, 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(target: impl ToTarget) -> ConnectionBuilder<S, R, C> {
        ConnectionBuilder::new(Dialer::Target(target.to_target()))
    }

    /// Returns a builder of a connection over a custom transport.
    pub fn over(connector: impl Connect) -> ConnectionBuilder<S, R, C> {
        ConnectionBuilder::new(Dialer::over(connector))
    }
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<SplitStream>> + Send>>;

/// A factory of connections to one peer.
#[derive(Clone)]
pub(crate) enum Dialer {
    Target(Result<Target, AddressError>),
    Transport(Arc<dyn Fn() -> Connecting + Send + Sync>),
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(Ok(target)) => target.fmt(f),
            // Not repeated, since it may contain a password by mistake.
            Self::Target(Err(_)) => f.write_str("<invalid>"),
            Self::Transport(_) => f.write_str("<custom>"),
        }
    }
}

impl Dialer {
    pub(crate) fn over(connector: impl Connect) -> Self {
        Self::Transport(Arc::new(move || {
            let connector = connector.clone();
            Box::pin(async move { Ok(split(connector.connect().await?)) })
        }))
    }

    /// Returns the host that the target names, as its certificate would.
    fn host(&self) -> Option<Cow<'_, str>> {
        match self {
            // The connector takes an empty host for this one.
            Self::Target(Ok(Target::Host(host, _))) if host.is_empty() => Some("127.0.0.1".into()),
            Self::Target(Ok(Target::Host(host, _))) => Some(host.into()),
            Self::Target(Ok(Target::Address(Address::Tcp(address)))) => {
                Some(address.ip().to_string().into())
            }
            _ => None,
        }
    }

    /// Returns the error of a failure to connect.
    pub(crate) fn unreachable(&self, source: io::Error) -> ConnectError {
        let target = self.target();
        ConnectError::Unreachable { target, source }
    }

    /// Returns the target, unless it is a custom transport.
    pub(crate) fn target(&self) -> Option<Target> {
        match self {
            Self::Target(target) => target.clone().ok(),
            Self::Transport(_) => None,
        }
    }

    /// Connects and runs the handshake.
    pub(crate) async fn connect(
        &self,
        config: &ConnectionConfig,
    ) -> Result<Established, ConnectError> {
        let deadline = config.deadline();
        let connecting: Connecting = match self {
            Self::Target(target) => Box::pin(dial(target.clone()?)),
            Self::Transport(connect) => connect(),
        };
        let stream = timeout_at(deadline, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| self.unreachable(source))?;
        let host = self.host();
        let established = async {
            let stream = config.secure(stream, host.as_deref(), deadline).await?;
            config.establish(Role::Client, stream, deadline).await
        };
        established.await.map_err(|source| ConnectError::Auth {
            target: self.target(),
            source,
        })
    }
}

/// Builder of a connection, returned by [`Connection::connect`]. It connects when it is awaited.
#[must_use = "it connects when it is awaited"]
pub struct ConnectionBuilder<S, R, C> {
    pub(crate) dialer: Dialer,
    settings: ConnectionSettings,
    types: PhantomData<fn(S, C) -> R>,
}

impl<S, R, C: Codec> ConnectionBuilder<S, R, C> {
    fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            settings: ConnectionSettings::default(),
            types: PhantomData,
        }
    }

    setters!();
    client_setters!();
    plain_setters!();

    /// Sets the timeout for connecting, including the handshake.
    ///
    /// Default: 5 seconds. A CPython listener may need more, since it runs one handshake at a time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.config.timeout = timeout;
        self
    }

    async fn open(self) -> Result<Connection<S, R, C>, ConnectError> {
        let config = self.settings.build(Role::Client)?;
        Ok(self.dialer.connect(&config).await?.into_connection())
    }
}

async fn dial(target: Target) -> io::Result<SplitStream> {
    Ok(match SystemConnector::to(&target)? {
        SystemConnector::Tcp(connector) => split(connector.connect().await?),
        #[cfg(unix)]
        SystemConnector::Unix(connector) => split(connector.connect().await?),
    })
}

impl<S: 'static, R: 'static, C: Codec> IntoFuture for ConnectionBuilder<S, R, C> {
    type Output = Result<Connection<S, R, C>, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<S, R, C: Codec> fmt::Debug for ConnectionBuilder<S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionBuilder")
            .field("target", &self.dialer)
            .field("codec", &C::NAME)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The error of opening a connection.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The given target is not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The host was not found, nothing listens at the address, or connecting failed or timed out.
    #[error("cannot connect{}", OptionalTarget("to", .target.as_ref()))]
    Unreachable {
        /// The target, unless the program connected [over](Connection::over) its own transport.
        target: Option<Target>,
        /// The cause.
        source: io::Error,
    },
    /// The peer was reached, but the handshake failed; or it cannot begin with these settings.
    #[error("cannot authenticate{}", OptionalTarget("with", .target.as_ref()))]
    Auth {
        /// The target, unless the program connected [over](Connection::over) its own transport, or
        /// the settings are wrong.
        target: Option<Target>,
        /// The cause.
        source: AuthError,
    },
    /// A blocking function cannot wait here.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

farcall_core::debug_errors!(ConnectError);

/// The error of settings that no peer can be authenticated with.
impl From<AuthError> for ConnectError {
    fn from(source: AuthError) -> Self {
        Self::Auth {
            target: None,
            source,
        }
    }
}

/// Displays a target, if there is one, behind a space and a preposition.
pub(crate) struct OptionalTarget<'a>(pub(crate) &'static str, pub(crate) Option<&'a Target>);

impl fmt::Display for OptionalTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(target) => write!(f, " {} {target}", self.0),
            None => Ok(()),
        }
    }
}
