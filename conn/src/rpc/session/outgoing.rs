//! The calls of this end: waiting to be sent, sent, answered.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rpc_core::payload::Attachment;
use rpc_core::{Call, CallError, Execution, Fault, FaultKind, Payload};
use tokio::time::Instant;

mod interrupted;

use super::call_timeout::Patience;
use super::object::{Object, Promise};
use super::{Discard, Effects, Lifeline, Phase, Session, State};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, TooLate, TooLong};
use crate::rpc::message::{self, Message, Target};

/// A call that has not ended, or whose end nobody took note of.
pub(super) struct Pending {
    pub(super) progress: Progress,
    waker: Option<Waker>,
    /// What is to be sent, and after that what may have to be sent again.
    outgoing: Option<Box<Outgoing>>,
    /// What the result is for, where it is an object that is called before it is there.
    promise: Option<Weak<Promise>>,
    one_way: bool,
    /// An earlier connection took it, so that it may have run even if it cannot be sent again.
    pub(super) heard: bool,
    /// The tick at which the call ends, where it waits for the default time.
    pub(super) last_tick: Option<u32>,
}

pub(super) enum Progress {
    Waiting,
    /// The connection has to take the bytes up to here before the other end can know of the call.
    Sent {
        until: u64,
    },
    /// A one-way call whose caller was told that it is on its way.
    Detached,
    Done(Result<Payload, CallError>),
}

/// What began with a call.
pub(super) enum Begun {
    /// A call with this number.
    Called(u64),
    Promised(Arc<Promise>),
}

/// A call to be sent.
pub(super) struct Outgoing {
    pub(super) object: Option<Object>,
    pub(super) call: Call<Encoding>,
}

impl Discard for Outgoing {
    fn is_plain(&self) -> bool {
        self.object.is_none()
            && self.call.params.is_plain()
            && self.call.context.headers().is_none()
    }
}

impl Discard for Pending {}

impl Session {
    /// What a call on this object is for, in the terms of this session.
    fn target(&self, object: Option<&Object>) -> Result<Target, CallError> {
        let Some(object) = object else {
            return Ok(Target::Root);
        };
        match object.resolved()? {
            Object::Imported(imported) if imported.gone.is_cancelled() => {
                Err(CallError::NotSent(Box::new(Disconnected::Forgotten)))
            }
            Object::Imported(imported) if self.is(&imported.session) => {
                Ok(Target::Object(imported.id))
            }
            Object::Promised(promise) => Ok(Target::Promise(promise.call)),
            Object::Local(_) | Object::Imported(_) | Object::Failed(_) => Err(CallError::NotSent(
                "the promised object turned out to be elsewhere: call it once it is there".into(),
            )),
        }
    }

    /// Begins a call, which is sent as soon as it may. What need not be kept of it then is left where it was.
    /// With `promised` it also makes a promise of its result.
    pub(super) fn begin(
        &self,
        outgoing: &mut Option<Outgoing>,
        promised: Option<Arc<Lifeline>>,
        patience: Patience,
        cx: &Context<'_>,
    ) -> Result<Begun, CallError> {
        self.change_and_write(|state, effects| {
            let Some(call) = outgoing.as_ref() else {
                return Err(CallError::NotSent("the call was made already".into()));
            };
            let ready = match &state.phase {
                Phase::Up => true,
                Phase::Leaving { ours, .. } => self.reconnects && !ours,
                Phase::Down(_) => self.reconnects,
                Phase::Ended(_) => false,
            };
            if !ready {
                return Err(CallError::NotSent(Box::new(state.reason())));
            }
            let id = state.calls.next_number();
            let promise =
                promised.map(|lifeline| Arc::new(Promise::new(lifeline, id, patience.deadline())));
            let mut pending = Pending {
                progress: Progress::Waiting,
                waker: None,
                promise: promise.as_ref().map(Arc::downgrade),
                one_way: call.call.context.is_one_way(),
                heard: false,
                last_tick: self.last_tick(state, patience),
                outgoing: None,
            };
            let begun = match promise {
                Some(promise) => Begun::Promised(promise),
                None => {
                    pending.waker = Some(cx.waker().clone());
                    Begun::Called(id)
                }
            };
            if !state.may_send() || !state.waiting.is_empty() {
                pending.outgoing = outgoing.take().map(Box::new);
                state.calls.insert(id, pending);
                state.waiting.push_back(id);
                return Ok(begun);
            }
            let sent = self.send(state, effects, id, call, pending.promise.is_some());
            if sent.is_ok() {
                pending.sent(state);
                if self.reconnects && !pending.one_way {
                    pending.outgoing = outgoing.take().map(Box::new);
                }
            }
            state.calls.insert(id, pending);
            if let Err(error) = sent {
                state.settle(id, Err(error), effects);
            }
            Ok(begun)
        })
    }

    /// Sends the calls that wait, as far as the limits allow.
    pub(super) fn send_waiting(&self, state: &mut State, effects: &mut Effects) {
        while !state.waiting.is_empty() && state.may_send() {
            let Some(id) = state.waiting.pop_front() else {
                return;
            };
            let Some(mut pending) = state.calls.remove(id) else {
                continue;
            };
            let Some(outgoing) = pending.outgoing.take() else {
                continue;
            };
            let sent = self.send(state, effects, id, &outgoing, pending.promise.is_some());
            if sent.is_ok() {
                pending.sent(state);
                if pending.one_way {
                    effects.wake(pending.waker.take());
                }
            }
            if sent.is_ok() && self.reconnects && !pending.one_way {
                pending.outgoing = Some(outgoing);
            } else {
                effects.drop(outgoing);
            }
            state.calls.insert(id, pending);
            if let Err(error) = sent {
                state.settle(id, Err(error), effects);
            }
        }
    }

    fn send(
        &self,
        state: &mut State,
        effects: &mut Effects,
        id: u64,
        Outgoing { object, call }: &Outgoing,
        promise: bool,
    ) -> Result<(), CallError> {
        let target = self.target(object.as_ref())?;
        let timeout = match call.context.deadline() {
            None => None,
            Some(deadline) => match left(deadline.into()) {
                Some(left) => Some(left),
                None => return Err(CallError::NotSent(Box::new(TooLate))),
            },
        };
        let length = call.params.as_slice().len() + call.method().len();
        check(state.peer.max_message, length, call.params.attachments())
            .map_err(|error| CallError::NotSent(Box::new(error)))?;
        let references = self
            .export(state, effects, call.params.attachments())
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

    /// Takes note of the end of a call.
    pub(super) fn returned(
        &self,
        state: &mut State,
        effects: &mut Effects,
        id: u64,
        result: Result<Payload, Fault>,
    ) -> Result<(), Disconnected> {
        if id > state.calls.last() {
            effects.drop(result);
            let message = format!("an answer to call {id}, which was never made");
            return Err(Disconnected::Protocol(message));
        }
        match state.calls.get(id).map(|pending| &pending.progress) {
            Some(Progress::Sent { .. } | Progress::Detached) => {
                state.call_ended();
                state.settle(id, result.map_err(CallError::Fault), effects);
                self.send_waiting(state, effects);
            }
            // It was given up, and the answer was under way.
            _ => effects.drop(result),
        }
        Ok(())
    }

    /// Ends a call whose caller no longer waits. Says whether it was sent.
    pub(in crate::rpc) fn give_up(&self, id: u64) -> bool {
        self.change(|state, effects| {
            let Some(pending) = state.calls.get_mut(id) else {
                return true;
            };
            if matches!(pending.progress, Progress::Detached) {
                // It was only to be sent.
                pending.waker = None;
                return true;
            }
            let sent = state.withdraw(id);
            let pending = state.calls.remove(id);
            effects.drop(pending);
            self.send_waiting(state, effects);
            sent.unwrap_or(true)
        })
    }

    /// The end of a call, if it has come to one.
    pub(super) fn poll_result(
        &self,
        id: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Payload, CallError>> {
        let state = &mut *self.lock();
        let Some(pending) = state.calls.get_mut(id) else {
            // A one-way call whose end came before its caller looked whether it is on its way.
            return Poll::Ready(Ok(Payload::copied(&[])));
        };
        match &pending.progress {
            Progress::Detached => Poll::Ready(Ok(Payload::copied(&[]))),
            Progress::Waiting | Progress::Sent { .. } => {
                match &mut pending.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            Progress::Done(_) => match state.calls.remove(id).map(|ended| ended.progress) {
                Some(Progress::Done(result)) => Poll::Ready(result),
                _ => Poll::Pending,
            },
        }
    }
}

impl Pending {
    /// Takes note that it was sent just now.
    fn sent(&mut self, state: &mut State) {
        state.call_began();
        self.progress = match self.one_way {
            true => Progress::Detached,
            false => Progress::Sent {
                until: state.pushed,
            },
        };
    }
}

/// Whether the other end, which has this limit, reads a message with a payload of this length.
pub(super) fn check(limit: u64, length: usize, attachments: &[Attachment]) -> Result<(), TooLong> {
    // What is before the payload: numbers of at most 10 bytes, objects of at most 17.
    let length = length + 64 + 17 * attachments.len();
    if length as u64 <= limit {
        return Ok(());
    }
    Err(TooLong { length, limit })
}

/// The same of a result, for the one who waits for it.
pub(super) fn check_result(
    limit: u64,
    length: usize,
    attachments: &[Attachment],
) -> Result<(), Fault> {
    check(limit, length, attachments).map_err(|error| {
        // The caller's own limit is no secret to it.
        Fault::of(
            FaultKind::Internal,
            format!("the result cannot be sent: {error}"),
        )
    })
}

/// What is left until then.
fn left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

impl State {
    /// Whether another call can be sent now.
    fn may_send(&self) -> bool {
        matches!(self.phase, Phase::Up)
            && self.has_room()
            && (self.in_flight as u64) < self.peer.max_calls
    }

    /// Has the call end like this.
    pub(super) fn settle(
        &mut self,
        id: u64,
        result: Result<Payload, CallError>,
        effects: &mut Effects,
    ) {
        let Some(pending) = self.calls.get_mut(id) else {
            return effects.drop(result);
        };
        let result = match result {
            Err(error) if pending.heard => Err(may_have_run(error)),
            result => result,
        };
        if let Some(promise) = &pending.promise {
            let promise = promise.upgrade();
            let pending = self.calls.remove(id);
            effects.drop(pending);
            if result.is_ok() && self.is_connected() {
                self.push(&Message::Finish(id));
            }
            if let Some(promise) = promise {
                effects.drop(promise.settle(result));
                effects.more().settled.push(promise);
            } else {
                effects.drop(result);
            }
            return;
        }
        if pending.one_way && matches!(pending.progress, Progress::Detached) {
            let pending = self.calls.remove(id);
            effects.drop(pending);
            return effects.drop(result);
        }
        let outgoing = pending.outgoing.take();
        pending.progress = Progress::Done(result);
        effects.wake(pending.waker.take());
        effects.drop(outgoing);
    }
}

/// The failure of a call that was sent again, so that it says nothing of what the first time led to.
fn may_have_run(error: CallError) -> CallError {
    match error {
        CallError::NotSent(cause) => CallError::Lost(cause),
        error if error.execution() == Execution::Never => CallError::Lost(Box::new(error)),
        error => error,
    }
}
