//! Decoding of frames into messages.

use std::ops::Range;

#[cfg(feature = "managers")]
use bytes::Bytes;

use super::memory::Memory;
use super::{FrameError, Header, MissingPart, buffer_pool};

/// Space for a read when the length of the next message is not known.
const READ_AHEAD: usize = 8 * 1024;

/// Messages longer than this are large, and are read in pieces of this size. Their buffer doubles
/// as bytes arrive, so that a peer must send bytes before it takes memory. Only the next piece is
/// initialised, so that it is still in the CPU cache when it is filled.
pub(super) const LARGE: usize = 64 * 1024;

/// Messages that are shared have a memory map from this size on. The C library reuses the memory of
/// smaller allocations.
pub(super) const MAPPED: usize = 32 * 1024 * 1024;

/// Number of bytes that a peer must send of such a message before it has a map, whose pages can
/// have as many.
pub(super) const MAPPED_AFTER: usize = 2 * 1024 * 1024;

/// Maximum size of a buffer that is kept after a message.
pub(super) const MAX_IDLE_BUFFER: usize = 256 * 1024;

/// Decodes bytes into messages.
///
/// It holds the received bytes that were not taken as messages. Its memory grows with the received
/// bytes, never with the length that a header announces.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Initialised throughout; the received bytes are at `start..end`.
    pub(super) buffer: Memory,
    start: usize,
    end: usize,
    /// The header of the next message, once it is complete and valid.
    header: Option<Header>,
    /// `true` if the buffer no longer holds that header, but begins with the message itself, so
    /// that a large message can be handed over without a copy.
    is_detached: bool,
    /// `true` if the next message is taken with [`shared_message`](Self::shared_message).
    is_shared: bool,
}

impl Decoder {
    /// Creates a decoder without bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the space for the next bytes: fill it from its beginning, then call
    /// [`filled`](Self::filled). It is never empty, and ends at the end of a large message.
    pub fn space(&mut self) -> &mut [u8] {
        let space = self.prepare();
        &mut self.buffer[space]
    }

    /// Prepares the [space](Self::space) and returns its range in the buffer.
    pub(crate) fn prepare(&mut self) -> Range<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if !self.is_detached {
                if !(READ_AHEAD..=MAX_IDLE_BUFFER).contains(&self.buffer.len()) {
                    self.buffer = Memory::Heap(buffer_pool::take_read_buffer(READ_AHEAD));
                }
                return 0..self.buffer.len();
            }
        }
        self.detach_header();
        let wanted = self.wanted();
        if self.buffer.len() - self.start < wanted {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            self.grow(wanted);
        }
        let until = if self.is_detached {
            self.start + wanted
        } else {
            self.buffer.len()
        };
        self.end..until
    }

    /// Returns the space at a [prepared](Self::prepare) range.
    pub(crate) fn prepared(&mut self, space: Range<usize>) -> &mut [u8] {
        &mut self.buffer[space]
    }

    /// Returns the allocated memory in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.buffer.size()
    }

    /// Discards all bytes.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Prepares [space](Self::space) for at most the missing bytes of the next message, or of its
    /// header while that is incomplete, so that a read does not go beyond the message.
    #[cfg(unix)]
    pub(crate) fn prepare_exact(&mut self) -> Range<usize> {
        let missing = self.missing();
        let Range { start, end } = self.prepare();
        start..end.min(start.saturating_add(missing))
    }

    /// Returns the number of bytes known to be missing from the next message; at least 1.
    #[cfg(unix)]
    fn missing(&self) -> usize {
        let held = self.end - self.start;
        let known = match self.next_size() {
            Some(next) => next,
            // At least 4 bytes and no header: it is in the extended form.
            None if held >= 4 => 12,
            None => 4,
        };
        known.saturating_sub(held).max(1)
    }

    /// Returns the buffer to the pool, if it holds no bytes. Call it while nothing arrives.
    pub(crate) fn release_buffer(&mut self) {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            match std::mem::take(&mut self.buffer) {
                Memory::Heap(buffer) => buffer_pool::release_read_buffer(buffer),
                Memory::Map(_) => {}
            }
        }
    }

    /// Returns the buffer length needed for the next read, counted from the first held byte.
    fn wanted(&self) -> usize {
        let held = self.end - self.start;
        match self.next_size() {
            Some(next) if self.is_detached && next > held => next.min(held + LARGE),
            Some(next) if next > held => next.max(READ_AHEAD),
            // The length of the message that will be read is not known.
            _ => held + READ_AHEAD,
        }
    }

    /// Returns the size that the next message has in the buffer, if it is known.
    fn next_size(&self) -> Option<usize> {
        let header = self.header.as_ref()?;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        Some(length.saturating_add(self.header_size(header)))
    }

    /// Grows the buffer to at least `length` bytes.
    fn grow(&mut self, length: usize) {
        if self.buffer.len() >= length {
            return;
        }
        // Only when the memory is used up: otherwise each read would ask for a little more.
        if self.is_detached
            && length > self.buffer.capacity()
            && let Some(header) = &self.header
        {
            let frame = usize::try_from(header.length).unwrap_or(usize::MAX);
            let is_mapped = self.is_shared
                && frame >= MAPPED
                && self.end >= MAPPED_AFTER
                && self.buffer.map(frame, self.end);
            if !is_mapped {
                self.buffer.reserve(frame.min((self.end * 2).max(length)));
            }
        }
        self.buffer.resize(length);
    }

    /// Detaches the header of a large message that is incomplete.
    fn detach_header(&mut self) {
        if let Some(header) = &self.header
            && header.length > LARGE as u64
            && !self.is_detached
            && header.length > (self.end - self.start - usize::from(header.size)) as u64
        {
            self.start += usize::from(header.size);
            self.is_detached = true;
        }
    }

    /// Removes the bytes before `start`, at which the next message begins.
    #[inline]
    fn advance_to(&mut self, start: usize) {
        self.start = start;
        self.is_detached = false;
        self.header = None;
        self.find_header();
    }

    /// Parses the header of the next message, if it is complete. An invalid one is parsed again
    /// when it is [asked for](Self::header), to return the error.
    #[inline]
    fn find_header(&mut self) {
        self.header = Header::parse(&self.buffer[self.start..self.end]).unwrap_or_default();
    }

    /// Records that the first `count` bytes of the [space](Self::space) were filled.
    ///
    /// # Panics
    /// If the space has fewer bytes.
    pub fn filled(&mut self, count: usize) {
        assert!(
            count <= self.buffer.len() - self.end,
            "more bytes filled than there was space"
        );
        self.end += count;
        if self.header.is_none() {
            self.find_header();
        }
    }

    /// Appends received bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let count = bytes.len().min(space.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.filled(count);
            bytes = &bytes[count..];
        }
    }

    /// Returns the header of the next message, if it is complete.
    ///
    /// # Errors
    /// If the length is negative.
    pub fn header(&self) -> Result<Option<Header>, FrameError> {
        match self.header {
            Some(header) => Ok(Some(header)),
            None => Header::parse(&self.buffer[self.start..self.end]),
        }
    }

    /// Returns `true` if it holds no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end && !self.is_detached
    }

    /// Returns `true` if the next message is complete.
    ///
    /// # Errors
    /// As with [`message`](Self::message).
    pub fn is_complete(&self, limit: usize) -> Result<bool, FrameError> {
        Ok(self.next(limit)?.is_some())
    }

    /// Takes the next message, if it is complete and has at most `limit` bytes.
    ///
    /// # Errors
    /// If it is longer, as soon as the header is complete; if its length is negative.
    pub fn message(&mut self, limit: usize) -> Result<Option<&[u8]>, FrameError> {
        let Some(message) = self.next(limit)? else {
            return Ok(None);
        };
        self.advance_to(message.end);
        Ok(Some(&self.buffer[message]))
    }

    /// Returns `true` if the next message is large and its header was detached.
    pub(crate) const fn is_large(&self) -> bool {
        self.is_detached
    }

    /// Returns the range of the next message in the buffer, if it is complete.
    fn next(&self, limit: usize) -> Result<Option<Range<usize>>, FrameError> {
        let Some(header) = &self.header else {
            // It is incomplete or invalid.
            return self.header().map(|_| None);
        };
        let length = match usize::try_from(header.length) {
            Ok(length) if length <= limit => length,
            _ => {
                let length = header.length;
                return Err(FrameError::TooLarge { length, limit });
            }
        };
        let begin = self.start + self.header_size(header);
        let is_complete = length <= self.end - begin;
        Ok(is_complete.then(|| begin..begin + length))
    }

    /// Returns the number of held bytes that belong to the header.
    fn header_size(&self, header: &Header) -> usize {
        if self.is_detached {
            0
        } else {
            usize::from(header.size)
        }
    }

    /// Takes the next message, like [`message`](Self::message). A large message is not copied if
    /// nothing follows it.
    ///
    /// # Errors
    /// As with [`message`](Self::message).
    pub fn owned_message(&mut self, limit: usize) -> Result<Option<Vec<u8>>, FrameError> {
        Ok(self.take(limit)?.map(Memory::into_vec))
    }

    /// Takes the next message, like [`owned_message`](Self::owned_message), for references to parts
    /// of it.
    #[cfg(feature = "managers")]
    pub(crate) fn shared_message(&mut self, limit: usize) -> Result<Option<Bytes>, FrameError> {
        self.is_shared = true;
        Ok(self.take(limit)?.map(Memory::into_bytes))
    }

    fn take(&mut self, limit: usize) -> Result<Option<Memory>, FrameError> {
        let Some(message) = self.next(limit)? else {
            return Ok(None);
        };
        let is_whole_buffer = self.is_detached && message.start == 0 && message.end == self.end;
        self.advance_to(message.end);
        if !is_whole_buffer {
            return Ok(Some(Memory::Heap(self.buffer[message].to_vec())));
        }
        let mut owned = std::mem::take(&mut self.buffer);
        owned.resize(message.end);
        (self.start, self.end) = (0, 0);
        Ok(Some(owned))
    }

    /// Takes the header and the received part of its message, which is copied to the beginning of
    /// `buffer`. Returns the length of that part. The caller must then read the missing bytes into
    /// the buffer, or return the part with [`put_back`](Self::put_back).
    #[inline]
    pub(crate) fn take_into(&mut self, header: &Header, buffer: &mut [u8]) -> usize {
        let begin = self.start + self.header_size(header);
        let count = buffer.len().min(self.end - begin);
        buffer[..count].copy_from_slice(&self.buffer[begin..begin + count]);
        self.advance_to(begin + count);
        count
    }

    /// Removes the header and the received part of its message. Returns the number of bytes that
    /// the caller must read past.
    #[cfg(feature = "managers")]
    pub(crate) fn skip(&mut self, header: &Header) -> u64 {
        let begin = self.start + self.header_size(header);
        let received = usize::try_from(header.length).unwrap_or(usize::MAX);
        let received = received.min(self.end - begin);
        self.advance_to(begin + received);
        header.length - received as u64
    }

    /// Puts back an incomplete message.
    pub(crate) fn put_back(&mut self, header: &Header, part: &[u8]) {
        debug_assert!(self.is_empty(), "the part was all that it held");
        if header.length > LARGE as u64 {
            self.header = Some(*header);
            self.is_detached = true;
        } else {
            self.feed(header.as_bytes());
        }
        self.feed(part);
    }

    /// Checks that the stream may end at this point: between messages, not within one.
    ///
    /// # Errors
    /// If a frame is incomplete.
    pub fn end(&self) -> Result<(), FrameError> {
        let missing = match self.header()? {
            None if self.is_empty() => return Ok(()),
            None => MissingPart::Header,
            Some(header) => {
                let received = self.end - self.start - self.header_size(&header);
                MissingPart::Bytes(header.length.saturating_sub(received as u64))
            }
        };
        Err(FrameError::Truncated { missing })
    }

    /// Returns the next byte without taking it. The caller knows that it is outside of any frame.
    #[cfg(unix)]
    pub(crate) fn peek_byte(&self) -> Option<u8> {
        self.buffer[self.start..self.end].first().copied()
    }

    /// Takes one byte outside of any frame, if one was received.
    #[cfg(unix)]
    pub(crate) fn take_byte(&mut self) -> Option<u8> {
        let byte = self.peek_byte()?;
        self.advance_to(self.start + 1);
        Some(byte)
    }
}
