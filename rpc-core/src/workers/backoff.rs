//! The pause before a worker is restarted.

use std::time::Duration;

/// Back-off that grows while workers exit soon after their start.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new((min, max): (Duration, Duration)) -> Self {
        Self {
            min,
            max,
            next: min,
        }
    }

    /// Returns the pause after a worker that ran for `ran`.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= self.max {
            self.next = self.min;
        }
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_until_a_worker_lasts() {
        let milliseconds = Duration::from_millis;
        let mut backoff = Backoff::new((milliseconds(100), milliseconds(350)));
        let pauses = [0, 1, 349, 5, 350, 0].map(|ran| backoff.after(milliseconds(ran)).as_millis());
        assert_eq!(pauses, [100, 200, 350, 350, 100, 200]);
    }
}
