//! The rate at which a peer must take a message.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_core::protocol::time::{Countdown, LONGEST};

use crate::account::{Evicted, HalfAccount};
use crate::error::SendError;

/// Minimum bytes that a peer must take in each period, or the rest of the message.
const MIN_PROGRESS: usize = 64 << 10;

/// Maximum periods in which a peer must take a whole message that is larger than
/// `MAX_PERIODS * MIN_PROGRESS`. It is limited because the whole message stays in memory until its
/// last byte is taken.
const MAX_PERIODS: usize = 5;

/// The rate at which a peer must take one message, as that of a reply over HTTP: 64 KiB in each
/// period, or a fifth of the message if that is more.
pub(super) struct Pace {
    length: usize,
    period: Duration,
    /// Runs while the peer does not take what is written.
    countdown: Countdown,
    /// Bytes that the peer took since the countdown started.
    taken: usize,
}

impl Pace {
    pub(super) const fn new(length: usize, period: Duration) -> Self {
        Self {
            length,
            period,
            countdown: Countdown::new(),
            taken: 0,
        }
    }

    /// Records bytes that the peer, or the system on its behalf, took.
    pub(super) fn took(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= MIN_PROGRESS.max(self.length / MAX_PERIODS) {
            self.countdown.stop();
        }
    }

    /// Completes with an error if the peer is too slow, or the message is evicted from the budget.
    pub(super) fn poll_failed(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut HalfAccount,
    ) -> Poll<SendError> {
        if let Err(Evicted) = account.hold(cx, self.length) {
            return Poll::Ready(SendError::Evicted);
        }
        if !self.countdown.is_running() {
            self.taken = 0;
        }
        let expired = self.countdown.poll(self.period.min(LONGEST), cx);
        expired.map(|()| Self::too_slow())
    }

    /// The error of a peer that is too slow.
    pub(super) fn too_slow() -> SendError {
        let message = "the peer reads the message too slowly";
        SendError::Io(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

#[cfg(all(test, feature = "managers"))]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::Connection;

    const PERIOD: Duration = Duration::from_secs(60);

    /// Sends a message of `size` bytes twice to a peer that reads `step` bytes a second. Returns
    /// the result, and the seconds that it took.
    async fn send(size: usize, step: usize) -> (Result<(), SendError>, u64) {
        let (local, mut peer) = tokio::io::duplex(1024);
        let mut local: Connection = Connection::new(local);
        let reading = tokio::spawn(async move {
            let mut part = vec![0; step];
            while peer.read_exact(&mut part).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let (begin, message) = (Instant::now(), vec![7; size]);
        let (first, second) = message.split_at(size / 3);
        let mut sent = Ok(());
        for _ in 0..2 {
            if sent.is_ok() {
                sent = local.writer.send_paced(&[first, second], PERIOD).await;
            }
        }
        reading.abort();
        (sent, begin.elapsed().as_secs())
    }

    fn is_too_slow(sent: &Result<(), SendError>) -> bool {
        matches!(sent, Err(SendError::Io(error)) if error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_must_take_64_kib_in_each_period() {
        let (sent, seconds) = send(300 << 10, 1200).await;
        sent.unwrap();
        assert!(seconds > 500, "{seconds}");
        for size in [10 << 10, 300 << 10] {
            let (sent, seconds) = send(size, 100).await;
            assert!(is_too_slow(&sent), "{sent:?}");
            assert_eq!(seconds, 60);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_must_take_a_fifth_of_a_large_message_in_each_period() {
        let (sent, seconds) = send(16 << 20, 50 << 10).await;
        assert!(is_too_slow(&sent), "{sent:?}");
        assert_eq!(seconds, 60);
        let (sent, seconds) = send(16 << 20, 60 << 10).await;
        sent.unwrap();
        assert!((500..=600).contains(&seconds), "{seconds} for two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_too_slow_breaks_the_connection_and_nothing_is_kept() {
        let (local, _peer) = tokio::io::duplex(1024);
        let mut local: Connection = Connection::new(local);
        let sent = local.writer.send_paced(&[&[7; 100_000]], PERIOD).await;
        assert!(is_too_slow(&sent), "{sent:?}");
        assert!(local.writer.encoder.is_empty());
        let again = local.writer.send_paced(&[b"x"], PERIOD).await;
        assert!(matches!(again, Err(SendError::Broken)), "{again:?}");
    }
}
