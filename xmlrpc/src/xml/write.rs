//! Writing of texts and scalars.

use farcall_core::{FormatError, FormatErrorKind};
use memchr::memchr;

use super::{Forbidden, swar};

/// The tags around the text of a scalar.
pub(crate) struct Scalar {
    open: &'static [u8],
    close: &'static [u8],
}

macro_rules! scalars {
    ($($constant:ident $name:literal;)*) => {$(
        pub(crate) const $constant: Scalar = Scalar {
            open: concat!("<value><", $name, ">").as_bytes(),
            close: concat!("</", $name, "></value>").as_bytes(),
        };
    )*};
}

scalars! {
    STRING "string";
    INT "int";
    I8 "i8";
    BOOLEAN "boolean";
    DOUBLE "double";
    DATE_TIME "dateTime.iso8601";
    BASE64 "base64";
}

/// Appends a scalar. Its text must need no escaping.
// Inlined, so that the tags are copied as constants: a word or two instead of a call.
#[inline(always)]
pub(crate) fn scalar(tags: &Scalar, text: &[u8], out: &mut Vec<u8>) {
    out.reserve(tags.open.len() + text.len() + tags.close.len());
    out.extend_from_slice(tags.open);
    out.extend_from_slice(text);
    out.extend_from_slice(tags.close);
}

/// Appends a text as a value, escaped.
///
/// # Errors
/// If the text has a character that XML forbids, and `forbidden` refuses it.
pub(crate) fn string(
    text: &str,
    forbidden: Forbidden,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if needs_no_escape(text.as_bytes()) {
        scalar(&STRING, text.as_bytes(), out);
        return Ok(());
    }
    out.extend_from_slice(STRING.open);
    escaped(text, forbidden, out)?;
    out.extend_from_slice(STRING.close);
    Ok(())
}

/// Appends an integer, as `<int>` if it fits into 32 bits, or else as `<i8>`.
pub(crate) fn integer(number: i64, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(number).as_bytes();
    match i32::try_from(number) {
        Ok(_) => scalar(&INT, text, out),
        Err(_) => scalar(&I8, text, out),
    }
}

/// Appends a finite double in decimal without an exponent, with the fewest digits that read back
/// as the same double.
pub(crate) fn double<F: zmij::Float + ToString>(number: F, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format(number);
    if memchr(b'e', text.as_bytes()).is_some() {
        // The standard library writes neither an exponent nor a redundant decimal point.
        let mut text = number.to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        scalar(&DOUBLE, text.as_bytes(), out);
    } else {
        scalar(&DOUBLE, text.as_bytes(), out);
    }
}

/// Appends an infinite double or NaN in the spelling of CPython, which every peer that supports
/// such values reads.
pub(crate) fn special_double(number: f64, out: &mut Vec<u8>) {
    let text = match number {
        f64::INFINITY => "inf",
        f64::NEG_INFINITY => "-inf",
        _ => "nan",
    };
    scalar(&DOUBLE, text.as_bytes(), out);
}

/// Appends bytes as one line of base64.
pub(crate) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(BASE64.open);
    super::base64::encode(bytes, out);
    out.extend_from_slice(BASE64.close);
}

/// Converts a date and time from the extended form of ISO 8601 to the basic form that all peers
/// read (`19980717T14:08:55`), and appends it. If `full` is `true`, a fraction and an offset are
/// kept unchanged; otherwise they are left out.
///
/// # Errors
/// If the text is not a date and time.
pub(crate) fn date_time(text: &str, full: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let bytes = text.as_bytes();
    let shape = |at: usize| match at {
        4 | 7 => b'-',
        10 => b'T',
        13 | 16 => b':',
        _ => b'0',
    };
    let fits = bytes.len() >= 19
        && bytes[..19]
            .iter()
            .enumerate()
            .all(|(at, &b)| match shape(at) {
                b'0' => b.is_ascii_digit(),
                b'T' => matches!(b, b'T' | b't' | b' '),
                other => b == other,
            })
        && bytes[19..]
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b':' | b'Z' | b'z'));
    if !fits {
        return Err(FormatError::new(
            FormatErrorKind::Unrepresentable,
            format!("{text:?} is not a date and time"),
        ));
    }
    let mut basic = *b"YYYYMMDDThh:mm:ss";
    basic[..4].copy_from_slice(&bytes[..4]);
    basic[4..6].copy_from_slice(&bytes[5..7]);
    basic[6..8].copy_from_slice(&bytes[8..10]);
    basic[9..].copy_from_slice(&bytes[11..19]);
    let rest = if full { &bytes[19..] } else { b"" };
    out.extend_from_slice(DATE_TIME.open);
    out.extend_from_slice(&basic);
    out.extend_from_slice(rest);
    out.extend_from_slice(DATE_TIME.close);
    Ok(())
}

/// Appends the text of an invalid date as a date and time, escaped. It was received as such.
///
/// # Errors
/// If the text has a character that XML forbids, and `forbidden` refuses it.
pub(crate) fn date_time_text(
    text: &str,
    forbidden: Forbidden,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    out.extend_from_slice(DATE_TIME.open);
    escaped(text, forbidden, out)?;
    out.extend_from_slice(DATE_TIME.close);
    Ok(())
}

/// Appends a text, escaped.
///
/// # Errors
/// If the text has a character that XML forbids, and `forbidden` refuses it.
pub(crate) fn escaped(
    text: &str,
    forbidden: Forbidden,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if needs_no_escape(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    if forbidden == Forbidden::Replace {
        escaped_lossy(text, out);
        return Ok(());
    }
    escape(text, out, |c, _| {
        Err(FormatError::new(
            FormatErrorKind::Unrepresentable,
            format!("XML cannot carry the character U+{:04X}", u32::from(c)),
        ))
    })
}

/// Appends a text, escaped; characters that XML forbids become U+FFFD.
pub(crate) fn escaped_lossy(text: &str, out: &mut Vec<u8>) {
    let Ok(()) = escape(text, out, |_, out| {
        out.extend_from_slice("\u{fffd}".as_bytes());
        Ok::<(), std::convert::Infallible>(())
    });
}

/// Table of the bytes that never need escaping.
static CLEAN: [bool; 256] = {
    let mut clean = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        clean[byte] = is_clean(u64::from_ne_bytes([byte as u8; 8]));
        byte += 1;
    }
    clean
};

fn escape<E>(
    text: &str,
    out: &mut Vec<u8>,
    forbidden: impl Fn(char, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &b) in bytes.iter().enumerate() {
        if CLEAN[usize::from(b)] {
            continue;
        }
        let replacement: &[u8] = match b {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'\r' => b"&#13;",
            b'\t' | b'\n' => continue,
            0..0x20 => {
                out.extend_from_slice(&bytes[done..at]);
                forbidden(char::from(b), out)?;
                done = at + 1;
                continue;
            }
            // U+FFFE and U+FFFF.
            0xEF if matches!(bytes[at..], [_, 0xBF, 0xBE | 0xBF, ..]) => {
                out.extend_from_slice(&bytes[done..at]);
                forbidden(
                    if bytes[at + 2] == 0xBE {
                        '\u{fffe}'
                    } else {
                        '\u{ffff}'
                    },
                    out,
                )?;
                done = at + 3;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        out.extend_from_slice(replacement);
        done = at + 1;
    }
    out.extend_from_slice(&bytes[done..]);
    Ok(())
}

/// Returns `true` if a text needs no escaping. A few rare characters give a false negative.
fn needs_no_escape(text: &[u8]) -> bool {
    match text.last_chunk::<8>() {
        // The last word overlaps the one before it.
        Some(last) => {
            let mut words = text.as_chunks::<8>().0.iter().chain([last]);
            words.all(|word| is_clean(u64::from_le_bytes(*word)))
        }
        None => is_clean(swar::short(text)),
    }
}

const fn is_clean(word: u64) -> bool {
    let control = swar::less(word, 0x20);
    let markup = swar::equal(word, b'<') | swar::equal(word, b'>') | swar::equal(word, b'&');
    // U+FFFE and U+FFFF are among the characters that start with this byte.
    control | markup | swar::equal(word, 0xEF) == 0
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::super::is_xml_char;
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn number(number: f64) -> String {
        let text = written(|out| double(number, out));
        let text = text.strip_prefix("<value><double>").unwrap();
        text.strip_suffix("</double></value>").unwrap().to_owned()
    }

    #[test]
    fn doubles_are_plain_decimal() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (-12.25, "-12.25"),
            (1e-7, "0.0000001"),
            (1e15, "1000000000000000.0"),
            (1e22, "10000000000000000000000.0"),
            (1.5e-10, "0.00000000015"),
        ] {
            assert_eq!(number(value), text);
        }
        for value in [
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::EPSILON,
            1e16,
            1e17,
            123_456_789e-20,
        ] {
            let text = number(value);
            assert!(
                text.bytes().all(|b| b.is_ascii_digit() || b == b'.'),
                "{text}"
            );
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
        assert_snapshot!(written(|out| double(0.1_f32, out)), @"<value><double>0.1</double></value>");
    }

    #[test]
    fn integers_are_tagged_by_width() {
        assert_snapshot!(written(|out| integer(-2_147_483_648, out)), @"<value><int>-2147483648</int></value>");
        assert_snapshot!(written(|out| integer(2_147_483_648, out)), @"<value><i8>2147483648</i8></value>");
    }

    #[test]
    fn base64_is_one_line() {
        assert_snapshot!(written(|out| base64(b"", out)), @"<value><base64></base64></value>");
        let long = written(|out| base64(&[7; 300], out));
        assert!(!long.contains('\n'));
        assert_snapshot!(written(|out| base64(b"ab", out)), @"<value><base64>YWI=</base64></value>");
    }

    #[test]
    fn dates_are_written_in_the_basic_form() {
        let date = |text| written(|out| date_time(text, true, out).unwrap());
        assert_snapshot!(date("1998-07-17T14:08:55"), @"<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>");
        assert_snapshot!(date("1998-07-17T14:08:55.25+02:00"), @"<value><dateTime.iso8601>19980717T14:08:55.25+02:00</dateTime.iso8601></value>");
        for text in [
            "",
            "1998-07-17",
            "1998-07-17T14:08",
            "1998-07-17T14:08:55<",
            "1998-07-1７T14:08:5",
        ] {
            assert!(date_time(text, true, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn texts_are_escaped() {
        let text =
            written(|out| string("a<b>&c\r\n\t\"'é\u{fffd}", Forbidden::Refuse, out).unwrap());
        assert_snapshot!(text, @r#"
        <value><string>a&lt;b&gt;&amp;c&#13;
        	"'é�</string></value>
        "#);
        for bad in ["\0", "a\u{1f}", "\u{fffe}", "é\u{ffff}x", "\u{b}"] {
            let error = string(bad, Forbidden::Refuse, &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), FormatErrorKind::Unrepresentable);
            assert!(
                error
                    .to_string()
                    .starts_with("XML cannot carry the character U+")
            );
        }
        let text = written(|out| escaped_lossy("a\0b\u{ffff}c<\u{fffe}", out));
        assert_eq!(text, "a\u{fffd}b\u{fffd}c&lt;\u{fffd}");
        let text = written(|out| string("a\u{8}<", Forbidden::Replace, out).unwrap());
        assert_eq!(text, "<value><string>a\u{fffd}&lt;</string></value>");
    }

    proptest! {
        #[test]
        fn words_escape_like_characters(text in "[ -~]{0,20}\\PC{0,3}[a-z<>&\r\t\u{1}\u{fffd}-\u{ffff}]{0,20}") {
            let mut out = Vec::new();
            let written = escaped(&text, Forbidden::Refuse, &mut out);
            if text.chars().any(|c| !is_xml_char(u32::from(c))) {
                prop_assert!(written.is_err());
            } else {
                let plain = text.replace('&', "&amp;").replace('<', "&lt;");
                let plain = plain.replace('>', "&gt;").replace('\r', "&#13;");
                prop_assert_eq!(String::from_utf8(out).unwrap(), plain);
            }
        }
    }
}
