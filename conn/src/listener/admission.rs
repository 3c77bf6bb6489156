//! Letting peers in: many handshakes at once, within limits.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};

use futures_util::FutureExt as _;
use rpc_core::output::Quota;
use rpc_core::serve::accept;
#[cfg(unix)]
use rpc_core::transport::Credentials;
use rpc_core::transport::{Listen, Peer};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::auth::{Channel, Role, log_refusal};
use crate::connection::{Stream, split};
use crate::setup::{Admitted, Terms};

/// Lets peers in.
pub(super) struct Admission {
    pub(super) terms: Terms,
    pub(super) max_pending: usize,
    pub(super) max_pending_per_address: usize,
    /// Those at the time of listening, which is what the system shows to peers; a server may have
    /// given up rights since.
    #[cfg(unix)]
    pub(super) credentials: Credentials,
}

impl Admission {
    pub(super) async fn run<L: Listen>(self, mut listener: L, ready: mpsc::Sender<Admitted>) {
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
                    pending.spawn(&peer, admit(&self.terms, stream));
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

fn admit(terms: &Terms, stream: Stream) -> impl Future<Output = Option<Admitted>> + Send + use<> {
    let peer = stream.2.clone();
    let admitted = terms.admit(Role::Listener, stream, terms.deadline());
    admitted.map(move |admitted| admitted.inspect_err(|error| log_refusal(&peer, error)).ok())
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
            static CUT_OFF: Quota = Quota::new(10);
            if let Some(admitted) = CUT_OFF.admit() {
                let suppressed = admitted.suppressed();
                tracing::warn!(%peer, suppressed, "too many peers in the handshake: the oldest is cut off");
            }
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
