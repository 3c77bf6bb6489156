//! Dates with times.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::constants::{DAY, MICROS};
use super::time::{Clock, FOLD, clock_parts, state_and_zone, with_zone};
use super::{Date, PythonType, Time, TimeDelta, Zone, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::Value;

/// A `datetime.datetime`: a date and time to the microsecond, with or without a zone.
///
/// ```
/// use farcall_pickle::{Date, DateTime, Time, Zone, from_slice, to_vec};
///
/// let date = Date::new(2024, 7, 1).unwrap();
/// let time = Time::new(12, 30, 0, 0).unwrap();
/// let noon = DateTime::new(date, time).with_zone(Zone::fixed(7200));
/// assert_eq!(noon.to_string(), "2024-07-01T12:30:00+02:00");
/// assert_eq!(from_slice::<DateTime>(&to_vec(&noon)?)?, noon);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    clock: Clock,
    zone: Option<Zone>,
}

impl DateTime {
    /// Creates a date and time, with the zone of the time.
    #[must_use]
    pub fn new(date: Date, time: Time) -> Self {
        let (clock, zone) = time.into_parts();
        Self { date, clock, zone }
    }

    /// Sets its zone, or none, without a change of the date and the time. Default: that of the
    /// time.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<Option<Zone>>) -> Self {
        Self {
            zone: zone.into(),
            ..self
        }
    }

    /// Sets its fold: `true` for the second of two equal times, when clocks are set back. Default:
    /// that of the time.
    #[must_use]
    pub fn with_fold(mut self, fold: bool) -> Self {
        self.clock.fold = fold;
        self
    }

    /// Returns the date.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Returns the time, without its zone.
    #[must_use]
    pub const fn time(&self) -> Time {
        Time::of_clock(self.clock)
    }

    /// Returns its zone.
    #[must_use]
    pub const fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// Returns the offset from UTC. `None` if there is no zone, or if it is one by name, whose
    /// offset only a time zone database knows.
    #[must_use]
    pub fn offset(&self) -> Option<TimeDelta> {
        self.zone.as_ref()?.offset()
    }

    /// Returns the time since 1970 in UTC, in microseconds. `None` if the offset from UTC is not
    /// known.
    #[must_use]
    pub fn unix_microseconds(&self) -> Option<i128> {
        let offset = self.offset()?.total_microseconds();
        Some(self.local_microseconds() - offset)
    }

    /// Creates the date and time in UTC of a time since 1970, in microseconds. Returns `None` if
    /// its year is not one of 1 to 9999.
    #[must_use]
    pub fn from_unix_microseconds(microseconds: i128) -> Option<Self> {
        let per_day = i128::from(DAY * MICROS);
        let days = i64::try_from(microseconds.div_euclid(per_day)).ok()?;
        let rest = microseconds.rem_euclid(per_day) as i64;
        let (second, micros) = (rest / MICROS, rest % MICROS);
        let clock = Clock::new(
            (second / 3600) as u8,
            (second / 60 % 60) as u8,
            (second % 60) as u8,
            micros as u32,
        )?;
        Some(Self {
            date: date_of(days)?,
            clock,
            zone: Some(Zone::UTC),
        })
    }

    /// Returns the time since 1970 in its own zone.
    fn local_microseconds(&self) -> i128 {
        let clock = self.clock;
        let minutes = i64::from(clock.hour) * 60 + i64::from(clock.minute);
        let seconds = days_since_epoch(self.date) * DAY + minutes * 60 + i64::from(clock.second);
        i128::from(seconds) * i128::from(MICROS) + i128::from(clock.microsecond)
    }
}

clock_parts!(DateTime);

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms"): years
/// begin in March, so that the leap day is the last of its year.
const fn days_since_epoch(date: Date) -> i64 {
    let year = date.year() as i64 - (date.month() <= 2) as i64;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (date.month() as i64 + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + date.day() as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn date_of(days: i64) -> Option<Date> {
    let days = days.checked_add(719_468)?;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u8;
    let month = if month < 10 { month + 3 } else { month - 9 } as u8;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Date::new(u16::try_from(year).ok()?, month, day)
}

/// Displays the form of ISO 8601: `2024-07-01T12:30:00.5+02:00`. A zone whose offset is not known
/// is its name in brackets.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.clock)?;
        self.zone.as_ref().map_or(Ok(()), |zone| zone.fmt(f))
    }
}

/// Parses the extended form of ISO 8601, without an offset or with one in minutes. Fractions of a
/// microsecond are dropped.
impl FromStr for DateTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            out_of_range(
                Self::CLASS,
                format_args!("it cannot represent {}", crate::error::quoted(text)),
            )
        })
    }
}

fn parse(text: &str) -> Option<DateTime> {
    let number = |from: usize, to: usize| -> Option<u16> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let small = |from| u8::try_from(number(from, from + 2)?).ok();
    let marks = [4, 7, 10, 13, 16].map(|at| text.as_bytes().get(at).copied());
    if marks != [b'-', b'-', b'T', b':', b':'].map(Some) {
        return None;
    }
    let date = Date::new(number(0, 4)?, small(5)?, small(8)?)?;
    let mut rest = text.get(19..)?;
    let mut micros = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|digit: char| !digit.is_ascii_digit());
        let (digits, after) = fraction.split_at(end.unwrap_or(fraction.len()));
        micros = format!("{digits:0<6}").get(..6)?.parse().ok()?;
        rest = after;
    }
    let clock = Clock::new(small(11)?, small(14)?, small(17)?, micros)?;
    let zone = match rest.as_bytes() {
        [] => None,
        b"Z" => Some(Zone::UTC),
        [sign @ (b'+' | b'-'), a, b, b':', c, d] => {
            let digits = [*a, *b, *c, *d].map(|digit| char::from(digit).to_digit(10));
            let [Some(a), Some(b), Some(c), Some(d)] = digits else {
                return None;
            };
            let seconds = i32::try_from((a * 10 + b) * 3600 + (c * 10 + d) * 60).ok()?;
            Some(Zone::fixed(if *sign == b'-' { -seconds } else { seconds })?)
        }
        _ => return None,
    };
    Some(DateTime { date, clock, zone })
}

impl PythonType for DateTime {
    const CLASS: &'static str = "datetime.datetime";

    fn to_python(&self) -> Result<Value, Error> {
        let mut state = [self.date.to_bytes().as_slice(), &self.clock.to_bytes()].concat();
        if self.clock.fold {
            state[2] |= FOLD;
        }
        with_zone(Self::CLASS, state, self.zone.as_ref())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some((state, zone)) =
            arguments(&value, "datetime", "datetime").and_then(state_and_zone)
        else {
            return Err(other_class::<Self>(&value));
        };
        let Some((date, clock)) = of_state(state) else {
            return Err(out_of_range(
                Self::CLASS,
                "its state is not a date and time",
            ));
        };
        Ok(Self {
            date,
            clock,
            zone: zone.cloned().map(Zone::from_python).transpose()?,
        })
    }
}

fn of_state(state: &[u8]) -> Option<(Date, Clock)> {
    let (date, clock) = state.split_first_chunk()?;
    let mut date: [u8; 4] = *date;
    let fold = date[2] & FOLD != 0;
    date[2] &= !FOLD;
    let clock = Clock::of_bytes(clock.try_into().ok()?)?;
    Some((Date::of_bytes(date)?, Clock { fold, ..clock }))
}

/// A `datetime.datetime` in UTC. Fractions of a microsecond are dropped. One without a known offset
/// from UTC is an error.
impl PythonType for SystemTime {
    const CLASS: &'static str = DateTime::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        let micros = match self.duration_since(Self::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_micros()).ok(),
            Err(before) => {
                let before = before.duration().as_nanos().div_ceil(1000);
                i128::try_from(before).ok().map(|before| -before)
            }
        };
        micros
            .and_then(DateTime::from_unix_microseconds)
            .ok_or_else(|| out_of_range(Self::CLASS, "its years are 1 to 9999"))?
            .to_python()
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let micros = instant(&DateTime::from_python(value)?)?;
        let distance = Duration::from_micros(micros.unsigned_abs() as u64);
        let time = if micros < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        time.ok_or_else(|| out_of_range(Self::CLASS, "the system's time cannot represent it"))
    }
}

/// Returns the time since 1970 in UTC, in microseconds.
pub(super) fn instant(datetime: &DateTime) -> Result<i128, Error> {
    datetime.unix_microseconds().ok_or_else(|| {
        let reason = match datetime.zone().and_then(Zone::key) {
            Some(key) => format!("the offset of the zone {key} is not in the pickle"),
            None => "it has no zone, so it is no point in time".to_owned(),
        };
        out_of_range(DateTime::CLASS, reason)
    })
}
