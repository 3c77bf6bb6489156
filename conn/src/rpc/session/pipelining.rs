//! How a call is asked to promise the object that it will return.

use std::cell::RefCell;
use std::sync::Arc;

use super::object::Promise;

/// Whether the next call of this thread is asked for a promise, and the promise.
enum Slot {
    Closed,
    Open,
    Filled(Arc<Promise>),
}

thread_local! {
    /// Where a call leaves its promise, if one is asked for.
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::Closed) };
}

/// Whether the next call is to be a promise.
pub(super) fn is_asked_for() -> bool {
    SLOT.with_borrow(|slot| matches!(slot, Slot::Open))
}

pub(super) fn give(promise: Arc<Promise>) {
    SLOT.set(Slot::Filled(promise));
}

/// Puts back what was, after a panic too.
struct Restore(Option<Slot>);

impl Restore {
    fn open() -> Self {
        Self(Some(SLOT.replace(Slot::Open)))
    }

    fn close(mut self) -> Slot {
        SLOT.replace(self.0.take().unwrap_or(Slot::Closed))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            SLOT.set(outer);
        }
    }
}

/// Polls what makes a call, and gives the promise of its result if it made one.
pub(in crate::rpc) fn asking<T>(poll: impl FnOnce() -> T) -> (T, Option<Arc<Promise>>) {
    let slot = Restore::open();
    let polled = poll();
    match slot.close() {
        Slot::Filled(promise) => (polled, Some(promise)),
        Slot::Open | Slot::Closed => (polled, None),
    }
}
