//! A call on its way to a method, and the answer on its way back.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use crate::context::{self, Context};
use crate::fault::Fault;
use crate::format::Format;
use crate::name::Name;
use crate::payload::Payload;

/// A call: what to run, with what, and for whom.
///
/// Parameters stay bytes until the handler's argument types are known. Client and server are the
/// same shape, a `tower_service::Service<Call<F>, Response = Payload>`, so that any tower layer
/// fits on either side.
#[derive(Clone, Debug)]
pub struct Call<F: Format> {
    /// The encoded parameters.
    pub params: Payload,
    /// How the parameters are encoded and the result shall be.
    pub format: F,
    /// The method's name and the circumstances of the call.
    pub context: Context,
}

impl<F: Format> Call<F> {
    /// The name of the method that is called.
    #[must_use]
    pub fn method(&self) -> &Name {
        self.context.method()
    }
}

/// The answer to a [`Call`]: an encoded result or a fault, now or later.
///
/// A method that answers at once costs no allocation and no task here.
#[must_use = "a call does nothing unless its answer is awaited"]
pub struct Answer {
    state: AnswerState,
    /// What the calls that the method makes inherit.
    deadline: Option<Instant>,
}

enum AnswerState {
    Ready(Option<Result<Payload, Fault>>),
    Later(Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>),
}

impl Answer {
    /// An answer that is known already.
    pub const fn ready(result: Result<Payload, Fault>) -> Self {
        Self {
            state: AnswerState::Ready(Some(result)),
            deadline: None,
        }
    }

    /// An answer that `future` will give.
    pub fn later(future: impl Future<Output = Result<Payload, Fault>> + Send + 'static) -> Self {
        Self {
            state: AnswerState::Later(Box::pin(future)),
            deadline: None,
        }
    }

    /// Has the calls that the method makes inherit this deadline.
    pub(crate) fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self::ready(Err(fault))
    }
}

impl Future for Answer {
    type Output = Result<Payload, Fault>;

    /// A panic of the method becomes its fault.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let deadline = self.deadline;
        match &mut self.state {
            AnswerState::Ready(result) => {
                Poll::Ready(result.take().expect("polled after it was ready"))
            }
            AnswerState::Later(future) => {
                let poll = || context::within(deadline, || future.as_mut().poll(cx));
                match catch_unwind(AssertUnwindSafe(poll)) {
                    Ok(poll) => poll,
                    Err(panic) => Poll::Ready(Err(panicked(&*panic))),
                }
            }
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            AnswerState::Ready(result) => f.debug_tuple("Answer").field(result).finish(),
            AnswerState::Later(_) => f.write_str("Answer(..)"),
        }
    }
}

/// The fault that a panic becomes: the caller learns nothing of it, the log all.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic_message(panic).unwrap_or("no message");
    Fault::internal(format!("the method panicked: {text}"))
}

/// What a panic says, if it is a text as usual.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
