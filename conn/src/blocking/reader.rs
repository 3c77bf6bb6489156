//! Receiving: frames from a socket.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::PollFlags;

use super::stream::Stream;
use crate::descriptor::Waiting;
use crate::error::RecvError;
use crate::frame::{Decoder, Header};
use crate::share::{Gone, RETRY, Share};

/// The receiving half of a connection.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) stream: Arc<Stream>,
    pub(super) decoder: Decoder,
    pub(super) waiting: Waiting,
    pub(super) max_message: usize,
    /// What it holds of the listener's budget.
    pub(super) share: Share,
    /// The protocol of the peer's last pickle, if it sends pickles.
    pub(super) pickle_protocol: u8,
}

impl Reader {
    pub(super) fn new(stream: Arc<Stream>, max_message: usize) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            waiting: Waiting::default(),
            max_message,
            share: Share::default(),
            pickle_protocol: 0,
        }
    }

    pub(super) fn message(&mut self, limit: usize) -> Result<&[u8], RecvError> {
        self.complete(limit)?;
        let message = self.decoder.message(limit)?.unwrap_or_default();
        if let [0x80, protocol, ..] = message {
            self.pickle_protocol = *protocol;
        }
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
            match read(&self.stream, &mut self.waiting, &mut buffer[filled..length]) {
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

    /// The next byte, where it stands outside of any frame. It is not taken.
    pub(super) fn peek_byte(&mut self) -> Result<u8, RecvError> {
        loop {
            if let Some(byte) = self.decoder.peek_byte() {
                return Ok(byte);
            }
            self.fill()?;
        }
    }

    /// Takes the next byte, where it stands outside of any frame.
    pub(super) fn byte(&mut self) -> Result<u8, RecvError> {
        let byte = self.peek_byte()?;
        self.decoder.byte();
        Ok(byte)
    }

    fn header(&mut self) -> Result<Header, RecvError> {
        loop {
            if let Some(header) = self.decoder.header()? {
                return Ok(header);
            }
            self.fill()?;
        }
    }

    fn complete(&mut self, limit: usize) -> Result<(), RecvError> {
        while !self.decoder.is_complete(limit)? {
            self.fill()?;
        }
        Ok(())
    }

    /// Reads once.
    fn fill(&mut self) -> Result<(), RecvError> {
        if self.share.is_gone() {
            return Err(RecvError::Evicted);
        }
        let space = self.decoder.prepare();
        let size = self.decoder.size();
        if self.share.concerns(size)
            && let Err(error) = wait_for_more(&self.stream, &mut self.share, size)
        {
            if let RecvError::Evicted = error {
                self.decoder.clear();
            }
            return Err(error);
        }
        let space = self.decoder.prepared(space);
        let read = read(&self.stream, &mut self.waiting, space);
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

fn read(mut stream: &Stream, waiting: &mut Waiting, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let read = match stream {
            Stream::Unix(socket) => waiting
                .receive(socket, buffer)
                .map(|received| received.bytes),
            _ => stream.read(buffer),
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
