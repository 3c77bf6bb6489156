//! What comes over a connection, message by message.

use std::sync::Arc;

use rpc_core::{Call, Cancellation, Context, Payload};
use tokio::time::Instant;

use super::answers::Request;
use super::driver::Driver;
use super::{Phase, Session};
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Message, Reference};

impl Driver {
    pub(super) fn receive(&self, bytes: Vec<u8>) -> Result<(), Disconnected> {
        let session = &self.session;
        let message = Message::read(&bytes);
        match message.map_err(|error| Disconnected::Protocol(error.to_string()))? {
            Message::Call(mut head, offset) => {
                let references = std::mem::take(&mut head.references);
                let request = self.request(&head);
                let params = self.payload(bytes, offset, &references)?;
                session.answer(request.with_params(params))?;
            }
            Message::Return {
                id,
                references,
                payload,
            } => {
                let reply = self.payload(bytes, payload, &references)?;
                session.returned(id, Ok(reply))?;
            }
            Message::Fault { id, fault } => session.returned(id, Err(fault))?,
            Message::Cancel(id) => session.cancelled(id),
            Message::Finish(id) => session.finished(id),
            Message::Release(released) => session.released(&released)?,
            Message::Item {
                stream,
                references,
                payload,
            } => {
                let item = self.payload(bytes, payload, &references)?;
                session.item(stream, item)?;
            }
            Message::End { stream, fault } => session.stream_ended(stream, fault),
            Message::Credit { stream, bytes } => session.credited(stream, bytes),
            Message::Stop(stream) => session.stopped(stream),
            Message::Ping(number) => session.change(|state, _| state.push(&Message::Pong(number))),
            Message::Pong(_) => {}
            Message::Goodbye { last, reason } => session.other_leaves(last, reason),
            Message::Held(held) => session.held(held),
            Message::Hello(_) => {
                let message = "a first message in the middle of a session".to_owned();
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
        let payload = Payload::rest(bytes, offset);
        if references.is_empty() {
            return Ok(payload);
        }
        let attachments = self.session.import(references)?;
        Ok(payload.with_attachments(attachments))
    }

    fn request(&self, head: &message::Call<'_>) -> Request {
        let cancellation = Cancellation::default();
        let deadline = head
            .timeout
            .and_then(|left| Instant::now().checked_add(left));
        let mut context = Context::new(head.method)
            .with_deadline(deadline.map(Instant::into_std))
            .with_origin(Arc::clone(&self.origin))
            .with_cancellation(cancellation.clone());
        if head.one_way {
            context = context.one_way();
        }
        if head.idempotent {
            context = context.idempotent();
        }
        Request {
            id: head.id,
            target: head.target,
            one_way: head.one_way,
            promise: head.promise,
            call: Call {
                params: Payload::from(Vec::new()),
                format: self.session.encoding,
                context,
            },
            cancellation,
        }
    }
}

impl Session {
    /// Takes note that the other end is about to leave.
    fn other_leaves(&self, last: u64, reason: &str) {
        self.change(|state, effects| {
            if let Phase::Up = state.phase {
                let reason = reason.to_owned();
                state.phase = Phase::Leaving {
                    ours: false,
                    reason,
                };
            }
            let reason = state.reason();
            state.refuse_after(last, &reason, self.reconnects, effects);
            effects.wake(state.driver.take());
        });
    }
}
