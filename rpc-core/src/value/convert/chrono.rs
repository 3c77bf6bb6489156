//! Conversions of chrono's types.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};

use super::{DateTime, DateTimeError, minutes, year};

/// The fraction at which chrono's leap seconds start: it represents them as a fraction of at least
/// one second.
const LEAP: u32 = 1_000_000_000;

impl TryFrom<NaiveDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: NaiveDateTime) -> Result<Self, DateTimeError> {
        let part = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
        let leap = u32::from(value.nanosecond() >= LEAP);
        Self::new(
            year(value.year())?,
            part(value.month()),
            part(value.day()),
            part(value.hour()),
            part(value.minute()),
            part(value.second() + leap),
        )?
        .with_nanosecond(value.nanosecond() % LEAP)
    }
}

impl TryFrom<DateTime> for NaiveDateTime {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let date = NaiveDate::from_ymd_opt(
            value.year().into(),
            value.month().into(),
            value.day().into(),
        );
        let leap = if value.second() == 60 { LEAP } else { 0 };
        date.and_then(|date| {
            date.and_hms_nano_opt(
                value.hour().into(),
                value.minute().into(),
                u32::from(value.second().min(59)),
                value.nanosecond() + leap,
            )
        })
        .ok_or(DateTimeError::Range("second"))
    }
}

impl TryFrom<chrono::DateTime<FixedOffset>> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: chrono::DateTime<FixedOffset>) -> Result<Self, DateTimeError> {
        let offset = minutes(value.offset().local_minus_utc())?;
        Self::try_from(value.naive_local())?.with_offset(Some(offset))
    }
}

/// Converts to UTC, with offset 0.
impl TryFrom<chrono::DateTime<Utc>> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: chrono::DateTime<Utc>) -> Result<Self, DateTimeError> {
        Self::try_from(value.naive_utc())?.with_offset(Some(0))
    }
}

impl TryFrom<DateTime> for chrono::DateTime<FixedOffset> {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let offset =
            FixedOffset::east_opt(value.offset_seconds()?).ok_or(DateTimeError::Range("offset"))?;
        let local = NaiveDateTime::try_from(value)?;
        offset
            .from_local_datetime(&local)
            .single()
            .ok_or(DateTimeError::Range("year"))
    }
}

impl TryFrom<DateTime> for chrono::DateTime<Utc> {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        chrono::DateTime::<FixedOffset>::try_from(value).map(|value| value.to_utc())
    }
}
