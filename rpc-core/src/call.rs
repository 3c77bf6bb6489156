//! A call on its way to a method, and the answer on its way back.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use compact_str::CompactString;

use crate::context::Context;
use crate::fault::Fault;
use crate::format::Format;

/// The name of a method. Names of up to 24 bytes need no allocation.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Encoded parameters or an encoded result: a slice of the message that it came in, so that
/// nothing is copied and an error can tell its position in the whole message.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    message: Message,
    range: Range<usize>,
}

/// A message fresh from an encoder stays a plain vector: turning it into `Bytes` would cost an
/// allocation that a call within the process never needs.
#[derive(Clone)]
enum Message {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Message {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Message {}

impl Payload {
    /// The part of `message` that `range` names.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part(message: Bytes, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= message.len(),
            "a part of its message"
        );
        Self {
            message: Message::Shared(message),
            range,
        }
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.message.as_slice()[self.range.clone()]
    }

    /// The whole message that these bytes came in.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.message.as_slice()
    }

    /// Where in the [message](Self::message) these bytes are.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The whole message, without a copy.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        match self.message {
            Message::Owned(bytes) => Bytes::from(bytes),
            Message::Shared(bytes) => bytes,
        }
    }

    /// The bytes alone, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let range = self.range.clone();
        self.into_message().slice(range)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            range: 0..bytes.len(),
            message: Message::Owned(bytes),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self {
            range: 0..bytes.len(),
            message: Message::Shared(bytes),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Bytes::copy_from_slice(self.as_slice()), f)
    }
}

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
pub struct Answer(State);

enum State {
    Ready(Option<Result<Payload, Fault>>),
    Later(Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>),
}

impl Answer {
    /// An answer that is known already.
    pub const fn ready(result: Result<Payload, Fault>) -> Self {
        Self(State::Ready(Some(result)))
    }

    /// An answer that `future` will give.
    pub fn later(future: impl Future<Output = Result<Payload, Fault>> + Send + 'static) -> Self {
        Self(State::Later(Box::pin(future)))
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
        match &mut self.0 {
            State::Ready(result) => Poll::Ready(result.take().expect("polled after it was ready")),
            State::Later(future) => {
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                    Ok(poll) => poll,
                    Err(panic) => Poll::Ready(Err(panicked(&*panic))),
                }
            }
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Ready(result) => f.debug_tuple("Answer").field(result).finish(),
            State::Later(_) => f.write_str("Answer(..)"),
        }
    }
}

/// The fault that a panic becomes: the caller learns nothing of it, the log all.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::internal(format!(
        "the method panicked: {}",
        text.unwrap_or("no message")
    ))
}
