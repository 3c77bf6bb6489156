//! Results of calls that go on in the background: `multiprocessing.pool.AsyncResult`.

use std::sync::Arc;

use tokio::sync::watch;

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, Stored, debug_by_repr, names, no_method,
    timeout_of, within,
};
use crate::managers::wire::Exception;

/// Class of the exception of a `get` that took too long.
const TIMEOUT: &str = "multiprocessing.context.TimeoutError";

/// Result that may not be there yet.
pub(crate) struct AsyncResult {
    result: watch::Receiver<Option<Raises<Stored>>>,
}

impl AsyncResult {
    /// Starts a task, and returns its result.
    pub(crate) fn spawn(task: impl Future<Output = Raises<Stored>> + Send + 'static) -> Arc<Self> {
        let (sender, result) = watch::channel(None);
        tokio::spawn(async move { sender.send_replace(Some(task.await)) });
        Arc::new(Self { result })
    }

    fn is_ready(&self) -> bool {
        self.result.borrow().is_some()
    }

    /// Returns the result once it is there, or `None` after a time.
    async fn wait(&self, timeout: Option<f64>) -> Option<Raises<Stored>> {
        let mut result = self.result.clone();
        let result = within(timeout, result.wait_for(Option::is_some)).await?;
        match result {
            Ok(result) => result.clone(),
            Err(_) => Some(Err(Exception::with_text(
                "RuntimeError",
                "the method panicked, or its pool ended",
            ))),
        }
    }
}

impl SharedObject for AsyncResult {
    fn exposed(&self) -> Vec<String> {
        names(&["get", "ready", "successful", "wait"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "get" => {
                let [timeout] = call.bind(["timeout"], 0)?;
                let timeout = timeout_of(timeout.as_ref())?;
                Answer::later(async move {
                    let result = self.wait(timeout).await;
                    let result = result.unwrap_or_else(|| Err(Exception::new(TIMEOUT)));
                    result.map(Outcome::Value)
                })
            }
            "wait" => {
                let [timeout] = call.bind(["timeout"], 0)?;
                let timeout = timeout_of(timeout.as_ref())?;
                Answer::later(async move {
                    self.wait(timeout).await;
                    Outcome::none()
                })
            }
            "ready" => {
                call.bind_none()?;
                Answer::boolean(self.is_ready())
            }
            "successful" => {
                call.bind_none()?;
                match &*self.result.borrow() {
                    Some(result) => Answer::of(&result.is_ok()),
                    None => Err(Exception::with_text(
                        "ValueError",
                        "the result is not ready",
                    )),
                }
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        "<multiprocessing.pool.AsyncResult object>".to_owned()
    }
}

debug_by_repr!(AsyncResult);
