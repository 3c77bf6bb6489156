//! Receiving frames from a byte stream.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
#[cfg(unix)]
use std::{task::Waker, time::Instant};

use bytemuck::{AnyBitPattern, NoUninit};
#[cfg(feature = "managers")]
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::idle::IdleTimeout;
use super::io::ReadStream;
use super::stream::StreamReadHalf;
use crate::account::HalfAccount;
use crate::auth::CHALLENGE;
use crate::codec::Codec;
#[cfg(unix)]
use crate::descriptor::{
    Confirmations, DescriptorRead, Descriptors, PendingDescriptor, ReceivedDescriptors,
};
use crate::error::RecvError;
use crate::frame::{Decoder, Header};

/// Default maximum length of a received message: 64 MiB.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// The receiving half of a connection, async or blocking. On a blocking stream its futures are
/// ready when they are polled.
#[derive(Debug)]
pub(crate) struct Reader<R = StreamReadHalf> {
    pub(crate) stream: R,
    pub(crate) decoder: Decoder,
    pub(crate) max_message: usize,
    /// The received bytes held in the listener's budget.
    pub(crate) account: HalfAccount,
    /// An error that occurred while waiting for input; the next receive returns it.
    pub(crate) deferred_error: Option<io::Error>,
    /// The timeout of receives, if one is set.
    pub(crate) idle: Option<IdleTimeout>,
    #[cfg(unix)]
    pub(crate) descriptors: Descriptors,
    #[cfg(unix)]
    pub(crate) confirmations: Confirmations,
    /// A descriptor received by a call that failed or was dropped before it returned.
    #[cfg(unix)]
    pub(crate) pending_descriptor: Option<Box<PendingDescriptor>>,
}

impl<R: ReadStream> Reader<R> {
    /// Creates a reader with the default limit and without a budget.
    pub(crate) fn over(stream: R) -> Self {
        Self::new(stream, MAX_MESSAGE, HalfAccount::default())
    }

    pub(crate) fn new(stream: R, max_message: usize, account: HalfAccount) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            max_message,
            account,
            deferred_error: None,
            idle: None,
            #[cfg(unix)]
            descriptors: Descriptors::Close,
            #[cfg(unix)]
            confirmations: Confirmations::default(),
            #[cfg(unix)]
            pending_descriptor: None,
        }
    }

    /// Receives the next message. Nothing is lost when the future is dropped.
    pub(crate) async fn message(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        poll_fn(|cx| self.poll_complete(cx, limit)).await?;
        self.take(limit)
    }

    /// Receives the next message and decodes it.
    pub(crate) fn value<T: DeserializeOwned>(
        &mut self,
        codec: &impl Codec,
    ) -> impl Future<Output = Result<T, RecvError>> + Unpin {
        poll_fn(move |cx| {
            ready!(self.poll_complete(cx, self.max_message))?;
            let value = decode(codec, self.take(self.max_message)?);
            self.release_buffer();
            Poll::Ready(value)
        })
    }

    /// Takes the next message, which must be complete.
    fn take(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        let message = self.decoder.message(limit)?.unwrap_or_default();
        #[cfg(unix)]
        self.confirmations.record_message(message);
        Ok(message)
    }

    /// Releases the memory of a message that was decoded, if it is counted in a budget.
    #[inline]
    fn release_buffer(&mut self) {
        if self.account.must_count(0) {
            self.decoder.release_buffer();
            // Shrinking never fails.
            let _ = self.account.resize(self.decoder.size());
        }
    }

    /// Receives the next message as an owned buffer.
    pub(crate) fn owned_message(
        &mut self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<u8>, RecvError>> + Unpin {
        poll_fn(move |cx| self.poll_owned_message(cx, limit))
    }

    /// Receives the next message for references to parts of it.
    #[cfg(feature = "managers")]
    pub(crate) fn shared_message(
        &mut self,
        limit: usize,
    ) -> impl Future<Output = Result<Bytes, RecvError>> + Unpin {
        poll_fn(move |cx| {
            loop {
                self.skip_confirmations();
                if let Some(message) = self.decoder.shared_message(limit)? {
                    self.release_buffer();
                    return Poll::Ready(Ok(message));
                }
                ready!(self.poll_fill(cx))?;
            }
        })
    }

    /// Receives the next message directly into `buffer`, and returns its length.
    pub(crate) fn message_into<'a>(&'a mut self, buffer: &'a mut [u8]) -> MessageInto<'a, R> {
        MessageInto {
            reader: self,
            buffer,
            progress: None,
        }
    }

    /// Receives numbers as their bytes in memory, and returns their count.
    pub(crate) async fn array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        let bytes = bytemuck::cast_slice_mut(numbers);
        let length = self.message_into(bytes).await?;
        match length.checked_rem(size_of::<T>()) {
            None => Ok(0),
            Some(0) => Ok(length / size_of::<T>()),
            Some(_) => Err(RecvError::NotElements(bytes[..length].to_vec())),
        }
    }

    /// Receives the header of the next message without taking it.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Header, RecvError>> {
        loop {
            self.skip_confirmations();
            if let Some(header) = self.decoder.header()? {
                return Poll::Ready(Ok(header));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// Skips confirmations of descriptors in front of the next message.
    #[inline]
    pub(crate) fn skip_confirmations(&mut self) {
        #[cfg(unix)]
        self.confirmations.skip_in(&mut self.decoder);
    }

    fn poll_complete(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Result<(), RecvError>> {
        self.skip_confirmations();
        while !self.decoder.is_complete(limit)? {
            ready!(self.poll_fill(cx))?;
            self.skip_confirmations();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_owned_message(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Result<Vec<u8>, RecvError>> {
        ready!(self.poll_complete(cx, limit))?;
        let message = self.decoder.owned_message(limit)?.unwrap_or_default();
        self.release_buffer();
        Poll::Ready(Ok(message))
    }

    /// Waits until the function, which may [peek](ReadStream::poll_peek), is ready, but for at most
    /// `time`.
    #[cfg(unix)]
    pub(crate) async fn within<T>(
        &mut self,
        time: Duration,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> io::Result<Option<T>> {
        if !R::BLOCKS {
            return Ok(timeout(time, poll_fn(|cx| poll(self, cx))).await.ok());
        }
        let begin = Instant::now();
        loop {
            let ready = poll(self, &mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(output) = ready {
                return Ok(Some(output));
            }
            let remaining = time.saturating_sub(begin.elapsed());
            if !self.stream.wait_readable(remaining)? {
                return Ok(None);
            }
        }
    }

    /// Waits for the next byte, for at most `time`. Returns `true` if it confirms a descriptor, and
    /// `false` if there is none or it belongs to something else.
    #[cfg(unix)]
    pub(crate) async fn confirmation(&mut self, time: Duration) -> Result<bool, RecvError> {
        let next = self.within(time, |reader, cx| {
            if !reader.decoder.is_empty() {
                return Poll::Ready(Ok(Some(
                    reader.confirmations.take_from(&mut reader.decoder),
                )));
            }
            reader.poll_confirmation(cx)
        });
        match next.await.map_err(RecvError::Io)? {
            None => Ok(false),
            Some(next) => next.map_err(RecvError::Io)?.ok_or(RecvError::Closed),
        }
    }

    /// Takes the next byte if it confirms a descriptor. Returns `true` if it does, and `None` at
    /// the end of the stream.
    #[cfg(unix)]
    fn poll_confirmation(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<bool>>> {
        let next = ready!(self.stream.poll_peek(cx))?;
        let is_confirmation = self.confirmations.is_confirmation(next);
        if is_confirmation {
            // The byte was peeked, but the task may have to yield before it is read.
            ready!(self.stream.poll_read(cx, &mut [0]))?;
            self.confirmations.record_confirmation();
        }
        Poll::Ready(Ok(next.map(|_| is_confirmation)))
    }

    /// Takes the next byte and the descriptors beside it. Returns `None` if the byte belongs to a
    /// message.
    #[cfg(unix)]
    pub(crate) fn poll_descriptor(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ReceivedDescriptors>, RecvError>> {
        if let Some(error) = self.deferred_error.take() {
            return Poll::Ready(Err(RecvError::Io(error)));
        }
        loop {
            self.skip_confirmations();
            if !self.decoder.is_empty() {
                return Poll::Ready(Ok(None));
            }
            let read = self.stream.poll_receive_descriptor(cx);
            let read = read.map_err(RecvError::Io);
            match ready!(IdleTimeout::apply(&mut self.idle, cx, read))? {
                DescriptorRead::End => {
                    self.decoder.end()?;
                    return Poll::Ready(Err(RecvError::Closed));
                }
                DescriptorRead::Byte(byte) => self.decoder.feed(&[byte]),
                DescriptorRead::Descriptors(received) => return Poll::Ready(Ok(Some(received))),
            }
        }
    }

    /// Stops receiving descriptors, so that reads may go beyond the end of a message again.
    pub(crate) const fn stop_receiving_descriptors(&mut self) {
        #[cfg(unix)]
        {
            self.descriptors = Descriptors::Close;
        }
    }

    /// Returns `true` if reads must not go beyond the end of the next message, since descriptors
    /// may follow it.
    #[inline]
    fn is_exact(&self) -> bool {
        #[cfg(unix)]
        return self.descriptors == Descriptors::Receive && self.stream.is_unix_socket();
        #[cfg(not(unix))]
        return false;
    }

    /// Receives further bytes of the next message.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RecvError>> {
        if let Some(error) = self.deferred_error.take() {
            return Poll::Ready(Err(RecvError::Io(error)));
        }
        let read = self.poll_read(cx);
        let read = IdleTimeout::apply(&mut self.idle, cx, read);
        if ready!(read)? == 0 {
            self.decoder.end()?;
            return Poll::Ready(Err(RecvError::Closed));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once into the decoder, within the budget, and returns the number of bytes.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, RecvError>> {
        if self.account.is_evicted() {
            return Poll::Ready(Err(RecvError::Evicted));
        }
        let space = match self.is_exact() {
            #[cfg(unix)]
            true => self.decoder.prepare_exact(),
            _ => self.decoder.prepare(),
        };
        let size = self.decoder.size();
        if !self.account.must_count(size) {
            return self.poll_read_prepared(cx, space).map_err(RecvError::Io);
        }
        let (decoder, account) = (&mut self.decoder, &mut self.account);
        let read = self
            .stream
            .poll_read_held(cx, decoder.prepared(space), account, size);
        match &read {
            Poll::Ready(Ok(count)) => decoder.filled(*count),
            Poll::Ready(Err(RecvError::Evicted)) => decoder.clear(),
            Poll::Pending if !account.waits_for_room() => {
                decoder.release_buffer();
                // Shrinking never fails.
                let _ = account.resize(decoder.size());
            }
            _ => {}
        }
        read
    }

    /// Reads once into the [prepared](Decoder::prepare) space of the decoder, and returns the
    /// number of bytes. While pending, an empty decoder holds no buffer.
    #[inline]
    pub(crate) fn poll_read_prepared(
        &mut self,
        cx: &mut Context<'_>,
        space: Range<usize>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(read) = self.stream.poll_read(cx, self.decoder.prepared(space)) else {
            self.decoder.release_buffer();
            return Poll::Pending;
        };
        let count = read?;
        self.decoder.filled(count);
        Poll::Ready(Ok(count))
    }

    /// Completes once a part of the next message was received, or none can be received any more.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.deferred_error.is_some() || self.account.is_evicted() {
            return Poll::Ready(());
        }
        loop {
            self.skip_confirmations();
            if !self.decoder.is_empty() {
                return Poll::Ready(());
            }
            let read = match R::BLOCKS || self.is_exact() {
                // The byte may come with a descriptor, so it is only peeked.
                #[cfg(unix)]
                true => ready!(self.poll_confirmation(cx))
                    .map(|next| next == Some(true))
                    .map_err(RecvError::Io),
                _ => ready!(self.poll_read(cx)).map(|count| count > 0),
            };
            match read {
                Ok(true) => {}
                Err(RecvError::Io(error)) => {
                    self.deferred_error = Some(error);
                    return Poll::Ready(());
                }
                // The next receive returns the end of the stream, or the eviction, as well.
                Ok(false) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl Reader {
    /// Discards the next message, of any length up to `max`. Returns `false` if it is longer. Once
    /// the future is dropped, nothing more can be received.
    #[cfg(feature = "managers")]
    pub(crate) async fn discard_message(&mut self, max: u64) -> Result<bool, RecvError> {
        let header = poll_fn(|cx| self.poll_header(cx)).await?;
        if header.length() > max {
            return Ok(false);
        }
        let mut missing = self.decoder.skip(&header);
        let mut discarded = vec![0; 16 * 1024];
        while missing > 0 {
            let length = discarded
                .len()
                .min(usize::try_from(missing).unwrap_or(usize::MAX));
            let Self { stream, idle, .. } = &mut *self;
            let count = poll_fn(|cx| {
                let read = stream.poll_read(cx, &mut discarded[..length]);
                IdleTimeout::apply(idle, cx, read.map_err(RecvError::Io))
            });
            match count.await? {
                0 => return Err(RecvError::Closed),
                count => missing -= count as u64,
            }
        }
        Ok(true)
    }

    /// Waits until the next message is readable, but for at most `time`.
    pub(crate) async fn poll(&mut self, time: Duration) -> bool {
        timeout(time, poll_fn(|cx| self.poll_readable(cx)))
            .await
            .is_ok()
    }
}

fn decode<T: DeserializeOwned>(codec: &impl Codec, message: &[u8]) -> Result<T, RecvError> {
    codec.decode(message).map_err(|error| {
        if message.starts_with(CHALLENGE) {
            RecvError::KeyExpected
        } else {
            RecvError::Decode(error)
        }
    })
}

/// Future that receives a message directly into the caller's buffer. If it is dropped, the received
/// part is put back into the decoder, so that the next receive returns the message.
pub(crate) struct MessageInto<'a, R> {
    reader: &'a mut Reader<R>,
    buffer: &'a mut [u8],
    /// The header, once taken, and the number of received bytes of the message.
    progress: Option<(Header, usize)>,
}

impl<R: ReadStream> Future for MessageInto<'_, R> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.progress.is_some() {
            return self.poll_rest(cx);
        }
        let Self { reader, buffer, .. } = &mut *self;
        let header = ready!(reader.poll_header(cx))?;
        let length = match usize::try_from(header.length()) {
            Ok(length) if length <= buffer.len() => length,
            _ => {
                let message = ready!(reader.poll_owned_message(cx, reader.max_message))?;
                return Poll::Ready(Err(RecvError::BufferTooShort(message)));
            }
        };
        let filled = reader.decoder.take_into(&header, &mut buffer[..length]);
        if filled == length {
            return Poll::Ready(Ok(length));
        }
        self.buffer = &mut std::mem::take(&mut self.buffer)[..length];
        self.progress = Some((header, filled));
        self.poll_rest(cx)
    }
}

impl<R: ReadStream> MessageInto<'_, R> {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, RecvError>> {
        while let Some((_, filled)) = &mut self.progress
            && *filled < self.buffer.len()
        {
            let Reader { stream, idle, .. } = &mut *self.reader;
            let read = stream.poll_read(cx, &mut self.buffer[*filled..]);
            match ready!(IdleTimeout::apply(idle, cx, read.map_err(RecvError::Io)))? {
                0 => {
                    self.put_back();
                    self.reader.decoder.end()?;
                    return Poll::Ready(Err(RecvError::Closed));
                }
                count => *filled += count,
            }
        }
        self.progress = None;
        Poll::Ready(Ok(self.buffer.len()))
    }
}

impl<R> MessageInto<'_, R> {
    fn put_back(&mut self) {
        if let Some((header, filled)) = self.progress.take() {
            let part = &self.buffer[..filled];
            self.reader.decoder.put_back(&header, part);
        }
    }
}

impl<R> Drop for MessageInto<'_, R> {
    fn drop(&mut self) {
        self.put_back();
    }
}
