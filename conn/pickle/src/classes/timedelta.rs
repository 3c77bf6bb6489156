//! Durations.

use std::fmt;
use std::time::Duration;

use super::constants::{DAY, MICROS};
use super::{PythonType, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `datetime.timedelta`: a duration to the microsecond, which can be negative. It is at most
/// 999,999,999 days long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeDelta {
    days: i32,
    /// Less than a day.
    seconds: u32,
    /// Less than a second.
    microseconds: u32,
}

/// Maximum number of days, in Python.
const MAX_DAYS: i64 = 999_999_999;

impl TimeDelta {
    /// No time.
    pub const ZERO: Self = Self {
        days: 0,
        seconds: 0,
        microseconds: 0,
    };

    /// Creates a duration, with the parts added up. Returns `None` if it is more than 999,999,999
    /// days.
    #[must_use]
    pub fn new(days: i64, seconds: i64, microseconds: i64) -> Option<Self> {
        let seconds = i128::from(seconds) + i128::from(days) * i128::from(DAY);
        Self::from_microseconds(seconds * i128::from(MICROS) + i128::from(microseconds))
    }

    /// Creates a duration of so long in seconds. Returns `None` if it is too long.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Self::new(0, seconds, 0)
    }

    /// Creates a duration of so long in microseconds. Returns `None` if it is too long.
    #[must_use]
    pub fn from_microseconds(microseconds: i128) -> Option<Self> {
        let per_day = i128::from(DAY * MICROS);
        let days = i64::try_from(microseconds.div_euclid(per_day)).ok()?;
        if !(-MAX_DAYS..=MAX_DAYS).contains(&days) {
            return None;
        }
        let rest = microseconds.rem_euclid(per_day) as u64;
        Some(Self {
            days: days as i32,
            seconds: (rest / MICROS as u64) as u32,
            microseconds: (rest % MICROS as u64) as u32,
        })
    }

    /// Returns the days, which are negative for a negative duration.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.days
    }

    /// Returns the seconds beside the days, 0 to 86,399.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Returns the microseconds beside the seconds, 0 to 999,999.
    #[must_use]
    pub const fn microseconds(self) -> u32 {
        self.microseconds
    }

    /// Returns the whole duration in microseconds.
    #[must_use]
    pub const fn total_microseconds(self) -> i128 {
        let seconds = self.days as i128 * DAY as i128 + self.seconds as i128;
        seconds * MICROS as i128 + self.microseconds as i128
    }

    /// Returns the whole duration in seconds, without the fraction of the last one.
    #[must_use]
    pub const fn total_seconds(self) -> i64 {
        self.days as i64 * DAY + self.seconds as i64
    }
}

/// Displays the duration as Python's `str` does: `-1 day, 23:59:58.5`.
impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            0 => {}
            days @ (-1 | 1) => write!(f, "{days} day, ")?,
            days => write!(f, "{days} days, ")?,
        }
        let (hours, minutes) = (self.seconds / 3600, self.seconds / 60 % 60);
        write!(f, "{hours}:{minutes:02}:{:02}", self.seconds % 60)?;
        match self.microseconds {
            0 => Ok(()),
            fraction => write!(f, ".{fraction:06}"),
        }
    }
}

impl PythonType for TimeDelta {
    const CLASS: &'static str = "datetime.timedelta";

    fn to_python(&self) -> Result<Value, Error> {
        let parts = [
            self.days.into(),
            self.seconds.into(),
            self.microseconds.into(),
        ];
        Ok(Object::call(Self::CLASS).with_args(parts).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([days, seconds, microseconds]) = arguments(&value, "datetime", "timedelta") else {
            return Err(other_class::<Self>(&value));
        };
        let parts = (days.as_i64(), seconds.as_i64(), microseconds.as_i64());
        let (Some(days), Some(seconds), Some(microseconds)) = parts else {
            return Err(out_of_range(Self::CLASS, "its parts are not numbers"));
        };
        Self::new(days, seconds, microseconds)
            .ok_or_else(|| out_of_range(Self::CLASS, "it is too long"))
    }
}

/// A `datetime.timedelta`. Fractions of a microsecond are dropped; a negative one is an error.
impl PythonType for Duration {
    const CLASS: &'static str = TimeDelta::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        let micros = i128::try_from(self.as_micros()).ok();
        micros
            .and_then(TimeDelta::from_microseconds)
            .ok_or_else(|| out_of_range(Self::CLASS, "the duration is too long"))?
            .to_python()
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let delta = TimeDelta::from_python(value)?;
        let seconds = u64::try_from(delta.total_seconds());
        let seconds = seconds.map_err(|_| out_of_range(Self::CLASS, "it is negative"))?;
        Ok(Self::new(seconds, delta.microseconds * 1000))
    }
}
