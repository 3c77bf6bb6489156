//! Conversions of time's types.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::{DateTime, DateTimeError, minutes, year};

impl TryFrom<PrimitiveDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: PrimitiveDateTime) -> Result<Self, DateTimeError> {
        Self::new(
            year(value.year())?,
            value.month().into(),
            value.day(),
            value.hour(),
            value.minute(),
            value.second(),
        )?
        .with_nanosecond(value.nanosecond())
    }
}

impl TryFrom<DateTime> for PrimitiveDateTime {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let date = Month::try_from(value.month())
            .and_then(|month| Date::from_calendar_date(value.year().into(), month, value.day()))
            .map_err(|_| DateTimeError::Range("day"))?;
        let second = value.second().min(59);
        let time = Time::from_hms_nano(value.hour(), value.minute(), second, value.nanosecond())
            .map_err(|_| DateTimeError::Range("second"))?;
        Ok(Self::new(date, time))
    }
}

impl TryFrom<OffsetDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: OffsetDateTime) -> Result<Self, DateTimeError> {
        let offset = minutes(value.offset().whole_seconds())?;
        let local = PrimitiveDateTime::new(value.date(), value.time());
        Self::try_from(local)?.with_offset(Some(offset))
    }
}

impl TryFrom<DateTime> for OffsetDateTime {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let offset = UtcOffset::from_whole_seconds(value.offset_seconds()?)
            .map_err(|_| DateTimeError::Range("offset"))?;
        Ok(PrimitiveDateTime::try_from(value)?.assume_offset(offset))
    }
}
