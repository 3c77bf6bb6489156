//! Conversions of jiff's types.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned, civil};

use super::conversions::{beyond, date, python_types, time, time_without_zone, without_zone};
use super::datetime::instant;
use super::{Date, DateTime, PythonType, Time, TimeDelta, Zone, out_of_range};
use crate::error::Error;

python_types! {
    /// A `datetime.date`.
    civil::Date => Date;
    /// A `datetime.time` without a zone. Fractions of a microsecond are dropped.
    civil::Time => Time;
    /// A `datetime.datetime` without a zone. Fractions of a microsecond are dropped.
    civil::DateTime => DateTime;
    /// A `datetime.datetime` in UTC. One without a known offset is an error.
    Timestamp => DateTime;
    /// A `datetime.datetime` with a zone: a `zoneinfo.ZoneInfo` if it has a name, or else its
    /// offset. Zones are looked up by name in the time zone database of jiff, which a feature of
    /// jiff provides. One without a zone is an error.
    Zoned => DateTime;
    /// A `datetime.timedelta`. Fractions of a microsecond are dropped.
    SignedDuration => TimeDelta;
}

impl TryFrom<civil::Date> for Date {
    type Error = Error;

    fn try_from(value: civil::Date) -> Result<Self, Error> {
        date(value.year(), value.month(), value.day())
    }
}

impl TryFrom<Date> for civil::Date {
    type Error = Error;

    fn try_from(value: Date) -> Result<Self, Error> {
        let part = |part: u8| i8::try_from(part).unwrap_or(i8::MAX);
        let year = i16::try_from(value.year()).unwrap_or(i16::MAX);
        Self::new(year, part(value.month()), part(value.day())).map_err(|_| beyond(Date::CLASS))
    }
}

impl TryFrom<civil::Time> for Time {
    type Error = Error;

    fn try_from(value: civil::Time) -> Result<Self, Error> {
        let nanosecond = value.subsec_nanosecond();
        time(value.hour(), value.minute(), value.second(), nanosecond)
    }
}

impl TryFrom<Time> for civil::Time {
    type Error = Error;

    fn try_from(value: Time) -> Result<Self, Error> {
        time_without_zone(&value)?;
        let part = |part: u8| i8::try_from(part).unwrap_or(i8::MAX);
        let nanosecond = i32::try_from(value.microsecond() * 1000).unwrap_or(i32::MAX);
        let [hour, minute, second] = [value.hour(), value.minute(), value.second()].map(part);
        Self::new(hour, minute, second, nanosecond).map_err(|_| beyond(Time::CLASS))
    }
}

impl TryFrom<civil::DateTime> for DateTime {
    type Error = Error;

    fn try_from(value: civil::DateTime) -> Result<Self, Error> {
        Ok(Self::new(
            value.date().try_into()?,
            value.time().try_into()?,
        ))
    }
}

impl TryFrom<DateTime> for civil::DateTime {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let (date, time) = without_zone(&value)?;
        Ok(Self::from_parts(date.try_into()?, time.try_into()?))
    }
}

impl TryFrom<Timestamp> for DateTime {
    type Error = Error;

    fn try_from(value: Timestamp) -> Result<Self, Error> {
        let local = Self::try_from(Offset::UTC.to_datetime(value))?;
        Ok(local.with_zone(Zone::UTC))
    }
}

impl TryFrom<DateTime> for Timestamp {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let micros = i64::try_from(instant(&value)?).map_err(|_| beyond(DateTime::CLASS))?;
        Self::from_microsecond(micros).map_err(|_| beyond(DateTime::CLASS))
    }
}

impl TryFrom<Zoned> for DateTime {
    type Error = Error;

    fn try_from(value: Zoned) -> Result<Self, Error> {
        let zone = match value.time_zone().iana_name() {
            Some("UTC") => Some(Zone::UTC),
            Some(key) => Some(Zone::named(key)),
            None => Zone::fixed(value.offset().seconds()),
        };
        let ambiguous = value.time_zone().to_ambiguous_timestamp(value.datetime());
        let fold = match ambiguous.offset() {
            AmbiguousOffset::Fold { after, .. } => value.offset() == after,
            _ => false,
        };
        let local = Self::try_from(value.datetime())?;
        Ok(local.with_zone(zone).with_fold(fold))
    }
}

impl TryFrom<DateTime> for Zoned {
    type Error = Error;

    fn try_from(value: DateTime) -> Result<Self, Error> {
        let Some(zone) = value.zone() else {
            return Err(out_of_range(DateTime::CLASS, "it has no zone"));
        };
        let zone = match (zone.key(), zone) {
            (Some(key), _) => TimeZone::get(key).map_err(|error| {
                let reason = format_args!("its zone is not in the time zone database: {error}");
                out_of_range(DateTime::CLASS, reason)
            })?,
            (None, Zone::Fixed { offset, .. }) => {
                let seconds = i32::try_from(offset.total_seconds()).unwrap_or(i32::MAX);
                let offset = Offset::from_seconds(seconds).map_err(|_| beyond(DateTime::CLASS))?;
                TimeZone::fixed(offset)
            }
            _ => return Err(beyond(DateTime::CLASS)),
        };
        // An offset that the pickle has needs no rules.
        if value.offset().is_some() {
            return Ok(Timestamp::try_from(value)?.to_zoned(zone));
        }
        let fold = value.fold();
        let local = civil::DateTime::try_from(value.with_zone(None))?;
        let offset = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
                if fold {
                    after
                } else {
                    before
                }
            }
        };
        let timestamp = offset
            .to_timestamp(local)
            .map_err(|_| beyond(DateTime::CLASS))?;
        Ok(timestamp.to_zoned(zone))
    }
}

impl TryFrom<SignedDuration> for TimeDelta {
    type Error = Error;

    fn try_from(value: SignedDuration) -> Result<Self, Error> {
        let delta = Self::from_microseconds(value.as_micros());
        delta.ok_or_else(|| beyond(Self::CLASS))
    }
}

impl TryFrom<TimeDelta> for SignedDuration {
    type Error = Error;

    fn try_from(value: TimeDelta) -> Result<Self, Error> {
        let nanoseconds = i32::try_from(value.microseconds() * 1000).unwrap_or(i32::MAX);
        Ok(Self::new(value.total_seconds(), nanoseconds))
    }
}
