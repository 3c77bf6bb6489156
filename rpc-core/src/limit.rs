//! How many calls a server answers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fault::{Fault, FaultKind};

/// The most calls that a server answers at once, over all of its connections. Clones count together.
///
/// A server that has too much to do answers nobody in time, and grows with every caller. One that refuses what is too
/// much answers the others, and whoever is refused knows at once that the call did not run.
///
/// ```
/// use rpc_core::{CallLimit, FaultKind};
///
/// let limit = CallLimit::new(1);
/// limit.check()?;
/// let running = limit.begin();
/// assert_eq!(limit.check().unwrap_err().kind(), FaultKind::Overloaded);
/// drop(running);
/// assert!(limit.check().is_ok());
/// # Ok::<(), rpc_core::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct CallLimit {
    running: Arc<AtomicUsize>,
    max: usize,
}

/// A call that counts against a [`CallLimit`] until this is dropped.
#[derive(Debug)]
#[must_use = "the call no longer counts when this is dropped"]
pub struct CallPermit(Arc<AtomicUsize>);

impl CallLimit {
    /// So many calls at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            running: Arc::default(),
            max,
        }
    }

    /// Says whether there is room for one more call, without counting one: most calls are answered at once, and never
    /// run beside another.
    ///
    /// # Errors
    /// The fault for its caller, of kind [`Overloaded`](FaultKind::Overloaded).
    pub fn check(&self) -> Result<(), Fault> {
        if self.running() >= self.max {
            let message = format!("the server answers {} calls already", self.max);
            return Err(Fault::of(FaultKind::Overloaded, message));
        }
        Ok(())
    }

    /// Counts a call, whether there is room for it or not.
    pub fn begin(&self) -> CallPermit {
        self.running.fetch_add(1, Ordering::Relaxed);
        CallPermit(Arc::clone(&self.running))
    }

    /// How many calls are counted now.
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
    fn a_call_counts_until_it_ends() {
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
