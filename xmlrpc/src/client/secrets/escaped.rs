//! Secrets in texts, with any of their characters escaped.

use super::SHORTEST;

/// Maximum length of an escape: `\u{10ffff}`, or the entity `&#x10ffff;`.
const LONGEST: usize = 10;

/// A place in a text.
pub(super) struct Place<'a> {
    text: &'a [u8],
    /// The first character, if it is escaped.
    unescaped: Option<Unescaped>,
}

impl<'a> Place<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let unescaped = unescape(text);
        Self { text, unescaped }
    }

    /// Returns the length of a secret at this place, or 0 if it is not there.
    ///
    /// Its characters may be escaped as in URLs, XML and HTML, JSON, Python and Rust. Where the
    /// text ends or has an ellipsis, it may have been cut: there the first bytes of a secret
    /// suffice.
    pub(super) fn length_of(&self, secret: &[u8]) -> usize {
        let first = self
            .unescaped
            .as_ref()
            .and_then(|escape| escape.bytes().first());
        match secret.first() {
            None => 0,
            // Most places: a server may send many of them.
            byte if byte != self.text.first() && byte != first => 0,
            _ if self.text.starts_with(secret) => secret.len(),
            _ => escaped_length(self.text, secret),
        }
    }
}

fn escaped_length(text: &[u8], secret: &[u8]) -> usize {
    let (mut rest, mut expected) = (text, secret);
    while !expected.is_empty() {
        let unescaped = unescape(rest)
            .and_then(|escape| Some((expected.strip_prefix(escape.bytes())?, escape.length)));
        let literal = || {
            let is_same = rest.first() == expected.first();
            is_same.then(|| (&expected[1..], 1))
        };
        match unescaped.or_else(literal) {
            Some((behind, length)) => (rest, expected) = (&rest[length..], behind),
            None if secret.len() - expected.len() < SHORTEST => return 0,
            None if rest.is_empty() || rest.starts_with("…".as_bytes()) => break,
            None if is_cut_escape(rest) => return text.len(),
            None => return 0,
        }
    }
    text.len() - rest.len()
}

/// Returns `true` if the text is an escape without its end.
fn is_cut_escape(text: &[u8]) -> bool {
    let is_start = matches!(text[0], b'%' | b'&' | b'\\');
    is_start && text.len() < LONGEST && unescape(text).is_none()
}

/// An escape: the bytes that it stands for, at most those of one character, and its length.
struct Unescaped {
    bytes: [u8; 4],
    count: usize,
    length: usize,
}

impl Unescaped {
    const fn byte(byte: u8, length: usize) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            count: 1,
            length,
        }
    }

    fn character(code: u32, length: usize) -> Option<Self> {
        let mut bytes = [0; 4];
        let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self {
            bytes,
            count,
            length,
        })
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// Reads the escape at the start of a text.
fn unescape(text: &[u8]) -> Option<Unescaped> {
    let byte = |high, low, length| {
        let byte = u8::try_from(number(&[high, low], 16)?).ok()?;
        Some(Unescaped::byte(byte, length))
    };
    match *text {
        [b'+', ..] => Some(Unescaped::byte(b' ', 1)),
        [b'%', high, low, ..] => byte(high, low, 3),
        [b'\\', b'x', high, low, ..] => byte(high, low, 4),
        [b'\\', b'u', b'{', ..] => {
            let end = end(text, b'}')?;
            Unescaped::character(number(&text[3..end], 16)?, end + 1)
        }
        [b'\\', b'u', ..] => Unescaped::character(number(text.get(2..6)?, 16)?, 6),
        [b'\\', quoted @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some(Unescaped::byte(quoted, 2)),
        [b'&', ..] => {
            let end = end(text, b';')?;
            Unescaped::character(entity(&text[1..end])?, end + 1)
        }
        _ => None,
    }
}

fn end(text: &[u8], last: u8) -> Option<usize> {
    text.iter().take(LONGEST).position(|byte| *byte == last)
}

/// Returns the character of an entity.
fn entity(name: &[u8]) -> Option<u32> {
    match *name {
        [b'#', b'x' | b'X', ref digits @ ..] => number(digits, 16),
        [b'#', ref digits @ ..] => number(digits, 10),
        _ => {
            let names = [
                ("amp", '&'),
                ("lt", '<'),
                ("gt", '>'),
                ("quot", '"'),
                ("apos", '\''),
            ];
            let is = |(other, _): &&(&str, char)| name.eq_ignore_ascii_case(other.as_bytes());
            names
                .iter()
                .find(is)
                .map(|(_, character)| u32::from(*character))
        }
    }
}

/// Parses digits, without the sign that Rust's `parse` accepts.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        number.checked_mul(radix)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_what_looks_like_them() {
        for (text, secret, length) in [
            ("a%41b!", "aAb", 5),
            ("a%41b!", "a%41b", 5),
            ("100%ab", "100%ab", 6),
            ("100%25ab", "100%ab", 8),
            ("a&b;c", "a&b;c", 5),
            ("a&ampb", "a&ampb", 6),
            ("a+b", "a b", 3),
            ("a+b", "a+b", 3),
            ("&#x110000;", "a", 0),
            ("&#99999999999;", "a", 0),
            ("\\u{}", "a", 0),
            ("\\ud800", "a", 0),
            ("%", "abcd", 0),
            ("", "abcd", 0),
            ("abcd\\u00", "abcdef", 8),
            ("abcd…", "abcdef", 4),
        ] {
            let found = Place::new(text.as_bytes()).length_of(secret.as_bytes());
            assert_eq!(found, length, "{secret} in {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in "[a%&\\\\u{}#x;0-9]{0,12}", secret in "[a%&u]{1,4}") {
            let length = Place::new(text.as_bytes()).length_of(secret.as_bytes());
            proptest::prop_assert!(length <= text.len());
        }
    }
}
