//! A relay between clients and a server that harms what it carries, on purpose and at a chosen byte.
//!
//! It stands on real sockets, so that both ends see of a fault what a network would show them.

mod direction;
mod plan;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use rpc_core::transport::tcp::TcpConnector;
use rpc_core::transport::unix::{UnixConnector, UnixListener};
use rpc_core::transport::{Connect, Io, Listen};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use self::direction::{End, forward};
pub use self::plan::{Direction, Fault, Pace, Plan, Schedule};

/// The relay; when it is dropped, all that it carries is cut.
#[derive(Debug)]
pub struct Proxy<A> {
    address: A,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    plans: Mutex<VecDeque<Plan>>,
    up: AtomicU64,
    down: AtomicU64,
    faults: AtomicU64,
}

/// How many bytes came through, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Those from clients to the server.
    pub up: u64,
    /// Those from the server to clients.
    pub down: u64,
}

impl Passed {
    /// Those that went this way.
    #[must_use]
    pub const fn of(self, direction: Direction) -> u64 {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

impl Proxy<SocketAddr> {
    /// A relay to a server on TCP.
    ///
    /// # Errors
    /// If there is no port left.
    pub async fn tcp(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self::start(address, listener, TcpConnector::from(server)))
    }
}

impl Proxy<PathBuf> {
    /// A relay to a server on a Unix socket, at another such.
    ///
    /// # Errors
    /// If there can be no socket at `path`.
    pub async fn unix(path: &Path, server: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path).await?;
        let connector = UnixConnector::new(server);
        Ok(Self::start(path.to_owned(), listener, connector))
    }
}

impl<A> Proxy<A> {
    fn start<L, C>(address: A, mut listener: L, connector: C) -> Self
    where
        L: Listen<Io: Socket>,
        C: Connect<Io: Socket>,
    {
        let shared = Arc::<Shared>::default();
        let carried = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    accepted = Listen::accept(&mut listener) => accepted,
                    Some(_) = connections.join_next() => continue,
                };
                // A client that is gone before it was accepted is nobody's loss.
                let Ok((client, _)) = accepted else { continue };
                let (shared, connector) = (Arc::clone(&carried), connector.clone());
                let plan = shared.next_plan();
                connections.spawn(async move {
                    // A client whose server cannot be reached finds its connection closed.
                    if let Ok(server) = connector.connect().await {
                        relay(client, server, &plan, &shared).await;
                    }
                });
            }
        });
        Self {
            address,
            shared,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Where clients reach it.
    #[must_use]
    pub const fn address(&self) -> &A {
        &self.address
    }

    /// What is to happen to the next connection that has no plan yet. Those beyond the last plan are carried
    /// without harm.
    pub fn plan(&self, plan: Plan) {
        self.shared.plans().push_back(plan);
    }

    /// How many of the planned faults came about so far.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }

    /// How much came through so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        Passed {
            up: self.shared.up.load(Ordering::Relaxed),
            down: self.shared.down.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn plans(&self) -> std::sync::MutexGuard<'_, VecDeque<Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_plan(&self) -> Plan {
        self.plans().pop_front().unwrap_or_default()
    }
}

/// A byte stream that can be cut off.
trait Socket: Io {
    /// Has the other end see a reset when this is dropped, where the system knows such.
    fn reset_when_dropped(&self);
}

impl Socket for TcpStream {
    fn reset_when_dropped(&self) {
        // It fails where the other end has cut the connection already.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Socket for UnixStream {
    fn reset_when_dropped(&self) {}
}

/// Carries a connection to its end.
async fn relay(mut client: impl Socket, mut server: impl Socket, plan: &Plan, shared: &Shared) {
    let end = {
        let (from_client, to_client) = tokio::io::split(&mut client);
        let (from_server, to_server) = tokio::io::split(&mut server);
        let up = Box::pin(forward(
            from_client,
            to_server,
            &plan.up,
            &shared.up,
            &shared.faults,
        ));
        let down = Box::pin(forward(
            from_server,
            to_client,
            &plan.down,
            &shared.down,
            &shared.faults,
        ));
        match select(up, down).await {
            Either::Left((End::Finished, down)) => down.await,
            Either::Right((End::Finished, up)) => up.await,
            Either::Left((end, _)) | Either::Right((end, _)) => end,
        }
    };
    if end == End::Reset {
        client.reset_when_dropped();
        server.reset_when_dropped();
    }
}
