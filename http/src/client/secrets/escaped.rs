//! Secrets in texts, with any of their characters escaped.

use crate::client::forms::SHORTEST;

/// Maximum length of an escape: a pair of surrogates, such as `\ud83d\ude00`.
const LONGEST: usize = 12;

/// Marks where a text was cut.
const ELLIPSIS: &[u8] = "…".as_bytes();

/// A place in a text.
pub(super) struct Place<'a> {
    text: &'a [u8],
    /// The first character, if it is escaped, and if its escape is escaped.
    unescaped: [Option<Unescaped>; 2],
}

impl<'a> Place<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let unescaped = [unescape(text), unescape_twice(text)];
        Self { text, unescaped }
    }

    /// Returns the bytes that a secret at this place may begin with.
    pub(super) fn first_bytes(&self) -> impl Iterator<Item = u8> {
        let escapes = self.unescaped.iter().flatten().map(Unescaped::bytes);
        let bytes = std::iter::once(self.text).chain(escapes);
        bytes.filter_map(|bytes| bytes.first().copied())
    }

    /// Returns the length of a secret at this place, or 0 if it is not there, and adds the number
    /// of bytes that were compared to `work`.
    ///
    /// Its characters may be escaped as in URLs, XML and HTML, JSON, Python and Rust; and once
    /// more, as in a JSON text that is a string of another. Where the text ends or has an ellipsis,
    /// it may have been cut: there the first bytes of a secret suffice.
    pub(super) fn length_of(&self, secret: &[u8], work: &mut usize) -> usize {
        let pairs = self.text.iter().zip(secret);
        let common = pairs.take_while(|(text, secret)| text == secret).count();
        *work += 1 + common;
        if common == secret.len() {
            common
        } else {
            escaped_length(self.text, secret, work)
        }
    }
}

fn escaped_length(text: &[u8], secret: &[u8], work: &mut usize) -> usize {
    let (mut rest, mut expected) = (text, secret);
    // The characters of a text within another are escaped twice.
    let (mut may_be_nested, mut is_nested) = (false, false);
    while !expected.is_empty() {
        *work += 1;
        let twice = unescape_twice(rest);
        may_be_nested |= twice.is_some();
        let mut escapes = twice
            .filter(|_| is_nested)
            .into_iter()
            .chain(unescape(rest));
        let unescaped = escapes
            .find_map(|escape| Some((expected.strip_prefix(escape.bytes())?, escape.length)));
        let literal = || {
            let is_same = rest.first() == expected.first();
            is_same.then(|| (&expected[1..], 1))
        };
        match unescaped.or_else(literal) {
            Some((behind, length)) => (rest, expected) = (&rest[length..], behind),
            None if may_be_nested && !is_nested => {
                is_nested = true;
                (rest, expected) = (text, secret);
            }
            None if secret.len() - expected.len() < SHORTEST => return 0,
            None => match cut_length(rest) {
                Some(length) => return text.len() - rest.len() + length,
                None => return 0,
            },
        }
    }
    text.len() - rest.len()
}

/// Returns the length of what precedes the end of the text, or an ellipsis, if that is nothing or
/// an escape without its end.
fn cut_length(text: &[u8]) -> Option<usize> {
    let start = &text[..text.len().min(LONGEST + ELLIPSIS.len())];
    let end = start
        .windows(ELLIPSIS.len())
        .position(|bytes| bytes == ELLIPSIS);
    let cut = &start[..end.unwrap_or(start.len())];
    let is_cut_escape = matches!(cut.first(), Some(b'%' | b'&' | b'\\'))
        && cut.len() < LONGEST
        && unescape(cut).is_none();
    (cut.is_empty() || is_cut_escape).then_some(cut.len())
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
        [b'\\', b'u', ..] => match (number(text.get(2..6)?, 16)?, low_surrogate(text)) {
            (high @ 0xd800..=0xdbff, Some(low)) => {
                Unescaped::character(0x1_0000 + ((high - 0xd800) << 10) + low, 12)
            }
            (code, _) => Unescaped::character(code, 6),
        },
        [b'\\', b'U', ..] => Unescaped::character(number(text.get(2..10)?, 16)?, 10),
        [b'\\', b't', ..] => Some(Unescaped::byte(b'\t', 2)),
        [b'\\', b'n', ..] => Some(Unescaped::byte(b'\n', 2)),
        [b'\\', b'r', ..] => Some(Unescaped::byte(b'\r', 2)),
        [b'\\', quoted @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some(Unescaped::byte(quoted, 2)),
        [b'&', ..] => {
            let end = end(text, b';')?;
            Unescaped::character(entity(&text[1..end])?, end + 1)
        }
        _ => None,
    }
}

/// Returns the last ten bits of a character whose second half JSON escapes behind the first one.
fn low_surrogate(text: &[u8]) -> Option<u32> {
    let digits = text.get(6..12)?.strip_prefix(b"\\u")?;
    let offset = number(digits, 16)?.checked_sub(0xdc00)?;
    (offset < 0x400).then_some(offset)
}

/// Reads the escape of an escape at the start of a text, such as `\\\"` or `&amp;quot;`.
fn unescape_twice(text: &[u8]) -> Option<Unescaped> {
    let begins_escape = |escape: &Unescaped| matches!(escape.bytes(), [b'\\' | b'&' | b'%']);
    unescape(text).filter(begins_escape)?;
    // The bytes of the inner escape, and the offset behind each of them.
    let mut bytes = [0; LONGEST];
    let mut ends = [0; LONGEST];
    let (mut count, mut end) = (0, 0);
    while count < LONGEST
        && let Some(&first) = text.get(end)
    {
        let outer = unescape(&text[end..]).unwrap_or_else(|| Unescaped::byte(first, 1));
        end += outer.length;
        for byte in outer.bytes().iter().take(LONGEST - count) {
            (bytes[count], ends[count]) = (*byte, end);
            count += 1;
        }
    }
    let inner = unescape(&bytes[..count])?;
    let length = ends[inner.length - 1];
    Some(Unescaped { length, ..inner })
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
            ("abcd%6…, and more text", "abcdef", 6),
            ("abcd%6, and more text", "abcdef", 0),
            ("abcd\\ud83d\\ude00", "abcd😀", 16),
            ("abcd\\U0001f600!", "abcd😀", 14),
            ("\\ud83d\\u0041b", "\\ud83d\\u0041b", 13),
            ("a\\tb\\nc\\rd", "a\tb\nc\rd", 10),
            // Escaped twice, the same way or in two ways.
            (r#"ab\\\"cd""#, "ab\"cd", 8),
            (r"p\\u00e4\\u0062", "päb", 15),
            (r"\\ud83d\\ude00ab", "😀ab", 16),
            (r"a\\\\b\\\\", r"a\b\", 10),
            (r"a\\b\\", r"a\b\", 6),
            ("a&amp;lt;b&amp;amp;c", "a<b&c", 20),
            (r"a\u0026lt;b&amp;c", "a<b&c", 17),
            ("a%253Cb%2525", "a<b%", 12),
            (r#"a\\\"b"#, r#"a\"b"#, 6),
            (r#"\\\"abc"#, "\"abc", 7),
        ] {
            let found = Place::new(text.as_bytes()).length_of(secret.as_bytes(), &mut 0);
            assert_eq!(found, length, "{secret} in {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in "[a%&\\\\u{}#x;0-9…]{0,12}", secret in "[a%&u]{1,4}") {
            let length = Place::new(text.as_bytes()).length_of(secret.as_bytes(), &mut 0);
            proptest::prop_assert!(length <= text.len());
        }
    }
}
