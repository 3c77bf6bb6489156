//! From bytes to messages.

use std::ops::Range;

use super::{FrameError, Header, MissingPart, buffer_pool};

/// Room for what the next read brings, when nothing is known of it.
const READ_AHEAD: usize = 8 * 1024;

/// How much of a message longer than that is read at once. Its memory doubles as it arrives, so that a peer has to
/// send memory before it takes memory; and is cleared only so far ahead, so that it is still in the cache of the CPU
/// when it is filled.
pub(super) const LARGE: usize = 64 * 1024;

/// What is kept of a buffer once a large message is through.
pub(super) const MAX_IDLE_BUFFER: usize = 256 * 1024;

/// Turns bytes into messages.
///
/// It holds the bytes that came and were not taken yet. Its memory grows with what was received,
/// never with what a header announces.
#[derive(Debug, Default)]
pub struct Decoder {
    /// All of it is initialised; `start..end` has the bytes.
    pub(super) buffer: Vec<u8>,
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
        let space = self.prepare();
        &mut self.buffer[space]
    }

    /// Makes the [space](Self::space), and tells where in the buffer it is.
    pub(crate) fn prepare(&mut self) -> Range<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.large.is_none() {
                if !(READ_AHEAD..=MAX_IDLE_BUFFER).contains(&self.buffer.len()) {
                    self.buffer = buffer_pool::take_read_buffer(READ_AHEAD);
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
        let until = match self.large {
            Some(_) => self.start + wanted,
            None => self.buffer.len(),
        };
        self.end..until
    }

    /// The space that was [made](Self::prepare) there.
    pub(crate) fn prepared(&mut self, space: Range<usize>) -> &mut [u8] {
        &mut self.buffer[space]
    }

    /// How much memory it has, in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Gives up all that came and was not taken.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Prepares [space](Self::space) for no more than what is missing of the next message, or of its header if that is
    /// not known yet: nothing behind it is read.
    #[cfg(unix)]
    pub(crate) fn prepare_exact(&mut self) -> Range<usize> {
        let missing = self.missing();
        let Range { start, end } = self.prepare();
        start..end.min(start.saturating_add(missing))
    }

    /// How many bytes are missing of the next message, as far as is known; at least one.
    #[cfg(unix)]
    fn missing(&self) -> usize {
        let held = self.end - self.start;
        let known = match self.header() {
            Ok(Some(header)) => usize::try_from(header.length)
                .unwrap_or(usize::MAX)
                .saturating_add(self.header_size(&header)),
            // It begins like one that is longer.
            _ if held >= 4 => 12,
            _ => 4,
        };
        known.saturating_sub(held).max(1)
    }

    /// Takes note that nothing comes for now: while there is nothing to hold, it holds no memory either.
    pub(crate) fn release_buffer(&mut self) {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            buffer_pool::release_read_buffer(std::mem::take(&mut self.buffer));
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
            frame.min(held + LARGE)
        }
    }

    /// Makes the buffer at least so long.
    fn grow(&mut self, length: usize) {
        if self.buffer.len() >= length {
            return;
        }
        if let Some(header) = self.large {
            let frame = usize::try_from(header.length).unwrap_or(usize::MAX);
            let room = frame.min((self.end * 2).max(length));
            self.buffer
                .reserve_exact(room.saturating_sub(self.buffer.len()));
        }
        self.buffer.resize(length, 0);
    }

    /// Takes the header off a large message of which only a part came.
    fn detach_header(&mut self) {
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
        let received = length <= self.end - begin;
        Ok(received.then(|| begin..begin + length))
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
            None => MissingPart::Header,
            Some(header) => {
                let received = self.end - self.start - self.header_size(&header);
                MissingPart::Bytes(header.length.saturating_sub(received as u64))
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
    pub(crate) fn take_byte(&mut self) -> Option<u8> {
        let byte = self.peek_byte()?;
        self.start += 1;
        Some(byte)
    }
}
