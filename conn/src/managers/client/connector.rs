//! The builder of clients.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall_core::CallError;
use farcall_core::transport::Target;
use farcall_pickle::Pickle;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, Notify};

use super::Client;
use super::channel::Serializer;
use super::link::{Anchor, Changes, Link};
use crate::auth::{AuthKey, Binding, Digest, Role};
use crate::connect::{ConnectError, Dialer};
use crate::establish::{ConnectionSettings, client_setters, setters};
use crate::managers::MAX_MESSAGE;
use crate::managers::wire::TokenAddress;

/// Builder of a [`Client`], returned by [`Client::connect`]. It connects when it is awaited.
#[must_use = "it connects when it is awaited"]
pub struct ClientConnector {
    dialer: Dialer,
    settings: ConnectionSettings,
    pickle: Pickle,
    serializer: Serializer,
    max_idle: usize,
}

impl ClientConnector {
    pub(super) fn new(dialer: Dialer) -> Self {
        let mut settings = ConnectionSettings::default();
        settings.config.max_message = MAX_MESSAGE;
        Self {
            dialer,
            settings,
            // Values are written by other programs, which nest them as they like.
            pickle: Pickle::default().max_depth(255),
            serializer: Serializer::default(),
            max_idle: 16,
        }
    }

    setters!();
    client_setters!();

    /// Sets the timeout for each connection, including the handshake.
    ///
    /// Default: 5 seconds. A CPython server may need more, since it starts a thread for each.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.config.timeout = timeout;
        self
    }

    /// Sets the limits of the values, and the classes that Rust types are mapped to.
    ///
    /// Default: those of [`Pickle`], but a depth of 255.
    pub fn pickle(mut self, pickle: Pickle) -> Self {
        self.pickle = pickle;
        self
    }

    /// Sets the serializer of the manager.
    ///
    /// Default: [`Serializer::Pickle`], as in CPython.
    pub fn serializer(mut self, serializer: Serializer) -> Self {
        self.serializer = serializer;
        self
    }

    /// Sets the maximum number of connections that are kept while no call uses them. A manager
    /// serves one call of a connection at a time, so there are as many connections as concurrent
    /// calls; CPython has a thread for each.
    ///
    /// Default: 16, as many as calls that run at the same time in most programs.
    pub fn max_idle(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    async fn open(self) -> Result<Client, ConnectError> {
        let address = match self.dialer.target() {
            Some(Target::Address(address)) => TokenAddress::from(&address),
            Some(Target::Host(host, port)) => TokenAddress::Tcp(host, port),
            _ => TokenAddress::Path(String::new()),
        };
        let link = Arc::new(Link {
            config: self.settings.build(Role::Client)?,
            dialer: self.dialer,
            pickle: self.pickle,
            serializer: self.serializer,
            address,
            max_idle: self.max_idle,
            runtime: Handle::current(),
            idle: Mutex::default(),
            anchor: AsyncMutex::new(Anchor::new()),
            changes: Mutex::new(Changes::default()),
            released: Notify::new(),
        });
        match link.generation().await {
            Ok(_) => Ok(Client::of(link)),
            Err(error) => Err(connect_error(error, &link)),
        }
    }
}

/// Returns the cause of a failure to connect.
fn connect_error(error: CallError, link: &Link) -> ConnectError {
    let source: Box<dyn std::error::Error + Send + Sync> = match error {
        CallError::NotSent(source) => match source.downcast::<ConnectError>() {
            Ok(error) => return *error,
            Err(source) => source,
        },
        error => Box::new(error),
    };
    link.dialer.unreachable(std::io::Error::other(source))
}

impl IntoFuture for ClientConnector {
    type Output = Result<Client, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for ClientConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConnector")
            .field("target", &self.dialer)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
