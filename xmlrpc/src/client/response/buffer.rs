//! The bytes that were read and not yet used.

use std::ops::Range;

/// What nearly every answer fits in.
const USUAL: usize = 8 << 10;

/// More than a piece of a response that must be seen as a whole, and enough to read large bodies
/// with few calls of the system.
const LARGEST: usize = 256 << 10;

/// A buffer that is as large as what comes.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    unread: Range<usize>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; USUAL],
            unread: 0..0,
        }
    }

    /// The place to read into. It is never empty as long as less than 256 KiB are unread.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.bytes.len() {
            self.bytes.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        &mut self.bytes[self.unread.end..]
    }

    /// So many bytes were read into the space.
    pub(crate) fn fill(&mut self, length: usize) {
        self.unread.end += length;
        // There is more than fits at once.
        if self.unread.end == self.bytes.len() && self.bytes.len() < LARGEST {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.unread.clone()]
    }

    pub(crate) fn consume(&mut self, length: usize) {
        self.unread.start += length;
    }

    /// Gives back the memory that a large answer needed.
    pub(crate) fn shrink(&mut self) {
        if self.bytes.len() > USUAL && self.unread.is_empty() {
            *self = Self::new();
        }
    }
}
