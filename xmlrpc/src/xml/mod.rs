//! XML: from bytes to characters, from characters to tags and texts, and back.

pub(crate) mod base64;
mod declaration;
pub(crate) mod encoding;
pub(crate) mod read;
mod swar;
mod tag;
pub(crate) mod write;

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
    }
}
