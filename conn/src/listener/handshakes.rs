//! Concurrent handshakes with accepted peers, within limits.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use farcall_core::protocol::output::Quota;
#[cfg(unix)]
use farcall_core::transport::Credentials;
use farcall_core::transport::Peer;
use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, Either};

use crate::auth::{Channel, Role, log_auth_failure};
use crate::connection::SplitStream;
use crate::establish::{ConnectionConfig, Established};

/// The handshakes of a listener.
pub(crate) struct Handshakes {
    pub(crate) config: ConnectionConfig,
    pub(super) max_pending: usize,
    pub(super) max_pending_per_address: usize,
    /// The credentials at the time of listening, which the system reports to peers. A server may
    /// have dropped privileges since.
    #[cfg(unix)]
    pub(super) credentials: Credentials,
    /// The handshakes in progress, the oldest first, and some that have completed since.
    pub(super) pending: Mutex<VecDeque<PendingHandshake>>,
}

pub(super) struct PendingHandshake {
    network: Option<IpAddr>,
    abort: AbortHandle,
    /// Dropped with the handshake.
    running: Weak<()>,
}

impl Handshakes {
    /// Returns the handshake with an accepted peer. It completes with `None` if it fails. If it
    /// exceeds a limit, the oldest handshake is aborted.
    pub(crate) fn begin(
        &self,
        (read_half, write_half, peer, channel): SplitStream,
    ) -> impl Future<Output = Option<Established>> + Send + use<> {
        let (abort, registration) = AbortHandle::new_pair();
        let running = self.add(&peer, abort);
        let channel = self.as_seen_by_peers(channel);
        let stream = (read_half, write_half, peer.clone(), channel);
        let deadline = self.config.deadline();
        let handshake = match &self.config.tls {
            None => Either::Left(self.config.establish(Role::Listener, stream, deadline)),
            // Boxed, so that handshakes without TLS need no room for it.
            Some(_) => Either::Right(Box::pin({
                let config = self.config.clone();
                async move {
                    let stream = config.secure(stream, None, deadline).await?;
                    config.establish(Role::Listener, stream, deadline).await
                }
            })),
        };
        Abortable::new(handshake, registration).map(move |completed| {
            drop(running);
            completed
                .ok()?
                .inspect_err(|error| log_auth_failure(&peer, error))
                .ok()
        })
    }

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

    /// Adds a handshake to those in progress, until the returned value is dropped. Aborts the
    /// oldest one if a limit is exceeded.
    fn add(&self, peer: &Peer, abort: AbortHandle) -> Arc<()> {
        let network = network_of(peer);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|other| other.running.strong_count() > 0);
        let is_same = |other: &&PendingHandshake| other.network == network;
        let from_network = network.map_or(0, |_| pending.iter().filter(is_same).count());
        let oldest = if from_network >= self.max_pending_per_address {
            pending.iter().position(|other| is_same(&other))
        } else if pending.len() >= self.max_pending {
            Some(0)
        } else {
            None
        };
        if let Some(oldest) = oldest.and_then(|oldest| pending.remove(oldest)) {
            static EVICTIONS: Quota = Quota::new(10);
            if let Some(admitted) = EVICTIONS.admit() {
                let suppressed = admitted.suppressed();
                tracing::warn!(%peer, suppressed, "too many handshakes: the oldest is aborted");
            }
            oldest.abort.abort();
        }
        let running = Arc::new(());
        pending.push_back(PendingHandshake {
            network,
            abort,
            running: Arc::downgrade(&running),
        });
        running
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
