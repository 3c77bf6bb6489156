//! From messages to bytes.

use rpc_core::all_or_nothing;

use super::{Header, buffer_pool};

/// Turns messages into bytes, and holds those that were not written yet.
#[derive(Debug, Default)]
pub struct Encoder {
    pub(super) buffer: Vec<u8>,
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
        self.push_slices(message.len(), &[message]);
    }

    /// Appends a message of so many bytes that is in pieces.
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

    /// Appends the message that `write` appends to the buffer it is given. After an error or a panic nothing
    /// is appended: half a message would be completed by the next.
    ///
    /// # Errors
    /// That of `write`.
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

    /// While there is nothing to write, there is no buffer.
    fn acquire_buffer(&mut self) {
        if self.buffer.capacity() == 0 {
            self.buffer = buffer_pool::take_write_buffer();
        }
    }

    /// Whether nothing is to be written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How much memory it has, in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Gives up all that was not written.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
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
        self.acquire_buffer();
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
            self.release_buffer();
        }
    }

    /// Gives the buffer back.
    fn release_buffer(&mut self) {
        buffer_pool::release_write_buffer(std::mem::take(&mut self.buffer));
    }
}

/// Appends a message. Where that comes to nothing, be it by a panic, the buffer is not kept for nothing.
struct ReleaseIfEmpty<'a>(&'a mut Encoder);

impl Drop for ReleaseIfEmpty<'_> {
    fn drop(&mut self) {
        if self.0.is_empty() {
            self.0.release_buffer();
        }
    }
}
