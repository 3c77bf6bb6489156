//! The signal that a caller no longer waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// The signal that a caller no longer waits. Clones share one signal.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<Signal>);

/// A flag and its waiters. Each call has one, so it is smaller than a `CancellationToken`, which
/// has parents and children.
#[derive(Debug, Default)]
struct Signal {
    is_cancelled: AtomicBool,
    cancelled: Notify,
}

impl Cancellation {
    /// Signals the cancellation.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Release);
        self.0.cancelled.notify_waiters();
    }

    /// Returns `true` if [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Acquire)
    }

    /// Completes when [`cancel`](Self::cancel) is called.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn cancelled(&self) {
        // A waiter counts from its creation. The flag is read after that, so that no cancellation
        // in between is missed.
        let cancelled = self.0.cancelled.notified();
        if !self.is_cancelled() {
            cancelled.await;
        }
    }

    /// Returns `true` if there is no other clone, so that nobody can observe the signal.
    #[must_use]
    pub fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Returns `true` if both share one signal.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns a guard that cancels when it is dropped.
    #[must_use]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }
}

/// Cancels its [`Cancellation`] when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        // After most calls, nobody observes the signal any more.
        if !self.0.is_unshared() {
            self.0.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_cancels_when_it_is_dropped() {
        let cancellation = Cancellation::default();
        let guard = cancellation.cancel_on_drop();
        assert!(!cancellation.is_cancelled());
        drop(guard);
        assert!(cancellation.is_cancelled());
    }
}
