//! Conversions of the types of the crate time.

use ::time::{Month, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::conversions::{beyond, date, python_types, time, time_without_zone, without_zone};
use super::datetime::instant;
use super::{Date, DateTime, PythonType, Time, TimeDelta, Zone};
use crate::error::Error;

python_types! {
    /// A `datetime.date`.
    ::time::Date => Date;
    /// A `datetime.time` without a zone. Fractions of a microsecond are dropped.
    ::time::Time => Time;
    /// A `datetime.datetime` without a zone. Fractions of a microsecond are dropped.
    PrimitiveDateTime => DateTime;
    /// A `datetime.datetime` with a known offset. Fractions of a microsecond are dropped.
    OffsetDateTime => DateTime;
    /// A `datetime.timedelta`. Fractions of a microsecond are dropped.
    ::time::Duration => TimeDelta;
}

impl TryFrom<::time::Date> for Date {
    type Error = Error;

    fn try_from(value: ::time::Date) -> Result<Self, Error> {
        date(value.year(), u8::from(value.month()), value.day())
    }
}

impl TryFrom<Date> for ::time::Date {
    type Error = Error;

    fn try_from(value: Date) -> Result<Self, Error> {
        Month::try_from(value.month())
            .and_then(|month| Self::from_calendar_date(value.year().into(), month, value.day()))
            .map_err(|_| beyond(Date::CLASS))
    }
}

impl TryFrom<::time::Time> for Time {
    type Error = Error;

    fn try_from(value: ::time::Time) -> Result<Self, Error> {
        time(
            value.hour(),
            value.minute(),
            value.second(),
            value.nanosecond(),
        )
    }
}

impl TryFrom<Time> for ::time::Time {
    type Error = Error;

    fn try_from(value: Time) -> Result<Self, Error> {
        time_without_zone(&value)?;
        let (hour, minute, second) = (value.hour(), value.minute(), value.second());
        Self::from_hms_micro(hour, minute, second, value.microsecond())
            .map_err(|_| beyond(Time::CLASS))
    }
}

impl TryFrom<PrimitiveDateTime> for DateTime {
    type Error = Error;

    fn try_from(value: PrimitiveDateTime) -> Result<Self, Error> {
        Ok(Self::new(
            value.date().try_into()?,
            value.time().try_into()?,
        ))
    }
}

impl TryFrom<DateTime> for PrimitiveDateTime {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let (date, time) = without_zone(&value)?;
        Ok(Self::new(date.try_into()?, time.try_into()?))
    }
}

impl TryFrom<OffsetDateTime> for DateTime {
    type Error = Error;

    fn try_from(value: OffsetDateTime) -> Result<Self, Error> {
        let zone = Zone::fixed(value.offset().whole_seconds());
        let local = Self::new(value.date().try_into()?, value.time().try_into()?);
        Ok(local.with_zone(zone))
    }
}

impl TryFrom<DateTime> for OffsetDateTime {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let seconds = value.offset().map_or(0, TimeDelta::total_seconds);
        let offset = i32::try_from(seconds).map(UtcOffset::from_whole_seconds);
        let Ok(Ok(offset)) = offset else {
            return Err(beyond(DateTime::CLASS));
        };
        let utc = Self::from_unix_timestamp_nanos(instant(&value)? * 1000);
        utc.map(|utc| utc.to_offset(offset))
            .map_err(|_| beyond(DateTime::CLASS))
    }
}

impl TryFrom<::time::Duration> for TimeDelta {
    type Error = Error;

    fn try_from(value: ::time::Duration) -> Result<Self, Error> {
        let delta = Self::from_microseconds(value.whole_microseconds());
        delta.ok_or_else(|| beyond(Self::CLASS))
    }
}

impl TryFrom<TimeDelta> for ::time::Duration {
    type Error = Error;

    fn try_from(value: TimeDelta) -> Result<Self, Error> {
        let nanoseconds = i32::try_from(value.microseconds() * 1000).unwrap_or(i32::MAX);
        Ok(Self::new(value.total_seconds(), nanoseconds))
    }
}
