//! Fast path for values in the form that nearly all peers write. Based on the shortcuts of the
//! reader.

use std::borrow::Cow;

use memchr::memchr;

use super::scalar::{Found, double};
use crate::xml::base64;
use crate::xml::read::Reader;
use crate::xml::read::plain::{self, Element};
use crate::xml::trim;

/// Reads the content of the open value, as [`De::enter`](super::De::enter) does. Returns `None` and
/// reads nothing if no shortcut applies.
#[inline]
pub(super) fn enter<'de>(reader: &mut Reader<'de>) -> Option<Found<'de>> {
    Some(match reader.peek() {
        [b'<', b's', b't', b'r', b'i', ..] => {
            string(reader.content(&plain::STRING, Reader::plain_text)?)
        }
        [b'<', b's', ..] => reader.open_plain(&plain::STRUCT).map(|_| Found::Struct)?,
        [b'<', b'i', b'n', ..] => integer(reader, &plain::INT)?,
        [b'<', b'i', b'4', ..] => integer(reader, &plain::I4)?,
        [b'<', b'i', b'8', ..] => integer(reader, &plain::I8)?,
        [b'<', b'd', b'o', ..] => Found::Double(reader.content(&plain::DOUBLE, decimal)?),
        [b'<', b'd', ..] => {
            let date = reader.content(&plain::DATE_TIME, Reader::plain_text)?;
            Found::DateTime(Cow::Borrowed(trim(date)))
        }
        [b'<', b'b', b'o', ..] => {
            Found::Boolean(reader.content(&plain::BOOLEAN, |_, text| truth(text))?)
        }
        [b'<', b'b', ..] => Found::Bytes(reader.content(&plain::BASE64, |_, text| bytes(text))?),
        [b'<', b'a', ..] => reader.open_plain(&plain::ARRAY).map(|_| Found::Array)?,
        [b'<', b'n', ..] => {
            reader.content(&plain::NIL, |_, rest| Some(((), rest)))?;
            Found::Nil
        }
        _ => string(reader.bare_text()?),
    })
}

const fn string(text: &str) -> Found<'_> {
    Found::Text(Cow::Borrowed(text))
}

#[inline(always)]
fn integer<'de>(reader: &mut Reader<'de>, element: &Element) -> Option<Found<'de>> {
    reader
        .content(element, |_, text| digits(text))
        .map(Found::Int)
}

/// Parses an integer of up to 18 digits, which always fits into 64 bits; 19 digits may not.
#[inline]
fn digits(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut number = 0;
    for (len, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' if len < 18 => number = number * 10 + i64::from(byte - b'0'),
            b'0'..=b'9' => return None,
            _ if len > 0 => return Some((sign * number, &digits[len..])),
            _ => return None,
        }
    }
    None
}

fn decimal<'a>(reader: &mut Reader<'a>, text: &'a [u8]) -> Option<(f64, &'a [u8])> {
    let (text, rest) = reader.plain_text(text)?;
    Some((double(text)?, rest))
}

const fn truth(text: &[u8]) -> Option<(bool, &[u8])> {
    match text {
        [b'1', rest @ ..] => Some((true, rest)),
        [b'0', rest @ ..] => Some((false, rest)),
        _ => None,
    }
}

fn bytes(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (text, rest) = text.split_at(memchr(b'<', text)?);
    Some((base64::decode(text)?, rest))
}
