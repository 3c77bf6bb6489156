//! Writing texts and scalars.

use rpc_core::{FormatError, FormatErrorKind};

/// Appends `<value><tag>text</tag></value>`. The text must need no escaping.
pub(crate) fn scalar(tag: &str, text: &[u8], out: &mut Vec<u8>) {
    open(tag, out);
    out.extend_from_slice(text);
    close(tag, out);
}

/// Appends `<value><string>text</string></value>`, escaped.
///
/// # Errors
/// If the text has a character that XML forbids.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    open("string", out);
    escaped(text, out)?;
    close("string", out);
    Ok(())
}

/// Appends a whole number that is known to fit an `<i8>`.
pub(crate) fn integer(number: i64, out: &mut Vec<u8>) {
    let tag = match i32::try_from(number) {
        Ok(_) => "int",
        Err(_) => "i8",
    };
    scalar(tag, itoa::Buffer::new().format(number).as_bytes(), out);
}

/// Appends a finite double in plain decimal, with the fewest digits that give it back.
pub(crate) fn double<F: zmij::Float + ToString>(number: F, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format(number);
    if text.contains(['e', 'E']) {
        // The standard library never writes an exponent here, nor a point that it can do without.
        let text = number.to_string();
        open("double", out);
        out.extend_from_slice(text.as_bytes());
        if !text.contains('.') {
            out.extend_from_slice(b".0");
        }
        close("double", out);
    } else {
        scalar("double", text.as_bytes(), out);
    }
}

/// Appends bytes as one line of base64.
pub(crate) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    open("base64", out);
    super::base64::encode(bytes, out);
    close("base64", out);
}

/// Appends a date and time, given in the extended form of ISO 8601, in the basic form that all
/// peers read: `19980717T14:08:55`. A fraction and a zone stay as they are where `full` is set, and
/// are left out otherwise.
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
    open("dateTime.iso8601", out);
    let time = if full { &bytes[11..] } else { &bytes[11..19] };
    for part in [&bytes[..4], &bytes[5..7], &bytes[8..10], b"T", time] {
        out.extend_from_slice(part);
    }
    close("dateTime.iso8601", out);
    Ok(())
}

/// Appends a text, escaped.
///
/// # Errors
/// If it has a character that XML forbids.
pub(crate) fn escaped(text: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    escape(text, out, |c, _| {
        Err(FormatError::new(
            FormatErrorKind::Unrepresentable,
            format!("XML cannot carry the character U+{:04X}", u32::from(c)),
        ))
    })
}

/// Appends a text, escaped; characters that XML forbids become U+FFFD.
pub(crate) fn escaped_lossy(text: &str, out: &mut Vec<u8>) {
    let never = escape(text, out, |_, out| {
        out.extend_from_slice("\u{fffd}".as_bytes());
        Ok::<(), std::convert::Infallible>(())
    });
    match never {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

fn escape<E>(
    text: &str,
    out: &mut Vec<u8>,
    forbidden: impl Fn(char, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &b) in bytes.iter().enumerate() {
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

fn open(tag: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<value><");
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

fn close(tag: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(tag.as_bytes());
    out.extend_from_slice(b"></value>");
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

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
    fn integers_say_their_width() {
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
    fn dates_lose_their_dashes() {
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
        let text = written(|out| string("a<b>&c\r\n\t\"'é\u{fffd}", out).unwrap());
        assert_snapshot!(text, @r#"
        <value><string>a&lt;b&gt;&amp;c&#13;
        	"'é�</string></value>
        "#);
        for bad in ["\0", "a\u{1f}", "\u{fffe}", "é\u{ffff}x", "\u{b}"] {
            let error = string(bad, &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), FormatErrorKind::Unrepresentable);
            assert!(
                error
                    .to_string()
                    .starts_with("XML cannot carry the character U+")
            );
        }
        let text = written(|out| escaped_lossy("a\0b\u{ffff}c<\u{fffe}", out));
        assert_eq!(text, "a\u{fffd}b\u{fffd}c&lt;\u{fffd}");
    }
}
