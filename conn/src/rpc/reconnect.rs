//! Reconnecting: attempts and the back-off between them.

use std::time::Duration;

use farcall_core::protocol::time::{self, LONGEST};
use tokio::time::Instant;

use super::options::options;

options! {
    /// Policy for making a new connection when one breaks.
    ///
    /// The first attempt comes almost at once. The pauses before further attempts double up to a
    /// maximum. Each pause is shortened by a random part, so that the clients of a restarted server
    /// do not all connect at the same moment.
    ///
    /// Calls, when the connection breaks:
    ///
    /// - Calls that the peer cannot have received, and calls that are marked as
    ///   [idempotent](farcall_core::Context::idempotent), are made again.
    /// - All other calls in flight fail as [`CallError::Lost`](farcall_core::CallError::Lost): they
    ///   may have run.
    /// - New calls wait for the next connection, until their deadline.
    ///
    /// Streams end with the connection. Objects survive if the server
    /// [leases](super::ServerOptions::lease) sessions.
    #[must_use = "a policy does nothing until it is given to a client"]
    pub struct Reconnect {
        /// Pause before the first attempt.
        ///
        /// Default: 50 ms.
        first_pause: Duration = Duration::from_millis(50);

        /// Maximum pause between attempts.
        ///
        /// Default: 10 seconds.
        max_pause: Duration = Duration::from_secs(10);

        /// Maximum fraction by which a pause is shortened at random, from 0 to 1.
        ///
        /// Default: 0.5.
        jitter: f64 = 0.5;

        /// Time after which the client stops trying and closes. `None` tries for ever.
        ///
        /// Default: 5 minutes.
        give_up_after: Option<Duration> = Some(Duration::from_secs(300));
    }
}

impl Reconnect {
    /// Returns the pauses before the attempts of a series that begins now.
    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts {
            settings: self,
            pause: self.first_pause,
            until: self.give_up_after.map(time::deadline),
        }
    }
}

pub(super) struct Attempts<'a> {
    settings: &'a Reconnect,
    pause: Duration,
    until: Option<Instant>,
}

impl Iterator for Attempts<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            return None;
        }
        let pause = self.pause.min(self.settings.max_pause).min(LONGEST);
        self.pause = pause * 2;
        let jitter = self.settings.jitter.clamp(0.0, 1.0) * random_part();
        Some(pause.mul_f64(1.0 - jitter))
    }
}

/// Returns a random number from 0 to 1. It need not be secret, only differ between clients.
fn random_part() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pauses_double_up_to_the_limit() {
        let reconnect = Reconnect::default()
            .first_pause(Duration::from_secs(1))
            .max_pause(Duration::from_secs(5))
            .jitter(0.0);
        let pauses: Vec<u64> = reconnect.attempts().take(5).map(|p| p.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_only_shortens_and_time_ends_it() {
        let reconnect = Reconnect::default().jitter(7.0).max_pause(Duration::MAX);
        let mut attempts = reconnect.attempts();
        let pauses: Vec<Duration> = attempts.by_ref().take(8).collect();
        let longest: Vec<_> = (0..8).map(|n| Duration::from_millis(50 << n)).collect();
        assert_eq!(pauses.len(), 8);
        assert!(
            pauses
                .iter()
                .zip(&longest)
                .all(|(pause, most)| pause <= most)
        );
        assert_ne!(pauses, longest);
        tokio::time::advance(Duration::from_secs(301)).await;
        assert_eq!(attempts.next(), None);
    }
}
