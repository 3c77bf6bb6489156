//! Frames: how messages are told apart in a stream of bytes.
//!
//! Each message is preceded by its length, as in CPython's `multiprocessing/connection.py`:
//!
//! | length | bytes |
//! |---|---|
//! | up to 2³¹ − 1 | 4 bytes, big-endian, then the message |
//! | any | `ff ff ff ff`, 8 bytes, big-endian, then the message |
//!
//! The shorter form is written wherever it can be; both are read. CPython takes every other negative
//! length for an empty message and then reads the message as lengths; here it is an error.
//!
//! [`Decoder`] and [`Encoder`] know bytes only, no sockets: what reads and writes is up to the caller.
//!
//! # Examples
//!
//! ```
//! use conn::frame::{Decoder, Encoder};
//!
//! let mut encoder = Encoder::new();
//! encoder.push(b"hello");
//! assert_eq!(encoder.unwritten(), b"\0\0\0\x05hello");
//!
//! let mut decoder = Decoder::new();
//! decoder.feed(b"\0\0\0\x05hel");
//! assert_eq!(decoder.message(1024)?, None);
//! decoder.feed(b"lo");
//! assert_eq!(decoder.message(1024)?, Some(&b"hello"[..]));
//! # Ok::<(), conn::frame::FrameError>(())
//! ```

use std::ops::Range;

mod spare;

/// Up to here a length takes 4 bytes.
const SHORT: u64 = i32::MAX as u64;

/// Announces a length of 8 bytes.
const EXTENDED: i32 = -1;

/// Room for what the next read brings, when nothing is known of it.
const READ_AHEAD: usize = 8 * 1024;

/// The first room for a message longer than that. It doubles as the message arrives, so that a peer
/// has to send memory before it takes memory.
const LARGE: usize = 64 * 1024;

/// What is kept of a buffer once a large message is through.
const KEPT: usize = 256 * 1024;

/// The length of a message and how many bytes it takes to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; 12],
    size: u8,
    length: u64,
}

impl Header {
    /// The header of a message of `length` bytes.
    #[must_use]
    pub fn new(length: u64) -> Self {
        let mut bytes = [0; 12];
        let size = if length <= SHORT {
            bytes[..4].copy_from_slice(&(length as u32).to_be_bytes());
            4
        } else {
            bytes[..4].copy_from_slice(&EXTENDED.to_be_bytes());
            bytes[4..].copy_from_slice(&length.to_be_bytes());
            12
        };
        Self {
            bytes,
            size,
            length,
        }
    }

    /// The header at the beginning of `bytes`, if it is complete.
    ///
    /// # Errors
    /// If the length is negative.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&length, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        match i32::from_be_bytes(length) {
            EXTENDED => Ok(rest.first_chunk().map(|&length| {
                let mut bytes = [0xff; 12];
                bytes[4..].copy_from_slice(&length);
                Self {
                    bytes,
                    size: 12,
                    length: u64::from_be_bytes(length),
                }
            })),
            negative @ ..0 => Err(FrameError::NegativeLength(negative)),
            length => Ok(Some(Self::new(length as u64))),
        }
    }

    /// The bytes of the header itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }

    /// The length of the message.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }
}

/// A frame that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length of a message is negative: the peer speaks another protocol, or is out of step. What
    /// follows cannot be read either.
    #[error("the length of a message is {0}, which is negative")]
    NegativeLength(i32),
    /// The message is longer than what was asked for. It stays where it is and can be read with a
    /// higher limit.
    #[error("a message of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length of the message in bytes, as its header says.
        length: u64,
        /// The limit that was given.
        limit: usize,
    },
    /// The bytes ended in the middle of a frame.
    #[error("the stream ended in the middle of a message, {missing}")]
    Truncated {
        /// How much of it did not come.
        missing: Missing,
    },
}

/// What an interrupted frame lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A part of its length.
    Header,
    /// So many bytes of the message.
    Bytes(u64),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("within its length"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes before its end"),
        }
    }
}

/// Turns bytes into messages.
///
/// It holds the bytes that came and were not taken yet. Its memory grows with what was received,
/// never with what a header announces.
#[derive(Debug, Default)]
pub struct Decoder {
    /// All of it is initialised; `start..end` has the bytes.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The header of a large message, once it is known to be one. The buffer then begins with the
    /// message itself, so that it can be given away as it is.
    large: Option<Header>,
}

impl Decoder {
    /// A decoder without any bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next bytes go: fill a part from its beginning, then call [`filled`](Self::filled).
    /// It is never empty, and does not reach beyond the end of a large message.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.large.is_none() {
                if !(READ_AHEAD..=KEPT).contains(&self.buffer.len()) {
                    self.buffer = spare::full(READ_AHEAD);
                }
                return &mut self.buffer;
            }
        }
        self.note_large();
        let wanted = self.wanted();
        if self.buffer.len() - self.start < wanted {
            let held = self.end - self.start;
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, held);
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
        }
        let until = match self.large {
            Some(_) => self.start + wanted,
            None => self.buffer.len(),
        };
        &mut self.buffer[self.end..until]
    }

    /// Takes note that nothing comes for now: while there is nothing to hold, it holds no memory either.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            spare::keep_full(std::mem::take(&mut self.buffer));
        }
    }

    /// How long the buffer should be, counted from the first byte held.
    fn wanted(&self) -> usize {
        let held = self.end - self.start;
        let frame = match self.header() {
            Ok(Some(header)) => usize::try_from(header.length)
                .unwrap_or(usize::MAX)
                .saturating_add(self.header_size(&header)),
            _ => 0,
        };
        if frame <= held {
            // Nothing is known of what comes next.
            held + READ_AHEAD
        } else if self.large.is_none() {
            frame.max(READ_AHEAD)
        } else {
            frame.min((held * 2).max(LARGE))
        }
    }

    /// Takes the header off a large message of which only a part came.
    fn note_large(&mut self) {
        if self.large.is_some() {
            return;
        }
        if let Ok(Some(header)) = self.header()
            && header.length > LARGE as u64
            && header.length > (self.end - self.start - usize::from(header.size)) as u64
        {
            self.start += usize::from(header.size);
            self.large = Some(header);
        }
    }

    /// Takes note that the first `count` bytes of the [space](Self::space) are filled.
    ///
    /// # Panics
    /// If the space is not that long.
    pub fn filled(&mut self, count: usize) {
        assert!(
            count <= self.buffer.len() - self.end,
            "no more bytes than there is space"
        );
        self.end += count;
    }

    /// Appends bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let count = bytes.len().min(space.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.filled(count);
            bytes = &bytes[count..];
        }
    }

    /// The header of the next message, if all of it came.
    ///
    /// # Errors
    /// If the length is negative.
    pub fn header(&self) -> Result<Option<Header>, FrameError> {
        match self.large {
            Some(header) => Ok(Some(header)),
            None => Header::parse(&self.buffer[self.start..self.end]),
        }
    }

    /// Whether nothing came that was not taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end && self.large.is_none()
    }

    /// Whether the next message is there as a whole.
    ///
    /// # Errors
    /// As with [`message`](Self::message).
    pub fn is_complete(&self, limit: usize) -> Result<bool, FrameError> {
        Ok(self.next(limit)?.is_some())
    }

    /// Takes the next message, if all of it came and it has no more than `limit` bytes.
    ///
    /// # Errors
    /// If it is longer, as soon as the header is there; if its length is negative.
    pub fn message(&mut self, limit: usize) -> Result<Option<&[u8]>, FrameError> {
        let Some(message) = self.next(limit)? else {
            return Ok(None);
        };
        self.start = message.end;
        self.large = None;
        Ok(Some(&self.buffer[message]))
    }

    /// Whether the next message is a large one that is held without its header, to be given away as it is.
    pub(crate) const fn is_large(&self) -> bool {
        self.large.is_some()
    }

    /// Where the next message is in the buffer, if all of it came.
    fn next(&self, limit: usize) -> Result<Option<Range<usize>>, FrameError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let length = match usize::try_from(header.length) {
            Ok(length) if length <= limit => length,
            _ => {
                let length = header.length;
                return Err(FrameError::TooLarge { length, limit });
            }
        };
        let begin = self.start + self.header_size(&header);
        let came = length <= self.end - begin;
        Ok(came.then(|| begin..begin + length))
    }

    /// How many of the bytes held are the header's.
    fn header_size(&self, header: &Header) -> usize {
        match self.large {
            Some(_) => 0,
            None => usize::from(header.size),
        }
    }

    /// Takes the next message like [`message`](Self::message), without copying it where it is the last
    /// and a large one.
    ///
    /// # Errors
    /// As with [`message`](Self::message).
    pub fn owned_message(&mut self, limit: usize) -> Result<Option<Vec<u8>>, FrameError> {
        let Some(message) = self.next(limit)? else {
            return Ok(None);
        };
        self.start = message.end;
        let whole = self.large.take().is_some() && message.start == 0 && message.end == self.end;
        if !whole {
            return Ok(Some(self.buffer[message].to_vec()));
        }
        let mut owned = std::mem::take(&mut self.buffer);
        owned.truncate(message.end);
        (self.start, self.end) = (0, 0);
        Ok(Some(owned))
    }

    /// Takes the header and what came of its message, which goes to the beginning of `buffer`.
    /// Returns how much that is. What is missing must then be read into the buffer, or all be given back
    /// with [`put_back`](Self::put_back).
    pub(crate) fn take_into(&mut self, header: &Header, buffer: &mut [u8]) -> usize {
        self.start += self.header_size(header);
        self.large = None;
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        count
    }

    /// Takes back a message of which only a part came.
    pub(crate) fn put_back(&mut self, header: &Header, part: &[u8]) {
        debug_assert!(self.is_empty(), "the part was all there was");
        if header.length > LARGE as u64 {
            self.large = Some(*header);
        } else {
            self.feed(header.as_bytes());
        }
        self.feed(part);
    }

    /// What the end of the stream means here: nothing between messages, an error within one.
    ///
    /// # Errors
    /// If a frame has begun.
    pub fn end(&self) -> Result<(), FrameError> {
        let missing = match self.header()? {
            None if self.is_empty() => return Ok(()),
            None => Missing::Header,
            Some(header) => {
                let came = self.end - self.start - self.header_size(&header);
                Missing::Bytes(header.length.saturating_sub(came as u64))
            }
        };
        Err(FrameError::Truncated { missing })
    }

    /// The next byte, where it stands outside of any frame. It is not taken.
    #[cfg(unix)]
    pub(crate) fn peek_byte(&self) -> Option<u8> {
        self.buffer[self.start..self.end].first().copied()
    }

    /// Takes one byte that stands outside of any frame, if one came.
    #[cfg(unix)]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let byte = self.peek_byte()?;
        self.start += 1;
        Some(byte)
    }
}

/// Turns messages into bytes, and holds those that were not written yet.
#[derive(Debug, Default)]
pub struct Encoder {
    buffer: Vec<u8>,
    written: usize,
}

impl Encoder {
    /// An encoder with nothing to write.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a message.
    pub fn push(&mut self, message: &[u8]) {
        self.begin();
        let header = Header::new(message.len() as u64);
        self.buffer.extend_from_slice(header.as_bytes());
        self.buffer.extend_from_slice(message);
    }

    /// Appends the message that `write` appends to the buffer it is given. After an error nothing is
    /// appended.
    ///
    /// # Errors
    /// That of `write`.
    pub fn push_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.begin();
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(Header::new(0).as_bytes());
        let message = self.buffer.len();
        if let Err(error) = write(&mut self.buffer) {
            self.buffer.truncate(begin);
            return Err(error);
        }
        let header = Header::new((self.buffer.len() - message) as u64);
        let room = &mut self.buffer[begin..message];
        match header.as_bytes() {
            short if short.len() == room.len() => room.copy_from_slice(short),
            extended => drop(self.buffer.splice(begin..message, extended.iter().copied())),
        }
        Ok(())
    }

    /// While there is nothing to write, there is no buffer.
    fn begin(&mut self) {
        if self.buffer.capacity() == 0 {
            self.buffer = spare::empty();
        }
    }

    /// Whether nothing is to be written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Takes what another has to write, to be written after what is here.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else if !other.is_empty() {
            self.buffer.extend_from_slice(other.unwritten());
            other.wrote(other.unwritten().len());
        }
    }

    /// Appends bytes that are a frame, or the rest of one.
    pub(crate) fn push_raw(&mut self, bytes: &[u8]) {
        self.begin();
        self.buffer.extend_from_slice(bytes);
    }

    /// What is to be written next.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Takes note that the first `count` bytes of what was [unwritten](Self::unwritten) are written.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn wrote(&mut self, count: usize) {
        self.written += count;
        assert!(
            self.written <= self.buffer.len(),
            "no more is written than there is"
        );
        if self.written == self.buffer.len() {
            self.written = 0;
            spare::keep_empty(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests;
