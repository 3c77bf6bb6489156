//! Memory maps for large messages.
//!
//! The C library returns allocations beyond 32 MiB to the system when they are freed, so that each
//! one consists of fresh pages. To provide these in pieces of 4 KiB takes as long as to receive the
//! bytes. A map can ask for pieces of 2 MiB, and is not cleared a second time.

use std::ops::{Deref, DerefMut};

use memmap2::{Advice, MmapMut, MmapOptions};

/// Initialised memory in an anonymous map. The system provides a page when it is first used.
#[derive(Debug)]
pub(super) struct Map {
    map: MmapMut,
    len: usize,
}

impl Map {
    /// Creates a map of `capacity` bytes that begins with these. Returns `None` if the system has
    /// no room for it: address space, or one more map.
    pub(super) fn new(capacity: usize, bytes: &[u8]) -> Option<Self> {
        let mut options = MmapOptions::new();
        let mut map = options.len(capacity).no_reserve_swap().map_anon().ok()?;
        // Without huge pages it is a map of small ones.
        let _ = map.advise(Advice::HugePage);
        map[..bytes.len()].copy_from_slice(bytes);
        let len = bytes.len();
        Some(Self { map, len })
    }

    pub(super) fn capacity(&self) -> usize {
        self.map.len()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Sets the number of bytes.
    ///
    /// # Panics
    /// If it exceeds the capacity.
    pub(super) fn resize(&mut self, length: usize) {
        assert!(length <= self.map.len(), "a map does not grow");
        self.len = length;
    }
}

impl Deref for Map {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.map[..self.len]
    }
}

impl DerefMut for Map {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.map[..self.len]
    }
}

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
