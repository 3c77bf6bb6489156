//! Concurrent handshakes with accepted peers, within limits.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable};

use crate::counts::{Refusal, refused};
use crate::output::Quota;
use crate::transport::Peer;

/// The handshakes in progress of a server. When one more than the limit begins, the oldest is
/// aborted, since a peer that can complete it does so quickly. For authors of protocols.
pub struct PendingHandshakes {
    max: usize,
    max_per_address: usize,
    /// The oldest first, and some that have completed since.
    pending: Mutex<VecDeque<Pending>>,
}

struct Pending {
    network: Option<IpAddr>,
    abort: AbortHandle,
    /// Dropped with the handshake.
    running: Weak<()>,
}

impl PendingHandshakes {
    /// The default of the maximum: 512, half the number of open files that many systems allow a
    /// process.
    pub const MAX: usize = 512;

    /// The default of the maximum for one address: 256.
    pub const MAX_PER_ADDRESS: usize = 256;

    /// Creates limits: the maximum of concurrent handshakes, and of those with one IPv4 address or
    /// one IPv6 /64 network. Zero counts as one.
    #[must_use]
    pub fn new(max: usize, max_per_address: usize) -> Self {
        Self {
            max: max.max(1),
            max_per_address: max_per_address.max(1),
            pending: Mutex::default(),
        }
    }

    /// The maximum of concurrent handshakes.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }

    /// Returns the handshake with a peer, which completes with `None` if it is aborted. It counts
    /// until it is dropped. If it exceeds a limit, the oldest handshake is aborted.
    pub fn run<F: Future>(
        &self,
        peer: &Peer,
        handshake: F,
    ) -> impl Future<Output = Option<F::Output>> + use<F> {
        let (abort, registration) = AbortHandle::new_pair();
        let running = self.add(peer, abort);
        Abortable::new(handshake, registration).map(move |completed| {
            drop(running);
            completed.ok()
        })
    }

    /// Adds a handshake to those in progress, until the returned value is dropped. Aborts the
    /// oldest one if a limit is exceeded.
    fn add(&self, peer: &Peer, abort: AbortHandle) -> Arc<()> {
        let network = network_of(peer);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|other| other.running.strong_count() > 0);
        let is_same = |other: &&Pending| other.network == network;
        let from_network = network.map_or(0, |_| pending.iter().filter(is_same).count());
        let oldest = if from_network >= self.max_per_address {
            pending.iter().position(|other| is_same(&other))
        } else if pending.len() >= self.max {
            Some(0)
        } else {
            None
        };
        if let Some(oldest) = oldest.and_then(|oldest| pending.remove(oldest)) {
            static EVICTIONS: Quota = Quota::new(10);
            refused(Refusal::Handshakes);
            if let Some(admitted) = EVICTIONS.admit() {
                let suppressed = admitted.suppressed();
                tracing::warn!(%peer, suppressed, "too many handshakes: the oldest is aborted");
            }
            oldest.abort.abort();
        }
        let running = Arc::new(());
        pending.push_back(Pending {
            network,
            abort,
            running: Arc::downgrade(&running),
        });
        running
    }
}

/// Shows the limits.
impl fmt::Debug for PendingHandshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingHandshakes")
            .field("max", &self.max)
            .field("max_per_address", &self.max_per_address)
            .finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::Tcp(([192, 0, 2, last], 1).into())
    }

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let handshakes = PendingHandshakes::new(3, 2);
        let mut first = Box::pin(handshakes.run(&peer(1), pending::<()>()));
        let mut second = Box::pin(handshakes.run(&peer(1), pending::<()>()));
        assert_eq!((&mut first).now_or_never(), None);
        let mut third = Box::pin(handshakes.run(&peer(1), pending::<()>()));
        assert_eq!((&mut first).now_or_never(), Some(None));
        assert_eq!((&mut second).now_or_never(), None);
        drop(second);
        let other = handshakes.run(&peer(2), async { 5 }).await;
        assert_eq!(other, Some(5));
        let rest: Vec<_> = (3..5)
            .map(|last| handshakes.run(&peer(last), pending::<()>()))
            .collect();
        assert_eq!((&mut third).now_or_never(), None);
        let one_more = handshakes.run(&peer(9), pending::<()>());
        assert_eq!((&mut third).now_or_never(), Some(None));
        drop((rest, one_more));
    }
}
