//! What comes over a connection, message by message.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::Waker;

use rpc_core::{Budget, Call, Context, Fault, Origin, Payload};
use tokio::time::Instant;

use super::driver::Driver;
use super::incoming::{Admitted, Head, TOO_MANY_ANSWERS, Verdict, log};
use super::outgoing::check_result;
use super::{Phase, Session, overloaded};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Message, Reference, cost};

/// How many messages are read in a row while the session is locked.
const BATCH: usize = 8;

/// Messages up to this length are copied piece by piece; longer ones are taken as they are.
const SMALL: usize = 4096;

/// How many bytes are kept of what the other end says when it leaves.
const MAX_REASON: usize = 1024;

/// What memory of so many bytes counts. Up to what is free, nothing does: it goes while nothing comes.
pub(super) const fn counted(size: usize) -> usize {
    match size {
        ..=Budget::FREE => 0,
        size => size,
    }
}

/// What ended a batch.
enum Next {
    /// There is no whole message left.
    Nothing,
    /// A message that is handled by itself.
    Single(Vec<u8>),
    Batch,
}

thread_local! {
    /// The calls that came with a batch, which begin after it.
    static REQUESTS: Cell<Vec<Admitted>> = const { Cell::new(Vec::new()) };
}

impl Driver {
    /// Handles the messages that are there, but not too many in a row. Says how many there were.
    pub(super) fn handle(&mut self, most: usize, waker: &Waker) -> Result<usize, Disconnected> {
        let mut handled = 0;
        loop {
            let limit = self.reader.max_message;
            let is_complete = self.reader.decoder.is_complete(limit);
            let is_complete = is_complete.map_err(Disconnected::broken)?;
            if !is_complete || !self.may_read || handled >= most {
                return Ok(handled);
            }
            let mut requests = REQUESTS.take();
            let next = self.batch(&mut handled, &mut requests, waker);
            requests.drain(..).for_each(|request| self.answer(request));
            REQUESTS.set(requests);
            match next? {
                Next::Nothing => return Ok(handled),
                Next::Single(message) => self.receive(message)?,
                Next::Batch => {}
            }
        }
    }

    /// Takes messages that only change the state of the session, and calls, which begin afterwards.
    fn batch(
        &mut self,
        handled: &mut usize,
        requests: &mut Vec<Admitted>,
        waker: &Waker,
    ) -> Result<Next, Disconnected> {
        let Self {
            session,
            reader,
            origin,
            effects,
            answers,
            backlog,
            may_read,
            is_settled,
            is_crowded,
            awaits_held,
            counts,
            ..
        } = self;
        let limit = reader.max_message;
        let size = counted(reader.decoder.size());
        *counts = size > 0;
        session.change_with(effects, |state, effects| {
            state.take_answers(answers);
            state.set_reading(size);
            *backlog = state.backlog();
            *may_read = session.may_read(state);
            *is_settled = false;
            for _ in 0..BATCH {
                if reader.decoder.is_large() {
                    let message = reader.decoder.owned_message(limit);
                    let message = message.map_err(Disconnected::broken)?;
                    *handled += 1;
                    return Ok(message.map_or(Next::Nothing, Next::Single));
                }
                let message = reader.decoder.message(limit);
                let Some(bytes) = message.map_err(Disconnected::broken)? else {
                    *is_settled = requests.is_empty() && state.is_settled(waker);
                    *is_crowded = state.in_flight > 1;
                    return Ok(Next::Nothing);
                };
                *handled += 1;
                if bytes.len() > SMALL || *awaits_held {
                    return Ok(Next::Single(bytes.to_vec()));
                }
                if let Some((id, reply)) = message::plain_return(bytes) {
                    let reply = Payload::copied(reply);
                    session.returned(state, effects, id, Ok(reply))?;
                    continue;
                }
                if let Some((message, payload)) = message::plain_call(bytes) {
                    let params = || Payload::copied(&bytes[payload..]);
                    let head = Head::of(&message, cost(bytes.len(), 0));
                    match session.admit(state, head)? {
                        Verdict::Begins(admission) => requests.push(Admitted {
                            id: head.id,
                            cost: head.cost,
                            one_way: head.one_way,
                            admission,
                            call: session.call_of(&message, origin, params()),
                        }),
                        Verdict::Waits(other) => {
                            let call = session.call_of(&message, origin, params());
                            state.wait(head, other, call);
                        }
                        Verdict::Refused => {}
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
                        session.item(state, effects, stream, item, cost(bytes.len(), 0))?;
                    }
                    _ => return Ok(Next::Single(bytes.to_vec())),
                }
            }
            Ok(Next::Batch)
        })
    }

    /// Runs a call that was admitted.
    fn answer(&mut self, request: Admitted) {
        let (id, one_way) = (request.id, request.one_way);
        let result = match self.has_backlog() {
            true => self.session.refuse(request, overloaded(TOO_MANY_ANSWERS)),
            false => self.session.run(&self.root, request),
        };
        match result {
            Some(result) if one_way => {
                if let Err(fault) = &result {
                    log(fault, "a call failed");
                }
                self.push(|out| message::write_return(id, &[], out));
            }
            Some(result) => self.reply(id, result),
            None => {}
        }
    }

    /// Sends the answer to a call. Most are written beside the session, which takes them all at once.
    fn reply(&mut self, id: u64, result: Result<Payload, Fault>) {
        let result = result.and_then(|reply| {
            let bytes = reply.as_slice();
            if reply.attachments().is_empty() && bytes.len() <= SMALL {
                check_result(self.longest, bytes.len(), &[])?;
                self.push(|out| {
                    message::write_return(id, &[], out);
                    out.extend_from_slice(bytes);
                });
                return Ok(());
            }
            self.is_settled = false;
            let session = &self.session;
            let (answers, backlog) = (&mut self.answers, &mut self.backlog);
            session.change_with(&mut self.effects, |state, effects| {
                state.take_written(answers);
                let pushed = session.push_return(state, effects, id, &reply);
                *backlog = state.backlog();
                effects.drop(reply);
                pushed
            })
        });
        if let Err(fault) = result {
            log(&fault, "a call failed");
            let fault = self.session.told(fault);
            let with_causes = self.session.settings.sends_causes;
            self.push(|out| message::write_fault(id, &fault, with_causes, out));
        }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let pushed: Result<(), Infallible> = self.answers.push_with(|out| {
            write(out);
            Ok(())
        });
        let Ok(()) = pushed;
    }

    /// Whether so many answers wait to be read by the other end that further calls are refused: those of a
    /// batch were admitted before there were the answers of the others.
    fn has_backlog(&self) -> bool {
        let backlog = self.backlog + self.answers.unwritten().len() as u64;
        backlog > self.session.settings.max_backlog
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Result<(), Disconnected> {
        let session = &self.session;
        let length = bytes.len();
        let message = session.read(&bytes)?;
        check_turn(&mut self.awaits_held, &message)?;
        match message {
            Message::Call(mut message, offset) => {
                let references = std::mem::take(&mut message.references);
                let head = Head::of(&message, cost(length, references.len()));
                // A long name is not copied: the call is refused.
                let call = (!head.is_long)
                    .then(|| session.call_of(&message, &self.origin, Payload::copied(&[])));
                let params = self.payload(bytes, offset, &references)?;
                let Self {
                    session,
                    effects,
                    answers,
                    backlog,
                    ..
                } = self;
                let mut call = call.map(|call| Call { params, ..call });
                let verdict = session.change_with(effects, |state, _| {
                    state.take_answers(answers);
                    *backlog = state.backlog();
                    let verdict = session.admit(state, head);
                    if let Ok(Verdict::Waits(other)) = verdict
                        && let Some(call) = call.take()
                    {
                        state.wait(head, other, call);
                    }
                    verdict
                })?;
                if let (Verdict::Begins(admission), Some(call)) = (verdict, call) {
                    self.answer(Admitted {
                        id: head.id,
                        cost: head.cost,
                        one_way: head.one_way,
                        admission,
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
                session.change(|state, effects| session.returned(state, effects, id, Ok(reply)))?;
            }
            Message::Fault { id, fault } => {
                session
                    .change(|state, effects| session.returned(state, effects, id, Err(fault)))?;
            }
            Message::Cancel(id) => session.cancelled(id),
            Message::Finish(id) => session.finished(id),
            Message::Release(released) => session.released(released)?,
            Message::Item {
                stream,
                references,
                payload,
            } => {
                let cost = cost(length, references.len());
                let item = self.payload(bytes, payload, &references)?;
                session
                    .change(|state, effects| session.item(state, effects, stream, item, cost))?;
            }
            Message::End { stream, fault } => {
                session.stream_ended(stream, fault, cost(length, 0));
            }
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
}

/// Refuses a `Held` that is not the first message of a connection which resumed the session, and anything else
/// in its place (docs/RPC.md, "Resuming a session"): its counts replace those of this end, so that a late one
/// would give back what the other end still refers to, and a missing one would keep what it does not.
fn check_turn(awaits_held: &mut bool, message: &Message<'_>) -> Result<(), Disconnected> {
    let is_held = match message {
        // Whoever leaves at once, for a breach of the protocol above all, may say why.
        Message::Goodbye { .. } => return Ok(()),
        Message::Held(_) => true,
        _ => false,
    };
    if std::mem::take(awaits_held) == is_held {
        return Ok(());
    }
    let message = match is_held {
        true => "`Held` is not the first message after a greeting that resumed",
        false => "the first message after a greeting that resumed is not `Held`",
    };
    Err(Disconnected::Protocol(message.to_owned()))
}

impl Session {
    /// Reads a message.
    fn read<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, Disconnected> {
        let limits = &self.settings.limits;
        let max_references = limits.max_objects + limits.max_streams;
        let message = Message::read(bytes, max_references);
        message.map_err(|error| Disconnected::Protocol(error.to_string()))
    }

    #[inline]
    fn call_of(
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

    /// Takes note that the other end is about to leave.
    fn other_leaves(&self, last: u64, reason: &str) {
        self.change(|state, effects| {
            if let Phase::Up = state.phase {
                // Each call and each stream that ends with the connection is told it.
                let end = (0..=MAX_REASON)
                    .rev()
                    .find(|&end| reason.is_char_boundary(end));
                let reason = reason.get(..end.unwrap_or(0)).unwrap_or(reason).to_owned();
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
