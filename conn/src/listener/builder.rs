//! How a listener is opened.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use rpc_core::Budget;
use rpc_core::transport::tcp;
#[cfg(unix)]
use rpc_core::transport::unix::UnixListener;
use rpc_core::transport::{Address, AddressError};
#[cfg(unix)]
use rpc_core::transport::{Listen, Peer};

use super::acceptor::Acceptor;
use super::{Listener, start};
use crate::address::Target;
use crate::auth::{AuthError, AuthKey, Binding, Digest};
use crate::client::unsupported;
#[cfg(unix)]
use crate::connection;
use crate::establish::{ConnectionSettings, plain_setters, setters};

type Start = Box<dyn FnOnce(Acceptor) -> io::Result<Listener> + Send>;

pub(super) enum BindTarget {
    Target(Result<Target, AddressError>),
    #[cfg(unix)]
    FreshUnix,
    Transport(Start),
}

/// A listener to be opened. Made by [`Listener::bind`].
#[must_use = "it listens when it is awaited"]
pub struct ListenerBuilder {
    bind_target: BindTarget,
    settings: ConnectionSettings,
    #[cfg(unix)]
    mode: u32,
    max_pending: usize,
    max_pending_per_address: usize,
}

impl ListenerBuilder {
    pub(super) fn new(bind_target: BindTarget) -> Self {
        Self {
            bind_target,
            settings: ConnectionSettings {
                budget: Some(Budget::default()),
                ..ConnectionSettings::default()
            },
            #[cfg(unix)]
            mode: 0o600,
            max_pending: 512,
            max_pending_per_address: 256,
        }
    }

    setters!();
    plain_setters!();

    /// How long the handshake of a peer may take, from the moment that it is accepted.
    ///
    /// Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The memory for what is held on behalf of peers, which other listeners and servers may share: messages that are
    /// being received, and those that a peer does not read; of a [`rpc::Server`](crate::rpc::Server) also calls and
    /// streams until they are answered and taken. When it is spent, the connection is given up that has held the most for
    /// the longest: see [`Budget`].
    ///
    /// Default: 64 MiB, for this listener alone. A [message](Self::max_message) that is longer is never received.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = Some(budget);
        self
    }

    /// How many peers may be in the handshake at once. One more, and the one that has been in it for the
    /// longest is cut off: a peer that knows the key needs no more than a moment.
    ///
    /// Default: 512, half the open files that many systems allow a process.
    pub fn max_pending(mut self, peers: usize) -> Self {
        self.max_pending = peers.max(1);
        self
    }

    /// How many peers of one IP address, or of one /64 network of IPv6, may be in the handshake at once,
    /// as with [`max_pending`](Self::max_pending).
    ///
    /// Default: 256.
    pub fn max_pending_per_address(mut self, peers: usize) -> Self {
        self.max_pending_per_address = peers.max(1);
        self
    }

    /// The permissions of a Unix socket's file, such as `0o660` for the group of this process. They hold before the
    /// first peer can connect.
    ///
    /// Default: `0o600`, for the user of this process alone, whatever the umask is: a listener without an
    /// authkey lets in whoever can connect.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    async fn open(self) -> Result<Listener, BindError> {
        let acceptor = Acceptor {
            config: self.settings.build()?,
            max_pending: self.max_pending,
            max_pending_per_address: self.max_pending_per_address,
            #[cfg(unix)]
            credentials: connection::own_credentials(),
        };
        let is_network = matches!(
            &self.bind_target,
            BindTarget::Target(Ok(Target::Host(..) | Target::Address(Address::Tcp(_))))
        );
        if is_network && acceptor.config.requires_binding() {
            return Err(AuthError::NothingToBind.into());
        }
        let target = match self.bind_target {
            BindTarget::Transport(start) => return Ok(start(acceptor)?),
            #[cfg(unix)]
            BindTarget::FreshUnix => return Ok(start(FreshUnixListener::new().await?, acceptor)?),
            BindTarget::Target(target) => target?,
        };
        Ok(match target {
            Target::Host(host, port) if host.is_empty() => {
                start(tcp::bind(("0.0.0.0", port)).await?, acceptor)?
            }
            Target::Host(host, port) => start(tcp::bind((host, port)).await?, acceptor)?,
            Target::Address(Address::Tcp(address)) => start(tcp::bind(address).await?, acceptor)?,
            #[cfg(unix)]
            Target::Address(Address::Unix(path)) => {
                let listener = UnixListener::bind_with_mode(path, self.mode);
                start(listener.await?, acceptor)?
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Target::Address(Address::Abstract(name)) => {
                start(UnixListener::bind_abstract(name)?, acceptor)?
            }
            Target::Address(other) => return Err(unsupported(&other).into()),
        })
    }
}

impl IntoFuture for ListenerBuilder {
    type Output = Result<Listener, BindError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for ListenerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerBuilder")
            .field("settings", &self.settings)
            .field("max_pending", &self.max_pending)
            .field("max_pending_per_address", &self.max_pending_per_address)
            .finish_non_exhaustive()
    }
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// What was given is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address is taken, or not of this machine, or not allowed.
    #[error("cannot listen there")]
    Io(#[from] io::Error),
    /// The key cannot be used.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

/// A Unix socket in a directory of its own.
#[cfg(unix)]
struct FreshUnixListener {
    listener: UnixListener,
    /// Removed after the socket.
    _directory: tempfile::TempDir,
}

#[cfg(unix)]
impl FreshUnixListener {
    async fn new() -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::Builder::new()
            .prefix("listener-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()?;
        Ok(Self {
            listener: UnixListener::bind(directory.path().join("socket")).await?,
            _directory: directory,
        })
    }
}

#[cfg(unix)]
impl Listen for FreshUnixListener {
    type Io = <UnixListener as Listen>::Io;

    async fn accept(&mut self) -> io::Result<(Self::Io, Peer)> {
        self.listener.accept().await
    }

    fn local_address(&self) -> io::Result<Address> {
        self.listener.local_address()
    }
}
