//! Conversions of jiff's types.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

use super::{DateTime, DateTimeError, year};

impl TryFrom<civil::DateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: civil::DateTime) -> Result<Self, DateTimeError> {
        let part = |part: i8| u8::try_from(part).unwrap_or(u8::MAX);
        Self::new(
            year(value.year())?,
            part(value.month()),
            part(value.day()),
            part(value.hour()),
            part(value.minute()),
            part(value.second()),
        )?
        .with_nanosecond(value.subsec_nanosecond().unsigned_abs())
    }
}

impl TryFrom<DateTime> for civil::DateTime {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let part = |part: u8| i8::try_from(part).unwrap_or(i8::MAX);
        Self::new(
            i16::try_from(value.year()).unwrap_or(i16::MAX),
            part(value.month()),
            part(value.day()),
            part(value.hour()),
            part(value.minute()),
            part(value.second().min(59)),
            i32::try_from(value.nanosecond()).unwrap_or(i32::MAX),
        )
        .map_err(|_| DateTimeError::Range("year"))
    }
}

/// Converts to UTC, with offset 0.
impl TryFrom<Timestamp> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: Timestamp) -> Result<Self, DateTimeError> {
        Self::try_from(Offset::UTC.to_datetime(value))?.with_offset(Some(0))
    }
}

impl TryFrom<DateTime> for Timestamp {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let offset = Offset::from_seconds(value.offset_seconds()?)
            .map_err(|_| DateTimeError::Range("offset"))?;
        let civil = civil::DateTime::try_from(value)?;
        offset
            .to_timestamp(civil)
            .map_err(|_| DateTimeError::Range("year"))
    }
}
