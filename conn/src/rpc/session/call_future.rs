//! The future of a call.

use std::borrow::Borrow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use rpc_core::{Call, CallError, Payload};
use tokio::time::{Instant, Sleep, sleep_until};

use super::call_timeout::{Patience, overdue};
use super::object::Object;
use super::outgoing::{Begun, Outgoing};
use super::{Lifeline, pipelining};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{LongMethod, TooLate};
use crate::rpc::message::MAX_METHOD;

/// The future of a call. It keeps the session open as far as what it was given to refer to it does.
#[must_use = "a call does nothing unless it is awaited"]
pub(in crate::rpc) struct Calling<L: Borrow<Lifeline>> {
    session: L,
    progress: CallingProgress,
}

enum CallingProgress {
    New(Option<Outgoing>),
    Begun {
        id: u64,
        /// Keeps a promise from being given up while a call on it is under way.
        _object: Option<Object>,
        deadline: Option<Pin<Box<Sleep>>>,
    },
    Ended,
}

impl<L: Borrow<Lifeline>> Calling<L> {
    /// Makes a call on an object of the other end, or on what it offers to everyone.
    #[inline]
    pub(in crate::rpc) fn new(session: L, object: Option<Object>, call: Call<Encoding>) -> Self {
        Self {
            session,
            progress: CallingProgress::New(Some(Outgoing { object, call })),
        }
    }
}

impl<L: Borrow<Lifeline> + Unpin> Future for Calling<L> {
    type Output = Result<Payload, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let session = this.session.borrow();
        if let CallingProgress::New(new) = &mut this.progress
            && let Some(outgoing) = new
        {
            if outgoing.call.format != session.encoding {
                let message = format!(
                    "the call is in {}, the connection speaks {}",
                    outgoing.call.format, session.encoding
                );
                this.progress = CallingProgress::Ended;
                return Poll::Ready(Err(CallError::NotSent(message.into())));
            }
            let method = outgoing.call.method().len();
            if method > MAX_METHOD {
                this.progress = CallingProgress::Ended;
                return Poll::Ready(Err(CallError::NotSent(Box::new(LongMethod(method)))));
            }
            let patience = Patience::of(&outgoing.call.context, &session.settings);
            let deadline = patience.deadline();
            if deadline.is_some() && !outgoing.call.context.has_own_deadline() {
                let context = std::mem::take(&mut outgoing.call.context);
                let deadline = deadline.map(Instant::into_std);
                outgoing.call.context = context.with_deadline(deadline);
            }
            let object = outgoing.object.clone();
            let promised = pipelining::is_asked_for().then(|| session.lifeline());
            let one_way = outgoing.call.context.is_one_way();
            let begun = session.begin(new, promised.flatten(), patience, cx);
            // What is left of the call goes where nothing is locked.
            this.progress = CallingProgress::Ended;
            let id = match begun? {
                Begun::Called(id) => id,
                Begun::Promised(promise) => {
                    pipelining::give(promise);
                    return Poll::Pending;
                }
            };
            this.progress = CallingProgress::Begun {
                id,
                _object: object,
                deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline))),
            };
            if deadline.is_none() && !one_way {
                // Nothing else can have happened to it yet that does not wake this task.
                return Poll::Pending;
            }
        }
        let CallingProgress::Begun { id, deadline, .. } = &mut this.progress else {
            return Poll::Pending;
        };
        let id = *id;
        if let Poll::Ready(result) = session.poll_result(id, cx) {
            this.progress = CallingProgress::Ended;
            return Poll::Ready(result);
        }
        if let Some(deadline) = deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            this.progress = CallingProgress::Ended;
            let error = match session.give_up(id) {
                false => CallError::NotSent(Box::new(TooLate)),
                true => CallError::Fault(overdue()),
            };
            return Poll::Ready(Err(error));
        }
        Poll::Pending
    }
}

impl<L: Borrow<Lifeline>> Drop for Calling<L> {
    fn drop(&mut self) {
        if let CallingProgress::Begun { id, .. } = self.progress {
            self.session.borrow().give_up(id);
        }
    }
}
