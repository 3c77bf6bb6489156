//! A client connection: sends requests and reads their responses.

use std::error::Error;
use std::io;
use std::time::Instant;

use super::response::{Buffer, Response, ResponseReader};
use super::stream::{Progress, Stream, Unreached, is_timed_out};

/// A connection to the server.
pub(super) struct Connection<S> {
    stream: S,
    buffer: Buffer,
    is_reusable: bool,
}

/// An exchange that yielded no response.
pub(super) enum ExchangeError {
    /// The exchange failed before the first byte of the request was written, or the server cannot
    /// have received it.
    Unsent(io::Error),
    /// The exchange failed after that. The server may have received the request.
    Lost(Box<dyn Error + Send + Sync>),
    /// The deadline passed. The server may have received the request.
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

    /// Returns `true` if the last exchange left the connection usable for another.
    pub(super) const fn is_reusable(&self) -> bool {
        self.is_reusable
    }

    /// Returns `true` if the server has neither closed the connection nor sent anything, as far as
    /// is known without waiting. Unsolicited data, such as a 408 response to an idle connection,
    /// belongs to no request.
    pub(super) async fn is_alive(&mut self) -> bool {
        matches!(self.stream.try_read(self.buffer.space()).await, Ok(None))
    }

    /// Sends a request, and has `response` read its response. A response that arrives
    /// before the whole request is sent counts as its response.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        mut response: ResponseReader,
        deadline: Option<Instant>,
    ) -> Result<Response, ExchangeError> {
        self.is_reusable = false;
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
                Ok(Progress::Read(_)) => return Err(ExchangeError::Unsent(unexpected_data())),
                Err(error) if unsent.len() == request.len() || Unreached::is(&error) => {
                    return Err(ExchangeError::Unsent(error));
                }
                Err(error) => {
                    // A response that the server sent before it closed can still be read.
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
                Err(error) if is_timed_out(&error) => return Err(ExchangeError::TimedOut),
                Err(error) if Unreached::is(&error) => return Err(ExchangeError::Unsent(error)),
                Err(error) => {
                    failure.get_or_insert(error);
                    break;
                }
            };
        }
        let failure = failure.filter(|_| !is_read).map(Into::into);
        let response = response.finish(failure).map_err(ExchangeError::Lost)?;
        let is_settled = unsent.is_empty() && self.buffer.unread().is_empty();
        self.is_reusable = response.keeps_open && is_settled;
        self.buffer.shrink();
        self.stream.shrink();
        Ok(response)
    }

    fn receive(
        &mut self,
        response: &mut ResponseReader,
        length: usize,
    ) -> Result<bool, ExchangeError> {
        let received = response.receive(&mut self.buffer, length);
        received.map_err(|error| ExchangeError::Lost(error.into()))
    }
}

fn unexpected_data() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the server closed the connection or sent data before the request",
    )
}
