//! Sans-I/O reading of HTTP/1 responses.

mod body;
mod buffer;
mod head;
mod headers;
#[cfg(any(test, fuzzing))]
pub(super) mod segments;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use farcall_core::CallError;
use farcall_core::protocol::observe::ClientSpan;
use http::StatusCode;

use self::body::{BodyReader, Stop};
pub(crate) use self::buffer::Buffer;
use self::head::Head;
pub(super) use self::head::MAX_HEADERS;
pub(crate) use self::headers::Headers;
use super::scgi::Wire;
use crate::coding::Broken;

/// Maximum bytes before a body, the heads of interim responses included.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// A malformed or incomplete HTTP/1 response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    #[error("the connection was closed without a response")]
    Closed,
    #[error("the connection was closed within the response")]
    CutOff,
    #[error("the server speaks TLS: the URL must begin with `https`")]
    Tls,
    #[error(
        "the answer is not HTTP: if this is a server for connections, its URL is `conn+rpc://…`"
    )]
    NotHttp,
    #[error(
        "the server is a listener for connections and expects an authkey: its URL is \
         `conn+rpc://…`, `conn+manager://…` or, for values without calls, `conn://…`"
    )]
    Challenge,
    #[error("the head of the response is malformed")]
    Head(#[source] httparse::Error),
    #[error("the head of the response has more than {MAX_HEAD} bytes")]
    HeadTooLarge,
    #[error("{0} is not an HTTP status")]
    Status(u16),
    #[error("the `Content-Length` of the response is malformed or ambiguous")]
    Length,
    #[error("the `Transfer-Encoding` of the response is unknown or ambiguous")]
    TransferEncoding,
    #[error("a chunk of the response is malformed")]
    Chunk,
}

/// A response, with a body that may be incomplete.
#[derive(Debug)]
pub struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: Box<Headers>,
    pub(super) body: Bytes,
    /// The reason why the body is incomplete, if it is.
    pub(super) broken: Option<Broken<Box<dyn Error + Send + Sync>>>,
    /// `true` if the connection can be used for another request.
    pub(super) keeps_open: bool,
    /// The reason why this redirect was not followed, for a client that follows redirects.
    pub(super) unfollowed: Option<Unfollowed>,
    /// The span of the call that it answers.
    pub(super) span: ClientSpan,
}

impl Response {
    /// Returns `true` if it says that the request was accepted, and nothing else. The call is
    /// complete then, since there is no document to read.
    #[must_use]
    pub fn is_only_accepted(&mut self) -> bool {
        let is_only = self.status.is_success() && self.body.is_empty() && self.broken.is_none();
        if is_only {
            self.span.finish(&Ok::<_, CallError>(()));
        }
        is_only
    }
}

/// The reason why a redirect was not followed by a client that follows redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfollowed {
    /// The limit was reached, after this number of redirects.
    TooMany(usize),
    /// The target is another host or port, and the credentials of the client are for its own only.
    OtherHost,
    /// The target is `https` at the same host, and this build has no feature `tls`.
    NoTls,
    /// The target is `http`, and the client was told to use `https`.
    Unencrypted,
    /// The `Location` header is missing or not a URL.
    Malformed,
    /// The status asks for a different request, such as a GET.
    NotForCalls,
}

impl fmt::Display for Unfollowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(1) => f.write_str("the call was already redirected once, the limit"),
            Self::TooMany(times) => {
                write!(
                    f,
                    "the call was already redirected {times} times, the limit"
                )
            }
            Self::OtherHost => {
                f.write_str("redirects to another host, port or scheme are not followed")
            }
            Self::NoTls => f.write_str("redirects to `https` need the feature `tls`"),
            Self::Unencrypted => {
                f.write_str("redirects from `https` to `http` would send the call unencrypted")
            }
            Self::Malformed => f.write_str("the `Location` of the redirect is not a URL"),
            Self::NotForCalls => f.write_str("redirects with this status do not apply to calls"),
        }
    }
}

/// Returns `true` for the start of a TLS alert or handshake message. `None` if more bytes must
/// tell.
const fn is_tls(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0x15 | 0x16] => None,
        _ => Some(matches!(bytes, [0x15 | 0x16, 3, ..])),
    }
}

/// Returns `true` for the first message of a listener of Python's `multiprocessing`, or of
/// `farcall::conn`: a length below 256 in four bytes, and a challenge. `None` if more bytes must
/// tell.
fn is_challenge(bytes: &[u8]) -> Option<bool> {
    const CHALLENGE: &[u8] = b"#CHALLENGE#";
    let (length, message) = bytes.split_at(bytes.len().min(4));
    let message = &message[..message.len().min(CHALLENGE.len())];
    let may_be = length.iter().take(3).all(|&byte| byte == 0) && CHALLENGE.starts_with(message);
    (!may_be || message.len() == CHALLENGE.len()).then_some(may_be)
}

/// Reads one response.
pub(super) struct ResponseReader {
    wire: Wire,
    max_body: usize,
    /// Total bytes of the heads of interim responses.
    interim: usize,
    last: Option<(Head, BodyReader)>,
    broken: Option<Broken<ResponseError>>,
}

impl ResponseReader {
    pub(super) const fn new(wire: Wire, max_body: usize) -> Self {
        Self {
            wire,
            max_body,
            interim: 0,
            last: None,
            broken: None,
        }
    }

    /// Processes `length` bytes that were read into the space of the buffer: 0 is the end of the
    /// stream. Returns `true` once the response is complete, or broken off within its body.
    ///
    /// # Errors
    /// If there is no valid head of a response.
    pub(super) fn receive(
        &mut self,
        buffer: &mut Buffer,
        length: usize,
    ) -> Result<bool, ResponseError> {
        buffer.fill(length);
        let is_end = length == 0;
        while self.last.is_none() {
            let unread = buffer.unread();
            match (is_tls(unread), is_challenge(unread)) {
                (Some(true), _) => return Err(ResponseError::Tls),
                (_, Some(true)) => return Err(ResponseError::Challenge),
                (None, _) | (_, None) if !unread.is_empty() && !is_end => return Ok(false),
                _ => {}
            }
            let head = match self.wire {
                Wire::Http => Head::parse(unread)?,
                Wire::Scgi => Head::parse_cgi(unread)?,
            };
            match head {
                Some((head, length)) => {
                    buffer.consume(length);
                    if head.is_interim() {
                        self.interim += length;
                    } else {
                        let body = BodyReader::new(head.framing, self.max_body);
                        self.last = Some((head, body));
                    }
                }
                None if is_end && unread.is_empty() && self.interim == 0 => {
                    return Err(ResponseError::Closed);
                }
                None if is_end => return Err(ResponseError::CutOff),
                None if self.interim + unread.len() >= MAX_HEAD => {
                    return Err(ResponseError::HeadTooLarge);
                }
                None => return Ok(false),
            }
        }
        let Some((_, body)) = &mut self.last else {
            return Ok(false);
        };
        let stop = match body.advance(buffer) {
            Stop::Incomplete if is_end => body.end(),
            stop => stop,
        };
        match stop {
            Stop::Incomplete => return Ok(false),
            Stop::End => {}
            Stop::Broken(broken) => self.broken = Some(broken),
        }
        Ok(true)
    }

    /// Returns the response after [`receive`](Self::receive) returned `true` or the connection
    /// failed.
    ///
    /// # Errors
    /// The error of the connection, if there is no response.
    pub(super) fn finish(
        self,
        failure: Option<Box<dyn Error + Send + Sync>>,
    ) -> Result<Response, Box<dyn Error + Send + Sync>> {
        let Some((head, body)) = self.last else {
            return Err(failure.unwrap_or_else(|| ResponseError::CutOff.into()));
        };
        let broken = match self.broken {
            Some(Broken::TooLarge) => Some(Broken::TooLarge),
            Some(Broken::Disconnected(error)) => Some(Broken::Disconnected(error.into())),
            None => failure.map(Broken::Disconnected),
        };
        Ok(Response {
            status: head.status,
            headers: head.headers,
            keeps_open: head.keeps_open && broken.is_none(),
            body: body.into_bytes(),
            broken,
            unfollowed: None,
            span: ClientSpan::default(),
        })
    }
}
