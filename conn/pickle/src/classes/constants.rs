//! Facts about dates and times that several types need.

/// Seconds of a day.
pub(super) const DAY: i64 = 24 * 60 * 60;

/// Microseconds of a second.
pub(super) const MICROS: i64 = 1_000_000;

/// Returns the days of a month, from 1 to 12.
pub(super) const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Returns the bytes of a state, which Python 2 writes as a text if they are ASCII.
pub(super) fn state_of(value: &crate::Value) -> Option<&[u8]> {
    value
        .as_bytes()
        .or_else(|| value.as_str().map(str::as_bytes))
}
