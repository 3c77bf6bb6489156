//! Responses of HTTP/1, from bytes: without a stream, and without a clock.

mod body;
mod buffer;
mod head;
mod headers;
#[cfg(any(test, fuzzing))]
pub(super) mod pieces;
#[cfg(test)]
mod tests;

use std::error::Error;

use bytes::Bytes;
use http::StatusCode;

use self::body::{BodyReader, Stop};
pub(crate) use self::buffer::Buffer;
use self::head::Head;
pub(crate) use self::headers::Headers;
use super::redirect::Unfollowed;
use crate::coding::Broken;

/// How many bytes may stand before a body, the heads of interim responses included.
const MAX_HEAD: usize = 64 << 10;

/// What is no response of HTTP/1, or no whole one.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    #[error("the connection was closed without a response")]
    Closed,
    #[error("the connection was closed within the response")]
    CutOff,
    #[error("the head of the response is malformed")]
    Head(#[source] httparse::Error),
    #[error("the head of the response has more than {MAX_HEAD} bytes")]
    HeadTooLarge,
    #[error("{0} is not a status")]
    Status(u16),
    #[error("the length of the response is malformed or ambiguous")]
    Length,
    #[error("the transfer coding of the response is unknown or ambiguous")]
    TransferEncoding,
    #[error("a chunk of the response is malformed")]
    Chunk,
}

/// An answer, whole or as far as it came.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: Box<Headers>,
    pub(super) body: Bytes,
    /// Why that is not the whole body.
    pub(super) broken: Option<Broken<Box<dyn Error + Send + Sync>>>,
    /// Whether another may follow on the same connection.
    pub(super) keeps_open: bool,
    /// Why the call was not made where it redirects to, where some redirects are followed.
    pub(super) unfollowed: Option<Unfollowed>,
}

/// Reads one response.
pub(super) struct ResponseReader {
    max_body: usize,
    /// How many bytes the heads before the last one had.
    interim: usize,
    last: Option<(Head, BodyReader)>,
    broken: Option<Broken<ResponseError>>,
}

impl ResponseReader {
    pub(super) const fn new(max_body: usize) -> Self {
        Self {
            max_body,
            interim: 0,
            last: None,
            broken: None,
        }
    }

    /// Takes what was read into the space of the buffer, where nothing is the end of the stream.
    /// Tells whether the response is read as far as can be.
    ///
    /// # Errors
    /// If there is no response.
    pub(super) fn receive(
        &mut self,
        buffer: &mut Buffer,
        length: usize,
    ) -> Result<bool, ResponseError> {
        buffer.fill(length);
        let is_end = length == 0;
        while self.last.is_none() {
            let unread = buffer.unread();
            match Head::parse(unread)? {
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
            Stop::Starved if is_end => body.end(),
            stop => stop,
        };
        match stop {
            Stop::Starved => return Ok(false),
            Stop::End => {}
            Stop::Broken(broken) => self.broken = Some(broken),
        }
        Ok(true)
    }

    /// The response, once it is read as far as can be, or the connection has failed.
    ///
    /// # Errors
    /// What the connection failed with, if there is no response.
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
        })
    }
}
