//! The clock of a caller, by which a service notices what was held back on its way.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::headers::micros;

/// Maximum shift of the clock against the time of day: more than corrections of the latter
/// make at once.
const MAX_SHIFT: Duration = Duration::from_secs(1);

/// A clock with a random name. It stands still while the machine is suspended, after which every
/// call would look late, so it is then another one.
pub(super) struct CallerClock {
    name: String,
    started: Instant,
    face: Mutex<Face>,
}

/// The distinction of the clock from what it was before it stood still.
struct Face {
    number: u64,
    /// The time of day when the clock was started, as far as it knows now.
    started: SystemTime,
}

impl CallerClock {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            started: Instant::now(),
            face: Mutex::new(Face {
                number: 0,
                started: SystemTime::now(),
            }),
        }
    }

    /// Returns the name of the clock and what it shows, in microseconds.
    pub(super) fn header(&self) -> String {
        let elapsed = self.started.elapsed();
        let started = SystemTime::now().checked_sub(elapsed);
        let number = self.number(started.unwrap_or(SystemTime::UNIX_EPOCH));
        format!("{}-{number} {}", self.name, micros(elapsed))
    }

    fn number(&self, started: SystemTime) -> u64 {
        let mut face = self.face.lock().unwrap_or_else(PoisonError::into_inner);
        let shift = started
            .duration_since(face.started)
            .unwrap_or_else(|error| error.duration());
        if shift > MAX_SHIFT {
            *face = Face {
                number: face.number + 1,
                started,
            };
        }
        face.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stood_still_is_another_one() {
        let clock = CallerClock::new("abc");
        assert!(clock.header().starts_with("abc-0 "));
        let now = clock.face.lock().unwrap().started;
        assert_eq!(clock.number(now + Duration::from_millis(900)), 0);
        assert_eq!(clock.number(now + Duration::from_secs(60)), 1);
        assert_eq!(clock.number(now + Duration::from_secs(61)), 1);
        assert_eq!(clock.number(now), 2);
    }
}
