//! Conversion of documents to UTF-8.

mod label;
#[cfg(feature = "encodings")]
mod legacy;
#[cfg(not(feature = "encodings"))]
#[path = "no_legacy.rs"]
mod legacy;

use bytes::{Buf, Bytes};
use farcall_core::{FormatError, FormatErrorKind, Position};
use memchr::memmem;

use super::{declaration, is_space};

use label::{Encoding, Endian, by_label};

/// Converts a document to UTF-8, without a byte order mark.
///
/// The encoding is taken from the byte order mark, the `charset` of the HTTP header, or the XML
/// declaration, in the order of RFC 7303. A document in UTF-8 is not copied; others grow to at most
/// three times their size.
///
/// # Errors
/// If the encoding is not supported, or a byte is invalid in it.
pub(crate) fn decode_document(
    document: &mut Bytes,
    charset: Option<&str>,
) -> Result<(), FormatError> {
    let (encoding, mark) = detect(document, charset)?;
    document.advance(mark);
    let decoded = match encoding {
        // Most documents are ASCII, and checking only that takes a fraction of the time.
        Encoding::Utf8 if document.is_ascii() => None,
        Encoding::Utf8 => match simdutf8::compat::from_utf8(document) {
            Ok(_) => None,
            Err(error) => {
                return Err(invalid("UTF-8", document, error.valid_up_to()));
            }
        },
        Encoding::Ascii => match document.iter().position(|b| !b.is_ascii()) {
            None => None,
            Some(at) => return Err(invalid("US-ASCII", &document[..at], at)),
        },
        Encoding::Latin1 | Encoding::Legacy(_) if document.is_ascii() => None,
        Encoding::Latin1 => Some(document.iter().copied().map(char::from).collect()),
        Encoding::Legacy(encoding) => Some(encoding.decode(document)?),
        Encoding::Utf16(endian) => Some(utf16(document, endian)?),
    };
    if let Some(mut decoded) = decoded {
        // The decoder allocates for the longest possible result.
        decoded.shrink_to_fit();
        *document = decoded.into();
    }
    Ok(())
}

/// Returns the encoding of a document, and the length of its byte order mark.
fn detect(document: &[u8], charset: Option<&str>) -> Result<(Encoding, usize), FormatError> {
    const LE: Encoding = Encoding::Utf16(Endian::Little);
    const BE: Encoding = Encoding::Utf16(Endian::Big);
    match document {
        [0xEF, 0xBB, 0xBF, ..] => return Ok((Encoding::Utf8, 3)),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(unsupported("UTF-32")),
        [0xFF, 0xFE, ..] => return Ok((LE, 2)),
        [0xFE, 0xFF, ..] => return Ok((BE, 2)),
        _ => {}
    }
    let wide = match document {
        [b'<', 0, ..] => Some(LE),
        [0, b'<', ..] => Some(BE),
        _ => None,
    };
    if let Some(charset) = charset {
        let label = charset.trim().trim_matches(['"', '\'']);
        return match by_label(label)? {
            // RFC 2781: big-endian unless indicated otherwise.
            None => Ok((wide.unwrap_or(BE), 0)),
            Some(encoding) => Ok((encoding, 0)),
        };
    }
    if let Some(wide) = wide {
        return Ok((wide, 0));
    }
    if declaration::is_utf8(document) {
        return Ok((Encoding::Utf8, 0));
    }
    match declared(document) {
        None => Ok((Encoding::Utf8, 0)),
        // The declaration names UTF-16, but the bytes are not: the program built the text as UTF-16
        // and sent it as UTF-8.
        Some(label) => match by_label(label)? {
            None | Some(Encoding::Utf16 { .. }) => Ok((Encoding::Utf8, 0)),
            Some(encoding) => Ok((encoding, 0)),
        },
    }
}

/// Returns the encoding that the XML declaration names, in any form of the declaration.
fn declared(document: &[u8]) -> Option<&str> {
    let start = document.iter().position(|&b| !is_space(b))?;
    let declaration = document[start..].strip_prefix(b"<?xml")?;
    let end = memmem::find(&declaration[..declaration.len().min(1025)], b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let name = memmem::find(declaration.as_bytes(), b"encoding")?;
    let rest = &declaration[name + "encoding".len()..];
    let rest = super::trim(super::trim(rest).strip_prefix('=')?);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = rest[1..].split_once(quote)?;
    Some(label)
}

fn utf16(document: &[u8], endian: Endian) -> Result<String, FormatError> {
    let units = document.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        match endian {
            Endian::Big => u16::from_be_bytes(pair),
            Endian::Little => u16::from_le_bytes(pair),
        }
    });
    let mut text = String::with_capacity(document.len() / 2);
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Err(invalid("UTF-16", text.as_bytes(), text.len())),
        }
    }
    if !document.len().is_multiple_of(2) {
        return Err(invalid("UTF-16", text.as_bytes(), text.len()));
    }
    Ok(text)
}

fn invalid(encoding: &str, document: &[u8], at: usize) -> FormatError {
    FormatError::new(
        FormatErrorKind::Character,
        format!("a byte that is not valid {encoding}"),
    )
    .at(|| Position::of(document, at))
}

fn unsupported(label: &str) -> FormatError {
    FormatError::new(
        FormatErrorKind::Encoding,
        format!("the encoding {label:?} is not supported"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(document: &[u8], charset: Option<&str>) -> Result<String, FormatError> {
        let mut document = Bytes::copy_from_slice(document);
        decode_document(&mut document, charset)?;
        Ok(String::from_utf8(document.to_vec()).unwrap())
    }

    fn wide(text: &str, endian: Endian) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match endian {
                Endian::Big => unit.to_be_bytes(),
                Endian::Little => unit.to_le_bytes(),
            })
            .collect()
    }

    #[test]
    fn utf8_is_not_copied() {
        let document = Bytes::from_static("\u{feff}<a>é</a>".as_bytes());
        let mut decoded = document.clone();
        decode_document(&mut decoded, None).unwrap();
        assert_eq!(decoded.as_ptr(), document[3..].as_ptr());
        let document = Bytes::from_static(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>");
        let mut decoded = document.clone();
        decode_document(&mut decoded, None).unwrap();
        assert_eq!(decoded.as_ptr(), document.as_ptr());
    }

    #[test]
    fn the_declaration_names_the_encoding() {
        for (label, bytes, text) in [
            ("ISO-8859-1", b"\xe9\x80".as_slice(), "é\u{80}"),
            ("latin1", b"\xe9", "é"),
            ("windows-1252", b"\xe9\x80", "é€"),
            ("Windows-1252", b"\xe9", "é"),
            ("UTF-8", "é".as_bytes(), "é"),
            ("US-ASCII", b"e", "e"),
            ("utf-16", "é".as_bytes(), "é"),
        ] {
            for declaration in [
                format!("<?xml version=\"1.0\" encoding=\"{label}\"?><a>"),
                format!("\n <?xml version='1.0'  encoding = '{label}' standalone='yes' ?><a>"),
            ] {
                let document = [declaration.as_bytes(), bytes].concat();
                assert_eq!(decode(&document, None).unwrap(), declaration + text);
            }
        }
    }

    #[test]
    fn a_mark_overrides_the_header_and_the_header_the_declaration() {
        let document = b"<?xml version='1.0' encoding='utf-8'?>\xe9";
        assert!(decode(document, None).is_err());
        assert!(
            decode(document, Some("\"ISO-8859-1\""))
                .unwrap()
                .ends_with('é')
        );
        assert_eq!(decode("\u{feff}é".as_bytes(), Some("latin1")).unwrap(), "é");
    }

    #[test]
    fn utf16_is_detected_by_mark_pattern_or_label() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><a>é🦀</a>";
        for endian in [Endian::Little, Endian::Big] {
            let plain = wide(text, endian);
            assert_eq!(decode(&plain, None).unwrap(), text);
            assert_eq!(decode(&plain, Some("utf-16")).unwrap(), text);
            let marked = wide(&format!("\u{feff}{text}"), endian);
            assert_eq!(decode(&marked, None).unwrap(), text);
        }
    }

    #[test]
    fn unsupported_encodings_are_refused_by_name() {
        for (document, charset, name) in [
            (
                b"<?xml version='1.0' encoding='cp037'?>".as_slice(),
                None,
                "cp037",
            ),
            (b"<a/>", Some("utf-7"), "utf-7"),
            (b"\xff\xfe\0\0<\0\0\0", None, "UTF-32"),
        ] {
            let error = decode(document, charset).unwrap_err();
            assert_eq!(error.kind(), FormatErrorKind::Encoding);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn encodings_that_are_not_ascii_supersets_are_refused() {
        for label in [
            "ISO-2022-JP",
            "iso2022_jp",
            "csISO2022JP",
            "iso-2022-kr",
            "iso-2022-cn",
            "hz-gb-2312",
            "hz",
            "replacement",
            "utf-7",
            "unicode-1-1-utf-7",
            "utf-32",
            "utf-32le",
            "cp037",
            "cp500",
            "ebcdic-cp-fr",
        ] {
            let document = format!("<?xml version='1.0' encoding='{label}'?><a/>");
            for (document, charset) in [(document.as_str(), None), ("<a/>", Some(label))] {
                let error = decode(document.as_bytes(), charset).unwrap_err();
                assert_eq!(error.kind(), FormatErrorKind::Encoding, "{label}");
            }
        }
    }

    /// Labels of each encoding, a text in it, and the bytes of that text as CPython encodes it.
    const LEGACY: &[(&[&str], &str, &[u8])] = &[
        (
            &["ISO-8859-2", "latin2", "iso8859_2"],
            "Łódź",
            b"\xa3\xf3d\xbc",
        ),
        (&["iso-8859-3"], "Ħ", b"\xa1"),
        (&["iso-8859-4"], "Ą", b"\xa1"),
        (&["ISO-8859-5", "cyrillic"], "Жук", b"\xb6\xe3\xda"),
        (&["iso-8859-6", "arabic"], "سلام", b"\xd3\xe4\xc7\xe5"),
        (&["iso-8859-7", "greek"], "Ωμ", b"\xd9\xec"),
        (&["iso-8859-8", "hebrew"], "שלום", b"\xf9\xec\xe5\xed"),
        (
            &["iso-8859-9", "latin5", "iso8859_9"],
            "ğ\u{85}",
            b"\xf0\x85",
        ),
        (&["iso-8859-10"], "Ą", b"\xa1"),
        (&["iso-8859-11", "iso8859_11"], "ก\u{80}", b"\xa1\x80"),
        (&["iso-8859-13"], "ą", b"\xe0"),
        (&["iso-8859-14"], "ŵ", b"\xf0"),
        (
            &["ISO-8859-15", "latin9", "l9", "iso8859_15"],
            "5 €",
            b"5 \xa4",
        ),
        (&["iso-8859-16", "iso8859_16"], "Ș", b"\xaa"),
        (&["windows-874"], "ก€", b"\xa1\x80"),
        (&["windows-1250", "cp1250"], "Łódź", b"\xa3\xf3d\x9f"),
        (&["windows-1251", "cp1251"], "Жук", b"\xc6\xf3\xea"),
        (&["windows-1253"], "Ω", b"\xd9"),
        (&["windows-1254", "cp1254"], "ğ…", b"\xf0\x85"),
        (&["windows-1255"], "ש", b"\xf9"),
        (&["windows-1256"], "س", b"\xd3"),
        (&["windows-1257"], "ą", b"\xe0"),
        (&["windows-1258"], "ơ", b"\xf5"),
        (&["KOI8-R", "koi8_r"], "Жук", b"\xf6\xd5\xcb"),
        (&["koi8-u"], "ї", b"\xa7"),
        (&["IBM866", "cp866"], "Жук", b"\x86\xe3\xaa"),
        (&["macintosh", "mac_roman", "mac-roman"], "é", b"\x8e"),
        (&["x-mac-cyrillic", "mac_cyrillic"], "Ж", b"\x86"),
        (
            &["Shift_JIS", "shift-jis", "sjis", "cp932"],
            "ソ表ｱ",
            b"\x83\x5c\x95\x5c\xb1",
        ),
        (&["EUC-JP", "euc_jp"], "日本", b"\xc6\xfc\xcb\xdc"),
        (&["GBK", "gb2312", "cp936"], "中文", b"\xd6\xd0\xce\xc4"),
        (&["gb18030"], "中🦀", b"\xd6\xd0\x95\x30\xd8\x32"),
        (
            &["Big5", "big5hkscs", "cp950"],
            "中文功",
            b"\xa4\xa4\xa4\xe5\xa5\x5c",
        ),
        (&["EUC-KR", "euc_kr", "cp949"], "한글", b"\xc7\xd1\xb1\xdb"),
    ];

    #[test]
    fn ascii_supersets_are_read_by_all_their_labels() {
        for (labels, text, bytes) in LEGACY {
            for label in *labels {
                let declaration = format!("<?xml version='1.0' encoding='{label}'?><a>");
                let document = [declaration.as_bytes(), bytes, b"</a>"].concat();
                let expected = format!("{declaration}{text}</a>");
                assert_eq!(decode(&document, None).unwrap(), expected);
                assert_eq!(decode(&document, Some(label)).unwrap(), expected);
            }
        }
    }

    /// The second byte of a character can be in ASCII, but is never `<`, and a first byte does not
    /// consume a `<`.
    #[test]
    fn no_byte_can_hide_a_tag() {
        for label in ["shift_jis", "gbk", "gb18030", "big5", "euc-jp", "euc-kr"] {
            for lead in 0x80..=0xFF_u8 {
                let document = [b"<a>".as_slice(), &[lead], b"</a>"].concat();
                match decode(&document, Some(label)) {
                    Ok(text) => assert!(text.ends_with("</a>"), "{label} {lead:x}: {text}"),
                    Err(error) => {
                        assert_eq!(error.kind(), FormatErrorKind::Character, "{label} {lead:x}");
                        assert_eq!(error.position(), Some(Position { line: 1, column: 4 }));
                    }
                }
            }
        }
    }

    #[test]
    fn invalid_bytes_are_refused_with_their_position() {
        let document = b"<a>\n\x83\x5c\xff</a>";
        let error = decode(document, Some("shift_jis")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a byte that is not valid Shift_JIS, at line 2, column 2"
        );
        let error = decode(b"\n\xa1\xdb", Some("iso-8859-11")).unwrap_err();
        assert_eq!(error.position(), Some(Position { line: 2, column: 2 }));
        let error = decode(b"<a>\nab\xff</a>", None).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Character);
        assert_eq!(error.position(), Some(Position { line: 2, column: 3 }));
        let error = decode(b"ab\x80", Some("us-ascii")).unwrap_err();
        assert_eq!(error.position(), Some(Position { line: 1, column: 3 }));
        let mut document = wide("<a>", Endian::Little);
        document.extend([0x00, 0xd8, b'b', 0]);
        let error = decode(&document, None).unwrap_err();
        assert_eq!(error.position(), Some(Position { line: 1, column: 4 }));
        assert!(decode(&wide("<a>", Endian::Big)[..5], None).is_err());
    }
}
