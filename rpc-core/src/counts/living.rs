//! The values of one type that exist in this process.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The shared states of one type, as long as they exist.
pub(crate) struct Living<T>(Mutex<List<T>>);

struct List<T> {
    all: Vec<Weak<T>>,
    /// The length at which those that are gone are removed.
    full: usize,
}

impl<T> Living<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(List {
            all: Vec::new(),
            full: 16,
        }))
    }

    /// Adds a state.
    pub(crate) fn add(&self, state: &Arc<T>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if list.all.len() >= list.full {
            list.all.retain(|other| other.strong_count() > 0);
            list.full = (2 * list.all.len()).max(16);
        }
        list.all.push(Arc::downgrade(state));
    }

    /// Returns all states.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.all.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_makes_room() {
        static ALL: Living<usize> = Living::new();
        let kept = Arc::new(5);
        ALL.add(&kept);
        for number in 0..10_000 {
            ALL.add(&Arc::new(number));
        }
        assert_eq!(ALL.all(), [Arc::clone(&kept)]);
        assert!(ALL.0.lock().unwrap().all.len() <= 16);
    }
}
