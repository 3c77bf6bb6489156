//! Dispatch of the messages that a driver receives.

use std::borrow::Cow;
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
use super::{Deferred, Phase, Session, SessionState, overloaded};
use crate::rpc::error::{Disconnected, Violation};
use crate::rpc::message::{self, Message, cost};

/// Maximum messages handled under one lock of the session.
const BATCH_SIZE: usize = 8;

/// Maximum bytes of a result that is encoded outside the session, to be copied under its lock.
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
    /// The peer cancels this call, which may have been admitted in the batch and not started.
    Cancel(u64),
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
                BatchEnd::Cancel(id) => self.session.on_cancel(id),
                BatchEnd::Full => {}
            }
        }
    }

    /// Handles messages under one lock of the session. Calls are admitted, and start after the
    /// batch.
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
                let decoder = &mut reader.decoder;
                let bytes = match decoder.is_large() {
                    true => decoder
                        .owned_message(limit)
                        .map(|bytes| bytes.map(Cow::Owned)),
                    false => decoder.message(limit).map(|bytes| bytes.map(Cow::Borrowed)),
                };
                let Some(bytes) = bytes.map_err(Disconnected::broken)? else {
                    *is_quiescent = admitted.is_empty() && state.is_quiescent(waker);
                    *yielding = Yielding::with_in_flight(state.in_flight);
                    return Ok(BatchEnd::Drained);
                };
                *handled += 1;
                match session.on_message(state, deferred, expects_held, origin, bytes)? {
                    Dispatched::Done => {}
                    Dispatched::Call(call) => admitted.push(call),
                    Dispatched::Cancel(id) => return Ok(BatchEnd::Cancel(id)),
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
}

/// Rejects a `Held` that is not the first message of a connection which resumed the session, and
/// any other message in its place (docs/RPC.md, "Resuming a session"). The counts in `Held` replace
/// the local ones: a late `Held` would release references that the peer still has, and a missing
/// one would keep references that it does not have.
fn check_held_order(expects_held: &mut bool, message: &Message<'_>) -> Result<(), Violation> {
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
    Err(match is_held {
        true => Violation::UnexpectedHeld,
        false => Violation::MissingHeld,
    })
}

/// Result of [`Session::on_message`].
enum Dispatched {
    Done,
    /// This call starts once the session is unlocked.
    Call(AdmittedCall),
    /// This call is cancelled once the calls before it have started.
    Cancel(u64),
}

/// Returns the payload of a message, which begins at `offset`. A large message is not copied.
fn payload(message: Cow<'_, [u8]>, offset: usize) -> Payload {
    match message {
        Cow::Borrowed(bytes) => Payload::copied(&bytes[offset..]),
        Cow::Owned(bytes) => Payload::rest(bytes, offset),
    }
}

impl Session {
    /// Handles a message.
    #[inline]
    fn on_message(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        expects_held: &mut bool,
        origin: &Arc<Origin>,
        bytes: Cow<'_, [u8]>,
    ) -> Result<Dispatched, Violation> {
        let limits = &self.settings.limits;
        let length = bytes.len();
        let message = Message::read(&bytes, limits.max_objects + limits.max_streams)?;
        check_held_order(expects_held, &message)?;
        match message {
            Message::Call(mut message, offset) => {
                let references = std::mem::take(&mut message.references);
                let head = CallHead::of(&message, cost(length, references.len()));
                let admission = self.admit(state, head)?;
                let attachments = self.import(state, deferred, &references)?;
                if let CallAdmission::Rejected = admission {
                    if !attachments.is_empty() {
                        deferred.drop(attachments);
                    }
                    return Ok(Dispatched::Done);
                }
                let context = call_context(&message, origin);
                let call = Call {
                    params: payload(bytes, offset).with_attachments(attachments),
                    format: self.encoding,
                    context,
                };
                match admission {
                    CallAdmission::Run(target) => {
                        return Ok(Dispatched::Call(AdmittedCall {
                            id: head.id,
                            cost: head.cost,
                            one_way: head.one_way,
                            target,
                            call,
                        }));
                    }
                    CallAdmission::Wait(promise_id) => {
                        state.queue_dependent(head, promise_id, call);
                    }
                    CallAdmission::Rejected => {}
                }
            }
            Message::Return {
                id,
                references,
                payload: offset,
            } => {
                let attachments = self.import(state, deferred, &references)?;
                let reply = payload(bytes, offset).with_attachments(attachments);
                self.on_return(state, deferred, id, Ok(reply))?;
            }
            Message::Fault { id, fault } => self.on_return(state, deferred, id, Err(fault))?,
            Message::Item {
                stream,
                references,
                payload: offset,
            } => {
                let attachments = self.import(state, deferred, &references)?;
                let item = payload(bytes, offset).with_attachments(attachments);
                let cost = cost(length, references.len());
                self.on_item(state, deferred, stream, item, cost)?;
            }
            Message::End { stream, fault } => {
                self.on_stream_end(state, deferred, stream, fault, cost(length, 0));
            }
            Message::Credit { stream, bytes } => state.on_credit(deferred, stream, bytes),
            Message::Stop(stream) => state.on_stop(deferred, stream),
            Message::Cancel(id) => return Ok(Dispatched::Cancel(id)),
            Message::Finish(id) => state.on_finish(deferred, id),
            Message::Release(released) => state.on_release(deferred, released)?,
            Message::Held(held) => state.on_held(deferred, held),
            Message::Ping(number) => state.push(&Message::Pong(number)),
            Message::Pong(_) => {}
            Message::Goodbye { last, reason } => self.on_goodbye(state, deferred, last, reason),
            Message::Hello(_) => return Err(Violation::RepeatedHello),
        }
        Ok(Dispatched::Done)
    }

    /// Records that the peer closes the session after call `last`.
    fn on_goodbye(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        last: u64,
        reason: &str,
    ) {
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
    }
}

/// Creates the context of a call.
fn call_context(message: &message::Call<'_>, origin: &Arc<Origin>) -> Context {
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
    context
}
