//! Receiving frames from a blocking stream.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::RecvFlags;

use super::check_allowed;
use super::stream::BlockingStream;
use super::wait::poll_timeout;
use crate::account::{Evicted, HalfAccount, RETRY};
use crate::descriptor::{self, Confirmations, DescriptorRead, Descriptors};
use crate::error::RecvError;
use crate::frame::{Decoder, Header};

/// The receiving half of a blocking connection.
#[derive(Debug)]
pub(super) struct BlockingReader {
    pub(super) stream: Arc<BlockingStream>,
    pub(super) decoder: Decoder,
    pub(super) max_message: usize,
    /// The received bytes held in the listener's budget.
    pub(super) account: HalfAccount,
    pub(super) descriptors: Descriptors,
    pub(super) confirmations: Confirmations,
}

impl BlockingReader {
    pub(super) fn new(stream: Arc<BlockingStream>, max_message: usize) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            max_message,
            account: HalfAccount::default(),
            descriptors: Descriptors::Close,
            confirmations: Confirmations::default(),
        }
    }

    pub(super) fn message(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        self.complete(limit)?;
        let message = self.decoder.message(limit)?.unwrap_or_default();
        self.confirmations.record_message(message);
        Ok(message)
    }

    /// Releases the memory of a message that was decoded, if it is counted in a budget.
    #[inline]
    pub(super) fn release_buffer(&mut self) {
        if self.account.must_count(0) {
            self.decoder.release_buffer();
            // Shrinking never fails.
            let _ = self.account.resize(self.decoder.size());
        }
    }

    pub(super) fn owned_message(&mut self, limit: usize) -> Result<Vec<u8>, RecvError> {
        self.complete(limit)?;
        let message = self.decoder.owned_message(limit)?.unwrap_or_default();
        self.release_buffer();
        Ok(message)
    }

    pub(super) fn message_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let header = self.header()?;
        let length = match usize::try_from(header.length()) {
            Ok(length) if length <= buffer.len() => length,
            _ => {
                let message = self.owned_message(self.max_message)?;
                return Err(RecvError::BufferTooShort(message));
            }
        };
        let mut filled = self.decoder.take_into(&header, &mut buffer[..length]);
        while filled < length {
            match (&*self.stream).read(&mut buffer[filled..length]) {
                Ok(0) => {
                    self.decoder.put_back(&header, &buffer[..filled]);
                    self.decoder.end()?;
                    return Err(RecvError::Closed);
                }
                Ok(count) => filled += count,
                Err(error) => {
                    // After a timeout the message can still be received.
                    self.decoder.put_back(&header, &buffer[..filled]);
                    return Err(RecvError::Io(error));
                }
            }
        }
        Ok(length)
    }

    /// Waits for the next byte. Returns `true` if it confirms a descriptor, and `false` after
    /// `timeout` or if the byte belongs to something else.
    pub(super) fn confirmation(&mut self, timeout: Duration) -> Result<bool, RecvError> {
        check_allowed().map_err(RecvError::Io)?;
        if !self.decoder.is_empty() {
            let is_confirmation = self.confirmations.consume(self.decoder.peek_byte());
            if is_confirmation {
                self.decoder.take_byte();
            }
            return Ok(is_confirmation);
        }
        if !self.wait_ready(timeout).map_err(RecvError::Io)? {
            return Ok(false);
        }
        let next = self.next_confirmation().map_err(RecvError::Io)?;
        next.ok_or(RecvError::Closed)
    }

    /// Takes the next received byte if it confirms a descriptor. Returns `true` if it does, and
    /// `None` at the end of the stream. It does not wait.
    fn next_confirmation(&mut self) -> io::Result<Option<bool>> {
        let next = descriptor::peek(&*self.stream, RecvFlags::DONTWAIT)?;
        let is_confirmation = self.confirmations.consume(next);
        if is_confirmation {
            // The byte was peeked: this neither waits nor fails.
            let _ = (&*self.stream).read(&mut [0]);
        }
        Ok(next.map(|_| is_confirmation))
    }

    /// Takes the next byte and the descriptors beside it, unless the byte belongs to a message.
    pub(super) fn descriptor(&mut self) -> Result<DescriptorRead, RecvError> {
        check_allowed().map_err(RecvError::Io)?;
        loop {
            self.confirmations.skip_in(&mut self.decoder);
            if let Some(byte) = self.decoder.peek_byte() {
                return Ok(DescriptorRead::Byte(byte));
            }
            let stream = &*self.stream;
            let read = stream.retry_receive(|| descriptor::receive_descriptor(stream));
            match read.map_err(RecvError::Io)? {
                DescriptorRead::End => {
                    self.decoder.end()?;
                    return Err(RecvError::Closed);
                }
                DescriptorRead::Byte(byte) => self.decoder.feed(&[byte]),
                descriptors @ DescriptorRead::Descriptors { .. } => return Ok(descriptors),
            }
        }
    }

    /// Waits for at most `time` until the stream has bytes or is closed. Returns `true` if so.
    pub(super) fn wait_ready(&self, time: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(&*self.stream, PollFlags::IN)];
        Ok(poll_timeout(&mut polled, Some(time))? > 0)
    }

    /// Discards received confirmations of descriptors. Returns `true` if other bytes were received,
    /// or the stream is closed. It does not wait.
    pub(super) fn has_input(&mut self) -> bool {
        let mut has_discarded = false;
        loop {
            self.confirmations.skip_in(&mut self.decoder);
            if !self.decoder.is_empty() || !(has_discarded || self.confirmations.are_outstanding())
            {
                return true;
            }
            match self.next_confirmation() {
                Ok(Some(true)) => has_discarded = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                _ => return true,
            }
        }
    }

    /// Stops receiving descriptors, so that reads may go beyond the end of a message again.
    pub(super) const fn stop_receiving_descriptors(&mut self) {
        self.descriptors = Descriptors::Close;
    }

    fn header(&mut self) -> Result<Header, RecvError> {
        check_allowed().map_err(RecvError::Io)?;
        loop {
            self.confirmations.skip_in(&mut self.decoder);
            if let Some(header) = self.decoder.header()? {
                return Ok(header);
            }
            self.fill()?;
        }
    }

    fn complete(&mut self, limit: usize) -> Result<(), RecvError> {
        check_allowed().map_err(RecvError::Io)?;
        self.confirmations.skip_in(&mut self.decoder);
        while !self.decoder.is_complete(limit)? {
            self.fill()?;
            self.confirmations.skip_in(&mut self.decoder);
        }
        Ok(())
    }

    /// Reads once into the decoder.
    fn fill(&mut self) -> Result<(), RecvError> {
        if self.account.is_evicted() {
            return Err(RecvError::Evicted);
        }
        // A read beyond the end of a message would drop descriptors that follow it.
        let space = match (&*self.stream, self.descriptors) {
            (BlockingStream::Unix(_), Descriptors::Receive) => self.decoder.prepare_exact(),
            _ => self.decoder.prepare(),
        };
        let size = self.decoder.size();
        if self.account.must_count(size)
            && let Err(error) = wait_for_input(&self.stream, &mut self.account, size)
        {
            if let RecvError::Evicted = error {
                self.decoder.clear();
            }
            return Err(error);
        }
        let read = (&*self.stream).read(self.decoder.prepared(space));
        match read.map_err(RecvError::Io)? {
            0 => {
                self.decoder.end()?;
                Err(RecvError::Closed)
            }
            count => {
                self.decoder.filled(count);
                Ok(())
            }
        }
    }
}

/// Waits until the budget has room for `size` bytes and the stream has bytes to read, for at most
/// the read timeout of the stream.
fn wait_for_input(
    stream: &BlockingStream,
    account: &mut HalfAccount,
    size: usize,
) -> Result<(), RecvError> {
    let deadline = stream.read_timeout().map_err(RecvError::Io)?;
    let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
    let mut has_room = false;
    loop {
        has_room = has_room || account.resize(size).is_ok();
        if !has_room && !account.can_ever_fit(size) {
            account.evict();
        }
        let is_ready = match has_room {
            true => stream
                .poll_ready(PollFlags::IN, RETRY)
                .map_err(RecvError::Io)?,
            false => {
                std::thread::sleep(RETRY);
                false
            }
        };
        account
            .check_evicted()
            .map_err(|Evicted| RecvError::Evicted)?;
        if is_ready {
            return Ok(());
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(RecvError::Io(io::ErrorKind::WouldBlock.into()));
        }
    }
}
