//! Legacy encodings, by encoding_rs.

use encoding_rs::Encoding;
use farcall_core::FormatError;

use super::{invalid, unsupported};

/// An encoding of encoding_rs that is a superset of ASCII.
#[derive(Clone, Copy)]
pub(super) struct Legacy {
    encoding: &'static Encoding,
    /// `true` for an encoding of ISO, for whose label browsers use a superset: the given one.
    is_iso: bool,
}

/// Labels of Python and Java that browsers do not know, each with an equivalent one that they do.
const ALIASES: &[(&str, &str)] = &[
    ("latin-2", "latin2"),
    ("latin-3", "latin3"),
    ("latin-4", "latin4"),
    ("latin-5", "latin5"),
    ("latin-6", "latin6"),
    ("latin7", "iso-8859-13"),
    ("latin8", "iso-8859-14"),
    ("latin9", "iso-8859-15"),
    ("latin-9", "iso-8859-15"),
    ("latin10", "iso-8859-16"),
    ("cp-1252", "windows-1252"),
    ("cp874", "windows-874"),
    ("cp932", "shift_jis"),
    ("ms932", "shift_jis"),
    ("windows-932", "shift_jis"),
    ("s-jis", "shift_jis"),
    ("shift-jis", "shift_jis"),
    ("ujis", "euc-jp"),
    ("eucjp", "euc-jp"),
    ("cp936", "gbk"),
    ("ms936", "gbk"),
    ("euc-cn", "gbk"),
    ("euccn", "gbk"),
    ("gb18030-2000", "gb18030"),
    ("cp949", "euc-kr"),
    ("ms949", "euc-kr"),
    ("uhc", "euc-kr"),
    ("euckr", "euc-kr"),
    ("cp950", "big5"),
    ("ms950", "big5"),
    ("big5hkscs", "big5-hkscs"),
    ("mac-roman", "macintosh"),
    ("macroman", "macintosh"),
    ("mac-cyrillic", "x-mac-cyrillic"),
    ("maccyrillic", "x-mac-cyrillic"),
];

impl Legacy {
    /// Returns the encoding that one of the forms of a label names, `label` itself first.
    pub(super) fn by_label(label: &str, forms: &[&str]) -> Result<Self, FormatError> {
        let alias = |form: &&str| ALIASES.iter().find(|(alias, _)| alias == form);
        let aliases = forms.iter().filter_map(alias).map(|(_, label)| *label);
        let mut all = forms.iter().copied().chain(aliases);
        all.find_map(|label| Some((label, Encoding::for_label(label.as_bytes())?)))
            .and_then(|(label, encoding)| Self::of_standard(label, encoding))
            .ok_or_else(|| unsupported(label))
    }

    /// Returns the encoding that peers mean by a label that means `encoding` to browsers.
    fn of_standard(label: &str, encoding: &'static Encoding) -> Option<Self> {
        let is_iso = match encoding.name() {
            "windows-1254" => !label.contains("1254"),
            "windows-874" => !label.contains("874"),
            _ => false,
        };
        // Excludes UTF-16, whose labels are handled before, and stateful encodings.
        let is_superset = encoding.is_ascii_compatible();
        is_superset.then_some(Self { encoding, is_iso })
    }

    /// Decodes a document that is not ASCII alone.
    pub(super) fn decode(self, document: &[u8]) -> Result<String, FormatError> {
        if self.is_iso {
            return iso(document, self.encoding);
        }
        self.encoding
            .decode_without_bom_handling_and_without_replacement(document)
            .map(Into::into)
            .ok_or_else(|| malformed(document, self.encoding))
    }
}

/// Decodes a single-byte encoding whose bytes 0x80 to 0x9F are control characters. `encoding` is
/// its Windows superset, which has other characters there.
fn iso(document: &[u8], encoding: &'static Encoding) -> Result<String, FormatError> {
    let of = |byte: u8| match byte {
        0x80..=0x9F => Some(char::from(byte)),
        _ => encoding
            .decode_without_bom_handling_and_without_replacement(&[byte])
            .and_then(|text| text.chars().next()),
    };
    let characters: Vec<Option<char>> = (0..=u8::MAX).map(of).collect();
    let mut text = String::with_capacity(document.len());
    for &byte in document {
        match characters[usize::from(byte)] {
            Some(c) => text.push(c),
            None => return Err(invalid(encoding.name(), text.as_bytes(), text.len())),
        }
    }
    Ok(text)
}

/// Returns the error of the first byte that is invalid in `encoding`.
#[cold]
fn malformed(document: &[u8], encoding: &'static Encoding) -> FormatError {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let longest = decoder.max_utf8_buffer_length_without_replacement(document.len());
    let mut text = String::with_capacity(longest.unwrap_or_default());
    let _ = decoder.decode_to_string_without_replacement(document, &mut text, true);
    invalid(encoding.name(), text.as_bytes(), text.len())
}
