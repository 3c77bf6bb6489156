//! A waker that leaves word: whoever is woken can ask what for.
//!
//! Types that are shared between threads come from `crate::shared`, so that a model checker can take their
//! place: `tests/bell.rs` tries all orders in which two threads can get here.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::shared::{AtomicBool, Mutex, Ordering, PoisonError};

/// Rung as a [`Waker`], heard by a task.
pub(crate) struct Bell {
    rang: AtomicBool,
    task: Mutex<Waker>,
}

impl Bell {
    /// One that rang already, and that nobody hears yet.
    pub(crate) fn new() -> Self {
        Self {
            rang: AtomicBool::new(true),
            task: Mutex::new(Waker::noop().clone()),
        }
    }

    /// Has this task woken from now on. What rang before is still to be [heard](Self::hear).
    pub(crate) fn wakes(&self, task: &Waker) {
        let mut heard_by = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        heard_by.clone_from(task);
    }

    /// Rings without waking anyone.
    pub(crate) fn leave_word(&self) {
        // What this gives back is of no use, but that it is an exchange like the one below is: exchanges are in one
        // order, in which each sees the one before.
        let _ = self.rang.swap(true, Ordering::Release);
    }

    /// Whether it rang since this was asked last. What happened before it rang is seen after this.
    pub(crate) fn hear(&self) -> bool {
        // A store would not do: it could take back a ring without seeing what that was for. The load before it
        // costs less, and it is nearly always all.
        self.rang.load(Ordering::Relaxed) && self.rang.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.leave_word();
        let task = {
            let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            task.clone()
        };
        task.wake();
    }
}
