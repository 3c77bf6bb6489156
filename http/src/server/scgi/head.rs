//! The head of an SCGI request: a netstring of variables.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::server::cgi::CgiVariables;
use crate::server::request::admission::MAX_HEAD;

/// Maximum number of variables: the 100 headers that a request over HTTP may have, and as many of
/// the web server.
const MAX_VARIABLES: usize = 200;

/// A head that is not one of SCGI.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    #[error("the request does not begin with the length of its head, as SCGI does")]
    Length,
    #[error("the head is over the limit of {MAX_HEAD} bytes")]
    TooLong,
    #[error("the head has more than {MAX_VARIABLES} variables")]
    TooMany,
    #[error("the head does not end with a comma")]
    Comma,
    #[error("the head is not a list of names and values that end with NUL")]
    List,
    #[error("the head does not begin with CONTENT_LENGTH and a number")]
    ContentLength,
    #[error("the head has no variable SCGI with the value 1")]
    Version,
    #[error("the head has a variable twice")]
    Duplicate,
}

/// Parses the head at the start of `bytes`: `LENGTH:` variables `,`. Returns its variables and its
/// length, or `None` if it is incomplete.
///
/// # Errors
/// If it is malformed. Most of that is found when all of the head is there.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(CgiVariables, usize)>, HeadError> {
    let Some((length, start)) = length(bytes)? else {
        return Ok(None);
    };
    let Some(rest) = bytes.get(start..start + length + 1) else {
        return Ok(None);
    };
    let Some((b',', list)) = rest.split_last() else {
        return Err(HeadError::Comma);
    };
    Ok(Some((variables(list)?, start + rest.len())))
}

/// Returns the length that the head declares, and the offset of what follows.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, HeadError> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = &bytes[..digits.count()];
    if digits.len() > 1 && digits[0] == b'0' {
        return Err(HeadError::Length);
    }
    let decimal = |length: usize, digit: &u8| length * 10 + usize::from(digit - b'0');
    // No number of six digits is within the limit, whichever follow.
    let length = digits.iter().take(6).fold(0, decimal);
    if length > MAX_HEAD {
        return Err(HeadError::TooLong);
    }
    match bytes.get(digits.len()) {
        Some(b':') if !digits.is_empty() => Ok(Some((length, digits.len() + 1))),
        Some(_) => Err(HeadError::Length),
        None => Ok(None),
    }
}

/// Reads names and values, each of which ends with NUL.
fn variables(list: &[u8]) -> Result<CgiVariables, HeadError> {
    let list = list.strip_suffix(b"\0").ok_or(HeadError::List)?;
    let mut texts = list.split(|&byte| byte == 0);
    let mut variables = HashMap::new();
    let mut is_first = true;
    while let Some(name) = texts.next() {
        let value = texts.next().ok_or(HeadError::List)?;
        if name.is_empty() {
            return Err(HeadError::List);
        }
        if std::mem::take(&mut is_first) {
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            if name != b"CONTENT_LENGTH" || !is_number {
                return Err(HeadError::ContentLength);
            }
        }
        if variables.len() == MAX_VARIABLES {
            return Err(HeadError::TooMany);
        }
        match variables.entry(name.to_vec()) {
            Entry::Vacant(entry) => entry.insert(value.to_vec()),
            Entry::Occupied(_) => return Err(HeadError::Duplicate),
        };
    }
    match variables.get(&b"SCGI"[..]) {
        Some(version) if version == b"1" => Ok(CgiVariables::from_bytes(variables)),
        _ => Err(HeadError::Version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(list: &[u8]) -> Vec<u8> {
        [format!("{}:", list.len()).as_bytes(), list, b","].concat()
    }

    fn error(bytes: &[u8]) -> Option<HeadError> {
        parse(bytes).err()
    }

    #[test]
    fn a_head_is_complete_with_its_comma() {
        // The example of the specification.
        let example = b"70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,";
        for end in 0..example.len() {
            assert!(parse(&example[..end]).unwrap().is_none(), "{end}");
        }
        let more = [&example[..], b"What is the answer to life?"].concat();
        let (variables, length) = parse(&more).unwrap().unwrap();
        assert_eq!(length, example.len());
        assert_eq!(variables.length(), Some(27));
        assert_eq!(variables.request_uri().unwrap(), "/deepthought");
    }

    #[test]
    fn malformed_heads() {
        let list = b"CONTENT_LENGTH\x005\0SCGI\x001\0";
        let good = head(list);
        assert!(parse(&good).unwrap().is_some());
        for (bytes, expected) in [
            (&b"GET / HTTP/1.0\r\n\r\n"[..], HeadError::Length),
            (b":", HeadError::Length),
            (b"-1:", HeadError::Length),
            (b" 1:", HeadError::Length),
            (b"1 :", HeadError::Length),
            (b"00", HeadError::Length),
            (&[b"0", &good[..]].concat(), HeadError::Length),
            (b"65537:", HeadError::TooLong),
            (b"999999999999999999999999999999:", HeadError::TooLong),
            (
                &good[..good.len() - 1]
                    .iter()
                    .copied()
                    .chain(*b";")
                    .collect::<Vec<_>>(),
                HeadError::Comma,
            ),
            (&head(b""), HeadError::List),
            (&head(b"\0"), HeadError::List),
            (&head(b"CONTENT_LENGTH\0"), HeadError::List),
            (&head(b"CONTENT_LENGTH\x005\0SCGI\x001"), HeadError::List),
            (&head(b"CONTENT_LENGTH\x005\0\x001\0"), HeadError::List),
            (
                &head(b"SCGI\x001\0CONTENT_LENGTH\x005\0"),
                HeadError::ContentLength,
            ),
            (
                &head(b"CONTENT_LENGTH\0\0SCGI\x001\0"),
                HeadError::ContentLength,
            ),
            (
                &head(b"CONTENT_LENGTH\0-1\0SCGI\x001\0"),
                HeadError::ContentLength,
            ),
            (&head(b"CONTENT_LENGTH\x005\0"), HeadError::Version),
            (
                &head(b"CONTENT_LENGTH\x005\0SCGI\x002\0"),
                HeadError::Version,
            ),
            (
                &head(b"CONTENT_LENGTH\x005\0SCGI\x001\0SCGI\x001\0"),
                HeadError::Duplicate,
            ),
        ] {
            assert_eq!(error(bytes), Some(expected), "{}", bytes.escape_ascii());
        }
        let many: Vec<u8> = (0..MAX_VARIABLES)
            .flat_map(|number| format!("X{number}\0\0").into_bytes())
            .collect();
        let many = head(&[&list[..], &many].concat());
        assert_eq!(error(&many), Some(HeadError::TooMany));
    }
}
