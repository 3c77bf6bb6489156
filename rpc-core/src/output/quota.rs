//! A limit on how often an event is logged.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time after which a quota starts over.
const PERIOD: Duration = Duration::from_secs(60);

/// Limits how often an event is logged per minute. The next line that is logged reports how many
/// were suppressed.
///
/// For events that any peer can cause at will, such as a refused connection: a line for each
/// would fill the disk. Each kind of event has one quota for the whole process.
///
/// ```
/// use farcall::protocol::output::Quota;
///
/// static REFUSALS: Quota = Quota::new(10);
///
/// if let Some(admitted) = REFUSALS.admit() {
///     tracing::warn!(suppressed = admitted.suppressed(), "a peer was refused");
/// }
/// ```
///
/// A minute begins with the first event after the previous minute, so that any 60 seconds have at
/// most twice the quota. Each event reads the clock and takes a lock: call [`admit`](Self::admit)
/// only where the event would be logged.
pub struct Quota {
    max: u32,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy)]
struct Counts {
    /// The start of the current minute.
    since: Option<Instant>,
    admitted: u32,
    suppressed: u64,
}

/// An event to be logged, returned by [`Quota::admit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    suppressed: u64,
}

impl Admitted {
    /// The number of events suppressed since the last one that was logged. `None` if there were
    /// none, so that the field is left out of the log.
    #[must_use]
    pub fn suppressed(&self) -> Option<u64> {
        NonZeroU64::new(self.suppressed).map(NonZeroU64::get)
    }
}

impl Quota {
    /// Returns a quota of `max` events per minute.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        Self {
            max,
            counts: Mutex::new(Counts {
                since: None,
                admitted: 0,
                suppressed: 0,
            }),
        }
    }

    /// Counts an event. Returns `None` if it is not to be logged.
    #[must_use]
    pub fn admit(&self) -> Option<Admitted> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<Admitted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |since| now.saturating_duration_since(since) >= PERIOD;
        if counts.since.is_none_or(is_over) {
            counts.since = Some(now);
            counts.admitted = 0;
        }
        if counts.admitted < self.max {
            counts.admitted += 1;
            let suppressed = std::mem::take(&mut counts.suppressed);
            return Some(Admitted { suppressed });
        }
        counts.suppressed = counts.suppressed.saturating_add(1);
        None
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_quota_and_the_next_reports_the_suppressed_events() {
        let quota = Quota::new(3);
        let start = Instant::now();
        let admit = |seconds| {
            let admitted = quota.admit_at(start + Duration::from_secs(seconds));
            admitted.map(|admitted| admitted.suppressed())
        };
        assert_eq!([admit(0), admit(1), admit(2)], [Some(None); 3]);
        for second in 3..60 {
            assert_eq!(admit(second), None);
        }
        assert_eq!(admit(60), Some(Some(57)));
        assert_eq!(
            [admit(61), admit(119), admit(119)],
            [Some(None), Some(None), None]
        );
        // An idle hour only starts a new minute.
        assert_eq!(admit(3600), Some(Some(1)));
    }

    #[test]
    fn ten_thousand_events_are_a_few_lines() {
        static STRANGERS: Quota = Quota::new(10);
        let logged = (0..10_000).filter(|_| STRANGERS.admit().is_some()).count();
        assert!((10..=20).contains(&logged), "{logged}");
    }
}
