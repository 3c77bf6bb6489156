//! The future of an outgoing call.

use std::borrow::Cow;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_core::CallError;
use farcall_core::protocol::observe::ClientSpan;
use farcall_core::protocol::{Call, CallReply, Format as _, Payload};
use tokio::time::{Sleep, sleep_until};

use super::call_timeout::{CallTimeout, deadline_exceeded};
use super::clock::now;
use super::object::{CallRequest, ObjectHandle, SessionLink, StartedCall};
use super::pipelining;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{PromiseFailed, TooLate};
use crate::rpc::message::MAX_METHOD;

/// Future of an outgoing call. It keeps the session open for as long as `L` does.
#[must_use = "a call does nothing unless it is awaited"]
pub(in crate::rpc) struct CallFuture<L: Deref<Target: SessionLink>> {
    session: L,
    /// Present until the call is made. Beside the progress, so that a change of that drops nothing.
    request: Option<CallRequest>,
    progress: Progress,
    /// Parts of a call in progress that most calls lack.
    rare: Option<Box<Rare>>,
    span: ClientSpan,
}

/// The name of a method exceeds the limit of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("the method name has {0} bytes, over the limit of {MAX_METHOD}")]
struct LongMethod(usize);

#[derive(Clone, Copy)]
enum Progress {
    New,
    /// The call has this id.
    Started(u64),
    Completed,
}

struct Rare {
    /// Handle that keeps the called promise alive: dropping it could cancel the call that will
    /// return the object.
    _object: Option<ObjectHandle>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<L: Deref<Target: SessionLink>> CallFuture<L> {
    /// Creates a call on an object of the peer, or, without an object, on the methods the peer
    /// offers to everyone.
    #[inline]
    pub(in crate::rpc) fn new(
        session: L,
        object: Option<ObjectHandle>,
        call: Call<Encoding>,
    ) -> Self {
        Self {
            session,
            request: Some(CallRequest { object, call }),
            progress: Progress::New,
            rare: None,
            span: ClientSpan::default(),
        }
    }
}

impl<L: Deref<Target: SessionLink> + Unpin> Future for CallFuture<L> {
    type Output = Result<Payload, CallError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_result(cx);
        if let Poll::Ready(result) = &polled {
            self.span.finish(result);
        }
        polled
    }
}

impl<L: Deref<Target: SessionLink> + Unpin> CallFuture<L> {
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Result<Payload, CallError>> {
        let this = self;
        let session = &*this.session;
        if let Progress::New = this.progress
            && let Some(request) = &mut this.request
        {
            if request.call.format != session.encoding() {
                let message = format!(
                    "the call is encoded as {}, but the connection uses {}",
                    request.call.format,
                    session.encoding()
                );
                this.request = None;
                return this.complete(Err(CallError::NotSent(message.into())));
            }
            let method = request.call.method().len();
            if method > MAX_METHOD {
                this.request = None;
                return this.complete(Err(CallError::NotSent(Box::new(LongMethod(method)))));
            }
            let timeout = CallTimeout::of(&request.call.context, session.settings(), now);
            let deadline = timeout.deadline();
            if deadline.is_some() && !request.call.context.has_own_deadline() {
                let context = std::mem::take(&mut request.call.context);
                request.call.context = context.with_deadline(deadline);
            }
            let (span, context) = ClientSpan::begin(Encoding::SYSTEM, &request.call.context);
            if let Cow::Owned(context) = context {
                request.call.context = context;
            }
            this.span = span;
            let object = request.object.clone();
            let wants_promise = pipelining::is_promise_requested();
            let one_way = request.call.context.is_one_way();
            this.progress = Progress::Completed;
            let started = session.start_call(&mut this.request, wants_promise, timeout, cx);
            // The rest of the request is dropped here, where no lock is held.
            this.request = None;
            let id = match started? {
                StartedCall::Call(id) => id,
                StartedCall::Promise(promise) => {
                    // The outcome is that of the calls on it.
                    this.span.finish(&Ok::<_, CallError>(()));
                    pipelining::store(promise);
                    return Poll::Pending;
                }
            };
            this.progress = Progress::Started(id);
            if object.is_some() || deadline.is_some() {
                this.rare = Some(Box::new(Rare {
                    _object: object,
                    deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
                }));
            }
            if deadline.is_none() && !one_way {
                // Whatever completes the call from now on also wakes this task.
                return Poll::Pending;
            }
        }
        let Progress::Started(id) = this.progress else {
            return Poll::Pending;
        };
        if let Poll::Ready(result) = session.poll_result(id, cx) {
            return this.complete(result);
        }
        if let Some(rare) = &mut this.rare
            && let Some(deadline) = &mut rare.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            let error = if session.cancel_call(id) {
                CallError::Fault(deadline_exceeded())
            } else {
                CallError::NotSent(Box::new(TooLate))
            };
            return this.complete(Err(error));
        }
        Poll::Pending
    }

    /// Drops what the call has kept.
    #[inline(always)]
    fn complete(&mut self, result: Result<Payload, CallError>) -> Poll<Result<Payload, CallError>> {
        self.progress = Progress::Completed;
        self.rare = None;
        Poll::Ready(result)
    }
}

impl<L: Deref<Target: SessionLink>> Drop for CallFuture<L> {
    fn drop(&mut self) {
        if let Progress::Started(id) = self.progress {
            self.session.cancel_call(id);
        }
    }
}

/// Calls on objects.
impl ObjectHandle {
    /// Answers a call on the object.
    pub(in crate::rpc) fn answer(&self, call: Call<Encoding>) -> CallReply {
        if let Self::Local(local) = self {
            return local.registry.dispatch(call);
        }
        let sending = self.send(call);
        CallReply::later(async move {
            sending.await.map_err(|error| match error {
                // No local method ran, so the fault is passed on as it is.
                CallError::Fault(fault) => fault,
                error => error.into(),
            })
        })
    }

    /// Makes a call on the object.
    pub(in crate::rpc) fn send(
        &self,
        call: Call<Encoding>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send + 'static {
        let object = self.resolved();
        async move {
            let object = object?;
            let session = match &object {
                Self::Imported(imported) => Arc::clone(&imported.session),
                Self::Promised(promise) => Arc::clone(&promise.session),
                Self::Local(local) => {
                    return local.registry.dispatch(call).await.map_err(Into::into);
                }
                Self::Failed(cause) => return Err(PromiseFailed::of(Arc::clone(cause))),
            };
            CallFuture::new(session, Some(object), call).await
        }
    }
}
