//! Encodings by label.

use farcall_core::{FormatError, FormatErrorKind};

/// The supported encodings. All but UTF-16 are supersets of ASCII: an ASCII byte always stands for
/// itself.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Utf8,
    Ascii,
    /// ISO-8859-1. The label means windows-1252 to browsers and encoding_rs, but not to peers.
    Latin1,
    /// An ISO encoding whose label means a superset to browsers. The superset is given.
    Iso(&'static encoding_rs::Encoding),
    Legacy(&'static encoding_rs::Encoding),
    Utf16(Endian),
}

/// The order of the two bytes of a UTF-16 unit.
#[derive(Clone, Copy)]
pub(super) enum Endian {
    Little,
    Big,
}

/// Labels of Python and Java that browsers do not know, each with an equivalent one that they do.
const ALIASES: &[(&str, &str)] = &[
    ("latin-1", "latin1"),
    ("latin-2", "latin2"),
    ("latin-3", "latin3"),
    ("latin-4", "latin4"),
    ("latin-5", "latin5"),
    ("latin-6", "latin6"),
    ("iso8859", "latin1"),
    ("8859", "latin1"),
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
    ("u8", "utf-8"),
];

/// Returns the encoding that a label names; `None` is UTF-16 of unknown byte order.
pub(super) fn by_label(label: &str) -> Result<Option<Encoding>, FormatError> {
    // Nearly all documents name this one.
    if label.eq_ignore_ascii_case("utf-8") {
        return Ok(Some(Encoding::Utf8));
    }
    // No label is longer than this.
    const LONGEST: usize = 40;
    if label.len() > LONGEST {
        return Err(unsupported(label));
    }
    let label = label.to_ascii_lowercase();
    match label.as_str() {
        "utf-16" | "utf16" | "utf_16" => return Ok(None),
        "utf-16le" | "utf_16_le" | "utf-16-le" => {
            return Ok(Some(Encoding::Utf16(Endian::Little)));
        }
        "utf-16be" | "utf_16_be" | "utf-16-be" => {
            return Ok(Some(Encoding::Utf16(Endian::Big)));
        }
        _ => {}
    }
    // Python treats `_` and `-` alike.
    let dashed = label.replace('_', "-");
    let alias = ALIASES.iter().find(|(alias, _)| *alias == dashed);
    // The standard has most of these labels, but not all.
    let iso = dashed.replace("iso8859-", "iso-8859-");
    let alias = alias.map_or("", |(_, label)| label);
    let known = [label.as_str(), &dashed, &iso, alias];
    known
        .into_iter()
        .find_map(|label| Some((label, encoding_rs::Encoding::for_label(label.as_bytes())?)))
        .and_then(|(label, encoding)| of_standard(label, encoding))
        .map(Some)
        .ok_or_else(|| unsupported(&label))
}

/// Returns the encoding that peers mean by a label that means `encoding` to browsers.
fn of_standard(label: &str, encoding: &'static encoding_rs::Encoding) -> Option<Encoding> {
    let is_of_windows = |number: &str| label.contains(number);
    Some(match encoding.name() {
        "UTF-8" => Encoding::Utf8,
        "windows-1252" if is_of_windows("1252") => Encoding::Legacy(encoding),
        "windows-1252" if label.ends_with("ascii") || label.starts_with("ansi") => Encoding::Ascii,
        "windows-1252" => Encoding::Latin1,
        "windows-1254" if !is_of_windows("1254") => Encoding::Iso(encoding),
        "windows-874" if !is_of_windows("874") => Encoding::Iso(encoding),
        // Excludes UTF-16, whose labels are handled above, and stateful encodings.
        _ if encoding.is_ascii_compatible() => Encoding::Legacy(encoding),
        _ => return None,
    })
}

pub(super) fn unsupported(label: &str) -> FormatError {
    FormatError::new(
        FormatErrorKind::Encoding,
        format!("the encoding {label:?} is not supported"),
    )
}
