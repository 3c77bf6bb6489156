//! Receiving: frames from a byte stream.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::time::timeout;

use super::stream::Incoming;
use crate::error::RecvError;
use crate::frame::{Decoder, Header};

/// The receiving half of every kind of connection.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) incoming: Incoming,
    pub(crate) decoder: Decoder,
    pub(crate) max_message: usize,
    /// What a wait met; the next receive reports it.
    pub(crate) failed: Option<io::Error>,
    /// The protocol of the peer's last pickle, if it sends pickles.
    #[cfg(unix)]
    pub(crate) pickle_protocol: u8,
}

impl Reader {
    pub(crate) fn new(incoming: Incoming, max_message: usize) -> Self {
        Self {
            incoming,
            decoder: Decoder::new(),
            max_message,
            failed: None,
            #[cfg(unix)]
            pickle_protocol: 0,
        }
    }

    /// The next message. Nothing is lost when the future is dropped.
    pub(crate) async fn message(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        self.complete(limit).await?;
        let message = self.decoder.message(limit)?.unwrap_or_default();
        #[cfg(unix)]
        if let [0x80, protocol, ..] = message {
            self.pickle_protocol = *protocol;
        }
        Ok(message)
    }

    /// The next message, to keep.
    pub(crate) async fn owned_message(&mut self, limit: usize) -> Result<Vec<u8>, RecvError> {
        self.complete(limit).await?;
        Ok(self.decoder.owned_message(limit)?.unwrap_or_default())
    }

    /// Receives the next message straight into `buffer`, and returns its length.
    pub(crate) async fn message_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let header = match self.decoder.header()? {
            Some(header) => header,
            None => self.header().await?,
        };
        let length = match usize::try_from(header.length()) {
            Ok(length) if length <= buffer.len() => length,
            _ => {
                let message = self.owned_message(self.max_message).await?;
                return Err(RecvError::BufferTooShort(message));
            }
        };
        let filled = self.decoder.take_into(&header, &mut buffer[..length]);
        if filled < length {
            let mut partial = Partial {
                reader: self,
                header,
                buffer: &mut buffer[..length],
                filled,
            };
            partial.fill().await?;
        }
        Ok(length)
    }

    /// The header of the next message, which is not taken.
    async fn header(&mut self) -> Result<Header, RecvError> {
        loop {
            if let Some(header) = self.decoder.header()? {
                return Ok(header);
            }
            self.fill().await?;
        }
    }

    /// Receives until the decoder holds the whole of the next message.
    async fn complete(&mut self, limit: usize) -> Result<(), RecvError> {
        while !self.decoder.is_complete(limit)? {
            self.fill().await?;
        }
        Ok(())
    }

    /// The next byte, where it stands outside of any frame. It is not taken.
    #[cfg(unix)]
    pub(crate) async fn peek_byte(&mut self) -> Result<u8, RecvError> {
        loop {
            if let Some(byte) = self.decoder.peek_byte() {
                return Ok(byte);
            }
            self.fill().await?;
        }
    }

    /// Takes the next byte, where it stands outside of any frame.
    #[cfg(unix)]
    pub(crate) async fn byte(&mut self) -> Result<u8, RecvError> {
        let byte = self.peek_byte().await?;
        self.decoder.byte();
        Ok(byte)
    }

    /// Reads once.
    async fn fill(&mut self) -> Result<(), RecvError> {
        if let Some(error) = self.failed.take() {
            return Err(RecvError::Io(error));
        }
        match poll_fn(|cx| self.poll_fill(cx))
            .await
            .map_err(RecvError::Io)?
        {
            0 => {
                self.decoder.end()?;
                Err(RecvError::Closed)
            }
            _ => Ok(()),
        }
    }

    /// Reads once into the decoder, and tells how much. While nothing comes, that needs no memory.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(self.decoder.space());
        let Poll::Ready(result) = Pin::new(&mut self.incoming).poll_read(cx, &mut space) else {
            self.decoder.rest();
            return Poll::Pending;
        };
        let count = space.filled().len();
        self.decoder.filled(count);
        Poll::Ready(result.map(|()| count))
    }

    /// Ready when something of the next message came, or no more will.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.decoder.is_empty() || self.failed.is_some() {
            return Poll::Ready(());
        }
        if let Err(error) = ready!(self.poll_fill(cx)) {
            self.failed = Some(error);
        }
        Poll::Ready(())
    }

    pub(crate) async fn poll(&mut self, time: Duration) -> bool {
        timeout(time, poll_fn(|cx| self.poll_readable(cx)))
            .await
            .is_ok()
    }
}

/// A message that is on its way into the caller's buffer. If that is given up, what came goes back to
/// the decoder, from where the message can be received anew.
struct Partial<'a> {
    reader: &'a mut Reader,
    header: Header,
    buffer: &'a mut [u8],
    filled: usize,
}

impl Partial<'_> {
    async fn fill(&mut self) -> Result<(), RecvError> {
        while self.filled < self.buffer.len() {
            let rest = &mut self.buffer[self.filled..];
            match self.reader.incoming.read(rest).await {
                Ok(0) => {
                    self.put_back();
                    self.reader.decoder.end()?;
                    return Err(RecvError::Closed);
                }
                Ok(count) => self.filled += count,
                Err(error) => return Err(RecvError::Io(error)),
            }
        }
        Ok(())
    }

    fn put_back(&mut self) {
        let part = &self.buffer[..self.filled];
        self.reader.decoder.put_back(&self.header, part);
        self.filled = self.buffer.len();
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if self.filled < self.buffer.len() {
            self.put_back();
        }
    }
}
