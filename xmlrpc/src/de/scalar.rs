//! Content of a `<value>` element.

use std::borrow::Cow;

use farcall_core::{FormatError, FormatErrorKind};

use super::De;
use crate::xml::read::{Markup, Tag, Token};
use crate::xml::{base64, is_blank, trim};

/// A scalar, or the start of an array or struct.
pub(super) enum Found<'de> {
    Nil,
    /// No result at all: some Java and C servers reply with `<params/>`, a `<param/>` without a
    /// value, or no `<params>` when a method returns nothing. It is read as nil.
    Missing,
    Boolean(bool),
    Int(i64),
    /// A big integer beyond 64 bits.
    Wide(i128),
    Double(f64),
    /// A string, or a big integer beyond 128 bits.
    Text(Cow<'de, str>),
    /// The digits of a big decimal.
    Decimal(Cow<'de, str>),
    Bytes(Vec<u8>),
    /// A date and time in its wire form.
    DateTime(Cow<'de, str>),
    /// An array; `<array>` is open.
    Array,
    /// A struct; `<struct>` is open.
    Struct,
}

impl Found<'_> {
    /// Returns the name of the wire type, for error messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Nil | Self::Missing => "nil",
            Self::Boolean(_) => "boolean",
            Self::Int(_) => "int",
            Self::Wide(_) => "biginteger",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Decimal(_) => "bigdecimal",
            Self::Bytes(_) => "base64",
            Self::DateTime(_) => "dateTime.iso8601",
            Self::Array => "array",
            Self::Struct => "struct",
        }
    }
}

/// Reads the content of the open value, in any form. See [`De::enter`].
pub(super) fn enter<'de>(de: &mut De<'de>) -> Result<Found<'de>, FormatError> {
    let text = de.reader.text()?;
    let token = de.reader.tag()?;
    let Markup::Start(tag) = token.markup else {
        // `<value>text</value>` and `<value/>` are strings.
        return Ok(Found::Text(text));
    };
    if !is_blank(&text) {
        return Err(de.reader.stray_text(token.start));
    }
    let found = match tag {
        Tag::Array => return Ok(Found::Array),
        Tag::Struct => return Ok(Found::Struct),
        Tag::String => Found::Text(content(de)?),
        Tag::Int => {
            let text = content(de)?;
            let number = trim(&text);
            Found::Int(number.parse().map_err(|_| {
                let is_wide = is_integer(number);
                bad(
                    de,
                    token,
                    if is_wide {
                        "an integer from -2^63 to 2^63 - 1"
                    } else {
                        "an integer"
                    },
                )
            })?)
        }
        Tag::Boolean => Found::Boolean(parse(de, token, "a boolean", boolean)?),
        Tag::Double => Found::Double(parse(de, token, "a double", double)?),
        Tag::DateTime => Found::DateTime(trimmed(content(de)?)),
        Tag::Base64 => Found::Bytes(parse(de, token, "base64", |text| {
            base64::decode(text.as_bytes())
        })?),
        Tag::Nil => parse(de, token, "nil", |text| {
            text.is_empty().then_some(Found::Nil)
        })?,
        Tag::BigDecimal => {
            let text = trimmed(content(de)?);
            if decimal(&text).is_none() {
                return Err(bad(de, token, "a decimal number"));
            }
            Found::Decimal(text)
        }
        Tag::BigInteger => {
            let text = trimmed(content(de)?);
            big_integer(text).ok_or_else(|| bad(de, token, "an integer"))?
        }
        _ => {
            let name = de.reader.describe(token);
            return Err(de.reader.error(
                FormatErrorKind::Structure,
                token.start,
                format!("{name} is not a supported value type"),
            ));
        }
    };
    de.end("</value>")?;
    Ok(found)
}

/// Reads the text of an element without child elements, and the end of the element.
fn content<'de>(de: &mut De<'de>) -> Result<Cow<'de, str>, FormatError> {
    let text = de.reader.text()?;
    de.end("the end of a text")?;
    Ok(text)
}

fn parse<T>(
    de: &mut De<'_>,
    token: Token,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, FormatError> {
    let text = content(de)?;
    parse(trim(&text)).ok_or_else(|| bad(de, token, expected))
}

fn bad(de: &De<'_>, token: Token, expected: &str) -> FormatError {
    let name = de.reader.describe(token);
    de.reader.error(
        FormatErrorKind::Structure,
        token.start,
        format!("the text in {name} is not {expected}"),
    )
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Parses a decimal number, infinity or NaN. The last two are not in the specification, but peers
/// send them in the spelling of their language: CPython `nan` and `inf`, Java, JavaScript and Ruby
/// `NaN` and `Infinity`, Perl and .NET `NaN` and `Inf`, PHP `NAN` and `INF`.
pub(super) fn double(text: &str) -> Option<f64> {
    decimal(text).or_else(|| named(text))
}

#[cold]
fn named(text: &str) -> Option<f64> {
    let (sign, name) = match text.strip_prefix('-') {
        Some(name) => (-1.0, name),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("nan") {
        return Some(f64::NAN.copysign(sign));
    }
    (is("inf") || is("infinity")).then_some(f64::INFINITY * sign)
}

/// Parses a finite decimal number. An exponent is not in the specification, but CPython sends it.
fn decimal(text: &str) -> Option<f64> {
    let proper = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(proper) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn big_integer(text: Cow<'_, str>) -> Option<Found<'_>> {
    if let Ok(number) = text.parse() {
        return Some(Found::Int(number));
    }
    if let Ok(number) = text.parse() {
        return Some(Found::Wide(number));
    }
    is_integer(&text).then_some(Found::Text(text))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Returns the extended form of ISO 8601, which other date parsers read: `1998-07-17T14:08:55`.
pub(super) fn extended(text: &str) -> String {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range)
            .filter(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut out = String::with_capacity(text.len() + 4);
    let rest = match (digits(0..4), digits(4..6), digits(6..8)) {
        (Some(year), Some(month), Some(day)) => {
            out.extend([year, "-", month, "-", day]);
            8
        }
        _ => match text.find(['T', 't', ' ']) {
            Some(at) => {
                out.push_str(&text[..at]);
                at
            }
            None => return text.to_owned(),
        },
    };
    let at = rest + 1;
    match (
        digits(at..at + 2),
        digits(at + 2..at + 4),
        digits(at + 4..at + 6),
    ) {
        (Some(hour), Some(minute), Some(second)) => {
            out.extend([
                &text[rest..at],
                hour,
                ":",
                minute,
                ":",
                second,
                &text[at + 6..],
            ]);
        }
        _ => out.push_str(&text[rest..]),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_extended() {
        for (wire, text) in [
            ("19980717T14:08:55", "1998-07-17T14:08:55"),
            ("19980717T140855", "1998-07-17T14:08:55"),
            ("19980717T14:08:55.5Z", "1998-07-17T14:08:55.5Z"),
            ("1998-07-17T14:08:55+02:00", "1998-07-17T14:08:55+02:00"),
            ("1998-07-17T140855", "1998-07-17T14:08:55"),
            ("19980717", "1998-07-17"),
            ("", ""),
            ("yesterday", "yesterday"),
            ("é", "é"),
            ("1998071é", "1998071é"),
            ("19980717é", "1998-07-17é"),
        ] {
            assert_eq!(extended(wire), text);
        }
    }

    #[test]
    fn numbers_are_strict() {
        for text in [
            "1e999", "", ".", "1_0", "0x1", "1 2", "infinit", "+-inf", "nan(1)", "-",
        ] {
            assert_eq!(double(text), None, "{text}");
        }
        for (text, number) in [("1", 1.0), ("+1.5", 1.5), ("-.5", -0.5), ("1.5e3", 1500.0)] {
            assert_eq!(double(text), Some(number));
        }
    }

    #[test]
    fn non_finite_doubles_are_read_in_all_spellings() {
        for text in ["nan", "NaN", "NAN", "-nan", "+NaN"] {
            assert!(double(text).unwrap().is_nan(), "{text}");
            assert_eq!(decimal(text), None, "no big decimal");
        }
        for text in [
            "inf", "Inf", "INF", "+inf", "Infinity", "infinity", "INFINITY",
        ] {
            assert_eq!(double(text), Some(f64::INFINITY), "{text}");
        }
        for text in ["-inf", "-INF", "-Infinity"] {
            assert_eq!(double(text), Some(f64::NEG_INFINITY), "{text}");
        }
    }
}
