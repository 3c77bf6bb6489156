//! Locks, semaphores and conditions.
//!
//! To CPython, whoever acquires a lock is the thread that serves the connection. So a guard keeps
//! the connection for as long as it has the lock: `RLock` and `Condition` check who releases them.

use std::time::Duration;

use farcall_core::CallError;
use farcall_core::protocol::Args;
use serde::de::DeserializeOwned;

use super::typed_proxy;
use crate::managers::client::lease::Lease;
use crate::managers::client::proxy::Proxy;

typed_proxy! {
    /// A `Lock`, `RLock`, `Semaphore` or `BoundedSemaphore` of a manager.
    ///
    /// ```no_run
    /// # use farcall::conn::managers::{Client, LockProxy};
    /// # async fn example(manager: Client) -> Result<(), farcall::CallError> {
    /// let lock: LockProxy = manager.create("RLock", ()).await?;
    /// let guard = lock.acquire().await?;
    /// // …
    /// guard.release().await?;
    /// # Ok(())
    /// # }
    /// ```
    LockProxy
}

typed_proxy! {
    /// A `Condition` of a manager.
    ///
    /// ```no_run
    /// # use farcall::conn::managers::{Client, ConditionProxy};
    /// # use farcall::CallError;
    /// # async fn example(manager: Client, is_ready: fn() -> bool) -> Result<(), CallError> {
    /// let condition: ConditionProxy = manager.create("Condition", ()).await?;
    /// let mut guard = condition.acquire().await?;
    /// while !is_ready() {
    ///     guard = guard.wait().await?;
    /// }
    /// guard.notify_all().await?;
    /// guard.release().await?;
    /// # Ok(())
    /// # }
    /// ```
    ConditionProxy
}

/// A lock that was acquired, with the connection that owns it.
///
/// It releases the lock when it is dropped, in the background and without telling of errors. If the
/// connection breaks, or the program ends before, a manager in CPython never releases the lock; one
/// in Rust does.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard(Option<Held>);

struct Held {
    proxy: Proxy,
    lease: Lease,
    step: Step,
}

/// The state of the lock, as far as it was asked for.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Acquiring,
    Acquired,
    Releasing,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.proxy.fmt(f)
    }
}

impl Held {
    async fn call<R: DeserializeOwned>(
        &mut self,
        method: &str,
        args: impl Args + Sync,
    ) -> Result<R, CallError> {
        self.proxy.call_over(&mut self.lease, method, args).await
    }

    async fn release(&mut self) -> Result<(), CallError> {
        // From here on, the request is either not begun, or sent.
        self.lease.settle().await;
        self.step = Step::Releasing;
        let released = self.call("release", ()).await;
        self.lease.close_when_abandoned();
        released
    }

    /// Completes what was begun by a future that was dropped, and releases the lock.
    async fn finish(mut self) {
        let is_held = match self.step {
            Step::Acquired => true,
            Step::Acquiring => {
                let reply = self.lease.receive().await;
                let acquired = reply.and_then(|message| self.proxy.answer(message));
                acquired.is_ok_and(|reply| self.proxy.decode(&reply).unwrap_or(false))
            }
            Step::Releasing => {
                self.lease.settle().await;
                false
            }
        };
        if is_held {
            // Nobody can be told of an error.
            let _ = self.release().await;
        }
    }
}

impl LockGuard {
    /// Acquires a lock. If the future is dropped, the lock is released as soon as it is acquired: a
    /// server cannot stop to wait for a lock.
    async fn acquire(
        proxy: &Proxy,
        args: impl Args + Send + Sync,
    ) -> Result<Option<Self>, CallError> {
        let held = Held {
            proxy: proxy.clone(),
            lease: proxy.lease().await?,
            step: Step::Acquiring,
        };
        let mut guard = Self(Some(held));
        let Some(held) = &mut guard.0 else {
            return Ok(None);
        };
        let acquired = held.call("acquire", args).await;
        if let Ok(true) = acquired {
            held.step = Step::Acquired;
            return Ok(Some(guard));
        }
        guard.0 = None;
        acquired.map(|_| None)
    }

    async fn acquire_for_ever(proxy: &Proxy) -> Result<Self, CallError> {
        match Self::acquire(proxy, (true,)).await? {
            Some(guard) => Ok(guard),
            None => Err(CallError::NotAReply("a lock was not acquired".into())),
        }
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The lock is released nevertheless.
    pub async fn release(mut self) -> Result<(), CallError> {
        let Some(held) = &mut self.0 else {
            return Ok(());
        };
        let released = held.release().await;
        self.0 = None;
        released
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            let runtime = held.proxy.link().runtime.clone();
            runtime.spawn(held.finish());
        }
    }
}

fn joined<T>(result: Result<Result<T, CallError>, tokio::task::JoinError>) -> Result<T, CallError> {
    result.map_err(|error| CallError::Lost(Box::new(error)))?
}

impl LockProxy {
    /// Acquires the lock, or one of the permits of a semaphore.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the lock is released once it is acquired.
    pub async fn acquire(&self) -> Result<LockGuard, CallError> {
        LockGuard::acquire_for_ever(&self.0).await
    }

    /// Acquires it within a time. `None` if that was not possible.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// As with [`acquire`](Self::acquire).
    pub async fn acquire_within(&self, time: Duration) -> Result<Option<LockGuard>, CallError> {
        LockGuard::acquire(&self.0, (true, time.as_secs_f64())).await
    }

    /// Acquires it if that is possible now.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// As with [`acquire`](Self::acquire).
    pub async fn try_acquire(&self) -> Result<Option<LockGuard>, CallError> {
        LockGuard::acquire(&self.0, (false,)).await
    }
}

impl ConditionProxy {
    /// Acquires the lock of the condition.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the lock is released once it is acquired.
    pub async fn acquire(&self) -> Result<ConditionGuard, CallError> {
        LockGuard::acquire_for_ever(&self.0)
            .await
            .map(ConditionGuard)
    }
}

/// The acquired lock of a condition. See [`LockGuard`].
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct ConditionGuard(LockGuard);

impl ConditionGuard {
    /// Releases the lock, waits for a notification, and acquires the lock again.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the lock is released after the next notification.
    pub async fn wait(self) -> Result<Self, CallError> {
        let (guard, _) = self.waited(()).await?;
        Ok(guard)
    }

    /// Waits as [`wait`](Self::wait) does, for at most a time. `false` if the time has passed.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// As with [`wait`](Self::wait).
    pub async fn wait_within(self, time: Duration) -> Result<(Self, bool), CallError> {
        self.waited((time.as_secs_f64(),)).await
    }

    async fn waited(
        mut self,
        args: impl Args + Send + Sync + 'static,
    ) -> Result<(Self, bool), CallError> {
        let runtime = self.held()?.proxy.link().runtime.clone();
        // The lock is acquired again in any case.
        let waiting = runtime.spawn(async move {
            let notified = self.call::<bool>("wait", args).await?;
            Ok((self, notified))
        });
        joined(waiting.await)
    }

    /// Wakes at most this number of those that wait.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// They may be woken nevertheless.
    pub async fn notify(&mut self, count: usize) -> Result<(), CallError> {
        self.call("notify", (count,)).await
    }

    /// Wakes all that wait.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// They may be woken nevertheless.
    pub async fn notify_all(&mut self) -> Result<(), CallError> {
        self.call("notify_all", ()).await
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The lock is released nevertheless.
    pub async fn release(self) -> Result<(), CallError> {
        self.0.release().await
    }

    fn held(&mut self) -> Result<&mut Held, CallError> {
        let held = self.0.0.as_mut();
        held.ok_or_else(|| CallError::NotSent("the lock was released".into()))
    }

    async fn call<R: DeserializeOwned>(
        &mut self,
        method: &str,
        args: impl Args + Send + Sync,
    ) -> Result<R, CallError> {
        self.held()?.call(method, args).await
    }
}
