//! Connecting to a name with several addresses (Happy Eyeballs, RFC 8305).
//!
//! An address that does not answer must not hold up the others: a machine with a broken IPv6 route
//! would otherwise wait for minutes before it tries IPv4. The system looks up both families at
//! once, and sorts the addresses as RFC 6724 says.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::sleep;

use crate::time::within;

/// The time after which the next address is tried while earlier ones have not answered: the
/// Connection Attempt Delay that the RFC recommends (section 5).
pub const DELAY: Duration = Duration::from_millis(250);

/// Returns the addresses in the order in which they are tried: the families alternate, beginning
/// with that of the first address (section 4).
#[must_use]
pub fn order(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let is_ipv6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv6() == is_ipv6);
    let mut second = second.into_iter();
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    for address in first {
        ordered.push(address);
        ordered.extend(second.next());
    }
    ordered.extend(second);
    ordered
}

/// Returns the error of a name without addresses.
#[must_use]
pub fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

/// Connects to the first address that accepts. The next one is tried as soon as one has failed, or
/// [`DELAY`] after the last. The error is that of the attempt that failed last.
pub(super) async fn connect<A, T, F>(addresses: Vec<A>, connect: impl Fn(A) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = no_address();
    loop {
        attempts.extend(waiting.next().map(&connect));
        let delay = || (waiting.len() > 0).then(|| sleep(DELAY));
        match within(attempts.next(), delay).await {
            Some(Some(Ok(connected))) => return Ok(connected),
            Some(Some(Err(error))) => failure = error,
            Some(None) => return Err(failure),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    #[test]
    fn the_families_alternate() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let [a, b, c] = ["[::1]:1", "[::2]:1", "[::3]:1"].map(address);
        let [x, y] = ["1.1.1.1:1", "2.2.2.2:1"].map(address);
        assert_eq!(order([]), []);
        assert_eq!(order([a, b, c, x, y]), [a, x, b, y, c]);
        assert_eq!(order([x, a, b, c, y]), [x, a, y, b, c]);
        assert_eq!(order([x, y]), [x, y]);
    }

    /// The milliseconds that an address takes, and its outcome.
    type Behaviour = (u64, Result<&'static str, io::ErrorKind>);

    /// Connects to addresses that behave so. Returns the outcome, its time, and the times at which
    /// the attempts began.
    async fn raced(
        behaviours: &[Behaviour],
    ) -> (Result<&'static str, io::ErrorKind>, u64, Vec<u64>) {
        let start = Instant::now();
        let now = || u64::try_from(start.elapsed().as_millis()).unwrap();
        let begun = Mutex::new(Vec::new());
        let result = connect(behaviours.to_vec(), |(time, result)| {
            begun.lock().unwrap().push(now());
            async move {
                sleep(Duration::from_millis(time)).await;
                result.map_err(io::Error::from)
            }
        });
        let result = result.await.map_err(|error| error.kind());
        (result, now(), begun.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_holds_up_no_other() {
        const NEVER: u64 = 1_000_000;
        let refused = Err(io::ErrorKind::ConnectionRefused);
        let unreachable = Err(io::ErrorKind::HostUnreachable);
        assert_eq!(
            raced(&[(NEVER, Ok("a")), (10, Ok("b"))]).await,
            (Ok("b"), 260, vec![0, 250])
        );
        // A failure starts the next attempt at once, and an earlier attempt can still succeed.
        assert_eq!(
            raced(&[(300, Ok("a")), (10, refused), (NEVER, Ok("c"))]).await,
            (Ok("a"), 300, vec![0, 250, 260])
        );
        assert_eq!(
            raced(&[(10, refused), (10, Ok("b")), (10, Ok("c"))]).await,
            (Ok("b"), 20, vec![0, 10])
        );
        assert_eq!(
            raced(&[(600, unreachable), (10, refused)]).await,
            (Err(io::ErrorKind::HostUnreachable), 600, vec![0, 250])
        );
        assert_eq!(raced(&[]).await, (Err(io::ErrorKind::NotFound), 0, vec![]));
    }
}
