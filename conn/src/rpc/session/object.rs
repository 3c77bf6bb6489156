//! Handles of objects: local, imported or promised. They know their session as a [`SessionLink`].

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use farcall_core::protocol::{Attachment, Call, Payload};
use farcall_core::{CallError, Cancellation, Instance, RegisterError, Registry};
use tokio::time::timeout_at;

use super::call_timeout::CallTimeout;
use super::deferred::DeferredDrop;
use super::settings::Settings;
use super::streams::StreamKey;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{NoObject, PromiseFailed, StreamError};
use crate::rpc::message::ObjectId;

/// A session, as the handles of its calls, objects and streams see it.
pub(in crate::rpc) trait SessionLink: Send + Sync {
    fn encoding(&self) -> Encoding;

    fn settings(&self) -> &Settings;

    /// Starts a call, and sends it if the limits allow. Takes the request out of `request` only if
    /// it must be kept. If a promise is wanted, the result is one.
    fn start_call(
        &self,
        request: &mut Option<CallRequest>,
        wants_promise: bool,
        timeout: CallTimeout,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError>;

    /// Returns the result of a call, if it has completed.
    fn poll_result(&self, call: u64, cx: &Context<'_>) -> Poll<Result<Payload, CallError>>;

    /// Cancels a call whose caller no longer waits. Returns `true` if it was sent.
    fn cancel_call(&self, call: u64) -> bool;

    /// Completes a promise whose deadline has passed.
    fn expire_promise(&self, call: u64);

    /// Removes an object of the peer whose last handle was dropped.
    fn release(&self, object: &ImportedObject);

    /// Returns the next item of a stream that the peer sends; `None` at the end.
    fn poll_item(
        &self,
        stream: StreamKey,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>>;

    /// Stops a stream that the local side no longer reads.
    fn stop_stream(&self, stream: StreamKey);
}

impl DeferredDrop for Arc<dyn SessionLink> {}

/// The content of an outgoing call.
pub(in crate::rpc) struct CallRequest {
    pub(super) object: Option<ObjectHandle>,
    pub(super) call: Call<Encoding>,
}

impl DeferredDrop for CallRequest {
    fn is_trivial(&self) -> bool {
        self.object.is_none()
            && self.call.params.is_trivial()
            && self.call.context.headers().is_none()
    }
}

/// Result of [`SessionLink::start_call`].
pub(in crate::rpc) enum StartedCall {
    /// Id of the call.
    Call(u64),
    Promise(Arc<Promise>),
}

/// A handle of an object that calls can be made on.
#[derive(Clone)]
pub(in crate::rpc) enum ObjectHandle {
    Local(Arc<LocalObject>),
    Imported(Arc<ImportedObject>),
    Promised(Arc<Promise>),
    /// The call that promised the object failed, for this reason.
    Failed(Arc<CallError>),
}

/// An object of the local side.
pub(in crate::rpc) struct LocalObject {
    pub(super) registry: Registry<Encoding>,
    instance: Arc<dyn Any + Send + Sync>,
    id: OnceLock<ObjectId>,
}

/// An object of a peer. Dropping the last handle releases the reference at the peer.
pub(in crate::rpc) struct ImportedObject {
    pub(in crate::rpc) session: Arc<dyn SessionLink>,
    pub(in crate::rpc) id: ObjectId,
    /// Cancelled when the object can no longer be reached.
    pub(in crate::rpc) lost: Cancellation,
}

/// The object that a call will return.
pub(in crate::rpc) struct Promise {
    pub(in crate::rpc) session: Arc<dyn SessionLink>,
    pub(in crate::rpc) call: u64,
    /// Deadline of the call.
    deadline: Option<Instant>,
    outcome: OnceLock<Result<ObjectHandle, Arc<CallError>>>,
    /// Cancelled once the outcome is set, which ends all waits for it.
    completed: Cancellation,
}

impl Promise {
    pub(in crate::rpc) fn new(
        session: Arc<dyn SessionLink>,
        call: u64,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            session,
            call,
            deadline,
            outcome: OnceLock::new(),
            completed: Cancellation::default(),
        }
    }

    pub(in crate::rpc) fn outcome(&self) -> Option<&Result<ObjectHandle, Arc<CallError>>> {
        self.outcome.get()
    }

    /// Sets the outcome of the call. Returns the rest of the result, which must be dropped while
    /// the session is unlocked. [`notify`](Self::notify) wakes the waiting tasks.
    pub(in crate::rpc) fn complete(&self, result: Result<Payload, CallError>) -> Option<Payload> {
        let (outcome, rest) = match result {
            Ok(reply) => {
                let object = ObjectHandle::first(reply.attachments());
                let missing = || Arc::new(CallError::NotAReply(Box::new(NoObject)));
                (object.ok_or_else(missing), Some(reply))
            }
            Err(error) => (Err(Arc::new(error)), None),
        };
        // A call completes once, so the outcome is not set yet.
        let _ = self.outcome.set(outcome);
        rest
    }

    /// Wakes the tasks that wait for the outcome.
    pub(in crate::rpc) fn notify(&self) {
        self.completed.cancel();
    }

    /// Waits for the object.
    pub(in crate::rpc) async fn ready(&self) -> Result<ObjectHandle, CallError> {
        loop {
            if let Some(outcome) = self.outcome() {
                return outcome.clone().map_err(PromiseFailed::of_itself);
            }
            let completed = self.completed.cancelled();
            match self.deadline {
                None => completed.await,
                Some(deadline) => {
                    if timeout_at(deadline.into(), completed).await.is_err() {
                        self.session.expire_promise(self.call);
                    }
                }
            }
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.outcome.get().is_none() {
            self.session.cancel_call(self.call);
        }
    }
}

impl LocalObject {
    pub(in crate::rpc) fn new<I: Instance>(instance: I) -> Result<Self, RegisterError> {
        let instance = Arc::new(instance);
        let registry = Registry::new();
        registry.register_instance(Arc::clone(&instance))?;
        Ok(Self {
            registry,
            instance,
            id: OnceLock::new(),
        })
    }

    /// Returns the object itself, if it is an `I`.
    pub(in crate::rpc) fn instance<I: Instance>(&self) -> Option<Arc<I>> {
        Arc::clone(&self.instance).downcast().ok()
    }

    /// Returns the id of the object, which is generated when it is first passed to a peer.
    pub(in crate::rpc) fn id(&self) -> ObjectId {
        *self.id.get_or_init(|| ObjectId::new(random()))
    }
}

impl Drop for ImportedObject {
    fn drop(&mut self) {
        self.session.release(self);
    }
}

impl ObjectHandle {
    /// Returns the first object of a result.
    pub(in crate::rpc) fn first(attachments: &[Attachment]) -> Option<Self> {
        attachments.first()?.downcast_ref::<Self>().cloned()
    }

    /// Returns the current handle of the object: a fulfilled promise is replaced by its object.
    pub(in crate::rpc) fn resolved(&self) -> Result<Self, CallError> {
        let mut object = self.clone();
        while let Self::Promised(promise) = &object {
            let outcome = match promise.outcome() {
                None => break,
                Some(outcome) => outcome.clone(),
            };
            object = outcome.map_err(PromiseFailed::of)?;
        }
        match object {
            Self::Failed(cause) => Err(PromiseFailed::of(cause)),
            object => Ok(object),
        }
    }

    /// Returns the encoding of calls on the object.
    pub(in crate::rpc) fn encoding(&self) -> Encoding {
        match self {
            Self::Local(_) | Self::Failed(_) => Encoding::default(),
            Self::Imported(imported) => imported.session.encoding(),
            Self::Promised(promise) => promise.session.encoding(),
        }
    }

    /// Returns `true` if both are handles of the same object.
    pub(in crate::rpc) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(one), Self::Local(other)) => Arc::ptr_eq(one, other),
            (Self::Imported(one), Self::Imported(other)) => Arc::ptr_eq(one, other),
            (Self::Promised(one), Self::Promised(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Completes when the object can no longer be reached.
    pub(in crate::rpc) async fn closed(&self) {
        match self {
            // A local object exists as long as this handle does.
            Self::Local(_) => std::future::pending().await,
            Self::Imported(imported) => imported.lost.cancelled().await,
            Self::Promised(promise) => {
                if let Ok(object) = promise.ready().await {
                    Box::pin(object.closed()).await;
                }
            }
            Self::Failed(_) => {}
        }
    }
}

impl fmt::Debug for ObjectHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => f.debug_tuple("Local").field(&local.id.get()).finish(),
            Self::Imported(imported) => f.debug_tuple("Imported").field(&imported.id).finish(),
            Self::Promised(promise) => f.debug_tuple("Promised").field(&promise.call).finish(),
            Self::Failed(cause) => f.debug_tuple("Failed").field(cause).finish(),
        }
    }
}

/// Placeholder for a received object or stream that no longer exists.
pub(super) struct MissingAttachment;

/// Returns 128 unpredictable random bits.
pub(in crate::rpc) fn random() -> [u8; 16] {
    let mut bits = [0; 16];
    // Without random numbers, object ids and session tokens could be guessed. No caller could
    // handle this failure.
    getrandom::fill(&mut bits).expect("the operating system provides random numbers");
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_of_plain_bytes_is_dropped_under_the_lock() {
        let request = |object| CallRequest {
            object,
            call: Call {
                params: Payload::from(vec![1]),
                format: Encoding::Bincode,
                context: farcall_core::Context::new("f"),
            },
        };
        assert!(request(None).is_trivial());
        let failed = Arc::new(CallError::NotSent("no connection".into()));
        assert!(!request(Some(ObjectHandle::Failed(failed))).is_trivial());
        let mut attached = request(None);
        attached.call.params = Payload::from(vec![1]).with_attachments(vec![Arc::new("object")]);
        assert!(!attached.is_trivial());
    }
}
