//! Headers of messages, and faults as messages.

use std::fmt::Write as _;
use std::time::Duration;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use farcall_core::protocol::output::Foreign;
use farcall_core::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use super::content_type::ContentType;
use crate::fault_kinds;

pub(super) const CONTENT_TYPE: &str = "Content-Type";
/// The time that the caller waits, in microseconds.
pub(super) const TIMEOUT: &str = "Farcall-Timeout";
/// A token of the caller's clock, and the microseconds that it showed when the call was made.
pub(super) const CLOCK: &str = "Farcall-Clock";
/// `1` if two runs have the effect of one.
pub(super) const IDEMPOTENT: &str = "Farcall-Idempotent";
/// The kind of a fault.
pub(super) const FAULT: &str = "Farcall-Fault";
/// The id of the instance that answered.
pub(super) const INSTANCE: &str = "Farcall-Instance";
/// The text of an error of a micro service.
pub(super) const ERROR: &str = "Nats-Service-Error";
/// The code of an error of a micro service.
pub(super) const ERROR_CODE: &str = "Nats-Service-Error-Code";

/// Maximum length of a text in a header, in bytes.
const MAX_TEXT: usize = 512;

/// Maximum causes of a fault that are sent or read, as over connections.
const MAX_CAUSES: usize = 16;

/// Maximum length of the message of a fault that is sent, and of each of its causes, in bytes.
const MAX_MESSAGE: usize = 16 * 1024;

/// Bytes of the headers of a message on the wire, beside those of each header.
const HEADERS_FRAME: usize = "NATS/1.0\r\n\r\n".len();

/// Headers that Farcall sets itself.
const OWN: [&str; 4] = [CONTENT_TYPE, TIMEOUT, CLOCK, IDEMPOTENT];

/// A header of the program cannot be sent.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the header `{}` cannot be sent over NATS: a name has visible ASCII characters but `:`, a value \
     has no control characters or line breaks",
    Foreign::excerpt(.0)
)]
pub(super) struct InvalidHeader(String);

farcall_core::debug_errors!(InvalidHeader);

/// Content of the message of a fault.
#[derive(Default, Deserialize, Serialize)]
struct FaultBody {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

/// Sets a header to any text. async-nats panics at a line break, and some readers of headers lose
/// all of them at a letter beyond ASCII, so both are escaped.
pub(super) fn set(headers: &mut HeaderMap, name: &'static str, text: &str) {
    if let Ok(value) = cleaned(text).parse::<HeaderValue>() {
        headers.insert(name, value);
    }
}

/// Returns a header of the program, or none if its name is one that Farcall sets itself. Nothing in
/// it ends a line, by the rules of any reader: those of Python end one at U+2028 as well.
pub(super) fn of_program(
    name: &str,
    value: &[u8],
) -> Result<Option<(HeaderName, HeaderValue)>, InvalidHeader> {
    if OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    let invalid = || InvalidHeader(name.to_owned());
    let ends_line = |c: char| (c.is_control() && c != '\t') || "\u{2028}\u{2029}".contains(c);
    let value = std::str::from_utf8(value).map_err(|_| invalid())?;
    if name.is_empty() || value.contains(ends_line) {
        return Err(invalid());
    }
    let parsed = name.parse().map_err(|_| invalid())?;
    Ok(Some((parsed, value.parse().map_err(|_| invalid())?)))
}

/// Returns the start of a text on one line of ASCII.
fn cleaned(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAX_TEXT));
    for c in text.chars() {
        if line.len() > MAX_TEXT {
            line.push_str("...");
            break;
        }
        match c {
            ' '..='~' => line.push(c),
            '\n' | '\r' | '\t' => line.push(' '),
            _ => {
                // Cannot fail: it writes to a string.
                let _ = write!(line, "{}", c.escape_unicode());
            }
        }
    }
    line.trim().to_owned()
}

/// Returns the value of a header, whatever the case of its name: other clients write it as they
/// like.
pub(super) fn get<'h>(headers: Option<&'h HeaderMap>, name: &str) -> Option<&'h str> {
    let headers = headers?;
    let is_named = |found: &HeaderName| {
        let found: &str = found.as_ref();
        found.eq_ignore_ascii_case(name)
    };
    let (_, values) = headers.iter().find(|(found, _)| is_named(found))?;
    values.first().map(HeaderValue::as_str)
}

/// Returns the headers of a request for its handler. Those that HTTP does not permit are left out.
pub(super) fn to_http(headers: &HeaderMap) -> http::HeaderMap {
    let mut converted = http::HeaderMap::new();
    for (name, values) in headers.iter() {
        let name: &str = name.as_ref();
        let Ok(name) = http::HeaderName::from_bytes(name.as_bytes()) else {
            continue;
        };
        for value in values {
            if let Ok(value) = http::HeaderValue::from_str(value.as_str()) {
                // Fails beyond 24,576 headers: then the rest is left out.
                let _ = converted.try_append(&name, value);
            }
        }
    }
    converted
}

/// Returns the length of headers on the wire, in bytes.
pub(super) fn wire_len(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: &HeaderValue| name.len() + value.as_str().len() + 4;
    let lines = headers.iter().flat_map(|(name, values)| {
        let name: &str = name.as_ref();
        values.iter().map(move |value| line(name, value))
    });
    HEADERS_FRAME + lines.sum::<usize>()
}

/// Returns a duration in a header, in microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Adds a fault to the headers of its message, and returns the body.
pub(super) fn fault_message(fault: &Fault, with_causes: bool, headers: &mut HeaderMap) -> Bytes {
    set(headers, FAULT, fault_kinds::name(fault.kind()));
    let text = match cleaned(fault.message()) {
        text if text.is_empty() => "error".to_owned(),
        text => text,
    };
    set(headers, ERROR, &text);
    headers.insert(ERROR_CODE, HeaderValue::from(fault.code()));
    headers.insert(CONTENT_TYPE, ContentType::Json.name());
    let causes = fault
        .causes()
        .take(if with_causes { MAX_CAUSES } else { 0 });
    let body = FaultBody {
        code: fault.code(),
        message: start(fault.message()),
        causes: causes.map(|cause| start(&cause)).collect(),
    };
    // Cannot fail: the body has numbers and texts.
    serde_json::to_vec(&body).unwrap_or_default().into()
}

fn start(text: &str) -> String {
    let end = (0..=MAX_MESSAGE.min(text.len())).rev();
    let end = end.into_iter().find(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)].to_owned()
}

/// Returns the fault in a message, if it is one.
///
/// The kind is that of a service of Farcall. The errors of other services never tell that a call
/// did not run: their codes may mean anything.
pub(super) fn fault(headers: Option<&HeaderMap>, body: &[u8]) -> Option<Fault> {
    let code = get(headers, ERROR_CODE);
    let text = get(headers, ERROR);
    if code.is_none() && text.is_none() {
        return None;
    }
    let code = code.and_then(|code| code.trim().parse().ok());
    let Some(name) = get(headers, FAULT) else {
        let code = code.unwrap_or(FaultKind::Application.code());
        return Some(Fault::new(code, text.unwrap_or("an error without a text")));
    };
    let body: FaultBody = serde_json::from_slice(body).unwrap_or_default();
    let message = match body.message.as_str() {
        "" => text.unwrap_or_default(),
        message => message,
    };
    let fault = Fault::of(fault_kinds::of(name), message).with_code(code.unwrap_or(body.code));
    let causes: Vec<String> = body.causes.into_iter().take(MAX_CAUSES).collect();
    Some(if causes.is_empty() {
        fault
    } else {
        fault.with_remote_causes(causes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_with_kind_code_text_and_causes() {
        for kind in [FaultKind::Application, FaultKind::Denied, FaultKind::Gone] {
            let sent = Fault::of(kind, "two\r\nlines: grüße").with_code(7);
            let sent = sent.with_remote_causes(["a".to_owned(), "b".to_owned()]);
            let mut headers = HeaderMap::new();
            let body = fault_message(&sent, true, &mut headers);
            assert_eq!(get(Some(&headers), ERROR_CODE), Some("7"));
            let text = get(Some(&headers), "nats-service-error");
            assert_eq!(text, Some("two  lines: gr\\u{fc}\\u{df}e"));
            let received = fault(Some(&headers), &body).unwrap();
            assert_eq!(received, sent);
            assert!(received.causes().eq(["a", "b"]));
            let body = fault_message(&sent, false, &mut headers);
            assert_eq!(fault(Some(&headers), &body).unwrap().causes().count(), 0);
        }
    }

    #[test]
    fn errors_of_other_services_refuse_nothing() {
        let mut headers = HeaderMap::new();
        set(&mut headers, ERROR, "no such method");
        set(&mut headers, ERROR_CODE, "-32601");
        let received = fault(Some(&headers), b"{").unwrap();
        assert!(!received.kind().is_refusal());
        assert_eq!(
            (received.code(), received.message()),
            (-32601, "no such method")
        );
        assert!(fault(Some(&HeaderMap::new()), b"").is_none() && fault(None, b"").is_none());
    }

    #[test]
    fn any_text_becomes_one_short_line() {
        for text in ["\r\n\r\n", "a\0b\u{1b}[2J", &"é".repeat(10_000), "\u{2028}"] {
            let mut headers = HeaderMap::new();
            fault_message(&Fault::new(1, text), false, &mut headers);
            let line = get(Some(&headers), ERROR).unwrap();
            assert!(!line.is_empty() && line.len() < MAX_TEXT + 16, "{line}");
            assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{line}");
        }
    }

    #[test]
    fn headers_of_the_program_are_one_line_each() {
        let (name, value) = of_program("X-Token", b"a b\tc: \xc3\xa9").unwrap().unwrap();
        assert_eq!(
            (name.to_string(), value.as_str()),
            ("X-Token".to_owned(), "a b\tc: é")
        );
        assert_eq!(of_program("farcall-TIMEOUT", b"1"), Ok(None));
        for (name, value) in [
            ("", "a"),
            ("a b", "a"),
            ("a:b", "a"),
            ("a\r\nb", "a"),
            ("é", "a"),
            ("a", "b\r\nc: d"),
            ("a", "b\n"),
            ("a", "b\r"),
            ("a", "b\0"),
            ("a", "b\u{b}c"),
            ("a", "b\u{85}c"),
            ("a", "b\u{2028}c"),
        ] {
            assert!(
                of_program(name, value.as_bytes()).is_err(),
                "{name:?} {value:?}"
            );
        }
        assert!(of_program("a", b"\xff").is_err());
    }

    #[test]
    fn the_length_on_the_wire_is_that_of_all_lines() {
        let mut headers = HeaderMap::new();
        headers.insert("a", "bc");
        headers.append("a", "d");
        assert_eq!(
            wire_len(&headers),
            "NATS/1.0\r\na: bc\r\na: d\r\n\r\n".len()
        );
    }
}
