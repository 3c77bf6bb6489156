//! Conversions between [`DateTime`] and the types of jiff, chrono and time, each behind the feature
//! of that name.
//!
//! A type without an offset takes the date and the time of day unchanged. A type with an offset
//! refuses a `DateTime` without one. In the opposite direction, years outside 0 to 9999 and offsets
//! that are not whole minutes are refused. A leap second becomes the last second before it if the
//! other type has none.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(test)]
mod tests;
#[cfg(feature = "time")]
mod time;

use super::datetime::{DateTime, DateTimeError};

fn year(year: impl TryInto<u16>) -> Result<u16, DateTimeError> {
    year.try_into().map_err(|_| DateTimeError::Range("year"))
}

#[cfg(any(feature = "chrono", feature = "time"))]
fn minutes(seconds: i32) -> Result<i16, DateTimeError> {
    let whole = (seconds % 60 == 0).then_some(seconds / 60);
    whole
        .and_then(|minutes| minutes.try_into().ok())
        .ok_or(DateTimeError::Range("offset"))
}

impl DateTime {
    /// The offset in seconds, or the error if there is none.
    fn offset_seconds(self) -> Result<i32, DateTimeError> {
        self.offset()
            .map(|minutes| i32::from(minutes) * 60)
            .ok_or(DateTimeError::NoOffset)
    }
}
