//! Sending: frames to a byte stream.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::stream::Outgoing;
use crate::codec::Codec;
use crate::error::SendError;
use crate::frame::{Encoder, Header};
use crate::share::Share;

/// Up to here, copying a message behind its header is cheaper than a write of several pieces.
pub(crate) const COPIED: usize = 16 * 1024;

/// The sending half of every kind of connection.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) outgoing: Outgoing,
    pub(crate) encoder: Encoder,
    pub(crate) broken: bool,
    /// What it holds of the listener's budget.
    pub(crate) share: Share,
    /// Whether the stream is to be flushed once all is written.
    unflushed: bool,
}

impl Writer {
    pub(crate) fn new(outgoing: Outgoing, share: Share) -> Self {
        Self {
            outgoing,
            encoder: Encoder::new(),
            broken: false,
            share,
            unflushed: false,
        }
    }

    /// Sends a value. If the future is dropped, the message is either not begun, or its rest is
    /// written before anything else.
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
        if length <= COPIED {
            self.encoder.push_slices(length, slices);
            return self.flush().await;
        }
        let header = Header::new(length as u64);
        let mut pieces = vec![IoSlice::new(header.as_bytes())];
        pieces.extend(slices.iter().map(|slice| IoSlice::new(slice)));
        let mut partial = Partial {
            writer: self,
            pieces,
            begun: false,
        };
        poll_fn(|cx| partial.poll_write(cx)).await
    }

    /// Writes what earlier sends have left.
    pub(crate) async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.broken {
            return Poll::Ready(Err(SendError::Broken));
        }
        while !self.encoder.unwritten().is_empty() {
            let outgoing = Pin::new(&mut self.outgoing);
            let Poll::Ready(written) = outgoing.poll_write(cx, self.encoder.unwritten()) else {
                return self.hold(cx);
            };
            let count = self.progress(written)?;
            self.encoder.wrote(count);
        }
        self.share.released();
        self.poll_flush_stream(cx)
    }

    /// Holds what the peer does not take for now. Pending, unless there is no room for it.
    fn hold(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let size = self.encoder.size();
        if !self.share.concerns(size) {
            return Poll::Pending;
        }
        let is_held = self.share.resize(size).is_ok();
        if is_held && self.share.poll_gone(cx).is_ok() {
            return Poll::Pending;
        }
        self.share.go();
        self.broken = true;
        self.encoder.clear();
        Poll::Ready(Err(SendError::Evicted))
    }

    fn poll_flush_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.unflushed {
            let flushed = ready!(Pin::new(&mut self.outgoing).poll_flush(cx));
            flushed.map_err(|error| self.fail(error))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there is anything to do before a message is sent.
    const fn is_pending(&self) -> bool {
        self.broken || self.has_unwritten()
    }

    /// Whether an earlier send has left something.
    pub(crate) const fn has_unwritten(&self) -> bool {
        !self.broken && (!self.encoder.is_empty() || self.unflushed)
    }

    fn progress(&mut self, written: io::Result<usize>) -> Result<usize, SendError> {
        match written {
            Ok(0) => Err(self.fail(io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                self.unflushed = self.outgoing.needs_flush();
                Ok(count)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// After an error in the middle of a message no other can follow.
    fn fail(&mut self, error: io::Error) -> SendError {
        self.broken = true;
        SendError::Io(error)
    }

    /// Writes what is left and tells the peer that no more will come.
    pub(crate) async fn shutdown(&mut self) -> Result<(), SendError> {
        self.flush().await?;
        match self.outgoing.shutdown().await {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result.map_err(SendError::Io),
        }
    }
}

/// A message on its way from the caller's slices. If that is given up in the middle, the writer keeps
/// a copy of the rest.
struct Partial<'a, 'b> {
    writer: &'a mut Writer,
    pieces: Vec<IoSlice<'b>>,
    begun: bool,
}

impl Partial<'_, '_> {
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while !self.pieces.is_empty() {
            let outgoing = Pin::new(&mut self.writer.outgoing);
            let written = if outgoing.is_write_vectored() {
                outgoing.poll_write_vectored(cx, &self.pieces)
            } else {
                outgoing.poll_write(cx, &self.pieces[0])
            };
            match self.writer.progress(ready!(written)) {
                Ok(count) => self.advance(count),
                Err(error) => {
                    self.pieces.clear();
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.writer.poll_flush_stream(cx)
    }

    fn advance(&mut self, count: usize) {
        self.begun = true;
        let mut rest = self.pieces.as_mut_slice();
        IoSlice::advance_slices(&mut rest, count);
        let left = rest.len();
        self.pieces.drain(..self.pieces.len() - left);
    }
}

impl Drop for Partial<'_, '_> {
    fn drop(&mut self) {
        if self.begun {
            for piece in &self.pieces {
                self.writer.encoder.push_raw(piece);
            }
        }
    }
}
