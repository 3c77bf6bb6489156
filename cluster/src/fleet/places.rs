//! The places of a window.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places of a window: one for each call under way.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<AtomicUsize>,
    all: usize,
}

/// One place in a window, which is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(super) fn new(all: usize) -> Self {
        Self {
            taken: Arc::default(),
            all,
        }
    }

    /// The number of places.
    pub(super) const fn all(&self) -> usize {
        self.all
    }

    /// Takes a place, if one is free.
    pub(super) fn take(&self) -> Option<Place> {
        let more = |taken| (taken < self.all).then_some(taken + 1);
        let order = Ordering::Relaxed;
        let has_room = self.taken.fetch_update(order, order, more).is_ok();
        has_room.then(|| Place(Arc::clone(&self.taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
