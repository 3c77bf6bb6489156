//! Dates.

use std::fmt;

use super::constants::{days_in, state_of};
use super::{PythonType, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `datetime.date`. Its years are 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Creates a date. Returns `None` if there is none with these numbers, or if its year is not
    /// one of 1 to 9999.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year == 0 || year > 9999 || month == 0 || month > 12 {
            return None;
        }
        if day == 0 || day > days_in(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// Returns the year.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Returns the month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Returns the state of a `datetime.date`, as CPython's `_getstate` does.
    pub(super) const fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }

    pub(super) fn of_bytes([high, low, month, day]: [u8; 4]) -> Option<Self> {
        Self::new(u16::from_be_bytes([high, low]), month, day)
    }
}

/// Displays the form of ISO 8601: `2024-02-29`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl PythonType for Date {
    const CLASS: &'static str = "datetime.date";

    fn to_python(&self) -> Result<Value, Error> {
        let state = Value::Bytes(self.to_bytes().to_vec());
        Ok(Object::call(Self::CLASS).with_args([state]).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([state]) = arguments(&value, "datetime", "date") else {
            return Err(other_class::<Self>(&value));
        };
        let state = state_of(state).and_then(|state| state.try_into().ok());
        state
            .and_then(Self::of_bytes)
            .ok_or_else(|| out_of_range(Self::CLASS, "its state is not a date"))
    }
}
