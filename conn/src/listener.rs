//! Listening.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::time::Duration;

use rpc_core::serve::accept;
#[cfg(unix)]
use rpc_core::transport::Credentials;
use rpc_core::transport::tcp::TcpListener;
#[cfg(unix)]
use rpc_core::transport::unix::UnixListener;
use rpc_core::transport::{Address, AddressError, Listen, Peer};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinHandle, JoinSet};

use crate::address::{Target, ToTarget};
use crate::auth::{AuthError, Binding, Channel, Digest, Role, ToAuthKey, log_refusal};
use crate::client::unsupported;
use crate::codec::Codec;
#[cfg(unix)]
use crate::connection;
use crate::connection::{Connection, Stream, split};
use crate::setup::{Admitted, Setup, Terms, setters};

/// Connections that are ready and wait for [`Listener::accept`]. Further peers wait in the system.
const READY: usize = 128;

/// Accepts connections, those of CPython's `Client` included.
///
/// Peers prove the key in the background, many at once: one that fails or is silent is logged, is cut
/// off when its time is over, and delays nobody. [`accept`](Self::accept) gives only those that
/// succeeded.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use conn::{Client, Connection, Listener};
///
/// let mut listener = Listener::bind("127.0.0.1:0").authkey("12345").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(async move {
///     while let Ok(connection) = listener.accept().await {
///         let mut connection: Connection<i64, (i64, i64)> = connection;
///         tokio::spawn(async move {
///             while let Ok((a, b)) = connection.recv().await {
///                 connection.send(&(a + b)).await?;
///             }
///             Ok::<(), conn::SendError>(())
///         });
///     }
/// });
///
/// let mut adder: Connection<(i64, i64), i64> = Client::connect(address).authkey("12345").await?;
/// adder.send(&(3, 5)).await?;
/// assert_eq!(adder.recv().await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    ready: mpsc::Receiver<Admitted>,
    task: Task,
    address: Address,
    last_accepted: Option<Peer>,
}

impl Listener {
    /// Listens at this address; port 0 takes a free one. Set what is to be set, then `.await` it for a
    /// `Listener`.
    #[cfg_attr(
        unix,
        doc = "Programs without async code call [`wait`](ListenerBuilder::wait) for a [`blocking::Listener`](crate::blocking::Listener)."
    )]
    ///
    /// The socket file of a Unix listener is removed when it closes; one that a dead process left is
    /// replaced.
    pub fn bind(target: impl ToTarget) -> ListenerBuilder {
        ListenerBuilder::new(Source::Target(target.to_target()))
    }

    /// Listens on a Unix socket in a fresh directory that only this user can enter. Both are removed when
    /// the listener closes. [`local_address`](Self::local_address) tells where it is.
    #[cfg(unix)]
    pub fn bind_fresh() -> ListenerBuilder {
        ListenerBuilder::new(Source::Fresh)
    }

    /// Listens on a transport of any kind.
    pub fn over(listener: impl Listen) -> ListenerBuilder {
        ListenerBuilder::new(Source::Transport(Box::new(|admission| {
            start(listener, admission)
        })))
    }

    /// The next peer that proved the key.
    ///
    /// # Errors
    /// When the runtime that the listener was made in is shut down. What a peer does wrong is never an
    /// error here.
    ///
    /// # Cancel safety
    /// No connection is lost.
    pub async fn accept<S, R, C: Codec>(&mut self) -> io::Result<Connection<S, R, C>> {
        let Some(admitted) = self.ready.recv().await else {
            return Err(io::Error::other("the runtime of the listener is shut down"));
        };
        self.last_accepted = Some(admitted.peer.clone());
        Ok(Connection::from_parts(
            admitted.reader,
            admitted.writer,
            admitted.peer,
        ))
    }

    /// Where peers reach this listener.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Who was accepted last.
    #[must_use]
    pub const fn last_accepted(&self) -> Option<&Peer> {
        self.last_accepted.as_ref()
    }

    /// Closes the listener: when it returns, the port is free and the socket file is gone. Peers that
    /// were not accepted are cut off. Dropping the listener does the same a moment later.
    pub async fn close(mut self) {
        self.ready.close();
        self.task.0.abort();
        // It was cancelled, which is what was wanted.
        let _ = (&mut self.task.0).await;
    }
}

/// A task that ends with its handle.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Start = Box<dyn FnOnce(Admission) -> io::Result<Listener> + Send>;

enum Source {
    Target(Result<Target, AddressError>),
    #[cfg(unix)]
    Fresh,
    Transport(Start),
}

/// A listener to be opened. Made by [`Listener::bind`].
#[must_use = "it listens when it is awaited"]
pub struct ListenerBuilder {
    source: Source,
    setup: Setup,
    mode: Option<u32>,
    max_pending: usize,
    max_pending_per_address: usize,
}

impl ListenerBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            setup: Setup::default(),
            mode: None,
            max_pending: 512,
            max_pending_per_address: 256,
        }
    }

    setters!();

    /// How long the handshake of a peer may take, from the moment that it is accepted.
    ///
    /// Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.setup.timeout = timeout;
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

    /// The permissions of a Unix socket's file, such as `0o600`.
    ///
    /// Default: those that the umask of the process leaves.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    async fn open(self) -> Result<Listener, BindError> {
        let admission = Admission {
            terms: self.setup.finish()?,
            max_pending: self.max_pending,
            max_pending_per_address: self.max_pending_per_address,
            #[cfg(unix)]
            credentials: connection::own_credentials(),
        };
        let is_network = matches!(
            &self.source,
            Source::Target(Ok(Target::Host(..) | Target::Address(Address::Tcp(_))))
        );
        if is_network && admission.terms.requires_binding() {
            return Err(AuthError::NothingToBind.into());
        }
        let target = match self.source {
            Source::Transport(start) => return Ok(start(admission)?),
            #[cfg(unix)]
            Source::Fresh => return Ok(start(Fresh::new().await?, admission)?),
            Source::Target(target) => target?,
        };
        Ok(match target {
            Target::Host(host, port) if host.is_empty() => {
                start(TcpListener::bind(("0.0.0.0", port)).await?, admission)?
            }
            Target::Host(host, port) => start(TcpListener::bind((host, port)).await?, admission)?,
            Target::Address(Address::Tcp(address)) => {
                start(TcpListener::bind(address).await?, admission)?
            }
            #[cfg(unix)]
            Target::Address(Address::Unix(path)) => match self.mode {
                None => start(UnixListener::bind(path).await?, admission)?,
                Some(mode) => start(UnixListener::bind_with_mode(path, mode).await?, admission)?,
            },
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Target::Address(Address::Abstract(name)) => {
                start(UnixListener::bind_abstract(name)?, admission)?
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
            .field("setup", &self.setup)
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

fn start<L: Listen>(listener: L, admission: Admission) -> io::Result<Listener> {
    let address = listener.local_address()?;
    let (ready, accepted) = mpsc::channel(READY);
    Ok(Listener {
        ready: accepted,
        task: Task(tokio::spawn(admission.run(listener, ready))),
        address,
        last_accepted: None,
    })
}

/// Lets peers in.
struct Admission {
    terms: Terms,
    max_pending: usize,
    max_pending_per_address: usize,
    /// Those at the time of listening, which is what the system shows to peers; a server may have
    /// given up rights since.
    #[cfg(unix)]
    credentials: Credentials,
}

impl Admission {
    async fn run<L: Listen>(self, mut listener: L, ready: mpsc::Sender<Admitted>) {
        let mut pending = Pending::default();
        loop {
            let admitted = tokio::select! {
                biased;
                () = ready.closed() => return,
                Some(admitted) = pending.next() => admitted,
                (io, peer) = accept(&mut listener) => {
                    pending.make_room(&peer, &self);
                    let (incoming, outgoing, _, channel) = split(io);
                    let stream = (incoming, outgoing, peer.clone(), self.as_seen_by_peers(channel));
                    pending.spawn(&peer, admit(self.terms.clone(), stream));
                    continue;
                }
            };
            // While nobody asks for the connections that are ready, no more peers are accepted.
            if let Some(admitted) = admitted
                && ready.send(admitted).await.is_err()
            {
                return;
            }
        }
    }
}

async fn admit(terms: Terms, stream: Stream) -> Option<Admitted> {
    let peer = stream.2.clone();
    match terms.admit(Role::Listener, stream).await {
        Ok(admitted) => Some(admitted),
        Err(error) => {
            log_refusal(&peer, &error);
            None
        }
    }
}

impl Admission {
    fn as_seen_by_peers(&self, channel: Channel) -> Channel {
        match channel {
            #[cfg(unix)]
            Channel::Unix { peer, .. } => Channel::Unix {
                local: self.credentials,
                peer,
            },
            other => other,
        }
    }
}

/// The peers in the handshake, the oldest first.
#[derive(Default)]
struct Pending {
    tasks: JoinSet<Option<Admitted>>,
    peers: VecDeque<(Id, Option<IpAddr>, AbortHandle)>,
}

impl Pending {
    fn spawn(
        &mut self,
        peer: &Peer,
        handshake: impl Future<Output = Option<Admitted>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(handshake);
        self.peers.push_back((task.id(), network(peer), task));
    }

    /// The next handshake that ended, whatever the outcome.
    async fn next(&mut self) -> Option<Option<Admitted>> {
        let (id, admitted) = match self.tasks.join_next_with_id().await? {
            Ok((id, admitted)) => (id, admitted),
            // It was cut off, or panicked, which tokio reports.
            Err(error) => (error.id(), None),
        };
        self.peers.retain(|(other, ..)| *other != id);
        Some(admitted)
    }

    /// Cuts off the oldest peer where one more would be too many.
    fn make_room(&mut self, peer: &Peer, limits: &Admission) {
        let network = network(peer);
        let same = |(_, other, _): &&(Id, Option<IpAddr>, AbortHandle)| *other == network;
        let of_network = network.map_or(0, |_| self.peers.iter().filter(same).count());
        let oldest = if of_network >= limits.max_pending_per_address {
            self.peers.iter().position(|entry| same(&entry))
        } else if self.peers.len() >= limits.max_pending {
            Some(0)
        } else {
            None
        };
        if let Some((_, _, task)) = oldest.and_then(|oldest| self.peers.remove(oldest)) {
            tracing::warn!(%peer, "too many peers in the handshake: the oldest is cut off");
            task.abort();
        }
    }
}

/// What one user of the network can have many addresses of.
fn network(peer: &Peer) -> Option<IpAddr> {
    match peer.ip()? {
        IpAddr::V6(ip) => {
            let network = ip.to_bits() >> 64 << 64;
            Some(Ipv6Addr::from_bits(network).into())
        }
        v4 @ IpAddr::V4(_) => Some(v4),
    }
}

/// A Unix socket in a directory of its own.
#[cfg(unix)]
struct Fresh {
    listener: UnixListener,
    /// Removed after the socket.
    _directory: tempfile::TempDir,
}

#[cfg(unix)]
impl Fresh {
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
impl Listen for Fresh {
    type Io = <UnixListener as Listen>::Io;

    async fn accept(&mut self) -> io::Result<(Self::Io, Peer)> {
        self.listener.accept().await
    }

    fn local_address(&self) -> io::Result<Address> {
        self.listener.local_address()
    }
}
