//! Conditions: `threading.Condition`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::locks::{AnyLock, RLock};
use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, debug_by_repr, lock, names, no_method,
    timeout_of, within,
};
use crate::managers::wire::Exception;

/// Condition that callers wait for while they have its lock, as `threading.Condition` in Python.
/// They are woken in the order in which they came.
pub struct Condition {
    lock: AnyLock,
    waiters: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl Condition {
    /// Creates a condition with a lock of its own, an [`RLock`].
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::with_lock(AnyLock::Reentrant(RLock::new()))
    }

    fn with_lock(lock: AnyLock) -> Arc<Self> {
        Arc::new(Self {
            lock,
            waiters: Mutex::default(),
        })
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [given] = call.bind(["lock"], 0)?;
        let Some(given) = given.filter(|given| !given.is_none()) else {
            return Ok(Self::new());
        };
        match given.referent().and_then(AnyLock::of) {
            Some(lock) => Ok(Self::with_lock(lock)),
            None => Err(Exception::with_text(
                "TypeError",
                "the lock of a condition must be a Lock or RLock of the same manager",
            )),
        }
    }

    /// Wakes those who wait, at most `count` of them. Those whose client has gone do not count.
    fn notify(&self, count: usize) {
        let mut waiters = lock(&self.waiters);
        let mut left = count;
        while left > 0
            && let Some(waiter) = waiters.pop_front()
        {
            left -= usize::from(waiter.send(()).is_ok());
        }
    }

    /// Returns an error unless the caller has the lock.
    fn check_owned(&self, caller: u64, what: &str) -> Raises<()> {
        if self.lock.is_owned(caller) {
            return Ok(());
        }
        let text = format!("cannot {what} on un-acquired lock");
        Err(Exception::with_text("RuntimeError", text))
    }

    async fn wait(&self, caller: u64, timeout: Option<f64>) -> bool {
        let (waker, woken) = oneshot::channel();
        {
            let mut waiters = lock(&self.waiters);
            waiters.retain(|waiter| !waiter.is_closed());
            waiters.push_back(waker);
        }
        let count = self.lock.release_all(caller);
        let is_woken = within(timeout, woken).await.is_some();
        self.lock.acquire(caller, count).await;
        is_woken
    }
}

impl SharedObject for Condition {
    fn exposed(&self) -> Vec<String> {
        names(&["acquire", "notify", "notify_all", "release", "wait"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        let caller = call.caller;
        match &*call.method {
            "acquire" | "release" => self.lock.call(call),
            "wait" => {
                let [timeout] = call.bind(["timeout"], 0)?;
                let timeout = timeout_of(timeout.as_ref())?;
                self.check_owned(caller, "wait")?;
                Answer::later(async move { Outcome::boolean(self.wait(caller, timeout).await) })
            }
            "notify" => {
                let [count] = call.bind(["n"], 0)?;
                let count = match count {
                    None => 1,
                    Some(count) => count.value()?.as_i64().ok_or_else(|| {
                        Exception::with_text("TypeError", "the number to notify must be an int")
                    })?,
                };
                self.check_owned(caller, "notify")?;
                self.notify(usize::try_from(count).unwrap_or(0));
                Answer::none()
            }
            "notify_all" => {
                self.check_owned(caller, "notify")?;
                self.notify(usize::MAX);
                Answer::none()
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let waiting = lock(&self.waiters).len();
        format!("<Condition({waiting} waiting)>")
    }

    fn release(&self, caller: u64) {
        if let AnyLock::Reentrant(lock) = &self.lock {
            lock.release(caller);
        }
    }
}

debug_by_repr!(Condition);
