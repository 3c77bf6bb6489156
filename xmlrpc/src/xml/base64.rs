//! Base64.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurposeConfig, NO_PAD, PAD_INDIFFERENT};
use memchr::memchr;

use super::is_space;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine(config: GeneralPurposeConfig) -> impl Engine {
    base64::engine::Simd::standard(config)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine(config: GeneralPurposeConfig) -> impl Engine {
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config)
}

/// Characters that are processed at a time, which fit into the L1 cache. Four encode three bytes.
const CHUNK: usize = 8192;

/// Appends bytes as one line of base64.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let engine = engine(base64::engine::general_purpose::PAD);
    out.reserve(bytes.len().div_ceil(3) * 4);
    let mut text = [0; CHUNK];
    for chunk in bytes.chunks(CHUNK / 4 * 3) {
        // Encoding cannot fail: the chunk fits.
        let len = engine.encode_slice(chunk, &mut text).unwrap_or_default();
        out.extend_from_slice(&text[..len]);
    }
}

/// Decodes a base64 text, which can have white space anywhere and can lack padding.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    decode_lines(text).or_else(|| {
        let text: Vec<u8> = text.iter().copied().filter(|&b| !is_space(b)).collect();
        engine(PAD_INDIFFERENT).decode(text).ok()
    })
}

/// Decodes a text that has white space only at the ends of lines.
fn decode_lines(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let text = trim(text);
    let Some(first) = memchr(b'\n', text) else {
        engine(PAD_INDIFFERENT).decode_vec(text, &mut bytes).ok()?;
        return Some(bytes);
    };
    let full = engine(NO_PAD);
    let mut chunk = [0; CHUNK];
    let mut filled = 0;
    let (mut line, mut rest) = text.split_at(first);
    loop {
        line = trim(line);
        while filled + line.len() > CHUNK {
            let (start, after) = line.split_at(CHUNK - filled);
            chunk[filled..].copy_from_slice(start);
            full.decode_vec(chunk, &mut bytes).ok()?;
            (line, filled) = (after, 0);
        }
        chunk[filled..filled + line.len()].copy_from_slice(line);
        filled += line.len();
        let Some(after) = rest.get(1..) else { break };
        (line, rest) = after.split_at(memchr(b'\n', after).unwrap_or(after.len()));
    }
    engine(PAD_INDIFFERENT)
        .decode_vec(&chunk[..filled], &mut bytes)
        .ok()?;
    Some(bytes)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b, rest @ ..] = text
        && is_space(*b)
    {
        text = rest;
    }
    while let [rest @ .., b] = text
        && is_space(*b)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_is_allowed_and_padding_is_not_needed() {
        for (text, bytes) in [
            ("YWI=", b"ab".as_slice()),
            ("YWI", b"ab"),
            ("Y\r\nW I=", b"ab"),
            (" \t\n", b""),
            ("", b""),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes));
        }
        for text in [
            "Y*I=",
            "YWI=YWI=",
            "YWI=\nYWI=",
            "=",
            "YWJ=",
            "Y",
            "YWI\u{c}",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn chunks_and_lines_make_no_difference(
            bytes in prop::collection::vec(any::<u8>(), 0..3 * CHUNK),
            width in 1..2 * CHUNK,
            end in prop::sample::select(&["\n", "\r\n", " \n", "\n\n", " "][..]),
            tail in prop::sample::select(&["", "", "", "=", "==", "A", "AA", "AAA=", "*"][..]),
        ) {
            let mut text = Vec::new();
            encode(&bytes, &mut text);
            text.extend_from_slice(tail.as_bytes());
            let lines: Vec<&[u8]> = text.chunks(width).collect();
            let whole = STANDARD_PAD_INDIFFERENT.decode(&text).ok();
            prop_assert_eq!(decode(&lines.join(end.as_bytes())), whole);
        }
    }
}
