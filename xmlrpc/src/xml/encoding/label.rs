//! Encodings by label.

use farcall_core::FormatError;

use super::legacy::Legacy;
use super::unsupported;

/// The supported encodings. All but UTF-16 are supersets of ASCII: an ASCII byte always stands for
/// itself.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Utf8,
    Ascii,
    /// ISO-8859-1. The label means windows-1252 to browsers and encoding_rs, but not to peers.
    Latin1,
    Legacy(Legacy),
    Utf16(Endian),
}

/// The order of the two bytes of a UTF-16 unit.
#[derive(Clone, Copy)]
pub(super) enum Endian {
    Little,
    Big,
}

/// Labels of UTF-8, in the Encoding Standard and in Python.
const UTF_8: &[&str] = &[
    "utf-8",
    "utf8",
    "u8",
    "unicode-1-1-utf-8",
    "unicode11utf8",
    "unicode20utf8",
    "x-unicode20utf8",
];

/// Labels of US-ASCII, which mean windows-1252 to browsers.
const ASCII: &[&str] = &["us-ascii", "ascii", "ansi-x3.4-1968"];

/// Labels of ISO-8859-1, which mean windows-1252 to browsers, and others of Python and Java.
const LATIN_1: &[&str] = &[
    "iso-8859-1",
    "iso-8859-1:1987",
    "iso-ir-100",
    "iso8859",
    "iso8859-1",
    "iso88591",
    "8859",
    "latin1",
    "latin-1",
    "l1",
    "cp819",
    "csisolatin1",
    "ibm819",
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
    let label = label.trim_ascii().to_ascii_lowercase();
    // Python treats `_` and `-` alike.
    let dashed = label.replace('_', "-");
    Ok(Some(match dashed.as_str() {
        "utf-16" | "utf16" => return Ok(None),
        "utf-16le" | "utf-16-le" => Encoding::Utf16(Endian::Little),
        "utf-16be" | "utf-16-be" => Encoding::Utf16(Endian::Big),
        dashed if UTF_8.contains(&dashed) => Encoding::Utf8,
        dashed if ASCII.contains(&dashed) => Encoding::Ascii,
        dashed if LATIN_1.contains(&dashed) => Encoding::Latin1,
        dashed => {
            // The standard has most of these labels, but not all.
            let iso = dashed.replace("iso8859-", "iso-8859-");
            Encoding::Legacy(Legacy::by_label(&label, &[&label, dashed, &iso])?)
        }
    }))
}

#[cfg(all(test, feature = "encodings"))]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_standard_that_mean_windows_1252_to_browsers_name_its_subsets() {
        let in_standard = |label: &str| encoding_rs::Encoding::for_label(label.as_bytes());
        for (labels, name) in [
            (UTF_8, "UTF-8"),
            (ASCII, "windows-1252"),
            (LATIN_1, "windows-1252"),
        ] {
            for label in labels {
                let encoding = in_standard(label).or_else(|| in_standard(&label.replace('-', "_")));
                if let Some(encoding) = encoding {
                    assert_eq!(encoding.name(), name, "{label}");
                }
            }
        }
        for label in ["iso_8859-1:1987", "ANSI_X3.4-1968", " l1 ", "CP819", "8859"] {
            let encoding = by_label(label).unwrap();
            let is_subset = matches!(encoding, Some(Encoding::Ascii | Encoding::Latin1));
            assert!(is_subset, "{label}");
        }
        for label in ["cp1252", "x-cp1252", "windows_1252", "cp-1252"] {
            let encoding = by_label(label).unwrap();
            assert!(matches!(encoding, Some(Encoding::Legacy(_))), "{label}");
        }
    }

    #[test]
    fn a_label_has_at_most_40_bytes() {
        for (length, is_known) in [(6, true), (39, true), (40, true), (41, false)] {
            let label = format!("{:length$}", "latin1");
            assert_eq!(by_label(&label).is_ok(), is_known, "{length} bytes");
        }
    }
}
