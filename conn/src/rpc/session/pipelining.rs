//! The request for a promise, which [`Pipelined`](crate::rpc::Pipelined) passes to the call it
//! polls.

use std::cell::RefCell;
use std::sync::Arc;

use super::object::Promise;

/// State of the request for a promise on this thread.
enum PromiseSlot {
    Closed,
    Open,
    Filled(Arc<Promise>),
}

thread_local! {
    /// Slot in which a call stores its promise, if one is requested.
    static PROMISE_SLOT: RefCell<PromiseSlot> = const { RefCell::new(PromiseSlot::Closed) };
}

/// Returns `true` if the next call on this thread should create a promise.
pub(super) fn is_promise_requested() -> bool {
    PROMISE_SLOT.with_borrow(|slot| matches!(slot, PromiseSlot::Open))
}

/// Stores the promise of a call for [`capture_promise`].
pub(super) fn store(promise: Arc<Promise>) {
    PROMISE_SLOT.set(PromiseSlot::Filled(promise));
}

/// Restores the previous slot, also after a panic.
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

/// Polls a future that makes a call. Returns the promise of its result, if the call created one.
pub(in crate::rpc) fn capture_promise<T>(poll: impl FnOnce() -> T) -> (T, Option<Arc<Promise>>) {
    let slot = PromiseScope::open();
    let polled = poll();
    match slot.close() {
        PromiseSlot::Filled(promise) => (polled, Some(promise)),
        PromiseSlot::Open | PromiseSlot::Closed => (polled, None),
    }
}
