//! What goes wrong before, around and instead of a reply.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::StatusCode;
use rpc_core::{CallError, FormatError};

use super::redirect::{Unfollowed, is_redirect};
use super::response::Headers;
use super::secrets::Secrets;

/// A URL that no client can be made for.
///
/// The text of the URL is not repeated, since it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// The text is not a URL.
    #[error("not a URL: {0}")]
    Syntax(String),
    /// The scheme is none that this client speaks.
    #[error("the scheme `{0}` is not supported: expected `http` or `http+unix`")]
    Scheme(String),
    /// The URL asks for TLS.
    #[error("`https` is not supported: this build has no TLS yet")]
    NoTls,
    /// The URL names a unix socket, and this system has none.
    #[error("`http+unix` is not supported: this system has no unix sockets")]
    NoUnixSockets,
    /// The URL names no socket file.
    #[error("the URL names no socket file: expected `http+unix:///path/of.sock:/RPC2`")]
    NoSocketFile,
    /// The user name cannot be sent by HTTP's Basic scheme.
    #[error("the user name has a colon, which HTTP's Basic authorization cannot carry")]
    Credentials,
    /// The URL of the proxy, set or found in the environment, cannot be used.
    #[error("the URL of the proxy cannot be used")]
    Proxy(#[source] Box<Self>),
    /// A variable of the environment that tells about proxies cannot be used. Its value may hold a
    /// password, and is not repeated.
    #[error("the variable `{variable}` of the environment cannot be used")]
    Environment {
        /// The name of the variable.
        variable: &'static str,
        /// What is wrong with its value.
        #[source]
        problem: Box<Self>,
    },
}

/// A header that cannot be sent with each call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name has characters that a header's name cannot have.
    #[error("`{0}` is not the name of a header")]
    Name(String),
    /// The value has characters that a header's value cannot have. It may be a secret, and is not
    /// repeated.
    #[error("the value of the header `{0}` has characters that no header can have")]
    Value(String),
    /// The user name has a colon, which HTTP's Basic scheme cannot carry.
    #[error("the user name has a colon, which HTTP's Basic authorization cannot carry")]
    User,
    /// The client itself writes this header: it depends on the body or the connection.
    #[error("the client writes the header `{0}` itself")]
    Reserved(String),
}

/// An HTTP answer that holds no reply: the cause of [`CallError::NotAReply`] and
/// [`CallError::Refused`].
#[derive(Debug)]
pub struct HttpError {
    status: StatusCode,
    content_type: Option<String>,
    location: Option<String>,
    body_start: String,
    problem: Problem,
    unfollowed: Option<Unfollowed>,
}

/// What is wrong with the answer, beyond its status.
#[derive(Debug)]
pub(super) enum Problem {
    /// The status says it all.
    Status,
    Empty,
    NotAReply(FormatError),
    TooLarge(usize),
    ContentEncoding(String),
    Inflate(io::Error),
}

/// How much of a body an error shows.
const EXCERPT: usize = 200;

impl HttpError {
    pub(super) fn new(
        status: StatusCode,
        headers: &Headers,
        body: &[u8],
        problem: Problem,
        secrets: &Secrets,
    ) -> Self {
        let text =
            |value: &http::HeaderValue| secrets.hidden(&String::from_utf8_lossy(value.as_bytes()));
        Self {
            status,
            content_type: headers.content_type.as_ref().map(text),
            location: headers.location.as_ref().map(text),
            body_start: excerpt(body, secrets),
            problem,
            unfollowed: None,
        }
    }

    /// Says why this redirect was not followed, where some are.
    pub(super) const fn unfollowed(mut self, unfollowed: Option<Unfollowed>) -> Self {
        self.unfollowed = unfollowed;
        self
    }

    /// The HTTP answer behind a failed call, where that is what it failed with.
    #[must_use]
    pub fn of(error: &CallError) -> Option<&Self> {
        match error {
            CallError::NotAReply(source) | CallError::Refused(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The `Content-Type` header.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The `Location` header: where a redirect points to that was not
    /// [followed](crate::ClientOptions::redirects).
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The first 200 bytes of the body, as text.
    #[must_use]
    pub fn body_start(&self) -> &str {
        &self.body_start
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

/// The start of a body. Secrets are hidden before it is cut: a part of one could not be told.
fn excerpt(body: &[u8], secrets: &Secrets) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(EXCERPT + secrets.longest())]);
    let mut start = secrets.hidden(&start);
    let mut ends = (0..=EXCERPT.min(start.len())).rev();
    let end = ends.find(|end| start.is_char_boundary(*end));
    start.truncate(end.unwrap_or_default());
    start
}

/// Whether an answer with this status shows that no method ran: the HTTP layer decides about
/// credentials, path, verb, length and media type before it hands the body on.
const fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        401 | 403 | 404 | 405 | 407 | 411 | 413 | 415
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
                    Some(location) => write!(f, "; this one leads to {location:?})")?,
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
            Problem::NotAReply(_) => f.write_str(", not an XML-RPC response")?,
            Problem::TooLarge(limit) => write!(f, ", body over the limit of {limit} bytes")?,
            Problem::ContentEncoding(name) => {
                write!(f, ", content encoding {name:?} is not supported")?;
            }
            Problem::Inflate(_) => f.write_str(", body cannot be inflated")?,
        }
        match &self.problem {
            Problem::TooLarge(_) if self.body_start.is_empty() => Ok(()),
            _ if self.body_start.is_empty() => f.write_str(", empty body"),
            _ => write!(f, ", body begins with {:?}", self.body_start),
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

/// No connection could be made.
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

    fn error(status: u16, headers: &Headers, body: &str) -> HttpError {
        let status = StatusCode::from_u16(status).unwrap();
        let secrets = Secrets::default();
        HttpError::new(status, headers, body.as_bytes(), Problem::Status, &secrets)
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
        let elsewhere = Headers {
            location: Some(HeaderValue::from_static("http://elsewhere/")),
            ..Headers::default()
        };
        let moved = error(302, &elsewhere, "");
        assert_eq!(
            moved.to_string(),
            "HTTP status 302 Found (redirects are not followed; this one leads to \
             \"http://elsewhere/\"), no content type, empty body"
        );
        assert!(
            error(401, &Headers::default(), "")
                .to_string()
                .contains("credentials")
        );
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
    fn a_refusal_is_told_from_a_failure() {
        for status in [401, 403, 404, 405, 407, 411, 413, 415] {
            let error = error(status, &Headers::default(), "").into_call_error();
            assert!(matches!(error, CallError::Refused(_)));
            assert_eq!(HttpError::of(&error).map(HttpError::status), Some(status));
        }
        for status in [200, 302, 400, 408, 500, 502, 503, 504] {
            let error = error(status, &Headers::default(), "").into_call_error();
            assert!(matches!(error, CallError::NotAReply(_)));
        }
        // The call was sent elsewhere, rather than run here.
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
