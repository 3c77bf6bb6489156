//! Objects that calls will return, and how a call is asked to promise one.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use rpc_core::{CallError, Payload};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Lifeline;
use super::object::Object;
use crate::rpc::error::{NoObject, PromiseFailed};

/// The object that a call will return.
pub(in crate::rpc) struct Promise {
    pub(in crate::rpc) session: Arc<Lifeline>,
    pub(in crate::rpc) call: u64,
    /// Until when the call may take.
    deadline: Option<Instant>,
    outcome: OnceLock<Result<Object, Arc<CallError>>>,
    settled: Notify,
}

impl Promise {
    pub(in crate::rpc) fn new(
        session: Arc<Lifeline>,
        call: u64,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            session,
            call,
            deadline,
            outcome: OnceLock::new(),
            settled: Notify::new(),
        }
    }

    pub(in crate::rpc) fn outcome(&self) -> Option<&Result<Object, Arc<CallError>>> {
        self.outcome.get()
    }

    /// Says what became of the call, and gives back what is to be dropped where the session is not
    /// locked. Those who wait are told by [`notify`](Self::notify).
    pub(in crate::rpc) fn settle(&self, result: Result<Payload, CallError>) -> Option<Payload> {
        let (outcome, rest) = match result {
            Ok(reply) => {
                let object = Object::first(reply.attachments());
                let missing = || Arc::new(CallError::NotAReply(Box::new(NoObject)));
                (object.ok_or_else(missing), Some(reply))
            }
            Err(error) => (Err(Arc::new(error)), None),
        };
        // A call ends once.
        let _ = self.outcome.set(outcome);
        rest
    }

    /// Wakes those who wait for the outcome.
    pub(in crate::rpc) fn notify(&self) {
        self.settled.notify_waiters();
    }

    /// Waits for the object.
    pub(in crate::rpc) async fn settled(&self) -> Result<Object, CallError> {
        loop {
            let settled = self.settled.notified();
            if let Some(outcome) = self.outcome() {
                return outcome.clone().map_err(PromiseFailed::of_itself);
            }
            match self.deadline {
                None => settled.await,
                Some(deadline) => {
                    if timeout_at(deadline, settled).await.is_err() {
                        self.session.promise_expired(self.call);
                    }
                }
            }
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.outcome.get().is_none() {
            self.session.give_up(self.call);
        }
    }
}

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
