//! Sending frames to a blocking stream.

use std::io::{self, IoSlice, Write as _};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::PollFlags;
use serde::Serialize;

use super::check_allowed;
use super::stream::BlockingStream;
use crate::account::{HalfAccount, RETRY};
use crate::codec::Codec;
use crate::connection::MAX_COPIED;
use crate::error::SendError;
use crate::frame::{Encoder, Header};

/// The sending half of a blocking connection. Dropping it shuts the sending direction down.
#[derive(Debug)]
pub(super) struct BlockingWriter {
    pub(super) stream: Arc<BlockingStream>,
    pub(super) encoder: Encoder,
    pub(super) broken: bool,
    /// The unsent bytes held in the listener's budget.
    pub(super) account: HalfAccount,
}

impl BlockingWriter {
    pub(super) fn new(stream: Arc<BlockingStream>) -> Self {
        Self {
            stream,
            encoder: Encoder::new(),
            broken: false,
            account: HalfAccount::default(),
        }
    }

    pub(super) fn send<T: Serialize + ?Sized>(
        &mut self,
        codec: &impl Codec,
        value: &T,
    ) -> Result<(), SendError> {
        check_allowed().map_err(SendError::Io)?;
        if self.is_pending() {
            self.flush()?;
        }
        self.encoder
            .push_with(|out| codec.encode(value, out))
            .map_err(SendError::Encode)?;
        self.flush()
    }

    pub(super) fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        check_allowed().map_err(SendError::Io)?;
        if self.is_pending() {
            self.flush()?;
        }
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length <= MAX_COPIED {
            self.encoder.push_slices(length, slices);
            return self.flush();
        }
        self.write_vectored(length, slices)
    }

    /// Writes a message without copying it.
    fn write_vectored(&mut self, length: usize, slices: &[&[u8]]) -> Result<(), SendError> {
        let header = Header::new(length as u64);
        let mut unwritten = vec![IoSlice::new(header.as_bytes())];
        unwritten.extend(slices.iter().map(|slice| IoSlice::new(slice)));
        let mut rest = unwritten.as_mut_slice();
        let mut is_begun = false;
        while !rest.is_empty() {
            let written = (&*self.stream).write_vectored(rest);
            match self.progress(written) {
                Ok(count) => {
                    IoSlice::advance_slices(&mut rest, count);
                    is_begun |= count > 0;
                }
                Err(error) => {
                    // After a timeout the rest is sent with the next send.
                    if is_begun && !self.broken {
                        rest.iter().for_each(|slice| self.encoder.push_raw(slice));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes the unsent rest of earlier sends.
    pub(super) fn flush(&mut self) -> Result<(), SendError> {
        if self.broken {
            return Err(SendError::Broken);
        }
        while !self.encoder.unwritten().is_empty() {
            let written = match self.account.budget() {
                Some(_) if self.account.must_count(self.encoder.size()) => {
                    self.write_accounted()?
                }
                _ => (&*self.stream).write(self.encoder.unwritten()),
            };
            let count = self.progress(written)?;
            self.encoder.wrote(count);
        }
        self.account.release();
        Ok(())
    }

    /// Writes once, and counts the unsent bytes in the budget while the peer does not read.
    fn write_accounted(&mut self) -> Result<io::Result<usize>, SendError> {
        let deadline = self.stream.write_timeout().map_err(SendError::Io)?;
        let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
        loop {
            let written = self.stream.try_write(self.encoder.unwritten());
            if !matches!(&written, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                return Ok(written);
            }
            let is_held = self.account.resize(self.encoder.size()).is_ok();
            if !is_held || self.account.check_evicted().is_err() {
                self.account.evict();
                self.broken = true;
                self.encoder.clear();
                return Err(SendError::Evicted);
            }
            let is_ready = self.stream.poll_ready(PollFlags::OUT, RETRY);
            let is_ready = is_ready.map_err(SendError::Io)?;
            if !is_ready && deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(written);
            }
        }
    }

    /// Returns `true` if a flush is needed before a message is sent, or must report that the
    /// connection is broken.
    const fn is_pending(&self) -> bool {
        self.broken || !self.encoder.is_empty()
    }

    pub(super) fn shutdown(&mut self) -> Result<(), SendError> {
        check_allowed().map_err(SendError::Io)?;
        self.flush()?;
        match self.stream.shutdown() {
            // The peer has closed the connection first.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result.map_err(SendError::Io),
        }
    }

    /// Marks the connection as broken after an error other than a timeout: no message can follow.
    fn progress(&mut self, written: io::Result<usize>) -> Result<usize, SendError> {
        let error = match written {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => return Ok(count),
            Err(error) => error,
        };
        let timed_out = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        self.broken = !timed_out.contains(&error.kind());
        Err(SendError::Io(error))
    }
}

impl Drop for BlockingWriter {
    fn drop(&mut self) {
        // This fails if the peer has disconnected.
        let _ = self.stream.shutdown();
    }
}
