//! Handling of each message of the peer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use farcall_core::Context;
use farcall_core::protocol::{Call, Origin, Payload};

use super::admission::Admission;
use super::{Dispatched, NextMessage, SessionState};
use crate::rpc::error::Violation;
use crate::rpc::message::{self, Message, call_cost, cost};
use crate::rpc::session::incoming::{AdmittedCall, CallHead};

impl SessionState {
    /// Handles a message, which came from this origin. A call that is admitted is added to
    /// `admitted`, and starts once the session is unlocked. Only a call with a timeout takes the
    /// time from `now`.
    #[inline]
    pub(crate) fn on_message(
        &mut self,
        bytes: Cow<'_, [u8]>,
        origin: &Arc<Origin>,
        now: impl FnOnce() -> Instant,
        admitted: &mut Vec<AdmittedCall>,
    ) -> Result<Dispatched, Violation> {
        let limits = &self.settings.limits;
        let length = bytes.len();
        let message = Message::read(&bytes, limits.max_objects + limits.max_streams);
        if let Ok(message) = &message {
            self.check_held_order(message)?;
        }
        // Matched within its result: moving a message takes a good part of the time of reading it.
        match message {
            Err(violation) => return Err(violation),
            Ok(Message::Call(call, offset)) => {
                let cost = call_cost(length, call.references.len(), call.headers.len());
                let head = CallHead::of(&call, cost);
                let admission = self.admit(&head)?;
                if let Admission::Rejected = admission {
                    if !call.references.is_empty() {
                        let attachments = self.import(&call.references)?;
                        self.outbox.drop(attachments);
                    }
                    return Ok(Dispatched::Done);
                }
                let context = call_context(&call, origin, now);
                let references = call.references;
                let mut params = payload(bytes, offset);
                if !references.is_empty() {
                    params = params.with_attachments(self.import(&references)?);
                }
                let format = self.encoding;
                match admission {
                    Admission::Run {
                        object,
                        cancellation,
                    } => admitted.push(AdmittedCall {
                        head,
                        object,
                        cancellation,
                        // Made where it stays, so that it is not moved there.
                        call: Call {
                            params,
                            format,
                            context,
                        },
                    }),
                    Admission::Wait(promise_id) => {
                        let call = Call {
                            params,
                            format,
                            context,
                        };
                        self.incoming.wait(head, promise_id, call);
                    }
                    Admission::Rejected => {}
                }
            }
            Ok(Message::Return {
                id,
                references,
                payload: offset,
            }) => {
                let mut reply = payload(bytes, offset);
                if !references.is_empty() {
                    reply = reply.with_attachments(self.import(&references)?);
                }
                self.outgoing.on_return(id, Ok(reply), &mut self.outbox)?;
            }
            Ok(Message::Fault { id, fault }) => {
                self.outgoing.on_return(id, Err(fault), &mut self.outbox)?;
            }
            Ok(Message::Item {
                stream,
                references,
                payload: offset,
            }) => {
                let mut item = payload(bytes, offset);
                if !references.is_empty() {
                    item = item.with_attachments(self.import(&references)?);
                }
                let cost = cost(length, references.len());
                let (held, account) = (self.held(), &mut self.account);
                self.streams.on_item(
                    stream,
                    (item, cost),
                    &self.settings,
                    || account.reserve(held, cost),
                    &mut self.outbox,
                )?;
            }
            Ok(Message::End { stream, fault }) => {
                let end = (fault, cost(length, 0));
                let max_unread = self.settings.max_backlog;
                self.streams
                    .on_end(stream, end, max_unread, &mut self.outbox);
            }
            Ok(Message::Credit { stream, bytes }) => {
                self.streams.on_credit(stream, bytes, &mut self.outbox);
            }
            Ok(Message::Stop(stream)) => self.streams.on_stop(stream, &mut self.outbox),
            Ok(Message::Cancel(id)) => return Ok(Dispatched::Cancel(id)),
            Ok(Message::Finish(id)) => self.incoming.on_finish(id, &mut self.outbox),
            Ok(Message::Release(released)) => {
                self.references.on_release(released, &mut self.outbox)?;
            }
            Ok(Message::Held(held)) => self.references.on_held(held, &mut self.outbox),
            Ok(Message::Ping(number)) => self.outbox.push(&Message::Pong(number)),
            Ok(Message::Pong(_)) => {}
            Ok(Message::Goodbye { last, reason }) => self.on_goodbye(last, reason),
            Ok(Message::Hello(_)) => return Err(Violation::RepeatedHello),
        }
        Ok(Dispatched::Done)
    }

    /// Rejects a `Held` that is not the first message of a connection which resumed the session,
    /// and any other message in its place (docs/RPC.md, "Resuming a session"). The counts in `Held`
    /// replace the local ones: a late `Held` would release references that the peer still has, and
    /// a missing one would keep references that it does not have.
    fn check_held_order(&mut self, message: &Message<'_>) -> Result<(), Violation> {
        match (self.next_message, message) {
            (NextMessage::Any, Message::Held(_)) => Err(Violation::UnexpectedHeld),
            (NextMessage::Any, _) => Ok(()),
            (NextMessage::Held, Message::Held(_)) => {
                self.next_message = NextMessage::Any;
                Ok(())
            }
            // A peer that closes immediately, most often because of a protocol violation, may give
            // its reason.
            (NextMessage::Held, Message::Goodbye { .. }) => Ok(()),
            (NextMessage::Held, _) => Err(Violation::MissingHeld),
        }
    }
}

/// Returns the payload of a message, which begins at `offset`. A large message is not copied.
#[inline]
fn payload(message: Cow<'_, [u8]>, offset: usize) -> Payload {
    match message {
        Cow::Borrowed(bytes) => Payload::copied(&bytes[offset..]),
        Cow::Owned(bytes) => {
            let range = offset..bytes.len();
            Payload::from(bytes).with_range(range)
        }
    }
}

/// Creates the context of a call.
#[inline]
fn call_context(
    call: &message::Call<'_>,
    origin: &Arc<Origin>,
    now: impl FnOnce() -> Instant,
) -> Context {
    let deadline = call.timeout.and_then(|left| now().checked_add(left));
    let mut context = Context::received(call.method, Arc::clone(origin), deadline);
    if call.one_way {
        context = context.one_way();
    }
    if call.idempotent {
        context = context.idempotent();
    }
    if !call.headers.is_empty() {
        context = context.with_received_headers(call.headers.to_map());
    }
    context
}
