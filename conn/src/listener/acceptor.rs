//! Accepting peers: concurrent handshakes, within limits.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};

use farcall_core::protocol::output::Quota;
use farcall_core::serve::accept;
#[cfg(unix)]
use farcall_core::transport::Credentials;
use farcall_core::transport::{Listen, Peer};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::auth::{Channel, Role, log_auth_failure};
use crate::connection::{SplitStream, split};
use crate::establish::{ConnectionConfig, Established};

/// Accepts peers and runs their handshakes.
pub(super) struct Acceptor {
    pub(super) config: ConnectionConfig,
    pub(super) max_pending: usize,
    pub(super) max_pending_per_address: usize,
    /// The credentials at the time of listening, which the system reports to peers. A server may
    /// have dropped privileges since.
    #[cfg(unix)]
    pub(super) credentials: Credentials,
}

impl Acceptor {
    pub(super) async fn run<L: Listen>(self, mut listener: L, ready: mpsc::Sender<Established>) {
        let mut pending = PendingHandshakes::default();
        loop {
            let established = tokio::select! {
                biased;
                () = ready.closed() => return,
                Some(established) = pending.next() => established,
                (io, peer) = accept(&mut listener) => {
                    pending.make_room(&peer, &self);
                    let (read_half, write_half, _, channel) = split(io);
                    let channel = self.as_seen_by_peers(channel);
                    let stream = (read_half, write_half, peer.clone(), channel);
                    pending.spawn(&peer, establish(&self.config, stream));
                    continue;
                }
            };
            // While the queue of ready connections is full, no more peers are accepted.
            if let Some(established) = established
                && ready.send(established).await.is_err()
            {
                return;
            }
        }
    }
}

fn establish(
    config: &ConnectionConfig,
    stream: SplitStream,
) -> impl Future<Output = Option<Established>> + Send + use<> {
    let peer = stream.2.clone();
    let establishing = config.establish(Role::Listener, stream, config.deadline());
    establishing.map(move |established| {
        established
            .inspect_err(|error| log_auth_failure(&peer, error))
            .ok()
    })
}

impl Acceptor {
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

/// The peers whose handshake is in progress, the oldest first.
#[derive(Default)]
struct PendingHandshakes {
    tasks: JoinSet<Option<Established>>,
    peers: VecDeque<(Id, Option<IpAddr>, AbortHandle)>,
}

impl PendingHandshakes {
    fn spawn(
        &mut self,
        peer: &Peer,
        handshake: impl Future<Output = Option<Established>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(handshake);
        self.peers.push_back((task.id(), network_of(peer), task));
    }

    /// Returns the result of the next handshake to complete: `Some(None)` if it failed.
    async fn next(&mut self) -> Option<Option<Established>> {
        let (id, established) = match self.tasks.join_next_with_id().await? {
            Ok((id, established)) => (id, established),
            // It was aborted, or panicked, which tokio reports.
            Err(error) => (error.id(), None),
        };
        self.peers.retain(|(other, ..)| *other != id);
        Some(established)
    }

    /// Aborts the oldest handshake if one more would exceed a limit.
    fn make_room(&mut self, peer: &Peer, limits: &Acceptor) {
        let network = network_of(peer);
        let is_same = |(_, other, _): &&(Id, Option<IpAddr>, AbortHandle)| *other == network;
        let from_network = network.map_or(0, |_| self.peers.iter().filter(is_same).count());
        let oldest = if from_network >= limits.max_pending_per_address {
            self.peers.iter().position(|entry| is_same(&entry))
        } else if self.peers.len() >= limits.max_pending {
            Some(0)
        } else {
            None
        };
        if let Some((_, _, task)) = oldest.and_then(|oldest| self.peers.remove(oldest)) {
            static EVICTIONS: Quota = Quota::new(10);
            if let Some(admitted) = EVICTIONS.admit() {
                let suppressed = admitted.suppressed();
                tracing::warn!(%peer, suppressed, "too many handshakes: the oldest is aborted");
            }
            task.abort();
        }
    }
}

/// Returns the network of a peer, of which one user may have many addresses: the /64 of an IPv6
/// address, or the IPv4 address itself.
fn network_of(peer: &Peer) -> Option<IpAddr> {
    match peer.ip()? {
        IpAddr::V6(ip) => {
            let network = ip.to_bits() >> 64 << 64;
            Some(Ipv6Addr::from_bits(network).into())
        }
        v4 @ IpAddr::V4(_) => Some(v4),
    }
}
