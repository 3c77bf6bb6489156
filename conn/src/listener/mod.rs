//! Accepting connections.

mod builder;
mod handshakes;

use std::fmt;
use std::future::pending;
use std::io;

use farcall_core::serve::{self, serve};
use farcall_core::transport::{Address, Listen, Peer, ToTarget};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use builder::OpenListener;
pub use builder::{BindError, ListenerBuilder};
use builder::{BindTarget, Streams};

use crate::codec::Codec;
use crate::connection::Connection;
use crate::establish::Established;

/// Maximum number of established connections that wait for [`Listener::accept`]. Beyond it, peers
/// wait at the end of their handshake, then in the backlog of the system.
const READY: usize = 128;

/// Accepts connections, including those of CPython's `Client`.
///
/// Handshakes run concurrently in the background. A peer that fails its handshake, or does not
/// complete it before the timeout, is logged and disconnected, and does not delay others.
/// [`accept`](Self::accept) returns only peers that succeeded.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use farcall::conn::{Connection, Listener, RecvError};
///
/// type Error = Box<dyn std::error::Error + Send + Sync>;
///
/// async fn add(mut peer: Connection<i64, (i64, i64)>) -> Result<(), Error> {
///     loop {
///         match peer.recv().await {
///             Ok((a, b)) => peer.send(&(a + b)).await?,
///             Err(RecvError::Closed) => return Ok(()),
///             Err(error) => return Err(error.into()),
///         }
///     }
/// }
///
/// async fn serve(mut listener: Listener) -> std::io::Result<()> {
///     loop {
///         let peer = listener.accept().await?;
///         tokio::spawn(async {
///             if let Err(error) = add(peer).await {
///                 eprintln!("{error:?}");
///             }
///         });
///     }
/// }
///
/// let listener = Listener::bind("127.0.0.1:0").authkey("12345").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(serve(listener));
///
/// let mut adder: Connection<(i64, i64), i64> =
///     Connection::connect(address).authkey("12345").await?;
/// adder.send(&(3, 5)).await?;
/// assert_eq!(adder.recv().await?, 8);
/// # Ok(())
/// # }
/// ```
pub struct Listener {
    ready: mpsc::Receiver<Established>,
    task: AbortOnDrop,
    address: Address,
    last_accepted: Option<Peer>,
}

impl Listener {
    /// Returns a builder of a listener at this address; port 0 selects a free port. Call setters,
    /// then `.await` it for a `Listener`.
    #[cfg_attr(
        unix,
        doc = "Programs without async code call [`wait`](ListenerBuilder::wait) for a [`blocking::Listener`](crate::blocking::Listener)."
    )]
    ///
    /// The file of a Unix socket is removed when the listener closes. A file left behind by a dead
    /// process is replaced.
    pub fn bind(target: impl ToTarget) -> ListenerBuilder {
        ListenerBuilder::new(BindTarget::Target(target.to_target()))
    }

    /// Returns a builder of a listener on a Unix socket in a new directory that only this user can
    /// enter. Both are removed when the listener closes. [`local_address`](Self::local_address)
    /// returns its path.
    #[cfg(unix)]
    pub fn bind_fresh() -> ListenerBuilder {
        ListenerBuilder::new(BindTarget::FreshUnix)
    }

    /// Returns a builder of a listener on a custom transport.
    pub fn over(listener: impl Listen) -> ListenerBuilder {
        ListenerBuilder::new(BindTarget::Transport(Streams(Box::new(listener))))
    }

    /// Accepts peers in the background.
    fn start(listener: OpenListener) -> Self {
        let OpenListener {
            address,
            streams,
            handshakes,
        } = listener;
        let (ready, accepted) = mpsc::channel(READY);
        // One more than the handshakes: it makes room for itself by aborting the oldest.
        let max_connections = handshakes.pending.max().saturating_add(1);
        let options = serve::Options::default().max_connections(max_connections);
        let accepting = async move {
            let serving = serve(streams, &options, pending(), |stream, _| {
                let ready = ready.clone();
                let handshake = handshakes.begin(stream);
                handshake.then(move |established| async move {
                    if let Some(established) = established {
                        // It fails if the listener is closed. The peer is disconnected then.
                        let _ = ready.send(established).await;
                    }
                })
            });
            serving.await;
        };
        Self {
            ready: accepted,
            task: AbortOnDrop(tokio::spawn(accepting)),
            address,
            last_accepted: None,
        }
    }

    /// Accepts the next connection whose handshake succeeded.
    ///
    /// # Errors
    /// If the runtime of the listener was shut down. Failures of peers are never returned.
    ///
    /// # Cancel safety
    /// No connection is lost.
    pub async fn accept<S, R, C: Codec>(&mut self) -> io::Result<Connection<S, R, C>> {
        let Some(established) = self.ready.recv().await else {
            return Err(io::Error::other(
                "the runtime of the listener was shut down",
            ));
        };
        self.last_accepted = Some(established.identity.peer().clone());
        Ok(established.into_connection())
    }

    /// Returns the address at which peers reach this listener.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.address
    }

    /// Returns the peer that was accepted last.
    #[must_use]
    pub const fn last_accepted(&self) -> Option<&Peer> {
        self.last_accepted.as_ref()
    }

    /// Closes the listener. When it returns, the port is free and the socket file is removed. Peers
    /// that were not accepted are disconnected. Dropping the listener does the same a moment later.
    pub async fn close(mut self) {
        self.ready.close();
        self.task.0.abort();
        // The result is the cancellation just requested.
        let _ = (&mut self.task.0).await;
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address)
            .field("last_accepted", &self.last_accepted)
            .finish_non_exhaustive()
    }
}

/// A task that is aborted when its handle is dropped.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
