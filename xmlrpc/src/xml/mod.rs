//! XML: from bytes to characters, from characters to tags and texts, and back.

pub(crate) mod base64;
mod declaration;
pub(crate) mod encoding;
pub(crate) mod positions;
pub(crate) mod read;
mod swar;
mod tag;
pub(crate) mod write;

use std::borrow::Cow;

/// What becomes of a character that XML 1.0 does not allow: U+0000 to U+001F but for tab, line feed and carriage
/// return, U+FFFE, U+FFFF, and a reference to one of them or to a surrogate (`&#8;`, `&#xD800;`).
///
/// Peers send them all the same, raw or as references, where texts come from elsewhere: names of files, output of
/// terminals. CPython's client and server are among those peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forbidden {
    /// It is an error, which has the position of the character where it is read, and the place of the value where
    /// it is written.
    #[default]
    Refuse,
    /// U+FFFD, the replacement character, stands in its place.
    Replace,
}

/// Whether a text is nothing but white space, as XML counts it.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// Whether a byte is white space, as XML counts it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A text without the white space around it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The first character of a text that XML 1.0 forbids: its offset and the character.
pub(crate) fn forbidden(text: &str) -> Option<(usize, char)> {
    // Nearly all texts pass here, in a loop that the compiler turns into vector instructions.
    let suspect = |b: u8| (b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r') || b == 0xEF;
    if !text.bytes().fold(false, |found, b| found | suspect(b)) {
        return None;
    }
    text.char_indices()
        .find(|&(_, c)| !is_xml_char(u32::from(c)))
}

/// A text with U+FFFD in the place of each character that XML 1.0 forbids.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    if forbidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let allowed = |c| match is_xml_char(u32::from(c)) {
        true => c,
        false => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(allowed).collect())
}

/// Whether XML 1.0 allows a character.
pub(crate) const fn is_xml_char(c: u32) -> bool {
    matches!(c, 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_has_its_own_white_space_and_characters() {
        assert!(is_blank(" \t\r\n"));
        assert!(!is_blank("\u{a0}") && !is_blank("\u{c}"));
        assert_eq!(trim(" \n1\u{a0}\t"), "1\u{a0}");
        assert_eq!(
            forbidden("a\t\r\nb\u{7f}\u{85}\u{fffd}\u{ff01}\u{1f980}"),
            None
        );
        assert_eq!(forbidden("ab\u{0}"), Some((2, '\u{0}')));
        assert_eq!(forbidden("é\u{ffff}"), Some((2, '\u{ffff}')));
        assert_eq!(forbidden("\u{fffe}"), Some((0, '\u{fffe}')));
        assert!(matches!(
            replaced("a\n\u{ff01}"),
            Cow::Borrowed("a\n\u{ff01}")
        ));
        assert_eq!(replaced("a\u{8}\nb\u{ffff}"), "a\u{fffd}\nb\u{fffd}");
    }
}
