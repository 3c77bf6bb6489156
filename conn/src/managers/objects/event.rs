//! Events: `threading.Event`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, block_on, names, no_method, timeout_of,
    within,
};
use crate::managers::wire::Exception;

/// Flag that callers wait for, as `threading.Event` in Python.
#[derive(Debug, Default)]
pub struct Event {
    is_set: AtomicBool,
    changed: Notify,
}

impl Event {
    /// Creates an event that is not set.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the event. All who wait continue, even if it is cleared at once.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Clears the event.
    pub fn clear(&self) {
        self.is_set.store(false, Ordering::Release);
    }

    /// Returns `true` if the event is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Completes when the event is set.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn wait(&self) {
        let changed = self.changed.notified();
        if !self.is_set() {
            changed.await;
        }
    }

    /// Waits like [`wait`](Self::wait), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// `RuntimeError` within async code.
    pub fn blocking_wait(&self) -> Result<(), Exception> {
        block_on(self.wait())
    }
}

impl SharedObject for Event {
    fn exposed(&self) -> Vec<String> {
        names(&["clear", "is_set", "set", "wait"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "is_set" => Answer::boolean(self.is_set()),
            "set" => {
                self.set();
                Answer::none()
            }
            "clear" => {
                self.clear();
                Answer::none()
            }
            "wait" => {
                let [timeout] = call.bind(["timeout"], 0)?;
                let timeout = timeout_of(timeout.as_ref())?;
                Answer::later(async move {
                    let waited = within(timeout, self.wait()).await;
                    Outcome::boolean(waited.is_some() || self.is_set())
                })
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let state = if self.is_set() { "set" } else { "unset" };
        format!("<threading.Event: {state}>")
    }
}
