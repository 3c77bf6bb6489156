//! Times of a day.

use std::fmt;

use super::constants::state_of;
use super::{PythonType, Zone, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `datetime.time`: to the microsecond, with or without a zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    pub(super) clock: Clock,
    zone: Option<Zone>,
}

/// A time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Clock {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) microsecond: u32,
    /// `true` for the second of two equal times, when clocks are set back.
    pub(super) fold: bool,
}

impl Clock {
    pub(super) const fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 59 || microsecond > 999_999 {
            return None;
        }
        Some(Self {
            hour,
            minute,
            second,
            microsecond,
            fold: false,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; 6] {
        let [_, a, b, c] = self.microsecond.to_be_bytes();
        [self.hour, self.minute, self.second, a, b, c]
    }

    pub(super) fn of_bytes([hour, minute, second, a, b, c]: [u8; 6]) -> Option<Self> {
        Self::new(hour, minute, second, u32::from_be_bytes([0, a, b, c]))
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        match self.microsecond {
            0 => Ok(()),
            fraction => write!(f, ".{fraction:06}"),
        }
    }
}

impl Time {
    pub(super) const fn of_clock(clock: Clock) -> Self {
        Self { clock, zone: None }
    }

    pub(super) fn into_parts(self) -> (Clock, Option<Zone>) {
        (self.clock, self.zone)
    }

    /// Creates a time without a zone. Returns `None` if a number is out of its range. Python has no
    /// leap seconds.
    #[must_use]
    pub fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Self> {
        let clock = Clock::new(hour, minute, second, microsecond)?;
        Some(Self { clock, zone: None })
    }

    /// Sets its zone, or none. Default: none.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<Option<Zone>>) -> Self {
        Self {
            zone: zone.into(),
            ..self
        }
    }

    /// Sets its fold: `true` for the second of two equal times, when clocks are set back. Default:
    /// `false`.
    #[must_use]
    pub fn with_fold(mut self, fold: bool) -> Self {
        self.clock.fold = fold;
        self
    }

    /// Returns its zone.
    #[must_use]
    pub const fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }
}

/// Defines methods that return a number of a type with a clock.
macro_rules! clock_parts {
    ($type:ty) => {
        impl $type {
            /// Returns the hour, 0 to 23.
            #[must_use]
            pub const fn hour(&self) -> u8 {
                self.clock.hour
            }

            /// Returns the minute, 0 to 59.
            #[must_use]
            pub const fn minute(&self) -> u8 {
                self.clock.minute
            }

            /// Returns the second, 0 to 59.
            #[must_use]
            pub const fn second(&self) -> u8 {
                self.clock.second
            }

            /// Returns the fraction of the second, in microseconds.
            #[must_use]
            pub const fn microsecond(&self) -> u32 {
                self.clock.microsecond
            }

            /// Returns `true` for the second of two equal times, when clocks are set back.
            #[must_use]
            pub const fn fold(&self) -> bool {
                self.clock.fold
            }
        }
    };
}

clock_parts!(Time);
pub(super) use clock_parts;

/// Displays the form of ISO 8601: `12:34:56.5+02:00`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clock.fmt(f)?;
        self.zone.as_ref().map_or(Ok(()), |zone| zone.fmt(f))
    }
}

/// Bit of the state that is the fold: of the hour in a `time`, of the month in a `datetime`.
pub(super) const FOLD: u8 = 0x80;

impl PythonType for Time {
    const CLASS: &'static str = "datetime.time";

    fn to_python(&self) -> Result<Value, Error> {
        let mut state = self.clock.to_bytes();
        if self.clock.fold {
            state[0] |= FOLD;
        }
        with_zone(Self::CLASS, state.to_vec(), self.zone.as_ref())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some((state, zone)) = arguments(&value, "datetime", "time").and_then(state_and_zone)
        else {
            return Err(other_class::<Self>(&value));
        };
        let clock = <[u8; 6]>::try_from(state).ok().and_then(|mut state| {
            let fold = state[0] & FOLD != 0;
            state[0] &= !FOLD;
            Some(Clock {
                fold,
                ..Clock::of_bytes(state)?
            })
        });
        let clock = clock.ok_or_else(|| out_of_range(Self::CLASS, "its state is not a time"))?;
        Ok(Self {
            clock,
            zone: zone.cloned().map(Zone::from_python).transpose()?,
        })
    }
}

/// Returns the instance of a class with this state and zone.
pub(super) fn with_zone(class: &str, state: Vec<u8>, zone: Option<&Zone>) -> Result<Value, Error> {
    let mut args = vec![Value::Bytes(state)];
    args.extend(zone.map(Zone::to_python).transpose()?);
    Ok(Object::call(class).with_args(args).into())
}

/// Returns the state and the zone in the arguments of an instance.
pub(super) fn state_and_zone(args: &[Value]) -> Option<(&[u8], Option<&Value>)> {
    match args {
        [state] => Some((state_of(state)?, None)),
        [state, zone] => Some((state_of(state)?, Some(zone))),
        _ => None,
    }
}
