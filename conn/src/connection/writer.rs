//! Sending frames to a byte stream.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use serde::Serialize;

use super::io::WriteStream;
use super::pace::Pace;
use super::stream::StreamWriteHalf;
use crate::account::HalfAccount;
use crate::codec::Codec;
use crate::error::SendError;
use crate::frame::{Encoder, Header};

/// Maximum length of a message that is copied behind its header. Up to this length the copy is
/// cheaper than a vectored write.
const MAX_COPIED: usize = 16 * 1024;

/// Maximum number of slices in one write, above which some systems refuse it.
const MAX_SLICES: usize = 1024;

/// The sending half of a connection, async or blocking. On a blocking stream its futures are ready
/// when they are polled.
#[derive(Debug)]
pub(crate) struct Writer<W = StreamWriteHalf> {
    pub(crate) stream: W,
    pub(crate) encoder: Encoder,
    pub(crate) broken: bool,
    /// The unsent bytes held in the listener's budget.
    pub(crate) account: HalfAccount,
    /// `true` if the stream must be flushed once everything is written.
    pub(crate) unflushed: bool,
}

impl<W: WriteStream> Writer<W> {
    /// Creates a writer without a budget.
    pub(crate) fn over(stream: W) -> Self {
        Self::new(stream, HalfAccount::default())
    }

    pub(crate) fn new(stream: W, account: HalfAccount) -> Self {
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
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        match length {
            ..=MAX_COPIED => self.send_copied(length, slices).await,
            // Boxed, since it would make the future of every send several times as large.
            _ => Box::pin(self.send_uncopied(length, slices, None)).await,
        }
    }

    /// Sends the slices as one message to a peer that must take it at the rate of a [`Pace`]. The
    /// message counts in the budget while the peer does not read, and breaks the connection if it
    /// is evicted, or the peer is too slow.
    #[cfg(feature = "managers")]
    pub(crate) async fn send_paced(
        &mut self,
        slices: &[&[u8]],
        period: std::time::Duration,
    ) -> Result<(), SendError> {
        use farcall_core::protocol::time::{LONGEST, within};

        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length > MAX_COPIED {
            let pace = Pace::new(length, period);
            return Box::pin(self.send_uncopied(length, slices, Some(pace))).await;
        }
        let timer = || Some(tokio::time::sleep(period.min(LONGEST)));
        let sent = within(self.send_copied(length, slices), timer).await;
        sent.unwrap_or_else(|| Err(self.fail(Pace::too_slow())))
    }

    /// Sends the slices, of `length` bytes in total, as one message, which is copied.
    fn send_copied(
        &mut self,
        length: usize,
        slices: &[&[u8]],
    ) -> impl Future<Output = Result<(), SendError>> + Unpin {
        let mut is_copied = false;
        poll_fn(move |cx| {
            if !is_copied {
                if self.is_pending() {
                    ready!(self.poll_flush(cx))?;
                }
                self.encoder.push_slices(length, slices);
                is_copied = true;
            }
            self.poll_flush(cx)
        })
    }

    /// Sends the slices, of `length` bytes in total, as one message without a copy.
    async fn send_uncopied(
        &mut self,
        length: usize,
        slices: &[&[u8]],
        pace: Option<Pace>,
    ) -> Result<(), SendError> {
        if self.is_pending() {
            self.flush().await?;
        }
        let header = Header::new(length as u64);
        let mut unwritten = vec![IoSlice::new(header.as_bytes())];
        unwritten.extend(slices.iter().map(|slice| IoSlice::new(slice)));
        let mut send = PartialSend {
            writer: self,
            unwritten: &mut unwritten,
            is_begun: false,
            pace,
        };
        poll_fn(|cx| send.poll_send(cx)).await
    }

    /// Writes the unsent rest of earlier sends.
    pub(crate) fn flush(&mut self) -> impl Future<Output = Result<(), SendError>> + Unpin {
        poll_fn(move |cx| self.poll_flush(cx))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.broken {
            return Poll::Ready(Err(SendError::Broken));
        }
        while !self.encoder.is_empty() {
            ready!(self.poll_write(cx))?;
        }
        self.account.release();
        self.poll_flush_stream(cx)
    }

    /// Writes once, within the budget, and returns the number of bytes.
    #[inline]
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, SendError>> {
        let bytes = self.encoder.unwritten();
        let size = self.encoder.size();
        let written = if self.account.must_count(size) {
            let account = &mut self.account;
            self.stream.poll_write_held(cx, bytes, account, size)
        } else {
            self.stream.poll_write(cx, bytes).map_err(SendError::Io)
        };
        let count = self.progress(ready!(written))?;
        self.encoder.wrote(count);
        Poll::Ready(Ok(count))
    }

    pub(crate) fn poll_flush_stream(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        if self.unflushed {
            let flushed = ready!(self.stream.poll_flush(cx));
            flushed.map_err(|error| self.fail(SendError::Io(error)))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Returns `true` if a flush is needed before a message is sent, or must report that the
    /// connection is broken.
    #[inline]
    const fn is_pending(&self) -> bool {
        self.broken || self.has_unwritten()
    }

    /// Returns `true` if an earlier send left unsent bytes.
    pub(crate) const fn has_unwritten(&self) -> bool {
        !self.broken && (!self.encoder.is_empty() || self.unflushed)
    }

    fn progress(&mut self, written: Result<usize, SendError>) -> Result<usize, SendError> {
        match written {
            Ok(0) => Err(self.fail(SendError::Io(io::ErrorKind::WriteZero.into()))),
            Ok(count) => {
                self.unflushed = self.stream.needs_flush();
                Ok(count)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Marks the connection as broken, since no message can follow an error in the middle of
    /// another. After a timeout the rest can still be written.
    fn fail(&mut self, error: SendError) -> SendError {
        self.broken = !matches!(&error, SendError::Io(error) if W::is_timeout(error));
        if let SendError::Evicted = error {
            self.encoder.clear();
        }
        error
    }

    /// Writes the unsent rest, and shuts the sending direction down.
    pub(crate) async fn shutdown(&mut self) -> Result<(), SendError> {
        self.flush().await?;
        match poll_fn(|cx| self.stream.poll_shutdown(cx)).await {
            // The peer has closed the connection first.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result.map_err(SendError::Io),
        }
    }
}

/// A message that is being sent from the caller's slices. If it is dropped in the middle of the
/// message, the writer keeps a copy of the rest.
struct PartialSend<'a, 'b, W> {
    writer: &'a mut Writer<W>,
    unwritten: &'a mut [IoSlice<'b>],
    is_begun: bool,
    /// The rate at which the peer must take the message, which counts in the budget then.
    pace: Option<Pace>,
}

impl<W: WriteStream> PartialSend<'_, '_, W> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let sent = self.poll_write(cx);
        let Some(pace) = &mut self.pace else {
            return sent;
        };
        if sent.is_pending() {
            let error = ready!(pace.poll_failed(cx, &mut self.writer.account));
            return Poll::Ready(Err(self.writer.fail(error)));
        }
        self.writer.account.release();
        sent
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        while !self.unwritten.is_empty() {
            let slices = &self.unwritten[..self.unwritten.len().min(MAX_SLICES)];
            let written = ready!(self.writer.stream.poll_write_vectored(cx, slices));
            let count = self.writer.progress(written.map_err(SendError::Io))?;
            IoSlice::advance_slices(&mut self.unwritten, count);
            self.is_begun = true;
            if let Some(pace) = &mut self.pace {
                pace.took(count);
            }
        }
        self.writer.poll_flush_stream(cx)
    }
}

impl<W> Drop for PartialSend<'_, '_, W> {
    fn drop(&mut self) {
        if self.is_begun && !self.writer.broken {
            for slice in &*self.unwritten {
                self.writer.encoder.push_raw(slice);
            }
        }
    }
}
