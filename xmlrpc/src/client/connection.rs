//! One connection, and the exchanges over it.

use std::error::Error;
use std::io;
use std::time::Instant;

use super::response::{Buffer, Response, ResponseReader};
use super::transport::{Progress, Stream, is_timed_out};

/// A connection to the server.
pub(super) struct Connection<S> {
    stream: S,
    buffer: Buffer,
    is_reusable: bool,
}

/// Why there is no response.
pub(super) enum Failure {
    /// No byte of the request was written.
    Unsent(io::Error),
    /// Anything may have become of the request.
    Lost(Box<dyn Error + Send + Sync>),
    /// The same, since the deadline has passed.
    TimedOut,
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Buffer::new(),
            is_reusable: true,
        }
    }

    /// Whether one more exchange can be made over it, as far as its last one tells.
    pub(super) const fn is_reusable(&self) -> bool {
        self.is_reusable
    }

    /// Whether the other end is there still, as far as can be known without asking it. What it says
    /// without being asked, such as that it waited for too long, belongs to no request.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.stream.is_quiet().await
    }

    /// Sends a request and reads its response. An answer that comes before the end of the request
    /// is an answer.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        max_body: usize,
        deadline: Option<Instant>,
    ) -> Result<Response, Failure> {
        self.is_reusable = false;
        let mut response = ResponseReader::new(max_body);
        let mut unsent = request;
        let mut failure = None;
        let mut is_read = false;
        while !is_read && !unsent.is_empty() {
            let space = self.buffer.space();
            let length = match self.stream.write(unsent, space, deadline).await {
                Ok(Progress::Written(length)) => {
                    unsent = &unsent[length..];
                    continue;
                }
                Ok(Progress::Read(length)) if unsent.len() < request.len() => length,
                Ok(Progress::Read(_)) => return Err(Failure::Unsent(unasked())),
                Err(error) if unsent.len() == request.len() => return Err(Failure::Unsent(error)),
                Err(error) => {
                    // The answer that the other end gave before it hung up can still be read.
                    failure = Some(error);
                    break;
                }
            };
            is_read = self.receive(&mut response, length)?;
        }
        while !is_read {
            let space = self.buffer.space();
            is_read = match self.stream.read(space, deadline).await {
                Ok(length) => self.receive(&mut response, length)?,
                Err(error) if is_timed_out(&error) => return Err(Failure::TimedOut),
                Err(error) => {
                    failure.get_or_insert(error);
                    break;
                }
            };
        }
        let failure = failure.filter(|_| !is_read).map(Into::into);
        let response = response.finish(failure).map_err(Failure::Lost)?;
        let is_settled = unsent.is_empty() && self.buffer.unread().is_empty();
        self.is_reusable = response.keeps_open && is_settled;
        self.buffer.shrink();
        Ok(response)
    }

    fn receive(&mut self, response: &mut ResponseReader, length: usize) -> Result<bool, Failure> {
        let received = response.receive(&mut self.buffer, length);
        received.map_err(|error| Failure::Lost(error.into()))
    }
}

fn unasked() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the other end spoke before it was asked, or hung up",
    )
}
