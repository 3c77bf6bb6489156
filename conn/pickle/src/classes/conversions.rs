//! Helpers for the conversions of other crates' types.

use super::{Date, DateTime, Time, out_of_range};
use crate::error::Error;

/// Creates the error of a number that the target of a conversion has no room for.
pub(super) fn beyond(class: &str) -> Error {
    out_of_range(class, "the value is beyond what the type can represent")
}

/// Creates a date of these numbers.
pub(super) fn date(
    year: impl TryInto<u16>,
    month: impl TryInto<u8>,
    day: impl TryInto<u8>,
) -> Result<Date, Error> {
    let numbers = (year.try_into(), month.try_into(), day.try_into());
    match numbers {
        (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day),
        _ => None,
    }
    .ok_or_else(|| out_of_range("datetime.date", "its years are 1 to 9999"))
}

/// Creates a time of these numbers. Fractions of a microsecond are dropped. A leap second is an
/// error.
pub(super) fn time(
    hour: impl TryInto<u8>,
    minute: impl TryInto<u8>,
    second: impl TryInto<u8>,
    nanosecond: impl TryInto<u32>,
) -> Result<Time, Error> {
    let numbers = (
        hour.try_into(),
        minute.try_into(),
        second.try_into(),
        nanosecond.try_into(),
    );
    match numbers {
        (Ok(hour), Ok(minute), Ok(second), Ok(nanosecond)) => {
            Time::new(hour, minute, second, nanosecond / 1000)
        }
        _ => None,
    }
    .ok_or_else(|| out_of_range("datetime.time", "it has no leap seconds"))
}

/// Returns the date and time, if it has no zone: a type without a zone would lose it.
pub(super) fn without_zone(datetime: &DateTime) -> Result<(Date, Time), Error> {
    if let Some(zone) = datetime.zone() {
        let reason = format_args!("it has the zone {zone}, which the type has no place for");
        return Err(out_of_range("datetime.datetime", reason));
    }
    Ok((datetime.date(), datetime.time()))
}

/// Returns an error if the time has a zone.
pub(super) fn time_without_zone(time: &Time) -> Result<(), Error> {
    time.zone().map_or(Ok(()), |zone| {
        let reason = format_args!("it has the zone {zone}, which the type has no place for");
        Err(out_of_range("datetime.time", reason))
    })
}

/// Makes types of another crate instances in Python, by conversions from and to a type of this one.
macro_rules! python_types {
    ($($(#[$doc:meta])* $type:ty => $own:ty;)*) => {$(
        $(#[$doc])*
        impl $crate::PythonType for $type {
            const CLASS: &'static str = <$own>::CLASS;

            fn to_python(&self) -> Result<$crate::Value, $crate::Error> {
                <$own>::try_from(self.clone())?.to_python()
            }

            fn from_python(value: $crate::Value) -> Result<Self, $crate::Error> {
                <$own>::from_python(value)?.try_into()
            }
        }
    )*};
}

pub(super) use python_types;
