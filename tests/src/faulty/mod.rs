//! A relay between clients and a server that injects faults at chosen bytes.
//!
//! It uses real sockets, so that both peers observe a fault as on a network.

mod direction;
mod plan;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farcall::transport::tcp::TcpConnector;
use farcall::transport::unix::{UnixConnector, UnixListener};
use farcall::transport::{Connect, Io, Listen};
use futures_util::future::{Either, select};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use self::direction::{End, forward};
pub use self::plan::{Direction, Fault, Pace, Plan, Schedule};

/// The relay. Dropping it cuts all of its connections.
#[derive(Debug)]
pub struct Relay<A> {
    address: A,
    state: Arc<RelayState>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct RelayState {
    plans: Mutex<VecDeque<Plan>>,
    up: AtomicU64,
    down: AtomicU64,
    faults: AtomicU64,
}

/// The number of bytes forwarded, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from clients to the server.
    pub up: u64,
    /// Bytes from the server to clients.
    pub down: u64,
}

impl Traffic {
    /// Bytes in this direction.
    #[must_use]
    pub const fn of(self, direction: Direction) -> u64 {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

impl Relay<SocketAddr> {
    /// Starts a relay to a server on TCP.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn tcp(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self::start(address, listener, TcpConnector::from(server)))
    }
}

impl Relay<PathBuf> {
    /// Starts a relay at the Unix socket `path` to a server on another.
    ///
    /// # Errors
    /// If the socket cannot be opened.
    pub async fn unix(path: &Path, server: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path).await?;
        let connector = UnixConnector::new(server);
        Ok(Self::start(path.to_owned(), listener, connector))
    }
}

impl<A> Relay<A> {
    fn start<L, C>(address: A, mut listener: L, connector: C) -> Self
    where
        L: Listen<Io: Socket>,
        C: Connect<Io: Socket>,
    {
        let state = Arc::<RelayState>::default();
        let task_state = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    accepted = Listen::accept(&mut listener) => accepted,
                    Some(_) = connections.join_next() => continue,
                };
                // A client that disconnected before it was accepted is ignored.
                let Ok((client, _)) = accepted else { continue };
                let (state, connector) = (Arc::clone(&task_state), connector.clone());
                let plan = state.next_plan();
                connections.spawn(async move {
                    // If the server cannot be reached, the client's connection is closed.
                    if let Ok(server) = connector.connect().await {
                        carry(client, server, &plan, &state).await;
                    }
                });
            }
        });
        Self {
            address,
            state,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The address for clients.
    #[must_use]
    pub const fn address(&self) -> &A {
        &self.address
    }

    /// Adds a plan for the next connection without one. Connections beyond the last plan are
    /// forwarded unharmed.
    pub fn plan(&self, plan: Plan) {
        self.state.plans().push_back(plan);
    }

    /// The number of planned faults injected so far.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.state.faults.load(Ordering::Relaxed)
    }

    /// The traffic so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            up: self.state.up.load(Ordering::Relaxed),
            down: self.state.down.load(Ordering::Relaxed),
        }
    }
}

impl RelayState {
    fn plans(&self) -> std::sync::MutexGuard<'_, VecDeque<Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_plan(&self) -> Plan {
        self.plans().pop_front().unwrap_or_default()
    }
}

/// A byte stream that can be reset.
trait Socket: Io {
    /// Makes the peer see a reset when this is dropped, where the transport has resets.
    fn reset_on_drop(&self);
}

impl Socket for TcpStream {
    fn reset_on_drop(&self) {
        // This fails if the peer has closed the connection already.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Socket for UnixStream {
    fn reset_on_drop(&self) {}
}

/// Forwards a connection until it closes.
async fn carry(mut client: impl Socket, mut server: impl Socket, plan: &Plan, state: &RelayState) {
    let end = {
        let (from_client, to_client) = tokio::io::split(&mut client);
        let (from_server, to_server) = tokio::io::split(&mut server);
        let up = Box::pin(forward(
            from_client,
            to_server,
            &plan.up,
            &state.up,
            &state.faults,
        ));
        let down = Box::pin(forward(
            from_server,
            to_client,
            &plan.down,
            &state.down,
            &state.faults,
        ));
        match select(up, down).await {
            Either::Left((End::Finished, down)) => down.await,
            Either::Right((End::Finished, up)) => up.await,
            Either::Left((end, _)) | Either::Right((end, _)) => end,
        }
    };
    if end == End::Reset {
        client.reset_on_drop();
        server.reset_on_drop();
    }
}
