//! The builder of a listener, and listeners that are bound and accept nothing yet.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use farcall_core::serve::{Accept, PendingHandshakes};
#[cfg(unix)]
use farcall_core::transport::unix::UnixListener;
use farcall_core::transport::{Address, AddressError, Listen, Peer, SystemListener, Target};
use farcall_core::{Budget, CannotBlock};

use super::Listener;
use super::handshakes::Handshakes;
use crate::auth::{AuthError, AuthKey, AuthKeys, Binding, Digest, Role};
#[cfg(unix)]
use crate::connection::own_credentials;
use crate::connection::{SplitStream, split};
use crate::establish::{ConnectionSettings, listener_setters, plain_setters, setters};

pub(super) enum BindTarget {
    Target(Result<Target, AddressError>),
    #[cfg(unix)]
    FreshUnix,
    Transport(Streams),
}

/// Builder of a listener, returned by [`Listener::bind`]. It listens when it is awaited.
#[must_use = "it listens when it is awaited"]
pub struct ListenerBuilder {
    bind_target: BindTarget,
    pub(crate) settings: ConnectionSettings,
    /// `true` if the program chose the budget.
    pub(crate) has_chosen_budget: bool,
    pub(crate) mode: u32,
    pub(crate) max_pending: usize,
    pub(crate) max_pending_per_address: usize,
}

impl ListenerBuilder {
    pub(super) fn new(bind_target: BindTarget) -> Self {
        let mut settings = ConnectionSettings::default();
        settings.config.budget = Some(Budget::default());
        Self {
            bind_target,
            settings,
            has_chosen_budget: false,
            mode: SystemListener::MODE,
            max_pending: PendingHandshakes::MAX,
            max_pending_per_address: PendingHandshakes::MAX_PER_ADDRESS,
        }
    }

    setters!();
    listener_setters!();
    plain_setters!();

    /// Binds the address.
    pub(crate) async fn open(mut self) -> Result<OpenListener, BindError> {
        // A default budget has room for the longest message.
        let longest = self.settings.config.max_message;
        if !self.has_chosen_budget && longest > Budget::default().bytes() {
            self.settings.config.budget = Some(Budget::new(longest));
        }
        let handshakes = Handshakes {
            config: self.settings.build(Role::Listener)?,
            #[cfg(unix)]
            credentials: own_credentials(),
            pending: PendingHandshakes::new(self.max_pending, self.max_pending_per_address),
        };
        let is_socket = matches!(self.bind_target, BindTarget::Target(_));
        let streams = match self.bind_target {
            BindTarget::Transport(streams) => streams,
            #[cfg(unix)]
            BindTarget::FreshUnix => Streams(Box::new(FreshUnixListener::new().await?)),
            BindTarget::Target(target) => match SystemListener::bind(&target?, self.mode).await? {
                SystemListener::Tcp(listener) => Streams(Box::new(listener)),
                #[cfg(unix)]
                SystemListener::Unix(listener) => Streams(Box::new(listener)),
            },
        };
        let address = streams.0.address()?;
        let is_network = is_socket && matches!(address, Address::Tcp(_));
        let config = &handshakes.config;
        if is_network && config.requires_binding() && config.tls.is_none() {
            return Err(AuthError::NothingToBind.into());
        }
        Ok(OpenListener {
            address,
            streams,
            handshakes,
        })
    }
}

impl IntoFuture for ListenerBuilder {
    type Output = Result<Listener, BindError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(Listener::start(self.open().await?)) })
    }
}

impl fmt::Debug for BindTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(Ok(target)) => target.fmt(f),
            // Not repeated, since it may contain a password by mistake.
            Self::Target(Err(_)) => f.write_str("<invalid>"),
            #[cfg(unix)]
            Self::FreshUnix => f.write_str("<fresh>"),
            Self::Transport(_) => f.write_str("<custom>"),
        }
    }
}

impl fmt::Debug for ListenerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerBuilder")
            .field("target", &self.bind_target)
            .field("settings", &self.settings)
            .field("max_pending", &self.max_pending)
            .field("max_pending_per_address", &self.max_pending_per_address)
            .finish_non_exhaustive()
    }
}

/// The error of opening a listener.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The given target is not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address is in use, does not belong to this machine, or is not permitted.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The key or the binding setting cannot be used.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// A blocking function cannot wait here.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

farcall_core::debug_errors!(BindError);

/// A listener that is bound. Peers can connect, and wait until its streams are accepted.
pub(crate) struct OpenListener {
    pub(crate) address: Address,
    pub(crate) streams: Streams,
    pub(crate) handshakes: Handshakes,
}

impl fmt::Debug for OpenListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenListener")
            .field("address", &self.address)
            .field("config", &self.handshakes.config)
            .finish_non_exhaustive()
    }
}

/// The byte streams that a listener of any transport accepts.
pub(crate) struct Streams(pub(super) Box<dyn AcceptStream>);

impl Accept for Streams {
    type Connection = SplitStream;

    fn next(&mut self) -> impl Future<Output = io::Result<SplitStream>> + Send {
        self.0.accept_stream()
    }

    fn peer((_, _, peer, _): &SplitStream) -> &Peer {
        peer
    }
}

/// A listener of any transport.
pub(super) trait AcceptStream: Send {
    fn accept_stream(&mut self) -> AcceptFuture<'_>;

    fn address(&self) -> io::Result<Address>;
}

type AcceptFuture<'a> = Pin<Box<dyn Future<Output = io::Result<SplitStream>> + Send + 'a>>;

impl<L: Listen> AcceptStream for L {
    fn accept_stream(&mut self) -> AcceptFuture<'_> {
        Box::pin(async {
            let (io, peer) = self.accept().await?;
            let (read_half, write_half, _, channel) = split(io);
            Ok((read_half, write_half, peer, channel))
        })
    }

    fn address(&self) -> io::Result<Address> {
        self.local_address()
    }
}

/// A listener on a Unix socket in a new temporary directory.
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
