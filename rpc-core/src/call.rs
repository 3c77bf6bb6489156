//! A call to a method, and the answer that completes it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use crate::context::{self, Context, Heritage};
use crate::fault::Fault;
use crate::format::Format;
use crate::name::Name;
use crate::payload::Payload;

/// A call: a method name, encoded arguments and a context.
///
/// The parameters stay encoded until the argument types of the handler are known. Clients and
/// servers have the same interface, `tower_service::Service<Call<F>, Response = Payload>`, so that
/// any tower layer fits on either side.
#[derive(Clone, Debug)]
pub struct Call<F: Format> {
    /// The encoded parameters.
    pub params: Payload,
    /// The format of the parameters and of the result.
    pub format: F,
    /// The method name, peer, deadline and cancellation of the call.
    pub context: Context,
}

impl<F: Format> Call<F> {
    /// The name of the called method.
    #[must_use]
    pub fn method(&self) -> &Name {
        self.context.method()
    }

    /// Takes the call out of its place, where its format remains.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self {
            params: std::mem::take(&mut self.params),
            format: self.format.clone(),
            context: std::mem::take(&mut self.context),
        }
    }
}

/// The answer to a [`Call`]: an encoded result or a fault, or the future of one.
///
/// A method that returns its result immediately needs no allocation and no task for it.
#[must_use = "a call does nothing unless its answer is awaited"]
pub struct CallReply {
    state: ReplyState,
    /// The deadline and trace that calls made by the method inherit.
    heritage: Heritage,
}

enum ReplyState {
    Ready(Option<Result<Payload, Fault>>),
    Later(Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>),
}

impl CallReply {
    /// Creates an answer from a result that is available immediately.
    pub fn ready(result: Result<Payload, Fault>) -> Self {
        Self {
            state: ReplyState::Ready(Some(result)),
            heritage: Heritage::default(),
        }
    }

    /// Creates an answer that completes with the output of `future`.
    pub fn later(future: impl Future<Output = Result<Payload, Fault>> + Send + 'static) -> Self {
        Self {
            state: ReplyState::Later(Box::pin(future)),
            heritage: Heritage::default(),
        }
    }

    /// Returns the result if it is available immediately, or else the answer unchanged.
    ///
    /// # Errors
    /// The answer that is to be awaited.
    #[inline]
    pub fn into_ready(self) -> Result<Result<Payload, Fault>, Self> {
        match self.state {
            ReplyState::Ready(Some(result)) => Ok(result),
            state => Err(Self { state, ..self }),
        }
    }

    /// The result, if it is available immediately.
    pub(crate) const fn result(&self) -> Option<&Result<Payload, Fault>> {
        match &self.state {
            ReplyState::Ready(result) => result.as_ref(),
            ReplyState::Later(_) => None,
        }
    }

    /// Runs code of the program that answers a call. A panic becomes an internal fault. Calls that
    /// the code makes, at once or later, inherit `heritage`.
    // Inlined for the same reason as `within`.
    #[inline(always)]
    pub(crate) fn guarded(heritage: Heritage, answer: impl FnOnce() -> Self) -> Self {
        let mut reply = context::within(&heritage, || catch_unwind(AssertUnwindSafe(answer)))
            .unwrap_or_else(|panic| panicked(&*panic).into());
        // A result that is there needs nothing more.
        if let ReplyState::Later(_) = reply.state {
            reply.heritage = heritage;
        }
        reply
    }
}

impl From<Fault> for CallReply {
    fn from(fault: Fault) -> Self {
        Self::ready(Err(fault))
    }
}

impl Future for CallReply {
    type Output = Result<Payload, Fault>;

    /// Completes with the result. A panic of the method becomes an internal fault.
    ///
    /// # Panics
    /// If it is polled again after it completed.
    // Inlined, so that a result that is there is moved once.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { state, heritage } = &mut *self;
        match state {
            ReplyState::Ready(result) => {
                Poll::Ready(result.take().expect("`CallReply` polled after completion"))
            }
            ReplyState::Later(future) => poll_later(future.as_mut(), heritage, cx),
        }
    }
}

/// Polls code of the program, whose panic becomes an internal fault.
fn poll_later(
    future: Pin<&mut (dyn Future<Output = Result<Payload, Fault>> + Send)>,
    heritage: &Heritage,
    cx: &mut TaskContext<'_>,
) -> Poll<Result<Payload, Fault>> {
    let poll = || context::within(heritage, || future.poll(cx));
    catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
}

impl fmt::Debug for CallReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            ReplyState::Ready(result) => f.debug_tuple("CallReply").field(result).finish(),
            ReplyState::Later(_) => f.write_str("CallReply(..)"),
        }
    }
}

/// Converts a panic to an internal fault: its message goes to the log, never to the caller.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic_message(panic).unwrap_or("no message");
    Fault::internal(format!("the method panicked: {text}"))
}

/// Returns the message of a panic, if its payload is a string.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
