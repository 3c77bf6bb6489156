//! XML: decoding bytes to characters, reading tags and texts, and writing them.

pub(crate) mod base64;
mod declaration;
pub(crate) mod encoding;
pub(crate) mod positions;
pub(crate) mod read;
mod swar;
mod tag;
pub(crate) mod write;

use std::borrow::Cow;

/// Handling of characters that XML 1.0 forbids: U+0000 to U+001F except tab, line feed and carriage
/// return; U+FFFE; U+FFFF; and references to one of them or to a surrogate (`&#8;`, `&#xD800;`).
///
/// Peers do send such characters, raw or as references, in texts from other sources: file names,
/// terminal output. CPython's client and server are among these peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forbidden {
    /// The character is an error. On reading, the error has the position of the character; on
    /// writing, the path of the value.
    #[default]
    Refuse,
    /// The character is replaced by U+FFFD, the replacement character.
    Replace,
}

/// Returns `true` if a text consists only of XML white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// Returns `true` if a byte is XML white space.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Trims XML white space from both ends of a text.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Returns the offset and the character of the first character that XML 1.0 forbids.
pub(crate) fn forbidden(text: &str) -> Option<(usize, char)> {
    // Nearly all texts pass this check, a loop that the compiler vectorises.
    let suspect = |b: u8| (b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r') || b == 0xEF;
    if !text.bytes().fold(false, |found, b| found | suspect(b)) {
        return None;
    }
    text.char_indices()
        .find(|&(_, c)| !is_xml_char(u32::from(c)))
}

/// Replaces each character that XML 1.0 forbids by U+FFFD.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    if forbidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let allowed = |c| {
        if is_xml_char(u32::from(c)) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    Cow::Owned(text.chars().map(allowed).collect())
}

/// Returns `true` if XML 1.0 allows a character.
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
