//! Receiving: frames from a socket.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::RecvFlags;

use super::stream::Stream;
use super::wait::poll_within;
use crate::descriptor::{self, Confirmations, Descriptors, Taken};
use crate::error::RecvError;
use crate::frame::{Decoder, Header};
use crate::share::{Gone, RETRY, Share};

/// The receiving half of a connection.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) stream: Arc<Stream>,
    pub(super) decoder: Decoder,
    pub(super) max_message: usize,
    /// What it holds of the listener's budget.
    pub(super) share: Share,
    pub(super) descriptors: Descriptors,
    pub(super) confirmations: Confirmations,
}

impl Reader {
    pub(super) fn new(stream: Arc<Stream>, max_message: usize) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            max_message,
            share: Share::default(),
            descriptors: Descriptors::Close,
            confirmations: Confirmations::default(),
        }
    }

    pub(super) fn message(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        self.complete(limit)?;
        let message = self.decoder.message(limit)?.unwrap_or_default();
        self.confirmations.notice(message);
        Ok(message)
    }

    /// Gives back what a message took that is decoded by now, where that counts.
    #[inline]
    pub(super) fn done(&mut self) {
        if self.share.concerns(0) {
            self.decoder.rest();
            // It holds less than before.
            let _ = self.share.resize(self.decoder.size());
        }
    }

    pub(super) fn owned_message(&mut self, limit: usize) -> Result<Vec<u8>, RecvError> {
        self.complete(limit)?;
        let message = self.decoder.owned_message(limit)?.unwrap_or_default();
        self.done();
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
                    // A timeout: the message can be received anew.
                    self.decoder.put_back(&header, &buffer[..filled]);
                    return Err(RecvError::Io(error));
                }
            }
        }
        Ok(length)
    }

    /// Waits for the confirmation of a descriptor. Says whether it came in time, and not something else.
    pub(super) fn confirmation(&mut self, patience: Duration) -> Result<bool, RecvError> {
        if !self.decoder.is_empty() {
            let comes = self.confirmations.takes(self.decoder.peek_byte());
            if comes {
                self.decoder.byte();
            }
            return Ok(comes);
        }
        if !self.is_ready_within(patience).map_err(RecvError::Io)? {
            return Ok(false);
        }
        let next = self.next_confirmation().map_err(RecvError::Io)?;
        next.ok_or(RecvError::Closed)
    }

    /// Takes the next byte that came if it confirms a descriptor. Says whether it did; nothing at the end.
    fn next_confirmation(&mut self) -> io::Result<Option<bool>> {
        let next = descriptor::peek(&*self.stream, RecvFlags::DONTWAIT)?;
        let comes = self.confirmations.takes(next);
        if comes {
            // It is there: this neither waits nor fails.
            let _ = (&*self.stream).read(&mut [0]);
        }
        Ok(next.map(|_| comes))
    }

    /// Takes the next byte and the descriptors beside it, unless it is one of a message.
    pub(super) fn take(&mut self) -> Result<Taken, RecvError> {
        loop {
            self.confirmations.skip(&mut self.decoder);
            if let Some(byte) = self.decoder.peek_byte() {
                return Ok(Taken::Byte(byte));
            }
            let stream = &*self.stream;
            let taken = stream.receiving(|| descriptor::take(stream));
            match taken.map_err(RecvError::Io)? {
                Taken::End => {
                    self.decoder.end()?;
                    return Err(RecvError::Closed);
                }
                Taken::Byte(byte) => self.decoder.feed(&[byte]),
                handles @ Taken::Handles { .. } => return Ok(handles),
            }
        }
    }

    /// Waits until something came or the stream ended, but no longer than `time`. Says whether it did.
    pub(super) fn is_ready_within(&self, time: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(&*self.stream, PollFlags::IN)];
        Ok(poll_within(&mut polled, Some(time))? > 0)
    }

    /// Drops confirmations of descriptors that came and were not received yet. Says whether something else came, or
    /// the end. It waits for nothing.
    pub(super) fn has_more_than_confirmations(&mut self) -> bool {
        let mut came = false;
        loop {
            self.confirmations.skip(&mut self.decoder);
            if !self.decoder.is_empty() || !(came || self.confirmations.are_due()) {
                return true;
            }
            match self.next_confirmation() {
                Ok(Some(true)) => came = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                _ => return true,
            }
        }
    }

    /// Takes no descriptors any more, and so reads as far ahead as it can.
    pub(super) const fn stop_taking(&mut self) {
        self.descriptors = Descriptors::Close;
    }

    fn header(&mut self) -> Result<Header, RecvError> {
        loop {
            self.confirmations.skip(&mut self.decoder);
            if let Some(header) = self.decoder.header()? {
                return Ok(header);
            }
            self.fill()?;
        }
    }

    fn complete(&mut self, limit: usize) -> Result<(), RecvError> {
        self.confirmations.skip(&mut self.decoder);
        while !self.decoder.is_complete(limit)? {
            self.fill()?;
            self.confirmations.skip(&mut self.decoder);
        }
        Ok(())
    }

    /// Reads once.
    fn fill(&mut self) -> Result<(), RecvError> {
        if self.share.is_gone() {
            return Err(RecvError::Evicted);
        }
        // A read beyond the end of a message would drop the descriptors that stand there.
        let space = match (&*self.stream, self.descriptors) {
            (Stream::Unix(_), Descriptors::Receive) => self.decoder.prepare_exact(),
            _ => self.decoder.prepare(),
        };
        let size = self.decoder.size();
        if self.share.concerns(size)
            && let Err(error) = wait_for_more(&self.stream, &mut self.share, size)
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

/// Waits until there is room for so many bytes, and something to read, as long as a read may take.
fn wait_for_more(stream: &Stream, share: &mut Share, size: usize) -> Result<(), RecvError> {
    let deadline = stream.read_timeout().map_err(RecvError::Io)?;
    let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
    let mut has_room = false;
    loop {
        has_room = has_room || share.resize(size).is_ok();
        if !has_room && !share.ever_fits(size) {
            share.go();
        }
        let is_ready = match has_room {
            true => stream
                .is_ready(PollFlags::IN, RETRY)
                .map_err(RecvError::Io)?,
            false => {
                std::thread::sleep(RETRY);
                false
            }
        };
        share.check().map_err(|Gone| RecvError::Evicted)?;
        if is_ready {
            return Ok(());
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(RecvError::Io(io::ErrorKind::WouldBlock.into()));
        }
    }
}
