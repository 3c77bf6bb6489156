//! Listening.

use std::io;

use rpc_core::Budget;
use rpc_core::transport::{Address, Listen, Peer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

mod acceptor;
mod builder;

use acceptor::Acceptor;
use builder::BindTarget;
pub use builder::{BindError, ListenerBuilder};

use crate::address::ToTarget;
use crate::codec::Codec;
use crate::connection::Connection;
use crate::establish::Established;

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
    ready: mpsc::Receiver<Established>,
    task: AbortOnDrop,
    address: Address,
    max_message: usize,
    budget: Option<Budget>,
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
        ListenerBuilder::new(BindTarget::Target(target.to_target()))
    }

    /// Listens on a Unix socket in a fresh directory that only this user can enter. Both are removed when
    /// the listener closes. [`local_address`](Self::local_address) tells where it is.
    #[cfg(unix)]
    pub fn bind_fresh() -> ListenerBuilder {
        ListenerBuilder::new(BindTarget::FreshUnix)
    }

    /// Listens on a transport of any kind.
    pub fn over(listener: impl Listen) -> ListenerBuilder {
        ListenerBuilder::new(BindTarget::Transport(Box::new(|acceptor| {
            start(listener, acceptor)
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
        let Some(established) = self.ready.recv().await else {
            return Err(io::Error::other("the runtime of the listener is shut down"));
        };
        self.last_accepted = Some(established.peer.clone());
        Ok(Connection::from_parts(
            established.reader,
            established.writer,
            established.peer,
        ))
    }

    /// How many bytes a message may have on the connections that are accepted.
    pub(crate) const fn max_message(&self) -> usize {
        self.max_message
    }

    /// What is held on behalf of the connections that are accepted.
    pub(crate) const fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
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
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn start<L: Listen>(listener: L, acceptor: Acceptor) -> io::Result<Listener> {
    let address = listener.local_address()?;
    let (ready, accepted) = mpsc::channel(READY);
    Ok(Listener {
        ready: accepted,
        max_message: acceptor.config.max_message,
        budget: acceptor.config.budget.clone(),
        task: AbortOnDrop(tokio::spawn(acceptor.run(listener, ready))),
        address,
        last_accepted: None,
    })
}
