//! The read buffer of a connection.

use std::ops::Range;

/// Initial size in bytes, in which nearly every response fits.
const USUAL: usize = 8 << 10;

/// Maximum size in bytes: larger than any part of a response that must be contiguous, and enough to
/// read large bodies with few system calls.
const LARGEST: usize = 256 << 10;

/// A buffer that grows while reads fill it.
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

    /// Returns the space to read into. It is never empty while less than 256 KiB are unread.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.bytes.len() {
            self.bytes.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        &mut self.bytes[self.unread.end..]
    }

    /// Marks `length` bytes of the space as read.
    pub(crate) fn fill(&mut self, length: usize) {
        self.unread.end += length;
        // The read filled the buffer, so there is probably more: double it.
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

    /// Releases the memory that a large response needed.
    pub(crate) fn shrink(&mut self) {
        if self.bytes.len() > USUAL && self.unread.is_empty() {
            *self = Self::new();
        }
    }
}
