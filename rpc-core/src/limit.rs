//! A limit on the calls that a server runs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counts::{Refusal, refused};
use crate::fault::{Fault, FaultKind};

/// The maximum number of calls that a server runs at once, over all of its connections. Clones
/// share the count.
///
/// An overloaded server without a limit answers no call in time, and its memory grows with every
/// caller. A server with a limit answers the calls that it accepts, and the callers it refuses know
/// at once that their calls did not run.
///
/// ```
/// use farcall::FaultKind;
/// use farcall::protocol::CallLimit;
///
/// let limit = CallLimit::new(1);
/// limit.check()?;
/// let running = limit.begin();
/// assert_eq!(limit.check().unwrap_err().kind(), FaultKind::Overloaded);
/// drop(running);
/// assert!(limit.check().is_ok());
/// # Ok::<(), farcall::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct CallLimit {
    running: Arc<AtomicUsize>,
    max: usize,
}

/// One running call, counted against a [`CallLimit`] until this is dropped.
#[derive(Debug)]
#[must_use = "the call no longer counts when this is dropped"]
pub struct CallPermit(Arc<AtomicUsize>);

impl CallLimit {
    /// Returns a limit of `max` calls at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            running: Arc::default(),
            max,
        }
    }

    /// Checks that there is room for one more call, without counting it: most calls complete at
    /// once and never run concurrently.
    ///
    /// # Errors
    /// A fault of kind [`Overloaded`](FaultKind::Overloaded) for the caller.
    #[inline]
    pub fn check(&self) -> Result<(), Fault> {
        if self.running() >= self.max {
            return Err(self.refusal());
        }
        Ok(())
    }

    #[cold]
    fn refusal(&self) -> Fault {
        refused(Refusal::Calls);
        let message = format!("the server already runs its maximum of {} calls", self.max);
        Fault::of(FaultKind::Overloaded, message)
    }

    /// Counts a call, even beyond the limit.
    pub fn begin(&self) -> CallPermit {
        self.running.fetch_add(1, Ordering::Relaxed);
        CallPermit(Arc::clone(&self.running))
    }

    /// The number of calls that are counted now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_until_its_permit_is_dropped() {
        let limit = CallLimit::new(2);
        let running = [limit.begin(), limit.clone().begin()];
        for _ in 0..3 {
            let fault = limit.check().unwrap_err();
            assert!(fault.kind().is_refusal(), "{fault}");
        }
        assert_eq!(limit.running(), 2);
        drop(running);
        assert_eq!(limit.running(), 0);
        assert!(limit.check().is_ok());
    }
}
