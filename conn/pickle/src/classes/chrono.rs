//! Conversions of chrono's types.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::conversions::{beyond, date, python_types, time, time_without_zone, without_zone};
use super::datetime::instant;
use super::{Date, DateTime, PythonType, Time, TimeDelta, Zone};
use crate::error::Error;

python_types! {
    /// A `datetime.date`.
    NaiveDate => Date;
    /// A `datetime.time` without a zone. Fractions of a microsecond are dropped.
    NaiveTime => Time;
    /// A `datetime.datetime` without a zone. Fractions of a microsecond are dropped.
    NaiveDateTime => DateTime;
    /// A `datetime.datetime` in UTC. One without a known offset is an error.
    chrono::DateTime<Utc> => DateTime;
    /// A `datetime.datetime` with a known offset.
    chrono::DateTime<FixedOffset> => DateTime;
    /// A `datetime.timedelta`. Fractions of a microsecond are dropped.
    chrono::TimeDelta => TimeDelta;
}

impl TryFrom<NaiveDate> for Date {
    type Error = Error;

    fn try_from(value: NaiveDate) -> Result<Self, Error> {
        date(value.year(), value.month(), value.day())
    }
}

impl TryFrom<Date> for NaiveDate {
    type Error = Error;

    fn try_from(value: Date) -> Result<Self, Error> {
        let (year, month, day) = (value.year(), value.month(), value.day());
        Self::from_ymd_opt(year.into(), month.into(), day.into()).ok_or_else(|| beyond(Date::CLASS))
    }
}

impl TryFrom<NaiveTime> for Time {
    type Error = Error;

    fn try_from(value: NaiveTime) -> Result<Self, Error> {
        time(
            value.hour(),
            value.minute(),
            value.second(),
            value.nanosecond(),
        )
    }
}

impl TryFrom<Time> for NaiveTime {
    type Error = Error;

    fn try_from(value: Time) -> Result<Self, Error> {
        time_without_zone(&value)?;
        let [hour, minute, second] = [value.hour(), value.minute(), value.second()].map(u32::from);
        Self::from_hms_micro_opt(hour, minute, second, value.microsecond())
            .ok_or_else(|| beyond(Time::CLASS))
    }
}

impl TryFrom<NaiveDateTime> for DateTime {
    type Error = Error;

    fn try_from(value: NaiveDateTime) -> Result<Self, Error> {
        Ok(Self::new(
            value.date().try_into()?,
            value.time().try_into()?,
        ))
    }
}

impl TryFrom<DateTime> for NaiveDateTime {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let (date, time) = without_zone(&value)?;
        Ok(Self::new(date.try_into()?, time.try_into()?))
    }
}

impl TryFrom<chrono::DateTime<Utc>> for DateTime {
    type Error = Error;

    fn try_from(value: chrono::DateTime<Utc>) -> Result<Self, Error> {
        Ok(Self::try_from(value.naive_utc())?.with_zone(Zone::UTC))
    }
}

impl TryFrom<DateTime> for chrono::DateTime<Utc> {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let micros = i64::try_from(instant(&value)?).ok();
        micros
            .and_then(Self::from_timestamp_micros)
            .ok_or_else(|| beyond(DateTime::CLASS))
    }
}

impl TryFrom<chrono::DateTime<FixedOffset>> for DateTime {
    type Error = Error;

    fn try_from(value: chrono::DateTime<FixedOffset>) -> Result<Self, Error> {
        let zone = Zone::fixed(value.offset().local_minus_utc());
        Ok(Self::try_from(value.naive_local())?.with_zone(zone))
    }
}

impl TryFrom<DateTime> for chrono::DateTime<FixedOffset> {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let seconds = value.offset().map_or(0, TimeDelta::total_seconds);
        let offset = i32::try_from(seconds).ok().and_then(FixedOffset::east_opt);
        let offset = offset.ok_or_else(|| beyond(DateTime::CLASS))?;
        Ok(chrono::DateTime::<Utc>::try_from(value)?.with_timezone(&offset))
    }
}

impl TryFrom<chrono::TimeDelta> for TimeDelta {
    type Error = Error;

    fn try_from(value: chrono::TimeDelta) -> Result<Self, Error> {
        let micros = i128::from(value.num_seconds()) * 1_000_000;
        let delta = Self::from_microseconds(micros + i128::from(value.subsec_nanos() / 1000));
        delta.ok_or_else(|| beyond(Self::CLASS))
    }
}

impl TryFrom<TimeDelta> for chrono::TimeDelta {
    type Error = Error;

    fn try_from(value: TimeDelta) -> Result<Self, Error> {
        Self::new(value.total_seconds(), value.microseconds() * 1000)
            .ok_or_else(|| beyond(TimeDelta::CLASS))
    }
}
