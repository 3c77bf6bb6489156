//! Sending: outgoing calls, replies and stream items.

use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use farcall_core::protocol::{NoRoom, Payload};
use farcall_core::{CallError, Cancellation, Fault};

use super::{ClosingSide, Phase, SessionState};
use crate::rpc::error::{Disconnected, TooLate};
use crate::rpc::message::{self, CallTarget, Headers, write_end, write_item, write_return};
use crate::rpc::session::call_timeout::CallTimeout;
use crate::rpc::session::length::{check_length, check_result_length};
use crate::rpc::session::object::{CallRequest, ObjectHandle, Promise, StartedCall};
use crate::rpc::session::outgoing::OutgoingCall;
use crate::rpc::session::streams::SendReadiness;

impl SessionState {
    /// Starts a call, and sends it if the limits allow. Takes the request out of `request` only if
    /// it must be kept. If a promise is wanted, the result is one. Only calls with a deadline need
    /// the time.
    pub(crate) fn start_call(
        &mut self,
        request: &mut Option<CallRequest>,
        wants_promise: bool,
        timeout: CallTimeout,
        now: impl FnOnce() -> Instant,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError> {
        let Some(new) = request.as_ref() else {
            return Err(CallError::NotSent("the call was already made".into()));
        };
        let can_start = match &self.phase {
            Phase::Connected => true,
            Phase::Closing(ClosingSide::Peer(_)) | Phase::Disconnected(_) => {
                self.settings.reconnects
            }
            Phase::Closing(ClosingSide::Local) | Phase::Ended(_) => false,
        };
        if !can_start {
            return Err(CallError::NotSent(Box::new(self.disconnect_reason())));
        }
        let one_way = new.call.context.is_one_way();
        let id = self.outgoing.next_id();
        let timeout_tick = matches!(timeout, CallTimeout::Default)
            .then(|| self.outgoing.tick_after(self.timeout_ticks));
        let promise_session = wants_promise.then(|| self.link.upgrade()).flatten();
        let (call, started) = match promise_session {
            Some(session) => {
                let promise = Arc::new(Promise::new(session, id, timeout.deadline()));
                let weak = Some(Arc::downgrade(&promise));
                let call = OutgoingCall::new(None, weak, one_way, timeout_tick);
                (call, StartedCall::Promise(promise))
            }
            None => {
                // The caller of a one-way call polls it again at once.
                let waker = (!one_way).then(|| cx.waker().clone());
                let call = OutgoingCall::new(waker, None, one_way, timeout_tick);
                (call, StartedCall::Call(id))
            }
        };
        if !self.can_send() || self.outgoing.has_queued() {
            if let Some(request) = request.take() {
                self.outgoing.insert_queued(id, call, request);
            }
            return Ok(started);
        }
        if self.transmit(id, call, new, now)
            && let Some(request) = request.take()
        {
            self.outgoing.keep(id, Box::new(request));
        }
        Ok(started)
    }

    /// Sends queued calls, as far as the limits allow.
    pub(super) fn send_queued(&mut self, now: impl Fn() -> Instant) {
        while self.outgoing.has_queued() && self.can_send() {
            let Some((id, call, request)) = self.outgoing.take_queued() else {
                return;
            };
            if self.transmit(id, call, &request, &now) {
                self.outgoing.keep(id, request);
            } else {
                self.outbox.drop(request);
            }
        }
    }

    /// Sends a call, or completes it if that is not possible. Returns `true` if it may have to be
    /// sent again, so that the request must be kept.
    fn transmit(
        &mut self,
        id: u64,
        call: OutgoingCall,
        request: &CallRequest,
        now: impl FnOnce() -> Instant,
    ) -> bool {
        let outcome = self.send(id, request, call.promise.is_some(), now);
        let may_repeat = self.settings.reconnects && !call.one_way && outcome.is_ok();
        self.outgoing.insert(id, call, outcome, &mut self.outbox);
        may_repeat
    }

    /// Returns `true` if the limits allow another call to be sent now.
    fn can_send(&self) -> bool {
        matches!(self.phase, Phase::Connected)
            && self.outbox.has_room()
            && (self.outgoing.in_flight() as u64) < self.peer_limits.max_calls
    }

    fn send(
        &mut self,
        id: u64,
        CallRequest { object, call }: &CallRequest,
        promise: bool,
        now: impl FnOnce() -> Instant,
    ) -> Result<(), CallError> {
        let target = match object {
            None => CallTarget::Root,
            Some(object) => self.target(object)?,
        };
        let timeout = match call.context.deadline() {
            None => None,
            Some(deadline) => match deadline.saturating_duration_since(now()) {
                Duration::ZERO => return Err(CallError::NotSent(Box::new(TooLate))),
                left => Some(left),
            },
        };
        let headers = self
            .peer_takes_headers
            .then(|| call.context.headers_to_send());
        let mut encoded_headers = Vec::new();
        let headers = match headers.flatten() {
            Some(headers) => Headers::encode(&headers, &mut encoded_headers)
                .map_err(|error| CallError::NotSent(Box::new(error)))?,
            None => Headers::default(),
        };
        let params = &call.params;
        let length = params.as_slice().len() + call.method().len() + headers.size();
        check_length(self.peer_limits.max_message, length, params.attachments())
            .map_err(|error| CallError::NotSent(Box::new(error)))?;
        let references = self
            .export(params.attachments())
            .map_err(|fault| CallError::NotSent(Box::new(fault)))?;
        let message = message::Call {
            id,
            target,
            one_way: call.context.is_one_way(),
            promise,
            idempotent: call.context.is_idempotent(),
            timeout,
            method: call.method(),
            headers,
            references,
        };
        self.outbox.push_with(|out| {
            message.write(out);
            out.extend_from_slice(params.as_slice());
        });
        Ok(())
    }

    /// Translates the object of a call to its target in this session.
    fn target(&self, object: &ObjectHandle) -> Result<CallTarget, CallError> {
        match object.resolved()? {
            ObjectHandle::Imported(imported)
                if std::ptr::addr_eq(Arc::as_ptr(&imported.session), self.link.as_ptr()) =>
            {
                if self.references.is_imported(&imported) {
                    Ok(CallTarget::Object(imported.id))
                } else {
                    Err(CallError::NotSent(Box::new(Disconnected::Forgotten)))
                }
            }
            ObjectHandle::Promised(promise) => Ok(CallTarget::Promise(promise.call)),
            ObjectHandle::Local(_) | ObjectHandle::Imported(_) | ObjectHandle::Failed(_) => {
                Err(CallError::NotSent(
                    "the promised object is on another connection: await `ready()` first".into(),
                ))
            }
        }
    }

    /// Sends the reply of a call that has completed.
    pub(crate) fn complete_incoming(
        &mut self,
        id: u64,
        cancellation: &Cancellation,
        result: Result<Payload, Fault>,
    ) {
        let outbox = &mut self.outbox;
        let one_way = self.incoming.complete(id, cancellation, &result, outbox);
        match (one_way, &result) {
            // The caller has cancelled it.
            (None, _) => {}
            (Some(true), _) => {
                self.outbox.push_with(|out| write_return(id, &[], out));
            }
            (Some(false), Ok(reply)) => {
                if let Err(fault) = self.push_return(id, reply) {
                    self.push_fault(id, &fault);
                }
            }
            (Some(false), Err(fault)) => self.push_fault(id, fault),
        }
        self.outbox.drop(result);
    }

    /// Sends a result. Returns a fault to be sent instead if that is not possible.
    pub(crate) fn push_return(&mut self, id: u64, reply: &Payload) -> Result<(), Fault> {
        let bytes = reply.as_slice();
        check_result_length(self.max_payload(), bytes.len(), reply.attachments())?;
        let cost = message::cost(bytes.len(), reply.attachments().len());
        self.reserve(cost).map_err(NoRoom::of_reply)?;
        let references = self.export_result(reply.attachments())?;
        self.outbox.push_with(|out| {
            write_return(id, &references, out);
            out.extend_from_slice(bytes);
        });
        Ok(())
    }

    /// Checks whether an item of a stream can be sent now. Otherwise the task is woken when it can.
    pub(crate) fn poll_ready(&mut self, stream: u64, cx: &Context<'_>) -> SendReadiness {
        self.streams.poll_ready(stream, cx, &mut self.outbox)
    }

    /// Sends an item, unless the stream was closed.
    pub(crate) fn send_item(&mut self, stream: u64, item: &Payload) -> Result<(), Fault> {
        if !self.streams.is_sending(stream) {
            return Ok(());
        }
        let (bytes, attachments) = (item.as_slice(), item.attachments());
        check_length(self.max_payload(), bytes.len(), attachments).map_err(Fault::internal)?;
        let cost = message::cost(bytes.len(), attachments.len());
        self.reserve(cost).map_err(NoRoom::of_reply)?;
        let references = self.export_result(attachments)?;
        let length = self.outbox.push_with(|out| {
            write_item(stream, &references, out);
            out.extend_from_slice(bytes);
        });
        let cost = message::cost(length, references.len());
        self.streams.on_sent(stream, cost);
        Ok(())
    }

    /// Ends a stream, unless it was closed.
    pub(crate) fn end_stream(&mut self, stream: u64, fault: Option<&Fault>) {
        if self.streams.close_outgoing(stream) {
            let with_causes = self.settings.sends_causes;
            self.outbox
                .push_with(|out| write_end(stream, fault, with_causes, out));
        }
    }
}
