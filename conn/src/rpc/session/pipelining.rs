//! How a call is asked to promise the object that it will return.

use std::cell::RefCell;
use std::sync::Arc;

use super::object::Promise;

/// Whether the next call of this thread is asked for a promise, and the promise.
enum PromiseSlot {
    Closed,
    Open,
    Filled(Arc<Promise>),
}

thread_local! {
    /// Where a call leaves its promise, if one is asked for.
    static PROMISE_SLOT: RefCell<PromiseSlot> = const { RefCell::new(PromiseSlot::Closed) };
}

/// Whether the next call is to be a promise.
pub(super) fn is_promise_requested() -> bool {
    PROMISE_SLOT.with_borrow(|slot| matches!(slot, PromiseSlot::Open))
}

pub(super) fn store(promise: Arc<Promise>) {
    PROMISE_SLOT.set(PromiseSlot::Filled(promise));
}

/// Puts back what was, after a panic too.
struct PromiseScope(Option<PromiseSlot>);

impl PromiseScope {
    fn open() -> Self {
        Self(Some(PROMISE_SLOT.replace(PromiseSlot::Open)))
    }

    fn close(mut self) -> PromiseSlot {
        PROMISE_SLOT.replace(self.0.take().unwrap_or(PromiseSlot::Closed))
    }
}

impl Drop for PromiseScope {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            PROMISE_SLOT.set(outer);
        }
    }
}

/// Polls what makes a call, and gives the promise of its result if it made one.
pub(in crate::rpc) fn capture_promise<T>(poll: impl FnOnce() -> T) -> (T, Option<Arc<Promise>>) {
    let slot = PromiseScope::open();
    let polled = poll();
    match slot.close() {
        PromiseSlot::Filled(promise) => (polled, Some(promise)),
        PromiseSlot::Open | PromiseSlot::Closed => (polled, None),
    }
}
