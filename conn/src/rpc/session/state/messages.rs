//! Handling of each message of the peer.

use std::borrow::Cow;
use std::sync::Arc;

use farcall_core::Context;
use farcall_core::protocol::{Call, Origin, Payload};
use tokio::time::Instant;

use super::admission::Admission;
use super::{Dispatched, NextMessage, SessionState};
use crate::rpc::error::Violation;
use crate::rpc::message::{self, Message, cost};
use crate::rpc::session::incoming::{AdmittedCall, CallHead};

impl SessionState {
    /// Handles a message, which came from this origin. A call that is admitted is added to
    /// `admitted`, and starts once the session is unlocked.
    #[inline]
    pub(crate) fn on_message(
        &mut self,
        bytes: Cow<'_, [u8]>,
        origin: &Arc<Origin>,
        admitted: &mut Vec<AdmittedCall>,
    ) -> Result<Dispatched, Violation> {
        let limits = &self.settings.limits;
        let length = bytes.len();
        let message = Message::read(&bytes, limits.max_objects + limits.max_streams)?;
        self.check_held_order(&message)?;
        match message {
            Message::Call(call, offset) => {
                let head = CallHead::of(&call, cost(length, call.references.len()));
                let admission = self.admit(&head)?;
                let attachments = self.import(&call.references)?;
                if let Admission::Rejected = admission {
                    self.outbox.drop(attachments);
                    return Ok(Dispatched::Done);
                }
                let context = call_context(&call, origin);
                let call = Call {
                    params: payload(bytes, offset).with_attachments(attachments),
                    format: self.encoding,
                    context,
                };
                match admission {
                    Admission::Run {
                        object,
                        cancellation,
                    } => {
                        admitted.push(AdmittedCall {
                            head,
                            object,
                            cancellation,
                            call,
                        });
                    }
                    Admission::Wait(promise_id) => self.incoming.wait(head, promise_id, call),
                    Admission::Rejected => {}
                }
            }
            Message::Return {
                id,
                references,
                payload: offset,
            } => {
                let attachments = self.import(&references)?;
                let reply = payload(bytes, offset).with_attachments(attachments);
                self.outgoing.on_return(id, Ok(reply), &mut self.outbox)?;
                self.send_queued();
            }
            Message::Fault { id, fault } => {
                self.outgoing.on_return(id, Err(fault), &mut self.outbox)?;
                self.send_queued();
            }
            Message::Item {
                stream,
                references,
                payload: offset,
            } => {
                let attachments = self.import(&references)?;
                let item = payload(bytes, offset).with_attachments(attachments);
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
            Message::End { stream, fault } => {
                let end = (fault, cost(length, 0));
                let max_unread = self.settings.max_backlog;
                self.streams
                    .on_end(stream, end, max_unread, &mut self.outbox);
            }
            Message::Credit { stream, bytes } => {
                self.streams.on_credit(stream, bytes, &mut self.outbox);
            }
            Message::Stop(stream) => self.streams.on_stop(stream, &mut self.outbox),
            Message::Cancel(id) => return Ok(Dispatched::Cancel(id)),
            Message::Finish(id) => self.incoming.on_finish(id, &mut self.outbox),
            Message::Release(released) => self.references.on_release(released, &mut self.outbox)?,
            Message::Held(held) => self.references.on_held(held, &mut self.outbox),
            Message::Ping(number) => self.outbox.push(&Message::Pong(number)),
            Message::Pong(_) => {}
            Message::Goodbye { last, reason } => self.on_goodbye(last, reason),
            Message::Hello(_) => return Err(Violation::RepeatedHello),
        }
        Ok(Dispatched::Done)
    }

    /// Rejects a `Held` that is not the first message of a connection which resumed the session,
    /// and any other message in its place (docs/RPC.md, "Resuming a session"). The counts in `Held`
    /// replace the local ones: a late `Held` would release references that the peer still has, and
    /// a missing one would keep references that it does not have.
    fn check_held_order(&mut self, message: &Message<'_>) -> Result<(), Violation> {
        match (self.next_message, message) {
            // A peer that closes immediately, most often because of a protocol violation, may give
            // its reason.
            (_, Message::Goodbye { .. }) => Ok(()),
            (NextMessage::Held, Message::Held(_)) => {
                self.next_message = NextMessage::Any;
                Ok(())
            }
            (NextMessage::Any, Message::Held(_)) => Err(Violation::UnexpectedHeld),
            (NextMessage::Held, _) => Err(Violation::MissingHeld),
            (NextMessage::Any, _) => Ok(()),
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
fn call_context(call: &message::Call<'_>, origin: &Arc<Origin>) -> Context {
    let deadline = call
        .timeout
        .and_then(|left| Instant::now().checked_add(left));
    let mut context = Context::new(call.method)
        .with_deadline(deadline.map(Instant::into_std))
        .with_origin(Arc::clone(origin));
    if call.one_way {
        context = context.one_way();
    }
    if call.idempotent {
        context = context.idempotent();
    }
    context
}
