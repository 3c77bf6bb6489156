//! Events and barriers.

use std::time::Duration;

use farcall_core::{CallError, Caller as _};

use super::{typed_proxy, unless_raised};

typed_proxy! {
    /// An `Event` of a manager.
    EventProxy
}

typed_proxy! {
    /// A `Barrier` of a manager.
    BarrierProxy
}

impl EventProxy {
    /// Returns `true` if it is set.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_set(&self) -> Result<bool, CallError> {
        self.0.call("is_set", ()).await
    }

    /// Sets it.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be set nevertheless.
    pub async fn set(&self) -> Result<(), CallError> {
        self.0.call("set", ()).await
    }

    /// Clears it.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be cleared nevertheless.
    pub async fn clear(&self) -> Result<(), CallError> {
        self.0.call("clear", ()).await
    }

    /// Waits until it is set.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn wait(&self) -> Result<(), CallError> {
        self.0.wait_for::<bool>("wait", ()).await.map(drop)
    }

    /// Waits until it is set, or for a time. `true` if it is set.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn wait_within(&self, time: Duration) -> Result<bool, CallError> {
        self.0.wait_for("wait", (time.as_secs_f64(),)).await
    }
}

const BROKEN: &str = "threading.BrokenBarrierError";

impl BarrierProxy {
    /// Waits until all parties have come. Returns the number of the caller, from 0 on; `None` if
    /// the barrier is broken.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, a manager in CPython counts the caller nevertheless.
    pub async fn wait(&self) -> Result<Option<usize>, CallError> {
        unless_raised(self.0.wait_for("wait", ()).await, BROKEN)
    }

    /// Waits until all parties have come. The barrier breaks after a time.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// As with [`wait`](Self::wait).
    pub async fn wait_within(&self, time: Duration) -> Result<Option<usize>, CallError> {
        unless_raised(self.0.wait_for("wait", (time.as_secs_f64(),)).await, BROKEN)
    }

    /// Breaks the barrier.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may break nevertheless.
    pub async fn abort(&self) -> Result<(), CallError> {
        self.0.call("abort", ()).await
    }

    /// Returns the barrier to its first state.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be reset nevertheless.
    pub async fn reset(&self) -> Result<(), CallError> {
        self.0.call("reset", ()).await
    }

    /// Returns the number of parties that it waits for.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn parties(&self) -> Result<usize, CallError> {
        self.0.call("__getattribute__", ("parties",)).await
    }

    /// Returns the number of parties that wait.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn waiting(&self) -> Result<usize, CallError> {
        self.0.call("__getattribute__", ("n_waiting",)).await
    }

    /// Returns `true` if it is broken.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_broken(&self) -> Result<bool, CallError> {
        self.0.call("__getattribute__", ("broken",)).await
    }
}
