//! Errors of the client.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use farcall_core::protocol::InvalidCredentials;
use farcall_core::{CallError, FormatError};
use http::StatusCode;

use super::kind::DocumentKind;
use super::redirect::is_redirect;
use super::response::{Headers, Unfollowed};
use super::secrets::Secrets;
use crate::coding::missing_feature;

/// A header that cannot be sent with each call.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name has characters that are not allowed in the name of a header.
    #[error("`{0}` is not a valid header name")]
    Name(String),
    /// The value has characters that are not allowed in a header. The error does not repeat it,
    /// since it may be a secret.
    #[error("the value of the header `{0}` has characters that are not allowed in headers")]
    Value(String),
    /// The credentials cannot be sent in a header. The error does not repeat them.
    #[error("the credentials cannot be sent")]
    Credentials(#[source] InvalidCredentials),
    /// The client sets this header itself, since it depends on the body or the connection.
    #[error("the header `{0}` is set by the client itself")]
    Reserved(String),
}

farcall_core::debug_errors!(InvalidHeader);

/// An HTTP response that holds no reply: the cause of [`CallError::NotAReply`] and
/// [`CallError::Refused`].
#[derive(Debug)]
pub struct HttpError {
    kind: DocumentKind,
    status: StatusCode,
    content_type: Option<String>,
    location: Option<String>,
    body: BodyStart,
    problem: Problem,
    unfollowed: Option<Unfollowed>,
}

/// The reason why a response holds no reply.
#[derive(Debug)]
pub(super) enum Problem {
    /// The status alone.
    Status,
    Empty,
    NotAReply(FormatError),
    TooLarge(usize),
    ContentEncoding(String),
    Inflate(io::Error),
}

/// The start of a body.
#[derive(Debug)]
enum BodyStart {
    /// The first bytes.
    Text(String),
    /// The length of a body that is not text, such as a compressed one.
    Binary(usize),
}

/// Maximum bytes of a body in an error.
const EXCERPT: usize = 200;

impl HttpError {
    pub(super) fn new(
        kind: DocumentKind,
        status: StatusCode,
        headers: &Headers,
        body: &[u8],
        problem: Problem,
        secrets: &Secrets,
    ) -> Self {
        let text =
            |value: &http::HeaderValue| secrets.redact(&String::from_utf8_lossy(value.as_bytes()));
        Self {
            kind,
            status,
            content_type: headers.content_type.as_ref().map(text),
            location: headers.location.as_ref().map(text),
            body: excerpt(body, secrets),
            problem: match problem {
                Problem::NotAReply(error) => Problem::NotAReply(secrets.redact_error(error)),
                Problem::ContentEncoding(name) => Problem::ContentEncoding(secrets.redact(&name)),
                problem => problem,
            },
            unfollowed: None,
        }
    }

    /// Adds the reason why the redirect was not followed, for a client that follows redirects.
    pub(super) const fn unfollowed(mut self, unfollowed: Option<Unfollowed>) -> Self {
        self.unfollowed = unfollowed;
        self
    }

    /// Returns the HTTP response that made a call fail, if that was the cause.
    #[must_use]
    pub fn of(error: &CallError) -> Option<&Self> {
        match error {
            CallError::NotAReply(source) | CallError::Refused(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the `Content-Type` header.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the `Location` header: the target of a redirect that was not
    /// [followed](super::ClientOptions::redirects).
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Returns `true` if the body is longer than the [limit](super::ClientOptions::max_body).
    #[must_use]
    pub const fn is_over_limit(&self) -> bool {
        matches!(self.problem, Problem::TooLarge(_))
    }

    /// Returns the first 200 bytes of the body, as text. It is empty if the body is empty or is not
    /// text.
    #[must_use]
    pub fn body_start(&self) -> &str {
        match &self.body {
            BodyStart::Text(text) => text,
            BodyStart::Binary(_) => "",
        }
    }

    pub(super) fn into_call_error(self) -> CallError {
        let is_moved = is_redirect(self.status) && self.location.is_some();
        if is_moved || is_refusal(self.status) {
            CallError::Refused(Box::new(self))
        } else {
            CallError::NotAReply(Box::new(self))
        }
    }
}

/// Returns the start of a body, without secrets.
fn excerpt(body: &[u8], secrets: &Secrets) -> BodyStart {
    let start = &body[..body.len().min(EXCERPT)];
    let end = match str::from_utf8(start) {
        // The cut is within a character.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => start.len(),
    };
    let text = String::from_utf8_lossy(&start[..end]);
    if is_text(&text) {
        BodyStart::Text(secrets.redact(&text))
    } else {
        BodyStart::Binary(body.len())
    }
}

/// Returns `true` unless there are too many characters that text does not have. A few may be
/// letters in another encoding, or the colours of a terminal.
fn is_text(text: &str) -> bool {
    let is_odd =
        |c: &char| c.is_control() && !c.is_whitespace() || *c == char::REPLACEMENT_CHARACTER;
    !text.contains('\0') && text.chars().filter(is_odd).count() * 8 <= text.chars().count()
}

/// Returns `true` if a response with this status proves that no method ran: the HTTP layer checks
/// credentials, path, verb, length and media type before it passes the body on.
const fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        401 | 403 | 404 | 405 | 407 | 411 | 413 | 415 | 429
    )
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {}", self.status)?;
        match self.status {
            StatusCode::UNAUTHORIZED => f.write_str(" (the credentials are missing or wrong)")?,
            StatusCode::FORBIDDEN => f.write_str(" (the server denies access)")?,
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                f.write_str(" (the credentials for the proxy are missing or wrong)")?;
            }
            status if status.is_redirection() => {
                match &self.unfollowed {
                    Some(unfollowed) => write!(f, " ({unfollowed}")?,
                    None => f.write_str(" (redirects are not followed")?,
                }
                match &self.location {
                    Some(location) => write!(f, "; the target is {location:?})")?,
                    None => f.write_str(")")?,
                }
            }
            _ => {}
        }
        match &self.content_type {
            Some(content_type) => write!(f, ", content type {content_type:?}")?,
            None => f.write_str(", no content type")?,
        }
        match &self.problem {
            Problem::Status | Problem::Empty => {}
            Problem::NotAReply(_) => write!(f, ", not {}", self.kind.response)?,
            Problem::TooLarge(limit) => write!(f, ", body over the limit of {limit} bytes")?,
            Problem::ContentEncoding(name) => {
                write!(f, ", content encoding {name:?} is not supported")?;
                if let Some(feature) = missing_feature(name) {
                    write!(f, " without the feature `{feature}`")?;
                }
            }
            Problem::Inflate(_) => f.write_str(", body cannot be decompressed")?,
        }
        match &self.body {
            BodyStart::Text(text) if text.is_empty() => match &self.problem {
                Problem::TooLarge(_) => Ok(()),
                _ => f.write_str(", empty body"),
            },
            BodyStart::Text(text) => write!(f, ", body begins with {text:?}"),
            BodyStart::Binary(bytes) => write!(f, ", body of {bytes} bytes that are not text"),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::NotAReply(error) => Some(error),
            Problem::Inflate(error) => Some(error),
            _ => None,
        }
    }
}

/// A failure to connect.
#[derive(Debug)]
pub(super) struct ConnectError {
    pub(super) peer: Arc<str>,
    pub(super) error: io::Error,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}", self.peer)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const XML: DocumentKind = DocumentKind {
        system: Some("xmlrpc"),
        response: "an XML-RPC response",
        content_type: "text/xml",
        path: "/RPC2",
    };

    fn error(status: u16, headers: &Headers, body: &str) -> HttpError {
        let status = StatusCode::from_u16(status).unwrap();
        let secrets = Secrets::default();
        HttpError::new(
            XML,
            status,
            headers,
            body.as_bytes(),
            Problem::Status,
            &secrets,
        )
    }

    #[test]
    fn the_text_shows_status_type_and_body() {
        let html = Headers {
            content_type: Some(HeaderValue::from_static("text/html")),
            ..Headers::default()
        };
        let page = error(502, &html, "<html>\n");
        assert_eq!(
            page.to_string(),
            "HTTP status 502 Bad Gateway, content type \"text/html\", body begins with \"<html>\\n\""
        );
        assert_eq!(page.content_type(), Some("text/html"));
        let elsewhere = Headers {
            location: Some(HeaderValue::from_static("http://elsewhere/")),
            ..Headers::default()
        };
        let moved = error(302, &elsewhere, "");
        assert_eq!(
            moved.to_string(),
            "HTTP status 302 Found (redirects are not followed; the target is \
             \"http://elsewhere/\"), no content type, empty body"
        );
        assert_eq!(moved.content_type(), None);
        assert!(
            error(401, &Headers::default(), "")
                .to_string()
                .contains("credentials")
        );
    }

    #[test]
    fn the_start_of_a_body_over_the_limit_is_shown() {
        let text = |body: &[u8]| {
            let (headers, secrets) = (Headers::default(), Secrets::default());
            let problem = Problem::TooLarge(5);
            HttpError::new(XML, StatusCode::OK, &headers, body, problem, &secrets).to_string()
        };
        assert!(text(b"<html>").ends_with(" 5 bytes, body begins with \"<html>\""));
        assert!(text(b"").ends_with(" 5 bytes"));
    }

    #[test]
    fn only_the_first_bytes_of_the_body_are_kept() {
        assert_eq!(
            error(500, &Headers::default(), &"é".repeat(300))
                .body_start()
                .len(),
            200
        );
    }

    #[test]
    fn refusals_are_distinguished_from_failures() {
        for status in [401, 403, 404, 405, 407, 411, 413, 415, 429] {
            let error = error(status, &Headers::default(), "").into_call_error();
            assert!(matches!(error, CallError::Refused(_)));
            assert_eq!(HttpError::of(&error).map(HttpError::status), Some(status));
        }
        for status in [200, 302, 400, 408, 500, 502, 503, 504] {
            let error = error(status, &Headers::default(), "").into_call_error();
            assert!(matches!(error, CallError::NotAReply(_)));
        }
        // A redirected call did not run on this server.
        let elsewhere = Headers {
            location: Some(HeaderValue::from_static("/RPC2")),
            ..Headers::default()
        };
        for (status, did_not_run) in [
            (301, true),
            (302, true),
            (307, true),
            (308, true),
            (303, false),
        ] {
            let error = error(status, &elsewhere, "").into_call_error();
            let is_refused = matches!(error, CallError::Refused(_));
            assert_eq!(is_refused, did_not_run, "{status}");
        }
    }
}
