//! Time zones.

use std::fmt;

use super::{PythonType, TimeDelta, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// The zone of a [`DateTime`](super::DateTime) or [`Time`](super::Time): a `tzinfo` of Python.
///
/// A pickle contains the rules of no zone. That of a zone with a name contains the name only, so
/// its offset from UTC is not known without a time zone database: that of the crate jiff, for
/// instance, which converts to its `Zoned` by name. What pytz writes is both, the name and the
/// offset at that time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Zone {
    /// A `datetime.timezone`.
    Fixed {
        /// The offset from UTC, which is less than a day.
        offset: TimeDelta,
        /// Its name, if it was given one.
        name: Option<String>,
    },
    /// A `zoneinfo.ZoneInfo`, which Python has since 3.9.
    Named {
        /// Its name in the database, such as `Europe/Berlin`.
        key: String,
    },
    /// A zone of the library pytz, as it is at the time that it belongs to.
    Pytz {
        /// Its name in the database, such as `Europe/Berlin`.
        key: String,
        /// The offset from UTC, and the part of it that is daylight saving time, in seconds, with
        /// the abbreviation, such as `CEST`. `None` for zones with one offset only, and for times
        /// that were not localised.
        period: Option<(i32, i32, String)>,
    },
}

impl Zone {
    /// UTC, as `datetime.timezone.utc`.
    pub const UTC: Self = Self::Fixed {
        offset: TimeDelta::ZERO,
        name: None,
    };

    /// Creates a `datetime.timezone` with this offset, in seconds east. Returns `None` if it is a
    /// day or more.
    #[must_use]
    pub fn fixed(offset: i32) -> Option<Self> {
        let offset = TimeDelta::from_seconds(offset.into())?;
        is_offset(offset).then_some(Self::Fixed { offset, name: None })
    }

    /// Creates a `zoneinfo.ZoneInfo` with this name, such as `Europe/Berlin`.
    #[must_use]
    pub fn named(key: impl Into<String>) -> Self {
        Self::Named { key: key.into() }
    }

    /// Returns its name in the time zone database, if it has one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Fixed { .. } => None,
            Self::Named { key } | Self::Pytz { key, .. } => Some(key),
        }
    }

    /// Returns the offset from UTC, if it is known without a time zone database.
    #[must_use]
    pub fn offset(&self) -> Option<TimeDelta> {
        match self {
            Self::Fixed { offset, .. } => Some(*offset),
            Self::Named { key } => is_utc(key).then_some(TimeDelta::ZERO),
            Self::Pytz { key, period } => match period {
                Some((offset, ..)) => TimeDelta::from_seconds((*offset).into()),
                None => is_utc(key).then_some(TimeDelta::ZERO),
            },
        }
    }
}

fn is_utc(key: &str) -> bool {
    matches!(
        key,
        "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Zulu" | "Etc/Zulu"
    )
}

/// Returns `true` if Python accepts the offset: it is less than a day, in either direction.
fn is_offset(offset: TimeDelta) -> bool {
    let day = i128::from(super::constants::DAY * super::constants::MICROS);
    offset.total_microseconds().abs() < day
}

/// Displays the offset as in ISO 8601, or the name in brackets as in RFC 9557 if the offset is not
/// known: `+02:00`, `[Europe/Berlin]`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(offset) = self.offset() else {
            return write!(f, "[{}]", self.key().unwrap_or_default());
        };
        let total = offset.total_microseconds();
        let (sign, total) = (if total < 0 { '-' } else { '+' }, total.unsigned_abs());
        let (seconds, micros) = (total / 1_000_000, total % 1_000_000);
        write!(f, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
        if seconds % 60 != 0 || micros != 0 {
            write!(f, ":{:02}", seconds % 60)?;
        }
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        Ok(())
    }
}

impl PythonType for Zone {
    const CLASS: &'static str = "a time zone of datetime, zoneinfo or pytz";

    fn to_python(&self) -> Result<Value, Error> {
        Ok(match self {
            Self::Fixed { offset, name } => {
                if !is_offset(*offset) {
                    return Err(out_of_range(
                        "datetime.timezone",
                        "its offset is a day or more",
                    ));
                }
                let mut args = vec![offset.to_python()?];
                args.extend(name.as_deref().map(Value::from));
                Object::call("datetime.timezone").with_args(args)
            }
            Self::Named { key } => {
                // The number tells that it comes from the cache of zones, as by its constructor.
                let args = [key.as_str().into(), 1.into()];
                Object::call("zoneinfo:ZoneInfo._unpickle").with_args(args)
            }
            Self::Pytz { key, period: None } if key == "UTC" => Object::call("pytz._UTC"),
            Self::Pytz { key, period } => {
                let mut args = vec![key.as_str().into()];
                if let Some((offset, saving, name)) = period {
                    args.extend([(*offset).into(), (*saving).into(), name.as_str().into()]);
                }
                Object::call("pytz._p").with_args(args)
            }
        }
        .into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let zone = zoneinfo(&value).or_else(|| pytz(&value));
        if let Some(zone) = zone {
            return Ok(zone);
        }
        let (offset, name) = match arguments(&value, "datetime", "timezone") {
            Some([offset]) => (offset, None),
            Some([offset, name]) => (offset, Some(name)),
            _ => return Err(other_class::<Self>(&value)),
        };
        let offset = TimeDelta::from_python(offset.clone())?;
        if !is_offset(offset) {
            return Err(out_of_range(
                "datetime.timezone",
                "its offset is a day or more",
            ));
        }
        let name = name.and_then(Value::as_str).map(str::to_owned);
        Ok(Self::Fixed { offset, name })
    }
}

fn zoneinfo(value: &Value) -> Option<Zone> {
    let key = arguments(value, "zoneinfo", "ZoneInfo._unpickle")?.first()?;
    Some(Zone::named(key.as_str()?))
}

/// Returns the zone of pytz, from the forms of `pytz.tzinfo.__reduce__`.
fn pytz(value: &Value) -> Option<Zone> {
    if arguments(value, "pytz", "_UTC").is_some() {
        return Some(Zone::Pytz {
            key: "UTC".to_owned(),
            period: None,
        });
    }
    let (key, period) = match arguments(value, "pytz", "_p")? {
        [key] => (key, None),
        [key, offset, saving, name] => {
            let seconds = |value: &Value| i32::try_from(value.as_i64()?).ok();
            let name = name.as_str()?.to_owned();
            (key, Some((seconds(offset)?, seconds(saving)?, name)))
        }
        _ => return None,
    };
    Some(Zone::Pytz {
        key: key.as_str()?.to_owned(),
        period,
    })
}
