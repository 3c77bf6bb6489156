//! Whether a call of the other end can begin, and what answers it.

use std::collections::BTreeSet;

use rpc_core::budget::NoRoom;
use rpc_core::limit::CallPermit;
use rpc_core::{CallLimit, Cancellation, Fault, FaultKind};

use super::Answering;
use super::promises::{Promised, broken};
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, MAX_METHOD, ObjectId, Target, fits};
use crate::rpc::session::object::Object;
use crate::rpc::session::{Phase, Session, State, overloaded};

/// Why a call is refused while the other end does not read.
pub(in crate::rpc::session) const TOO_MANY_ANSWERS: &str = "too many answers wait to be read";

/// What answers a call.
pub(in crate::rpc::session) struct Admission {
    /// Without one, it is what this end offers to everyone.
    pub(super) object: Option<Object>,
    /// If the call is among the answers already, what tells it that nobody waits for it.
    pub(super) cancellation: Option<Cancellation>,
}

/// What decides whether a call can begin.
#[derive(Clone, Copy)]
pub(in crate::rpc::session) struct Head {
    pub(in crate::rpc::session) id: u64,
    target: Target,
    pub(in crate::rpc::session) one_way: bool,
    promise: bool,
    /// Whether the name of the method is longer than names are.
    pub(in crate::rpc::session) is_long: bool,
    /// What the message [costs](message::cost).
    pub(in crate::rpc::session) cost: u64,
}

impl Head {
    pub(in crate::rpc::session) const fn of(call: &message::Call<'_>, cost: u64) -> Self {
        Self {
            id: call.id,
            target: call.target,
            one_way: call.one_way,
            promise: call.promise,
            is_long: call.method.len() > MAX_METHOD,
            cost,
        }
    }
}

/// What a call is for.
enum Callee {
    /// What this end offers to everyone.
    Root,
    Object(Object),
    /// What the call of this number promised, once that is there.
    Promised(u64),
}

/// Whether a call can begin.
pub(in crate::rpc::session) enum Verdict {
    Begins(Admission),
    /// It [waits](State::wait) for what the call of this number promised.
    Waits(u64),
    /// It was told so, if there is anything to tell.
    Refused,
}

impl Session {
    /// Takes note of a call, and tells what is to answer it now. It is among the answers only if others
    /// can refer to it before it has begun.
    pub(in crate::rpc::session) fn admit(
        &self,
        state: &mut State,
        head: Head,
    ) -> Result<Verdict, Disconnected> {
        let Head {
            id,
            one_way,
            promise,
            ..
        } = head;
        if id <= state.last_answer {
            let message = format!("call {id} came after call {}", state.last_answer);
            return Err(Disconnected::Protocol(message));
        }
        if matches!(state.phase, Phase::Leaving { ours: true, .. }) {
            // It was told that calls from here on do not run.
            return Ok(Verdict::Refused);
        }
        state.last_answer = id;
        let tracked = |promise| Answering {
            task: None,
            cancellation: Cancellation::default(),
            one_way,
            cost: 0,
            _running: self.running(),
            promise,
            waits: None,
        };
        let promised = || Promised::Waiting(BTreeSet::new());
        let object = match self.callee(state, &head) {
            Ok(Callee::Root) => None,
            Ok(Callee::Object(object)) => Some(object),
            Ok(Callee::Promised(other)) => {
                let answering = Answering {
                    cost: head.cost,
                    ..tracked(promise.then(promised))
                };
                state.add_answer(id, answering);
                return Ok(Verdict::Waits(other));
            }
            Err(fault) => {
                self.push_fault(state, id, &fault);
                if promise && self.has_capacity(state) {
                    let answering = tracked(Some(Promised::Broken(broken(&fault))));
                    state.answers.insert(id, answering);
                }
                return Ok(Verdict::Refused);
            }
        };
        let mut cancellation = None;
        if promise {
            let answering = Answering {
                cost: head.cost,
                ..tracked(Some(promised()))
            };
            cancellation = Some(answering.cancellation.clone());
            state.add_answer(id, answering);
        } else {
            state.beginning += 1;
        }
        Ok(Verdict::Begins(Admission {
            object,
            cancellation,
        }))
    }

    /// Whether another call can be under way.
    fn has_capacity(&self, state: &State) -> bool {
        ((state.answers.len() + state.beginning) as u64) < self.settings.limits.max_calls
    }

    /// Counts a call among those of all connections, where they have a limit.
    pub(super) fn running(&self) -> Option<CallPermit> {
        self.settings.calls.as_ref().map(CallLimit::begin)
    }

    /// What answers a call, if there is room for one more.
    fn callee(&self, state: &mut State, head: &Head) -> Result<Callee, Fault> {
        if head.is_long {
            let message = format!("the name of the method is over the limit of {MAX_METHOD} bytes");
            return Err(Fault::of(FaultKind::InvalidRequest, message));
        }
        if !self.has_capacity(state) {
            return Err(overloaded("too many calls at once on this connection"));
        }
        if let Some(calls) = &self.settings.calls {
            calls.check()?;
        }
        if state.backlog() > self.settings.max_backlog {
            return Err(overloaded(TOO_MANY_ANSWERS));
        }
        // What the message has taken so far goes on as the call.
        let more = head.cost.saturating_sub(state.reading());
        let reserved = self.reserve(state, more);
        reserved.map_err(NoRoom::of_request)?;
        match head.target {
            Target::Root => Ok(Callee::Root),
            Target::Object(id) => match state.exported(id) {
                Some(object) => Ok(Callee::Object(object.clone())),
                None => Err(gone(id)),
            },
            Target::Promise(other) => match state.answers.get(&other).map(|other| &other.promise) {
                Some(Some(Promised::Waiting(_))) => {
                    let put_off = state.passed.as_ref().map_or(0, |passed| passed.put_off);
                    if !fits(put_off, head.cost, self.settings.max_backlog) {
                        return Err(overloaded("too much waits for what other calls promised"));
                    }
                    Ok(Callee::Promised(other))
                }
                Some(Some(Promised::Kept(object))) => Ok(Callee::Object(object.clone())),
                Some(Some(Promised::Broken(fault))) => Err(fault.clone()),
                Some(None) | None => Err(Fault::of(
                    FaultKind::Gone,
                    format!("call {other} promises nothing, or no longer"),
                )),
            },
        }
    }
}

fn gone(id: ObjectId) -> Fault {
    Fault::of(FaultKind::Gone, format!("there is no object {id:?}"))
}
