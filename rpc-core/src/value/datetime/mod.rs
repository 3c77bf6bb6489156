//! Dates and times.

mod text;
pub mod zero_as_none;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// The newtype name of a serialised [`DateTime`], whose content is its text in the extended form of
/// ISO 8601. A format with a date type recognises dates by this name.
pub const NEWTYPE: &str = "$farcall::DateTime";

/// The newtype name of a serialised [`Value::DateTimeText`](super::Value::DateTimeText): a text
/// that was received as a date and time but is not a valid one. A format with a date type writes it
/// as a date, unchanged; other formats write a string.
pub const TEXT: &str = "$farcall::DateTimeText";

/// A date and time as protocols carry it: with or without a fraction and an offset from UTC.
///
/// It is parsed from every form that peers are known to send, and displayed in the extended form of
/// ISO 8601; [`basic`](Self::basic) displays the form that XML-RPC uses. Years are 0 to 9999, and a
/// leap second is second 60. Conversions from and to the types of the crates jiff, chrono and time
/// are behind the features of those names (`TryFrom` in both directions).
///
/// ```
/// use farcall::DateTime;
///
/// let landing: DateTime = "19690720T20:17:40Z".parse().unwrap();
/// let local = DateTime::new(1969, 7, 20, 20, 17, 40).unwrap();
/// assert_eq!(landing, local.with_offset(Some(0)).unwrap());
/// assert_eq!(landing.to_string(), "1969-07-20T20:17:40Z");
/// assert_eq!(landing.basic().to_string(), "19690720T20:17:40Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
    offset: Option<i16>,
}

/// The error of a date and time that cannot be parsed, created or converted.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DateTimeError {
    /// A component is out of its range, such as the 30th of February.
    #[error("the {0} of a date and time is out of range")]
    Range(&'static str),
    /// There is no offset from UTC, which the target type of a conversion requires.
    #[error("the date and time has no offset from UTC")]
    NoOffset,
    /// The text has none of the accepted forms of ISO 8601.
    #[error("`{0}` is not a date and time in ISO 8601")]
    Form(String),
}

crate::debug_errors!(DateTimeError);

impl DateTime {
    /// Creates a date and time without a fraction and without an offset.
    ///
    /// # Errors
    /// If a component is out of its range.
    pub const fn new(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Result<Self, DateTimeError> {
        let out_of_range = if year > 9999 {
            "year"
        } else if month == 0 || month > 12 {
            "month"
        } else if day == 0 || day > days_in(year, month) {
            "day"
        } else if hour > 23 {
            "hour"
        } else if minute > 59 {
            "minute"
        } else if second > 60 {
            "second"
        } else {
            return Ok(Self {
                year,
                month,
                day,
                hour,
                minute,
                second,
                nanosecond: 0,
                offset: None,
            });
        };
        Err(DateTimeError::Range(out_of_range))
    }

    /// Returns a copy with a fraction of a second, in nanoseconds.
    ///
    /// # Errors
    /// If it is one second or more.
    pub const fn with_nanosecond(self, nanosecond: u32) -> Result<Self, DateTimeError> {
        if nanosecond > 999_999_999 {
            return Err(DateTimeError::Range("fraction"));
        }
        Ok(Self { nanosecond, ..self })
    }

    /// Returns a copy with an offset from UTC, in minutes east. `None` means unknown.
    ///
    /// # Errors
    /// If it is 24 hours or more.
    pub const fn with_offset(self, minutes: Option<i16>) -> Result<Self, DateTimeError> {
        if let Some(minutes) = minutes
            && (minutes <= -24 * 60 || minutes >= 24 * 60)
        {
            return Err(DateTimeError::Range("offset"));
        }
        Ok(Self {
            offset: minutes,
            ..self
        })
    }

    /// Displays the basic form of ISO 8601 that XML-RPC uses: `19980717T14:08:55`.
    #[must_use]
    pub const fn basic(self) -> impl fmt::Display {
        Basic(self)
    }
}

/// Defines methods that return a component.
macro_rules! components {
    ($($(#[$doc:meta])* $component:ident: $type:ty;)*) => {
        impl DateTime {$(
            $(#[$doc])*
            #[must_use]
            pub const fn $component(self) -> $type {
                self.$component
            }
        )*}
    };
}

components! {
    /// The year, 0 to 9999.
    year: u16;
    /// The month, 1 to 12.
    month: u8;
    /// The day of the month, from 1.
    day: u8;
    /// The hour, 0 to 23.
    hour: u8;
    /// The minute, 0 to 59.
    minute: u8;
    /// The second, 0 to 59, or 60 in a leap second.
    second: u8;
    /// The fraction of the second, in nanoseconds.
    nanosecond: u32;
    /// The offset from UTC in minutes east, if it is known. XML-RPC does not carry one.
    offset: Option<i16>;
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Displays the extended form of ISO 8601, with the fraction and the offset if there are any:
/// `1998-07-17T14:08:55.5+02:00`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text("-").as_str())
    }
}

struct Basic(DateTime);

impl fmt::Display for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text("").as_str())
    }
}

/// Parses the basic and the extended form of ISO 8601, and mixtures of them: dashes and colons may
/// be omitted, a space may replace the `T`, a fraction may have any number of digits (those after
/// the ninth are dropped), and the offset may be `Z`, `+02`, `+0200` or `+02:00`.
impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        let trimmed = text.trim();
        let mut parser = Parser(trimmed.as_bytes());
        parse(&mut parser)
            .filter(|_| parser.0.is_empty())
            .ok_or_else(|| DateTimeError::Form(trimmed.chars().take(40).collect()))?
    }
}

/// Parses a date and time at the start of the text. The inner error is that of a component out of
/// its range; `None` means that the form is wrong.
fn parse(parser: &mut Parser<'_>) -> Option<Result<DateTime, DateTimeError>> {
    let year = parser.number(4)?;
    parser.skip(b"-");
    let month = parser.number(2)? as u8;
    parser.skip(b"-");
    let day = parser.number(2)? as u8;
    parser.skip(b"Tt ").then_some(())?;
    let hour = parser.number(2)? as u8;
    parser.skip(b":");
    let minute = parser.number(2)? as u8;
    parser.skip(b":");
    let second = parser.number(2)? as u8;
    let nanosecond = if parser.skip(b".,") {
        parser.fraction()?
    } else {
        0
    };
    let offset = parser.offset()?;
    Some(
        DateTime::new(year, month, day, hour, minute, second)
            .and_then(|datetime| datetime.with_nanosecond(nanosecond))
            .and_then(|datetime| datetime.with_offset(offset)),
    )
}

/// The part of the text that is not yet parsed.
struct Parser<'a>(&'a [u8]);

impl Parser<'_> {
    fn skip(&mut self, any_of: &[u8]) -> bool {
        let found = self.0.first().is_some_and(|byte| any_of.contains(byte));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn digit(&mut self) -> Option<u16> {
        let (digit, rest) = self.0.split_first()?;
        digit.is_ascii_digit().then(|| {
            self.0 = rest;
            u16::from(digit - b'0')
        })
    }

    fn number(&mut self, digits: usize) -> Option<u16> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    fn fraction(&mut self) -> Option<u32> {
        let mut unit = 100_000_000;
        let mut nanosecond = u32::from(self.digit()?) * unit;
        while let Some(digit) = self.digit() {
            unit /= 10;
            nanosecond += u32::from(digit) * unit;
        }
        Some(nanosecond)
    }

    fn offset(&mut self) -> Option<Option<i16>> {
        if self.0.is_empty() {
            return Some(None);
        }
        if self.skip(b"Zz") {
            return Some(Some(0));
        }
        let west = self.skip(b"-");
        (west || self.skip(b"+")).then_some(())?;
        let hours = self.number(2)?;
        let colon = self.skip(b":");
        let minutes = if colon || !self.0.is_empty() {
            self.number(2)?
        } else {
            0
        };
        (minutes < 60).then_some(())?;
        let offset = i16::try_from(hours * 60 + minutes).ok()?;
        Some(Some(if west { -offset } else { offset }))
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NEWTYPE, self.text("-").as_str())
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NEWTYPE, TextVisitor(str::parse))
    }
}

/// Reads the text of a date and time with this function.
struct TextVisitor<T>(fn(&str) -> Result<T, DateTimeError>);

impl<'de, T> Visitor<'de> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date and time")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<T, D::Error> {
        source.deserialize_str(self)
    }
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Returns the time in UTC, with offset 0. Times before the year 0 and after 9999 become the first
/// and the last second that can be represented.
impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        let (seconds, nanosecond) = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => (
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                since.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => (-seconds, 0),
                    nanos => (-seconds - 1, 1_000_000_000 - nanos),
                }
            }
        };
        // 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
        let seconds = seconds.clamp(-62_167_219_200, 253_402_300_799);
        let (year, month, day) = date_of(seconds.div_euclid(SECONDS_PER_DAY));
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        Self {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            nanosecond,
            offset: Some(0),
        }
    }
}

/// Takes a time without an offset as UTC. A leap second becomes the second after it.
impl From<DateTime> for SystemTime {
    fn from(datetime: DateTime) -> Self {
        let DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
            offset,
        } = datetime;
        let time = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let seconds = days_since_epoch(year, month, day) * SECONDS_PER_DAY + time
            - i64::from(offset.unwrap_or(0)) * 60;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let fraction = Duration::from_nanos(nanosecond.into());
        match seconds {
            0.. => Self::UNIX_EPOCH + whole + fraction,
            _ => Self::UNIX_EPOCH - whole + fraction,
        }
    }
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms"): years
/// begin in March, so that the leap day is the last of its year.
const fn days_since_epoch(year: u16, month: u8, day: u8) -> i64 {
    let year = year as i64 - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month as i64 + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn date_of(days: i64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u8;
    let month = if month < 10 { month + 3 } else { month - 9 } as u8;
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year as u16, month, day)
}

#[cfg(test)]
mod tests;
