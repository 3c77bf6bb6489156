//! Encoding of messages into frames.

#[cfg(feature = "rpc")]
use std::convert::Infallible;

use farcall_core::protocol::all_or_nothing;

use super::{Header, buffer_pool};

/// Encodes messages into bytes, and holds the bytes that were not written yet.
#[derive(Debug, Default)]
pub struct Encoder {
    pub(super) buffer: Vec<u8>,
    written: usize,
}

impl Encoder {
    /// Creates an encoder without bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a message.
    pub fn push(&mut self, message: &[u8]) {
        self.push_slices(message.len(), &[message]);
    }

    /// Appends a message of `length` bytes, given as slices.
    pub(crate) fn push_slices(&mut self, length: usize, slices: &[&[u8]]) {
        self.acquire_buffer();
        let header = Header::new(length as u64);
        match header.as_short() {
            Some(short) => self.buffer.extend_from_slice(short),
            None => self.buffer.extend_from_slice(header.as_bytes()),
        }
        for slice in slices {
            self.buffer.extend_from_slice(slice);
        }
    }

    /// Appends the message that `write` appends to its argument. After an error or a panic nothing
    /// is appended, since the next message would complete a partial one.
    ///
    /// # Errors
    /// The error of `write`.
    pub fn push_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.acquire_buffer();
        let guard = ReleaseIfEmpty(self);
        all_or_nothing(&mut guard.0.buffer, |buffer| {
            let begin = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            let message = buffer.len();
            write(buffer)?;
            let header = Header::new((buffer.len() - message) as u64);
            match header.as_short() {
                Some(short) => buffer[begin..message].copy_from_slice(short),
                None => {
                    let bytes = header.as_bytes().iter().copied();
                    drop(buffer.splice(begin..message, bytes));
                }
            }
            Ok(())
        })
    }

    /// Appends the message that `write` appends to its argument, and returns its length.
    #[cfg(feature = "rpc")]
    pub(crate) fn push_message(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut length = 0;
        let pushed: Result<(), Infallible> = self.push_with(|out| {
            let begin = out.len();
            write(out);
            length = out.len() - begin;
            Ok(())
        });
        let Ok(()) = pushed;
        length
    }

    /// Takes a buffer from the pool, if it has none: an encoder without bytes holds no buffer.
    fn acquire_buffer(&mut self) {
        if self.buffer.capacity() == 0 {
            self.buffer = buffer_pool::take_write_buffer();
        }
    }

    /// Returns `true` if there is nothing to write.
    pub(crate) const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Returns the allocated memory in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Discards all unwritten bytes.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves the unwritten bytes of `other` behind its own.
    #[cfg(feature = "rpc")]
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else if !other.is_empty() {
            self.buffer.extend_from_slice(other.unwritten());
            other.wrote(other.unwritten().len());
        }
    }

    /// Appends bytes as they are: a frame, or the rest of one.
    pub(crate) fn push_raw(&mut self, bytes: &[u8]) {
        self.acquire_buffer();
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the bytes to write next.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Records that the first `count` [unwritten](Self::unwritten) bytes were written.
    ///
    /// # Panics
    /// If there are fewer unwritten bytes.
    #[inline]
    pub fn wrote(&mut self, count: usize) {
        self.written += count;
        assert!(
            self.written <= self.buffer.len(),
            "more bytes written than there were"
        );
        if self.written == self.buffer.len() {
            self.written = 0;
            self.release_buffer();
        }
    }

    /// Returns the buffer to the pool.
    fn release_buffer(&mut self) {
        buffer_pool::release_write_buffer(std::mem::take(&mut self.buffer));
    }
}

/// Releases the buffer on drop, if a failed or panicked append left the encoder empty.
struct ReleaseIfEmpty<'a>(&'a mut Encoder);

impl Drop for ReleaseIfEmpty<'_> {
    fn drop(&mut self) {
        if self.0.is_empty() {
            self.0.release_buffer();
        }
    }
}
