//! Values in the text forms of protocols 0 and 1.

use num_bigint::BigInt;

use super::Machine;
use crate::error::{Error, ErrorKind};
use crate::nodes::{Bits, Data, Span};

/// Maximum digits of an integer in decimal, which is Python's own limit: its conversion takes more
/// than linear time.
const MAX_DIGITS: usize = 4300;

impl Machine<'_> {
    /// INT: integers of up to 64 bits, and booleans.
    pub(super) fn decimal(&mut self) -> Result<(), Error> {
        match self.input.line()? {
            "00" => self.push(Data::Bool(false)),
            "01" => self.push(Data::Bool(true)),
            text => match text.parse() {
                Ok(number) => self.int(number),
                Err(_) => Err(self.syntax("the number after INT is not an integer of 64 bits")),
            },
        }
    }

    /// LONG: integers of any size, with an L behind them.
    pub(super) fn decimal_long(&mut self) -> Result<(), Error> {
        let text = self.input.line()?;
        let digits = text.strip_suffix('L').unwrap_or(text);
        if let Ok(number) = digits.parse() {
            return self.int(number);
        }
        if digits.len() > MAX_DIGITS {
            let text = format!("an integer has more than {MAX_DIGITS} digits");
            return Err(self.error(ErrorKind::Limit, text));
        }
        let Ok(number) = digits.parse::<BigInt>() else {
            return Err(self.syntax("the number after LONG is not an integer"));
        };
        let span = self.own(&number.to_signed_bytes_le())?;
        self.push(Data::Long(span))
    }

    /// FLOAT: floating-point numbers as Python's `repr` writes them.
    pub(super) fn decimal_float(&mut self) -> Result<(), Error> {
        match self.input.line()?.parse::<f64>() {
            Ok(number) => self.push(Data::Float(Bits::of(number.to_bits()))),
            Err(_) => Err(self.syntax("the number after FLOAT is not one")),
        }
    }

    /// UNICODE: texts in the encoding `raw-unicode-escape`, which is Latin-1 with escapes for other
    /// characters.
    pub(super) fn escaped_text(&mut self) -> Result<(), Error> {
        let line = self.input.raw_line()?;
        let bytes = self.input.bytes_of(line);
        if bytes.is_ascii() && !bytes.contains(&b'\\') {
            return self.push(Data::Str(line));
        }
        let Some((text, has_surrogates)) = unescape(bytes) else {
            return Err(self.error(ErrorKind::Character, "the text has an invalid escape"));
        };
        let span = self.own(&text)?;
        self.push(if has_surrogates {
            Data::Surrogates(span)
        } else {
            Data::Str(span)
        })
    }

    fn own(&mut self, bytes: &[u8]) -> Result<Span, Error> {
        let span = self.arena.own(bytes.iter().copied());
        span.ok_or_else(|| self.error(ErrorKind::Limit, "the pickle has too many texts in escapes"))
    }
}

/// Returns the text in UTF-8, with surrogates encoded as if they were characters, and `true` if it
/// has any. Returns `None` if an escape is not complete, or not a character.
fn unescape(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut has_surrogates = false;
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        let digits = match (*first, after) {
            (b'\\', [b'u', ..]) => 4,
            (b'\\', [b'U', ..]) => 8,
            (byte, _) => {
                push(&mut text, byte.into())?;
                continue;
            }
        };
        let (escape, after) = after.get(1..)?.split_at_checked(digits)?;
        rest = after;
        let escape = std::str::from_utf8(escape).ok()?;
        let is_hex = escape.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = u32::from_str_radix(escape, 16).ok().filter(|_| is_hex)?;
        has_surrogates |= push(&mut text, code)?;
    }
    Some((text, has_surrogates))
}

/// Appends a character, or a surrogate as if it were one. Returns `true` for a surrogate.
fn push(text: &mut Vec<u8>, code: u32) -> Option<bool> {
    if let Some(character) = char::from_u32(code) {
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return Some(false);
    }
    let low = u16::try_from(code).ok()?;
    let [second, third] = [low >> 6, low].map(|bits| 0x80 | (bits & 0x3f) as u8);
    text.extend_from_slice(&[0xed, second, third]);
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_characters() {
        let text = |bytes| unescape(bytes).map(|(text, _)| String::from_utf8(text).unwrap());
        assert_eq!(text(b"a\xe9").as_deref(), Some("a\u{e9}"));
        assert_eq!(
            text(b"\\u20ac\\U0001f600\\x").as_deref(),
            Some("\u{20ac}\u{1f600}\\x")
        );
        assert_eq!(text(b"\\u20a"), None);
        assert_eq!(text(b"\\u+123"), None);
        assert_eq!(text(b"\\U00110000"), None);
        let surrogate = (vec![0xed, 0xb2, 0x80], true);
        assert_eq!(unescape(b"\\udc80"), Some(surrogate));
    }
}
