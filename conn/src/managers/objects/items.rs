//! Iterators: what a `SyncManager` knows as `Iterator`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, Stored, encode, names, no_method,
};
use crate::managers::wire::Exception;

type Values = Pin<Box<dyn Stream<Item = Raises<Stored>> + Send>>;

/// Sequence of values that a client takes one by one: an iterator in Python.
pub struct Items {
    values: Mutex<Option<Values>>,
}

impl Items {
    /// Creates an iterator of these values. The first exception ends it.
    pub fn new<T: Serialize>(
        values: impl Stream<Item = Result<T, Exception>> + Send + 'static,
    ) -> Arc<Self> {
        let values = values.map(|value| value.and_then(|value| Ok(encode(&value)?.into())));
        Self::of(Box::pin(values))
    }

    fn of(values: Values) -> Arc<Self> {
        Arc::new(Self {
            values: Mutex::new(Some(values)),
        })
    }

    async fn next(&self) -> Raises<Outcome> {
        let mut values = self.values.lock().await;
        let next = match &mut *values {
            Some(values) => values.next().await,
            None => None,
        };
        match next {
            Some(Ok(value)) => Ok(Outcome::Value(value)),
            Some(Err(exception)) => {
                *values = None;
                Err(exception)
            }
            None => {
                *values = None;
                Err(Exception::new("StopIteration"))
            }
        }
    }
}

impl SharedObject for Items {
    fn exposed(&self) -> Vec<String> {
        names(&["__next__", "close", "send", "throw"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "__next__" => {
                call.bind_none()?;
                Answer::later(async move { self.next().await })
            }
            "send" => {
                let [value] = call.bind_all(["value"])?;
                if !value.is_none() {
                    let text = "this iterator takes no values";
                    return Err(Exception::with_text("TypeError", text));
                }
                Answer::later(async move { self.next().await })
            }
            // An exception that is thrown in would run code of Python: the iterator only ends.
            "close" | "throw" => Answer::later(async move {
                *self.values.lock().await = None;
                Outcome::none()
            }),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        "<iterator object>".to_owned()
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items(..)")
    }
}
