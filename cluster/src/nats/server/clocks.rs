//! The delay of calls on their way, from clocks that are not synchronized.
//!
//! The time that a call has left is counted from when it is read. A call that a client's queue, a
//! socket or a stopped NATS server has held back would run long after its caller has given up. So
//! each call carries what a clock of its caller showed. The difference of two clocks is constant,
//! but for the delay: what a call has beyond the least difference seen so far, it was late.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Maximum clocks that are remembered.
const MAX_CLOCKS: usize = 4096;

/// Maximum length of the name of a clock.
const MAX_NAME: usize = 64;

/// Inverse of the rate at which two clocks may run apart: far more than any quartz does.
const DRIFT: i64 = 1000;

/// Differences between the clocks of callers and the local one.
pub(super) struct Clocks {
    started: Instant,
    known: HashMap<Box<str>, Difference>,
}

/// Least difference between two clocks, in microseconds.
#[derive(Clone, Copy)]
struct Difference {
    least: i64,
    at: i64,
}

impl Clocks {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            known: HashMap::new(),
        }
    }

    /// Returns how long a call took from its caller, beyond the fastest call of that caller. The
    /// text is that of its header. Of the first call of a caller it is zero.
    pub(super) fn delay(&mut self, text: &str) -> Duration {
        let now = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.delay_at(text, now).unwrap_or_default()
    }

    fn delay_at(&mut self, text: &str, now: i64) -> Option<Duration> {
        let (name, shown) = text.split_once(' ')?;
        if name.len() > MAX_NAME {
            return None;
        }
        let difference = now.checked_sub(shown.parse().ok()?)?;
        if let Some(known) = self.known.get_mut(name) {
            let drifted = known.least.saturating_add((now - known.at) / DRIFT);
            *known = Difference {
                least: difference.min(drifted),
                at: now,
            };
            let late = difference.saturating_sub(known.least);
            return Some(Duration::from_micros(late.unsigned_abs()));
        }
        if self.known.len() >= MAX_CLOCKS {
            self.forget_older_half();
        }
        let known = Difference {
            least: difference,
            at: now,
        };
        self.known.insert(name.into(), known);
        None
    }

    fn forget_older_half(&mut self) {
        let mut times: Vec<i64> = self.known.values().map(|known| known.at).collect();
        let middle = times.len() / 2;
        let (_, &mut middle, _) = times.select_nth_unstable(middle);
        self.known.retain(|_, known| known.at > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_late_by_what_it_has_beyond_the_fastest() {
        let mut clocks = Clocks::new();
        let mut delay = |text: &str, now| {
            let delay = clocks.delay_at(text, now).unwrap_or_default();
            delay.as_micros()
        };
        assert_eq!(delay("a 1000", 5_000_000), 0, "the first of its caller");
        assert_eq!(delay("a 2000", 5_001_500), 499, "less the drift");
        assert_eq!(delay("a 3000", 5_001_900), 0, "the fastest so far");
        assert_eq!(delay("a 4000", 5_003_000), 99);
        assert_eq!(delay("b 9000000", 5_003_000), 0, "another clock");
        assert_eq!(
            delay("a 5000", 7_003_900),
            2_000_000 - 2_000 - 1,
            "held back for two seconds"
        );
        for text in [
            "",
            "a",
            "a b",
            "a -9223372036854775808",
            &format!("{} 1", "x".repeat(99)),
        ] {
            assert_eq!(delay(text, 8_000_000), 0, "{text}");
        }
    }

    #[test]
    fn few_clocks_are_remembered() {
        let mut clocks = Clocks::new();
        for number in 0..3 * MAX_CLOCKS as i64 {
            clocks.delay_at(&format!("clock{number} 0"), number);
        }
        assert!(clocks.known.len() <= MAX_CLOCKS);
        assert!(
            clocks
                .known
                .contains_key(&*format!("clock{}", 3 * MAX_CLOCKS - 1))
        );
    }
}
