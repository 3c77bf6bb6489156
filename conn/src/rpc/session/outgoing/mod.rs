//! Outgoing calls: queued, sent, completed.

mod interrupted;

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use farcall_core::protocol::Attachment;
use farcall_core::protocol::{Call, Payload};
use farcall_core::{CallError, Execution, Fault, FaultKind};
use tokio::time::Instant;

use super::call_timeout::CallTimeout;
use super::object::{ObjectHandle, Promise};
use super::{Deferred, DeferredDrop, Phase, Session, SessionHandle, SessionState};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, TooLate, TooLong, Violation};
use crate::rpc::message::{self, CallTarget, Message};

/// An outgoing call, until its caller has taken the result.
pub(super) struct OutgoingCall {
    pub(super) progress: Progress,
    waker: Option<Waker>,
    /// The request: to be sent, or kept because it may have to be sent again.
    request: Option<Box<CallRequest>>,
    /// The promise of the result, if the result is an object that is called before the call
    /// completes.
    promise: Option<Weak<Promise>>,
    one_way: bool,
    /// `true` if an earlier connection delivered the call, so that it may have run even if it
    /// cannot be sent again.
    pub(super) may_have_run: bool,
    /// The tick at which the call times out, if it has the default timeout.
    pub(super) timeout_tick: Option<u32>,
}

pub(super) enum Progress {
    /// Not sent yet.
    Queued,
    /// The peer may know of the call once the connection has taken this many bytes.
    Sent {
        end: u64,
    },
    /// A one-way call that was sent, so that its caller no longer waits.
    Detached,
    Completed(Result<Payload, CallError>),
}

/// Result of [`Session::start_call`].
pub(super) enum StartedCall {
    /// Id of the call.
    Call(u64),
    Promise(Arc<Promise>),
}

/// The content of a call.
pub(super) struct CallRequest {
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

impl DeferredDrop for OutgoingCall {}

impl Session {
    /// Translates the object of a call to its target in this session.
    fn target(&self, object: Option<&ObjectHandle>) -> Result<CallTarget, CallError> {
        let Some(object) = object else {
            return Ok(CallTarget::Root);
        };
        match object.resolved()? {
            ObjectHandle::Imported(imported) if imported.lost.is_cancelled() => {
                Err(CallError::NotSent(Box::new(Disconnected::Forgotten)))
            }
            ObjectHandle::Imported(imported) if self.is_session_of(&imported.session) => {
                Ok(CallTarget::Object(imported.id))
            }
            ObjectHandle::Promised(promise) => Ok(CallTarget::Promise(promise.call)),
            ObjectHandle::Local(_) | ObjectHandle::Imported(_) | ObjectHandle::Failed(_) => {
                Err(CallError::NotSent(
                    "the promised object is on another connection: await `ready()` first".into(),
                ))
            }
        }
    }

    /// Starts a call, and sends it if the limits allow. Takes the request out of `request` only if
    /// it must be kept. With a `promise_session` the result is a promise.
    pub(super) fn start_call(
        &self,
        request: &mut Option<CallRequest>,
        promise_session: Option<Arc<SessionHandle>>,
        timeout: CallTimeout,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError> {
        self.update_and_write(|state, deferred| {
            let Some(call) = request.as_ref() else {
                return Err(CallError::NotSent("the call was already made".into()));
            };
            let can_start = match &state.phase {
                Phase::Connected => true,
                Phase::Closing { local, .. } => self.reconnects && !local,
                Phase::Disconnected(_) => self.reconnects,
                Phase::Ended(_) => false,
            };
            if !can_start {
                return Err(CallError::NotSent(Box::new(state.disconnect_reason())));
            }
            let id = state.outgoing.next_id();
            let promise = promise_session
                .map(|session| Arc::new(Promise::new(session, id, timeout.deadline())));
            let mut entry = OutgoingCall {
                progress: Progress::Queued,
                waker: None,
                promise: promise.as_ref().map(Arc::downgrade),
                one_way: call.call.context.is_one_way(),
                may_have_run: false,
                timeout_tick: self.timeout_tick(state, timeout),
                request: None,
            };
            let started = match promise {
                Some(promise) => StartedCall::Promise(promise),
                None => {
                    entry.waker = Some(cx.waker().clone());
                    StartedCall::Call(id)
                }
            };
            if !state.can_send() || !state.queued.is_empty() {
                entry.request = request.take().map(Box::new);
                state.outgoing.insert(id, entry);
                state.queued.push_back(id);
                return Ok(started);
            }
            let sent = self.send(state, deferred, id, call, entry.promise.is_some());
            if sent.is_ok() {
                entry.sent(state);
                if self.reconnects && !entry.one_way {
                    entry.request = request.take().map(Box::new);
                }
            }
            state.outgoing.insert(id, entry);
            if let Err(error) = sent {
                state.complete(id, Err(error), deferred);
            }
            Ok(started)
        })
    }

    /// Sends queued calls, as far as the limits allow.
    pub(super) fn send_queued(&self, state: &mut SessionState, deferred: &mut Deferred) {
        while !state.queued.is_empty() && state.can_send() {
            let Some(id) = state.queued.pop_front() else {
                return;
            };
            let Some(mut entry) = state.outgoing.remove(id) else {
                continue;
            };
            let Some(request) = entry.request.take() else {
                continue;
            };
            let sent = self.send(state, deferred, id, &request, entry.promise.is_some());
            if sent.is_ok() {
                entry.sent(state);
                if entry.one_way {
                    deferred.wake(entry.waker.take());
                }
            }
            if sent.is_ok() && self.reconnects && !entry.one_way {
                entry.request = Some(request);
            } else {
                deferred.drop(request);
            }
            state.outgoing.insert(id, entry);
            if let Err(error) = sent {
                state.complete(id, Err(error), deferred);
            }
        }
    }

    fn send(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        CallRequest { object, call }: &CallRequest,
        promise: bool,
    ) -> Result<(), CallError> {
        let target = self.target(object.as_ref())?;
        let timeout = match call.context.deadline() {
            None => None,
            Some(deadline) => match remaining(deadline.into()) {
                Some(left) => Some(left),
                None => return Err(CallError::NotSent(Box::new(TooLate))),
            },
        };
        let length = call.params.as_slice().len() + call.method().len();
        check_length(
            state.peer_limits.max_message,
            length,
            call.params.attachments(),
        )
        .map_err(|error| CallError::NotSent(Box::new(error)))?;
        let references = self
            .export(state, deferred, call.params.attachments())
            .map_err(|fault| CallError::NotSent(Box::new(fault)))?;
        let message = message::Call {
            id,
            target,
            one_way: call.context.is_one_way(),
            promise,
            idempotent: call.context.is_idempotent(),
            timeout,
            method: call.method(),
            references,
        };
        state.push_with(|out| {
            message.write(out);
            out.extend_from_slice(call.params.as_slice());
        });
        Ok(())
    }

    /// Completes a call with the reply of the peer.
    pub(super) fn on_return(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        result: Result<Payload, Fault>,
    ) -> Result<(), Violation> {
        if id > state.outgoing.last_id() {
            deferred.drop(result);
            return Err(Violation::UnknownCall(id));
        }
        match state.outgoing.get(id).map(|entry| &entry.progress) {
            Some(Progress::Sent { .. } | Progress::Detached) => {
                state.call_completed();
                state.complete(id, result.map_err(CallError::Fault), deferred);
                self.send_queued(state, deferred);
            }
            // The call was cancelled while the reply was in flight.
            _ => deferred.drop(result),
        }
        Ok(())
    }

    /// Cancels a call whose caller no longer waits. Returns `true` if it was sent.
    pub(in crate::rpc) fn cancel_call(&self, id: u64) -> bool {
        self.update(|state, deferred| {
            let Some(entry) = state.outgoing.get_mut(id) else {
                return true;
            };
            if matches!(entry.progress, Progress::Detached) {
                // A one-way call needs no result: it stays until its reply comes.
                entry.waker = None;
                return true;
            }
            let sent = state.withdraw(id);
            let entry = state.outgoing.remove(id);
            deferred.drop(entry);
            self.send_queued(state, deferred);
            sent.unwrap_or(true)
        })
    }

    /// Returns the result of a call, if it has completed.
    pub(super) fn poll_result(
        &self,
        id: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Payload, CallError>> {
        let state = &mut *self.lock();
        let Some(entry) = state.outgoing.get_mut(id) else {
            // A one-way call that completed before its caller polled for it.
            return Poll::Ready(Ok(Payload::copied(&[])));
        };
        match &entry.progress {
            Progress::Detached => Poll::Ready(Ok(Payload::copied(&[]))),
            Progress::Queued | Progress::Sent { .. } => {
                match &mut entry.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            Progress::Completed(_) => match state.outgoing.remove(id).map(|ended| ended.progress) {
                Some(Progress::Completed(result)) => Poll::Ready(result),
                _ => Poll::Pending,
            },
        }
    }
}

impl OutgoingCall {
    /// Records that the call was sent.
    fn sent(&mut self, state: &mut SessionState) {
        state.call_started();
        self.progress = match self.one_way {
            true => Progress::Detached,
            false => Progress::Sent { end: state.pushed },
        };
    }
}

/// Checks that a message with a payload of this length is within the limit of the peer.
pub(super) fn check_length(
    limit: u64,
    length: usize,
    attachments: &[Attachment],
) -> Result<(), TooLong> {
    // The fields before the payload: integers of up to 10 bytes, references of up to 17.
    let length = length + 64 + 17 * attachments.len();
    if length as u64 <= limit {
        return Ok(());
    }
    Err(TooLong { length, limit })
}

/// Like [`check_length`], for a result, with a fault for its caller.
pub(super) fn check_result_length(
    limit: u64,
    length: usize,
    attachments: &[Attachment],
) -> Result<(), Fault> {
    check_length(limit, length, attachments).map_err(|error| {
        // The limit is the caller's own, so it may be disclosed to it.
        Fault::of(
            FaultKind::Internal,
            format!("the result cannot be sent: {error}"),
        )
    })
}

/// Returns the time left until the deadline, if it has not passed.
fn remaining(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

impl SessionState {
    /// Returns `true` if the limits allow another call to be sent now.
    fn can_send(&self) -> bool {
        matches!(self.phase, Phase::Connected)
            && self.has_outbox_room()
            && (self.in_flight as u64) < self.peer_limits.max_calls
    }

    /// Completes the call with `result`.
    pub(super) fn complete(
        &mut self,
        id: u64,
        result: Result<Payload, CallError>,
        deferred: &mut Deferred,
    ) {
        let Some(entry) = self.outgoing.get_mut(id) else {
            return deferred.drop(result);
        };
        let result = match result {
            Err(error) if entry.may_have_run => Err(may_have_run(error)),
            result => result,
        };
        if let Some(promise) = &entry.promise {
            let promise = promise.upgrade();
            let entry = self.outgoing.remove(id);
            deferred.drop(entry);
            if result.is_ok() && self.is_connected() {
                self.push(&Message::Finish(id));
            }
            if let Some(promise) = promise {
                deferred.drop(promise.complete(result));
                deferred.rare().completed_promises.push(promise);
            } else {
                deferred.drop(result);
            }
            return;
        }
        if entry.one_way && matches!(entry.progress, Progress::Detached) {
            let entry = self.outgoing.remove(id);
            deferred.drop(entry);
            return deferred.drop(result);
        }
        let request = entry.request.take();
        entry.progress = Progress::Completed(result);
        deferred.wake(entry.waker.take());
        deferred.drop(request);
    }
}

/// Converts the failure of a resent call: the first attempt may have run, whatever happened to the
/// second.
fn may_have_run(error: CallError) -> CallError {
    match error {
        CallError::NotSent(cause) => CallError::Lost(cause),
        error if error.execution() == Execution::Never => CallError::Lost(Box::new(error)),
        error => error,
    }
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

    #[test]
    fn a_failure_to_resend_a_call_does_not_mean_that_it_did_not_run() {
        for error in [
            CallError::NotSent("no connection".into()),
            CallError::Refused("no".into()),
        ] {
            let error = may_have_run(error);
            assert!(matches!(error, CallError::Lost(_)), "{error:?}");
        }
        let answer = may_have_run(Fault::new(7, "odd").into());
        assert_eq!(answer.fault(), Some(&Fault::new(7, "odd")));
    }
}
