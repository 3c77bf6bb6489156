//! A limit of the calls of each peer.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::Refusable;
use crate::call::Call;
use crate::context::Context;
use crate::fault::{Fault, FaultKind};
use crate::format::Format;
use crate::payload::Payload;
use crate::transport::Peer;

/// A limit of the calls of each peer: so many in a time, and a burst of them at once (a token
/// bucket). Further calls are refused at once, with a fault of kind
/// [`Overloaded`](FaultKind::Overloaded); they did not run.
///
/// As a layer it counts calls, each call of a batch among them. As a value for
/// `http::ServerOptions::authorize` it counts requests, and refuses them with status 429 before
/// their bodies are read; in front of authentication it also limits how fast passwords can be
/// guessed: `authorize((limit, auth))`. Clones share their counts.
///
/// A peer is an IP address (IPv6: a /64 network, which is what one subscriber has), the user of a
/// Unix socket, or else a session of a connection. All calls without any of these count together,
/// as those that a client makes through this layer. Behind a proxy, all requests come from the
/// address of the proxy: limit them there.
///
/// It needs no timers and no tasks. Its table is limited: see [`max_peers`](Self::max_peers).
///
/// ```
/// use farcall::middleware::RateLimit;
/// use farcall::rpc::Server;
///
/// let server = Server::new();
/// server.layer(RateLimit::per_second(100).burst(1000));
/// ```
#[derive(Clone)]
#[must_use = "it limits nothing until it is given to a server"]
pub struct RateLimit {
    /// Time in nanoseconds in which a peer regains one call.
    interval: u64,
    burst: u32,
    max_peers: usize,
    table: Arc<Mutex<Table>>,
}

/// The error of a peer that exceeds its [`RateLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls: the next is allowed in {:.1} s", .retry_after.as_secs_f64())]
pub struct RateLimited {
    retry_after: Duration,
}

impl RateLimited {
    /// The time after which the peer may make the next call.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl From<RateLimited> for Fault {
    fn from(error: RateLimited) -> Self {
        Self::of(FaultKind::Overloaded, error.to_string())
    }
}

/// The peers that have made calls recently.
struct Table {
    start: Instant,
    /// Time in nanoseconds since `start` at which the bucket of the peer is full again. A peer
    /// whose bucket is full needs no entry.
    full_at: HashMap<Key, u64>,
}

/// The identity of a peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    V4(u32),
    /// A /64 network.
    V6(u64),
    User(u32),
    /// The address of the session in memory.
    Session(usize),
    Unknown,
}

impl Key {
    fn of(peer: &Peer) -> Self {
        match (peer.ip(), peer) {
            (Some(IpAddr::V4(ip)), _) => Self::V4(ip.to_bits()),
            (Some(IpAddr::V6(ip)), _) => Self::V6((ip.to_bits() >> 64) as u64),
            (None, Peer::Unix(Some(credentials))) => Self::User(credentials.uid),
            _ => Self::Unknown,
        }
    }

    fn of_call(context: &Context) -> Self {
        match (Self::of(context.peer()), context.session_address()) {
            (Self::Unknown, Some(session)) => Self::Session(session),
            (key, _) => key,
        }
    }
}

impl RateLimit {
    /// Allows each peer this number of calls per second, at least 1, and the same number at once.
    pub fn per_second(calls: u32) -> Self {
        Self::per(Duration::from_secs(1), calls)
    }

    /// Allows each peer this number of calls per minute, at least 1, and the same number at once.
    pub fn per_minute(calls: u32) -> Self {
        Self::per(Duration::from_secs(60), calls)
    }

    fn per(time: Duration, calls: u32) -> Self {
        let calls = calls.max(1);
        Self {
            interval: time.as_nanos() as u64 / u64::from(calls),
            burst: calls,
            max_peers: 65_536,
            table: Arc::new(Mutex::new(Table {
                start: Instant::now(),
                full_at: HashMap::new(),
            })),
        }
    }

    /// Number of calls that a peer may make at once after it made none for long, at least 1.
    ///
    /// Default: the calls of one second or minute, as the limit was created.
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }

    /// Maximum number of peers in the table, at least 1. Peers that have regained all of their
    /// calls need no place. Beyond the limit, the peers are forgotten that are closest to that,
    /// which are those that have called the least or the longest ago.
    ///
    /// Default: 65,536, which take about 4 MiB.
    pub fn max_peers(mut self, peers: usize) -> Self {
        self.max_peers = peers.max(1);
        self
    }

    /// Counts a call, as a [guard](crate::Registry::set_guard) or a handler may do.
    ///
    /// # Errors
    /// If the peer has made too many calls.
    pub fn check(&self, context: &Context) -> Result<(), RateLimited> {
        self.admit(Key::of_call(context))
    }

    /// Counts a call or a request of a peer.
    ///
    /// # Errors
    /// If the peer has made too many of them.
    pub fn check_peer(&self, peer: &Peer) -> Result<(), RateLimited> {
        self.admit(Key::of(peer))
    }

    fn admit(&self, key: Key) -> Result<(), RateLimited> {
        // No code of the program runs under the lock, so a panic cannot have left half a change.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // 580 years pass before this overflows.
        let now = table.start.elapsed().as_nanos() as u64;
        let full_at = table.full_at.get(&key).copied().unwrap_or(0).max(now);
        let all_but_one = self.interval.saturating_mul(u64::from(self.burst) - 1);
        let wait = (full_at - now).saturating_sub(all_but_one);
        if wait > 0 {
            return Err(RateLimited {
                retry_after: Duration::from_nanos(wait),
            });
        }
        if full_at == now {
            table.make_room(now, self.max_peers);
        }
        table
            .full_at
            .insert(key, full_at.saturating_add(self.interval));
        Ok(())
    }
}

impl Table {
    /// Makes room for another peer. An eighth of the table is freed at once, so that a flood of
    /// peers does not search the table for each of them.
    fn make_room(&mut self, now: u64, max: usize) {
        if self.full_at.len() < max {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        let room = max - (max / 8).max(1);
        let Some(mut excess) = self.full_at.len().checked_sub(room).filter(|&n| n > 0) else {
            return;
        };
        let mut times: Vec<u64> = self.full_at.values().copied().collect();
        let (_, &mut last, _) = times.select_nth_unstable(excess - 1);
        self.full_at.retain(|_, full_at| {
            let is_evicted = *full_at <= last && excess > 0;
            excess -= usize::from(is_evicted);
            !is_evicted
        });
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = Duration::from_nanos(self.interval);
        f.debug_struct("RateLimit")
            .field("rate", &format!("one call every {every:?}"))
            .field("burst", &format!("{} calls", self.burst))
            .field("max_peers", &self.max_peers)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RateLimit {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService {
            inner,
            limit: self.clone(),
        }
    }
}

/// The service of a [`RateLimit`].
#[derive(Clone, Debug)]
pub struct RateLimitService<S> {
    inner: S,
    limit: RateLimit,
}

impl<S, F> Service<Call<F>> for RateLimitService<S>
where
    F: Format,
    S: Service<Call<F>, Response = Payload, Error: From<Fault>>,
{
    type Response = Payload;
    type Error = S::Error;
    type Future = Refusable<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call<F>) -> Self::Future {
        match self.limit.check(&call.context) {
            Ok(()) => Refusable::accepted(self.inner.call(call)),
            Err(refused) => Refusable::refused(Fault::from(refused).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::transport::Credentials;

    fn peer(ip: &str) -> Peer {
        Peer::Tcp(SocketAddr::new(ip.parse().unwrap(), 7))
    }

    fn admitted(limit: &RateLimit, peer: &Peer) -> usize {
        (0..1000)
            .take_while(|_| limit.check_peer(peer).is_ok())
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_makes_a_burst_and_regains_its_calls() {
        let limit = RateLimit::per_second(10).burst(20);
        let (one, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
        assert_eq!(admitted(&limit, &one), 20);
        assert_eq!(admitted(&limit, &other), 20, "peers count separately");
        let refused = limit.check_peer(&one).unwrap_err();
        assert_eq!(refused.retry_after(), Duration::from_millis(100));
        let fault = Fault::from(refused);
        assert_eq!(fault.kind(), FaultKind::Overloaded);
        assert_eq!(
            fault.message(),
            "too many calls: the next is allowed in 0.1 s"
        );
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(admitted(&limit, &one), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(admitted(&limit, &one), 10);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(admitted(&limit, &one), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_peer_is_not_kept_out_by_trying_again() {
        let limit = RateLimit::per_minute(1);
        let one = peer("192.0.2.1");
        assert_eq!(admitted(&limit, &one), 1);
        for _ in 0..59 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(admitted(&limit, &one), 0);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(admitted(&limit, &one), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_an_address_a_network_or_a_user() {
        let limit = RateLimit::per_second(1);
        let unix = |uid, pid| {
            Peer::Unix(Some(Credentials {
                uid,
                gid: uid,
                pid: Some(pid),
            }))
        };
        for (first, same) in [
            (peer("192.0.2.1"), peer("::ffff:192.0.2.1")),
            (peer("2001:db8:0:1::1"), peer("2001:db8:0:1:ffff::")),
            (unix(1000, 1), unix(1000, 2)),
            (Peer::Unknown, Peer::Memory),
        ] {
            assert_eq!(admitted(&limit, &first), 1, "{first}");
            assert_eq!(admitted(&limit, &same), 0, "{same}");
        }
        assert_eq!(admitted(&limit, &peer("2001:db8:0:2::1")), 1);
        assert_eq!(admitted(&limit, &unix(1001, 1)), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_forgets_those_that_called_the_least() {
        let limit = RateLimit::per_second(1).burst(3).max_peers(80);
        let peer = |n: u32| Peer::Tcp(SocketAddr::new(IpAddr::V4(n.into()), 7));
        let length = || limit.table.lock().unwrap().full_at.len();
        assert_eq!(admitted(&limit, &peer(0)), 3);
        for n in 1..10_000 {
            limit.check_peer(&peer(n)).unwrap();
            assert!(length() <= 80);
        }
        assert_eq!(admitted(&limit, &peer(0)), 0, "it has called the most");
        // Once all have regained their calls, none needs its place.
        tokio::time::advance(Duration::from_secs(3)).await;
        let before = length();
        (10_000..10_080 - before as u32 + 1).for_each(|n| limit.check_peer(&peer(n)).unwrap());
        assert!(length() < 80);
    }

    #[test]
    fn a_table_of_one_peer_works() {
        let limit = RateLimit::per_minute(0).max_peers(0);
        assert_eq!(admitted(&limit, &peer("192.0.2.1")), 1);
        assert_eq!(admitted(&limit, &peer("192.0.2.2")), 1);
        assert_eq!(limit.table.lock().unwrap().full_at.len(), 1);
    }
}
