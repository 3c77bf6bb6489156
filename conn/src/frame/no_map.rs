//! The place of memory maps in builds without them.

use std::ops::{Deref, DerefMut};

/// A memory map, which this build does not have.
#[derive(Debug)]
pub(super) enum Map {}

impl Map {
    pub(super) const fn new(_capacity: usize, _bytes: &[u8]) -> Option<Self> {
        None
    }

    pub(super) const fn capacity(&self) -> usize {
        match *self {}
    }

    pub(super) const fn len(&self) -> usize {
        match *self {}
    }

    pub(super) const fn resize(&mut self, _length: usize) {
        match *self {}
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match *self {}
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut [u8] {
        match *self {}
    }
}

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
