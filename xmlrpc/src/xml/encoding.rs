//! From the bytes of a document to UTF-8.

use std::borrow::Cow;

use bytes::{Buf, Bytes};
use memchr::memmem;
use rpc_core::{FormatError, FormatErrorKind, Position};

use super::{declaration, is_space};

/// The encodings that peers use. Everything else is refused by name.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    Windows1252,
    Utf16 { big_endian: bool },
}

/// Brings a document to UTF-8, without a byte order mark.
///
/// A byte order mark decides, then the `charset` of the HTTP header, then the XML declaration:
/// the order of RFC 7303. A document that is UTF-8 already is not copied; others grow to three
/// times their size at the most.
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
        // Most are, and to look for that alone takes a fraction of the time.
        Encoding::Utf8 if document.is_ascii() => None,
        Encoding::Utf8 => match std::str::from_utf8(document) {
            Ok(_) => None,
            Err(error) => {
                return Err(invalid("UTF-8", document, error.valid_up_to()));
            }
        },
        Encoding::Ascii => match document.iter().position(|b| !b.is_ascii()) {
            None => None,
            Some(at) => return Err(invalid("US-ASCII", &document[..at], at)),
        },
        // The label means windows-1252 to browsers, and so to encoding_rs, but not to peers.
        Encoding::Latin1 => owned(encoding_rs::mem::decode_latin1(document)),
        Encoding::Windows1252 => owned(
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(document)
                .0,
        ),
        Encoding::Utf16 { big_endian } => Some(utf16(document, big_endian)?),
    };
    if let Some(decoded) = decoded {
        *document = decoded.into();
    }
    Ok(())
}

fn owned(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

/// The encoding of a document, and the length of its byte order mark.
fn detect(document: &[u8], charset: Option<&str>) -> Result<(Encoding, usize), FormatError> {
    const LE: Encoding = Encoding::Utf16 { big_endian: false };
    const BE: Encoding = Encoding::Utf16 { big_endian: true };
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
            // RFC 2781: big-endian where nothing says otherwise.
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
        // A declaration of UTF-16 in bytes that are plainly not: what a program writes that made
        // the text as UTF-16 and sent it as UTF-8.
        Some(label) => match by_label(label)? {
            None | Some(Encoding::Utf16 { .. }) => Ok((Encoding::Utf8, 0)),
            Some(encoding) => Ok((encoding, 0)),
        },
    }
}

/// The encoding that a label names; `None` is UTF-16 of unknown byte order.
fn by_label(label: &str) -> Result<Option<Encoding>, FormatError> {
    // What nearly all name.
    if label.eq_ignore_ascii_case("utf-8") {
        return Ok(Some(Encoding::Utf8));
    }
    let label = label.to_ascii_lowercase();
    Ok(Some(match label.as_str() {
        "utf8" => Encoding::Utf8,
        "us-ascii" | "ascii" => Encoding::Ascii,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso8859_1" | "latin1" | "latin-1" => {
            Encoding::Latin1
        }
        "windows-1252" | "cp1252" | "cp-1252" => Encoding::Windows1252,
        "utf-16le" => Encoding::Utf16 { big_endian: false },
        "utf-16be" => Encoding::Utf16 { big_endian: true },
        "utf-16" | "utf16" => return Ok(None),
        _ => return Err(unsupported(&label)),
    }))
}

fn unsupported(label: &str) -> FormatError {
    FormatError::new(
        FormatErrorKind::Encoding,
        format!("the encoding {label:?} is not supported"),
    )
}

/// The encoding that the XML declaration names, however it is written.
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

fn utf16(document: &[u8], big_endian: bool) -> Result<String, FormatError> {
    let units = document.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big_endian {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(document: &[u8], charset: Option<&str>) -> Result<String, FormatError> {
        let mut document = Bytes::copy_from_slice(document);
        decode_document(&mut document, charset)?;
        Ok(String::from_utf8(document.to_vec()).unwrap())
    }

    fn wide(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
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
    fn the_header_goes_before_the_declaration_and_a_mark_before_both() {
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
    fn utf16_is_known_by_its_mark_its_pattern_or_its_label() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><a>é🦀</a>";
        for big_endian in [false, true] {
            let plain = wide(text, big_endian);
            assert_eq!(decode(&plain, None).unwrap(), text);
            assert_eq!(decode(&plain, Some("utf-16")).unwrap(), text);
            let marked = wide(&format!("\u{feff}{text}"), big_endian);
            assert_eq!(decode(&marked, None).unwrap(), text);
        }
    }

    #[test]
    fn others_are_refused_by_name() {
        for (document, charset, name) in [
            (
                b"<?xml version='1.0' encoding='Shift_JIS'?>".as_slice(),
                None,
                "shift_jis",
            ),
            (b"<a/>", Some("koi8-r"), "koi8-r"),
            (b"\xff\xfe\0\0<\0\0\0", None, "UTF-32"),
        ] {
            let error = decode(document, charset).unwrap_err();
            assert_eq!(error.kind(), FormatErrorKind::Encoding);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn invalid_bytes_are_refused_where_they_are() {
        let error = decode(b"<a>\nab\xff</a>", None).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Character);
        assert_eq!(error.position(), Some(Position { line: 2, column: 3 }));
        let error = decode(b"ab\x80", Some("us-ascii")).unwrap_err();
        assert_eq!(error.position(), Some(Position { line: 1, column: 3 }));
        let mut document = wide("<a>", false);
        document.extend([0x00, 0xd8, b'b', 0]);
        let error = decode(&document, None).unwrap_err();
        assert_eq!(error.position(), Some(Position { line: 1, column: 4 }));
        assert!(decode(&wide("<a>", true)[..5], None).is_err());
    }
}
