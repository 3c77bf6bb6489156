//! Dispatch of the messages that a driver receives.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::Waker;

use farcall_core::protocol::{Call, Origin, Payload};
use farcall_core::{Budget, Context, Fault};
use tokio::time::Instant;

use super::driver::{Driver, Yielding};
use super::incoming::{AdmittedCall, CallAdmission, CallHead, TOO_MANY_REPLIES, log_fault};
use super::outgoing::check_result_length;
use super::{Phase, Session, overloaded};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Message, Reference, cost};

/// Maximum messages handled under one lock of the session.
const BATCH_SIZE: usize = 8;

/// Maximum bytes of a message that is handled under the lock, where only its payload is copied.
/// Longer messages are copied whole. It is also the maximum of a result that is encoded outside the
/// session.
const COPY_LIMIT: usize = 4096;

/// Maximum bytes kept of the reason in a `Goodbye`.
const MAX_REASON: usize = 1024;

/// Returns the part of a buffer of `size` bytes that counts against the budget. Up to
/// [`Budget::FREE`] nothing counts: such a buffer is released while no bytes arrive.
pub(super) const fn counted_size(size: usize) -> usize {
    match size {
        ..=Budget::FREE => 0,
        size => size,
    }
}

/// Reason why a batch ended.
enum BatchEnd {
    /// The decoder has no complete message left.
    Drained,
    /// This message must be handled outside the lock.
    Single(Vec<u8>),
    /// The batch has [`BATCH_SIZE`] messages.
    Full,
}

thread_local! {
    /// Calls admitted in a batch, which start after it. Kept per thread to reuse the allocation.
    static ADMITTED: Cell<Vec<AdmittedCall>> = const { Cell::new(Vec::new()) };
}

impl Driver {
    /// Handles up to `max` messages that the decoder holds, and returns their number.
    pub(super) fn dispatch(&mut self, max: usize, waker: &Waker) -> Result<usize, Disconnected> {
        let mut handled = 0;
        loop {
            let limit = self.reader.max_message;
            let is_complete = self.reader.decoder.is_complete(limit);
            let is_complete = is_complete.map_err(Disconnected::broken)?;
            if !is_complete || !self.can_read || handled >= max {
                return Ok(handled);
            }
            let mut admitted = ADMITTED.take();
            let end = self.dispatch_batch(&mut handled, &mut admitted, waker);
            admitted.drain(..).for_each(|call| self.run_call(call));
            ADMITTED.set(admitted);
            match end? {
                BatchEnd::Drained => return Ok(handled),
                BatchEnd::Single(message) => self.dispatch_single(message)?,
                BatchEnd::Full => {}
            }
        }
    }

    /// Handles messages that only change the state of the session, and admits calls, which start
    /// after the batch.
    fn dispatch_batch(
        &mut self,
        handled: &mut usize,
        admitted: &mut Vec<AdmittedCall>,
        waker: &Waker,
    ) -> Result<BatchEnd, Disconnected> {
        let Self {
            session,
            reader,
            origin,
            deferred,
            replies,
            backlog,
            can_read,
            is_quiescent,
            yielding,
            expects_held,
            decoder_counted,
            ..
        } = self;
        let limit = reader.max_message;
        let size = counted_size(reader.decoder.size());
        *decoder_counted = size > 0;
        session.update_with(deferred, |state, deferred| {
            state.finish_batch(replies);
            state.set_partial_message(size);
            *backlog = state.backlog();
            *can_read = session.can_read(state);
            *is_quiescent = false;
            for _ in 0..BATCH_SIZE {
                if reader.decoder.is_large() {
                    let message = reader.decoder.owned_message(limit);
                    let message = message.map_err(Disconnected::broken)?;
                    *handled += 1;
                    return Ok(message.map_or(BatchEnd::Drained, BatchEnd::Single));
                }
                let message = reader.decoder.message(limit);
                let Some(bytes) = message.map_err(Disconnected::broken)? else {
                    *is_quiescent = admitted.is_empty() && state.is_quiescent(waker);
                    *yielding = Yielding::with_in_flight(state.in_flight);
                    return Ok(BatchEnd::Drained);
                };
                *handled += 1;
                if bytes.len() > COPY_LIMIT || *expects_held {
                    return Ok(BatchEnd::Single(bytes.to_vec()));
                }
                if let Some((id, reply)) = message::plain_return(bytes) {
                    let reply = Payload::copied(reply);
                    session.on_return(state, deferred, id, Ok(reply))?;
                    continue;
                }
                if let Some((message, payload)) = message::plain_call(bytes) {
                    let params = || Payload::copied(&bytes[payload..]);
                    let head = CallHead::of(&message, cost(bytes.len(), 0));
                    match session.admit(state, head)? {
                        CallAdmission::Run(target) => admitted.push(AdmittedCall {
                            id: head.id,
                            cost: head.cost,
                            one_way: head.one_way,
                            target,
                            call: session.build_call(&message, origin, params()),
                        }),
                        CallAdmission::Wait(promise_id) => {
                            let call = session.build_call(&message, origin, params());
                            state.queue_dependent(head, promise_id, call);
                        }
                        CallAdmission::Rejected => {}
                    }
                    continue;
                }
                match session.read(bytes)? {
                    Message::Item {
                        stream,
                        references,
                        payload,
                    } if references.is_empty() => {
                        let item = Payload::copied(&bytes[payload..]);
                        session.on_item(state, deferred, stream, item, cost(bytes.len(), 0))?;
                    }
                    _ => return Ok(BatchEnd::Single(bytes.to_vec())),
                }
            }
            Ok(BatchEnd::Full)
        })
    }

    /// Runs an admitted call.
    fn run_call(&mut self, call: AdmittedCall) {
        let (id, one_way) = (call.id, call.one_way);
        let result = match self.exceeds_backlog() {
            true => self.session.reject(call, overloaded(TOO_MANY_REPLIES)),
            false => self.session.run(&self.root, call),
        };
        match result {
            Some(result) if one_way => {
                if let Err(fault) = &result {
                    log_fault(fault, "a call failed");
                }
                self.push(|out| message::write_return(id, &[], out));
            }
            Some(result) => self.send_reply(id, result),
            None => {}
        }
    }

    /// Sends the reply to a call. Most replies are encoded outside the session, which takes a batch
    /// of them at once.
    fn send_reply(&mut self, id: u64, result: Result<Payload, Fault>) {
        let result = result.and_then(|reply| {
            let bytes = reply.as_slice();
            if reply.attachments().is_empty() && bytes.len() <= COPY_LIMIT {
                check_result_length(self.reply_limit, bytes.len(), &[])?;
                self.push(|out| {
                    message::write_return(id, &[], out);
                    out.extend_from_slice(bytes);
                });
                return Ok(());
            }
            self.is_quiescent = false;
            let session = &self.session;
            let (replies, backlog) = (&mut self.replies, &mut self.backlog);
            session.update_with(&mut self.deferred, |state, deferred| {
                state.append_replies(replies);
                let pushed = session.push_return(state, deferred, id, &reply);
                *backlog = state.backlog();
                deferred.drop(reply);
                pushed
            })
        });
        if let Err(fault) = result {
            log_fault(&fault, "a call failed");
            let fault = self.session.fault_for_peer(fault);
            let with_causes = self.session.settings.sends_causes;
            self.push(|out| message::write_fault(id, &fault, with_causes, out));
        }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let pushed: Result<(), Infallible> = self.replies.push_with(|out| {
            write(out);
            Ok(())
        });
        let Ok(()) = pushed;
    }

    /// Returns `true` if the peer reads so slowly that further calls are refused. The calls of a
    /// batch are admitted before the replies of the others exist, so the limit is checked again
    /// before each of them runs.
    fn exceeds_backlog(&self) -> bool {
        let backlog = self.backlog + self.replies.unwritten().len() as u64;
        backlog > self.session.settings.max_backlog
    }

    fn dispatch_single(&mut self, bytes: Vec<u8>) -> Result<(), Disconnected> {
        let session = &self.session;
        let length = bytes.len();
        let message = session.read(&bytes)?;
        check_held_order(&mut self.expects_held, &message)?;
        match message {
            Message::Call(mut message, offset) => {
                let references = std::mem::take(&mut message.references);
                let head = CallHead::of(&message, cost(length, references.len()));
                // The call is refused, so a method name over the limit is not copied.
                let call = (!head.method_too_long)
                    .then(|| session.build_call(&message, &self.origin, Payload::copied(&[])));
                let params = self.payload(bytes, offset, &references)?;
                let Self {
                    session,
                    deferred,
                    replies,
                    backlog,
                    ..
                } = self;
                let mut call = call.map(|call| Call { params, ..call });
                let admission = session.update_with(deferred, |state, _| {
                    state.finish_batch(replies);
                    *backlog = state.backlog();
                    let admission = session.admit(state, head);
                    if let Ok(CallAdmission::Wait(promise_id)) = admission
                        && let Some(call) = call.take()
                    {
                        state.queue_dependent(head, promise_id, call);
                    }
                    admission
                })?;
                if let (CallAdmission::Run(target), Some(call)) = (admission, call) {
                    self.run_call(AdmittedCall {
                        id: head.id,
                        cost: head.cost,
                        one_way: head.one_way,
                        target,
                        call,
                    });
                }
            }
            Message::Return {
                id,
                references,
                payload,
            } => {
                let reply = self.payload(bytes, payload, &references)?;
                session
                    .update(|state, deferred| session.on_return(state, deferred, id, Ok(reply)))?;
            }
            Message::Fault { id, fault } => {
                session
                    .update(|state, deferred| session.on_return(state, deferred, id, Err(fault)))?;
            }
            Message::Cancel(id) => session.on_cancel(id),
            Message::Finish(id) => session.on_finish(id),
            Message::Release(released) => session.on_release(released)?,
            Message::Item {
                stream,
                references,
                payload,
            } => {
                let cost = cost(length, references.len());
                let item = self.payload(bytes, payload, &references)?;
                session.update(|state, deferred| {
                    session.on_item(state, deferred, stream, item, cost)
                })?;
            }
            Message::End { stream, fault } => {
                session.on_stream_end(stream, fault, cost(length, 0));
            }
            Message::Credit { stream, bytes } => session.on_credit(stream, bytes),
            Message::Stop(stream) => session.on_stop(stream),
            Message::Ping(number) => session.update(|state, _| state.push(&Message::Pong(number))),
            Message::Pong(_) => {}
            Message::Goodbye { last, reason } => session.on_goodbye(last, reason),
            Message::Held(held) => session.on_held(held),
            Message::Hello(_) => {
                let message = "`Hello` in the middle of a session".to_owned();
                return Err(Disconnected::Protocol(message));
            }
        }
        Ok(())
    }

    fn payload(
        &self,
        bytes: Vec<u8>,
        offset: usize,
        references: &[Reference],
    ) -> Result<Payload, Disconnected> {
        let range = offset..bytes.len();
        let payload = Payload::from(bytes).with_range(range);
        if references.is_empty() {
            return Ok(payload);
        }
        let attachments = self.session.import(references)?;
        Ok(payload.with_attachments(attachments))
    }
}

/// Rejects a `Held` that is not the first message of a connection which resumed the session, and
/// any other message in its place (docs/RPC.md, "Resuming a session"). The counts in `Held` replace
/// the local ones: a late `Held` would release references that the peer still has, and a missing
/// one would keep references that it does not have.
fn check_held_order(expects_held: &mut bool, message: &Message<'_>) -> Result<(), Disconnected> {
    let is_held = match message {
        // A peer that closes immediately, most often because of a protocol violation, may give
        // its reason.
        Message::Goodbye { .. } => return Ok(()),
        Message::Held(_) => true,
        _ => false,
    };
    if std::mem::take(expects_held) == is_held {
        return Ok(());
    }
    let message = match is_held {
        true => "`Held` is not the first message after a greeting that resumed",
        false => "the first message after a greeting that resumed is not `Held`",
    };
    Err(Disconnected::Protocol(message.to_owned()))
}

impl Session {
    /// Decodes a message.
    fn read<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, Disconnected> {
        let limits = &self.settings.limits;
        let max_references = limits.max_objects + limits.max_streams;
        let message = Message::read(bytes, max_references);
        message.map_err(|error| Disconnected::Protocol(error.to_string()))
    }

    #[inline]
    fn build_call(
        &self,
        message: &message::Call<'_>,
        origin: &Arc<Origin>,
        params: Payload,
    ) -> Call<Encoding> {
        let deadline = message
            .timeout
            .and_then(|left| Instant::now().checked_add(left));
        let mut context = Context::new(message.method)
            .with_deadline(deadline.map(Instant::into_std))
            .with_origin(Arc::clone(origin));
        if message.one_way {
            context = context.one_way();
        }
        if message.idempotent {
            context = context.idempotent();
        }
        Call {
            params,
            format: self.encoding,
            context,
        }
    }

    /// Records that the peer closes the session after call `last`.
    fn on_goodbye(&self, last: u64, reason: &str) {
        self.update(|state, deferred| {
            if let Phase::Connected = state.phase {
                // Every call and stream that the connection ends carries a copy of the reason.
                let end = (0..=MAX_REASON)
                    .rev()
                    .find(|&end| reason.is_char_boundary(end));
                let reason = reason.get(..end.unwrap_or(0)).unwrap_or(reason).to_owned();
                state.phase = Phase::Closing {
                    local: false,
                    reason,
                };
            }
            let reason = state.disconnect_reason();
            state.fail_after(last, &reason, self.reconnects, deferred);
            deferred.wake(state.driver_waker.take());
        });
    }
}
