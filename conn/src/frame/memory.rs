//! Memory for received bytes.

use std::ops::{Deref, DerefMut};

#[cfg(feature = "managers")]
use bytes::Bytes;

use super::map::Map;

/// Initialised memory, on the heap or in a map of its own.
#[derive(Debug)]
pub(super) enum Memory {
    Heap(Vec<u8>),
    Map(Map),
}

impl Memory {
    /// Returns the number of bytes that it can have without another allocation.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Heap(bytes) => bytes.capacity(),
            Self::Map(map) => map.capacity(),
        }
    }

    /// Returns the memory that it takes, in bytes. Of a map, the system provides only what is used.
    pub(super) const fn size(&self) -> usize {
        match self {
            Self::Heap(bytes) => bytes.capacity(),
            Self::Map(map) => map.len(),
        }
    }

    /// Reserves room for at least `capacity` bytes on the heap.
    pub(super) fn reserve(&mut self, capacity: usize) {
        if let Self::Heap(bytes) = self {
            bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
        }
    }

    /// Moves the first bytes to a map of `capacity` bytes. Returns `false` if the system has none,
    /// or this build.
    pub(super) fn map(&mut self, capacity: usize, bytes: usize) -> bool {
        let Some(map) = Map::new(capacity, &self[..bytes]) else {
            return false;
        };
        *self = Self::Map(map);
        true
    }

    /// Sets the number of bytes. New ones have any content.
    pub(super) fn resize(&mut self, length: usize) {
        match self {
            Self::Heap(bytes) => bytes.resize(length, 0),
            Self::Map(map) => map.resize(length),
        }
    }

    /// Returns the bytes as an owned buffer. Those of a map are copied.
    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Map(map) => map.to_vec(),
        }
    }

    /// Returns the bytes where they are.
    #[cfg(feature = "managers")]
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Heap(bytes) => bytes.into(),
            Self::Map(map) => Bytes::from_owner(map),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Deref for Memory {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Map(map) => map,
        }
    }
}

impl DerefMut for Memory {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Map(map) => map,
        }
    }
}
