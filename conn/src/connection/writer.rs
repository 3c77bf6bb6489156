//! Sending frames to a byte stream.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::stream::StreamWriteHalf;
use crate::account::HalfAccount;
use crate::codec::Codec;
use crate::error::SendError;
use crate::frame::{Encoder, Header};

/// Maximum length of a message that is copied behind its header. Up to this length the copy is
/// cheaper than a vectored write.
pub(crate) const MAX_COPIED: usize = 16 * 1024;

/// The sending half of an async connection, on any kind of stream.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) stream: StreamWriteHalf,
    pub(crate) encoder: Encoder,
    pub(crate) broken: bool,
    /// The unsent bytes held in the listener's budget.
    pub(crate) account: HalfAccount,
    /// `true` if the stream must be flushed once everything is written.
    unflushed: bool,
}

impl Writer {
    pub(crate) fn new(stream: StreamWriteHalf, account: HalfAccount) -> Self {
        Self {
            stream,
            encoder: Encoder::new(),
            broken: false,
            account,
            unflushed: false,
        }
    }

    /// Sends a value. If the future is dropped, the message is either not sent at all, or the rest
    /// is written before the next message.
    pub(crate) async fn send<T: Serialize + ?Sized>(
        &mut self,
        codec: &impl Codec,
        value: &T,
    ) -> Result<(), SendError> {
        if self.is_pending() {
            self.flush().await?;
        }
        self.encoder
            .push_with(|out| codec.encode(value, out))
            .map_err(SendError::Encode)?;
        self.flush().await
    }

    /// Sends the slices as one message.
    pub(crate) async fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        if self.is_pending() {
            self.flush().await?;
        }
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length <= MAX_COPIED {
            self.encoder.push_slices(length, slices);
            return self.flush().await;
        }
        let header = Header::new(length as u64);
        let mut unwritten = vec![IoSlice::new(header.as_bytes())];
        unwritten.extend(slices.iter().map(|slice| IoSlice::new(slice)));
        let mut send = PartialSend {
            writer: self,
            unwritten,
            is_begun: false,
        };
        poll_fn(|cx| send.poll_write(cx)).await
    }

    /// Writes the unsent rest of earlier sends.
    pub(crate) async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.broken {
            return Poll::Ready(Err(SendError::Broken));
        }
        while !self.encoder.unwritten().is_empty() {
            let stream = Pin::new(&mut self.stream);
            let Poll::Ready(written) = stream.poll_write(cx, self.encoder.unwritten()) else {
                return self.hold(cx);
            };
            let count = self.progress(written)?;
            self.encoder.wrote(count);
        }
        self.account.release();
        self.poll_flush_stream(cx)
    }

    /// Counts the unsent bytes in the budget. Pending, unless that evicts the connection.
    fn hold(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let size = self.encoder.size();
        if !self.account.must_count(size) {
            return Poll::Pending;
        }
        let is_held = self.account.resize(size).is_ok();
        if is_held && self.account.poll_evicted(cx).is_ok() {
            return Poll::Pending;
        }
        self.account.evict();
        self.broken = true;
        self.encoder.clear();
        Poll::Ready(Err(SendError::Evicted))
    }

    fn poll_flush_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.unflushed {
            let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
            flushed.map_err(|error| self.fail(error))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Returns `true` if a flush is needed before a message is sent, or must report that the
    /// connection is broken.
    const fn is_pending(&self) -> bool {
        self.broken || self.has_unwritten()
    }

    /// Returns `true` if an earlier send left unsent bytes.
    pub(crate) const fn has_unwritten(&self) -> bool {
        !self.broken && (!self.encoder.is_empty() || self.unflushed)
    }

    fn progress(&mut self, written: io::Result<usize>) -> Result<usize, SendError> {
        match written {
            Ok(0) => Err(self.fail(io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                self.unflushed = self.stream.needs_flush();
                Ok(count)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Marks the connection as broken: no message can follow an error in the middle of another.
    fn fail(&mut self, error: io::Error) -> SendError {
        self.broken = true;
        SendError::Io(error)
    }

    /// Writes the unsent rest, and shuts the sending direction down.
    pub(crate) async fn shutdown(&mut self) -> Result<(), SendError> {
        self.flush().await?;
        match self.stream.shutdown().await {
            // The peer has closed the connection first.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result.map_err(SendError::Io),
        }
    }
}

/// A message that is being sent from the caller's slices. If it is dropped in the middle of the
/// message, the writer keeps a copy of the rest.
struct PartialSend<'a, 'b> {
    writer: &'a mut Writer,
    unwritten: Vec<IoSlice<'b>>,
    is_begun: bool,
}

impl PartialSend<'_, '_> {
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while !self.unwritten.is_empty() {
            let stream = Pin::new(&mut self.writer.stream);
            let written = if stream.is_write_vectored() {
                stream.poll_write_vectored(cx, &self.unwritten)
            } else {
                stream.poll_write(cx, &self.unwritten[0])
            };
            match self.writer.progress(ready!(written)) {
                Ok(count) => self.advance(count),
                Err(error) => {
                    self.unwritten.clear();
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.writer.poll_flush_stream(cx)
    }

    fn advance(&mut self, count: usize) {
        self.is_begun = true;
        let mut rest = self.unwritten.as_mut_slice();
        IoSlice::advance_slices(&mut rest, count);
        let remaining = rest.len();
        self.unwritten.drain(..self.unwritten.len() - remaining);
    }
}

impl Drop for PartialSend<'_, '_> {
    fn drop(&mut self) {
        if self.is_begun {
            for slice in &self.unwritten {
                self.writer.encoder.push_raw(slice);
            }
        }
    }
}
