//! When to try again.

use std::time::Duration;

use tokio::time::Instant;

/// How a client makes a new connection when one breaks.
///
/// The first attempt comes at once, or nearly; the pauses before further ones double, up to a limit, and are shortened by
/// a random part, so that the clients of a server that was restarted do not all come at the same moment.
///
/// What becomes of the calls that were under way:
///
/// - Those that the other end cannot have heard of, and those that are marked as
///   [idempotent](rpc_core::Context::idempotent), are made again.
/// - All others fail as [`CallError::Lost`](rpc_core::CallError::Lost): they may have run.
/// - New ones wait for the connection, until their deadline.
///
/// Streams end with the connection. Objects live on where the server [leases](super::ServerOptions::lease) them.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to a client"]
pub struct Reconnect {
    first: Duration,
    max: Duration,
    jitter: f64,
    give_up_after: Option<Duration>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            max: Duration::from_secs(10),
            jitter: 0.5,
            give_up_after: Some(Duration::from_secs(300)),
        }
    }
}

impl Reconnect {
    /// The first pause.
    ///
    /// Default: 50 ms.
    pub const fn first_pause(mut self, pause: Duration) -> Self {
        self.first = pause;
        self
    }

    /// The longest pause.
    ///
    /// Default: 10 seconds.
    pub const fn max_pause(mut self, pause: Duration) -> Self {
        self.max = pause;
        self
    }

    /// Up to which part a pause is shortened at random, from 0 to 1.
    ///
    /// Default: 0.5.
    pub const fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// How long to try before the client closes; `None` is for ever.
    ///
    /// Default: 5 minutes.
    pub const fn give_up_after(mut self, time: Option<Duration>) -> Self {
        self.give_up_after = time;
        self
    }

    /// The pauses before the attempts that begin now.
    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts {
            settings: self,
            pause: self.first,
            until: self
                .give_up_after
                .and_then(|time| Instant::now().checked_add(time)),
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
        // A pause of more than a century would be beyond what can be multiplied.
        let pause = self
            .pause
            .min(self.settings.max)
            .min(Duration::from_secs(u32::MAX.into()));
        self.pause = pause.saturating_mul(2);
        let jitter = self.settings.jitter.clamp(0.0, 1.0) * random_part();
        Some(pause.mul_f64(1.0 - jitter))
    }
}

/// A random number from 0 to 1. It need not be secret, only different from that of other clients.
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
