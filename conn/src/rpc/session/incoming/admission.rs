//! Whether a call of the other end can begin, and what answers it.

use std::collections::BTreeSet;

use rpc_core::budget::NoRoom;
use rpc_core::limit::CallPermit;
use rpc_core::{CallLimit, Cancellation, Fault, FaultKind};

use super::IncomingCall;
use super::promises::{PromiseState, promise_failed};
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, CallTarget, MAX_METHOD, ObjectId, fits};
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::{Phase, Session, SessionState, overloaded};

/// Why a call is refused while the other end does not read.
pub(in crate::rpc::session) const TOO_MANY_REPLIES: &str = "too many answers wait to be read";

/// What answers a call.
pub(in crate::rpc::session) struct AdmittedTarget {
    /// Without one, it is what this end offers to everyone.
    pub(super) object: Option<ObjectHandle>,
    /// If the call is among the answers already, what tells it that nobody waits for it.
    pub(super) cancellation: Option<Cancellation>,
}

/// What decides whether a call can begin.
#[derive(Clone, Copy)]
pub(in crate::rpc::session) struct CallHead {
    pub(in crate::rpc::session) id: u64,
    target: CallTarget,
    pub(in crate::rpc::session) one_way: bool,
    promise: bool,
    /// Whether the name of the method is longer than names are.
    pub(in crate::rpc::session) method_too_long: bool,
    /// What the message [costs](message::cost).
    pub(in crate::rpc::session) cost: u64,
}

impl CallHead {
    pub(in crate::rpc::session) const fn of(call: &message::Call<'_>, cost: u64) -> Self {
        Self {
            id: call.id,
            target: call.target,
            one_way: call.one_way,
            promise: call.promise,
            method_too_long: call.method.len() > MAX_METHOD,
            cost,
        }
    }
}

/// What a call is for.
enum ResolvedTarget {
    /// What this end offers to everyone.
    Root,
    Object(ObjectHandle),
    /// What the call of this number promised, once that is there.
    Promise(u64),
}

/// Whether a call can begin.
pub(in crate::rpc::session) enum CallAdmission {
    Run(AdmittedTarget),
    /// It [waits](State::wait) for what the call of this number promised.
    Wait(u64),
    /// It was told so, if there is anything to tell.
    Rejected,
}

impl Session {
    /// Takes note of a call, and tells what is to answer it now. It is among the answers only if others
    /// can refer to it before it has begun.
    pub(in crate::rpc::session) fn admit(
        &self,
        state: &mut SessionState,
        head: CallHead,
    ) -> Result<CallAdmission, Disconnected> {
        let CallHead {
            id,
            one_way,
            promise,
            ..
        } = head;
        if id <= state.last_incoming {
            let message = format!("call {id} came after call {}", state.last_incoming);
            return Err(Disconnected::Protocol(message));
        }
        if matches!(state.phase, Phase::Leaving { local: true, .. }) {
            // It was told that calls from here on do not run.
            return Ok(CallAdmission::Rejected);
        }
        state.last_incoming = id;
        let tracked = |promise| IncomingCall {
            task: None,
            cancellation: Cancellation::default(),
            one_way,
            cost: 0,
            _permit: self.permit(),
            promise,
            dependent: None,
        };
        let promised = || PromiseState::Pending(BTreeSet::new());
        let object = match self.resolve_target(state, &head) {
            Ok(ResolvedTarget::Root) => None,
            Ok(ResolvedTarget::Object(object)) => Some(object),
            Ok(ResolvedTarget::Promise(promise_id)) => {
                let entry = IncomingCall {
                    cost: head.cost,
                    ..tracked(promise.then(promised))
                };
                state.add_incoming(id, entry);
                return Ok(CallAdmission::Wait(promise_id));
            }
            Err(fault) => {
                self.push_fault(state, id, &fault);
                if promise && self.has_capacity(state) {
                    let entry = tracked(Some(PromiseState::Rejected(promise_failed(&fault))));
                    state.incoming.insert(id, entry);
                }
                return Ok(CallAdmission::Rejected);
            }
        };
        let mut cancellation = None;
        if promise {
            let entry = IncomingCall {
                cost: head.cost,
                ..tracked(Some(promised()))
            };
            cancellation = Some(entry.cancellation.clone());
            state.add_incoming(id, entry);
        } else {
            state.starting += 1;
        }
        Ok(CallAdmission::Run(AdmittedTarget {
            object,
            cancellation,
        }))
    }

    /// Whether another call can be under way.
    fn has_capacity(&self, state: &SessionState) -> bool {
        ((state.incoming.len() + state.starting) as u64) < self.settings.limits.max_calls
    }

    /// Counts a call among those of all connections, where they have a limit.
    pub(super) fn permit(&self) -> Option<CallPermit> {
        self.settings.calls.as_ref().map(CallLimit::begin)
    }

    /// What answers a call, if there is room for one more.
    fn resolve_target(
        &self,
        state: &mut SessionState,
        head: &CallHead,
    ) -> Result<ResolvedTarget, Fault> {
        if head.method_too_long {
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
            return Err(overloaded(TOO_MANY_REPLIES));
        }
        // What the message has taken so far goes on as the call.
        let more = head.cost.saturating_sub(state.partial_message());
        let reserved = self.reserve(state, more);
        reserved.map_err(NoRoom::of_request)?;
        match head.target {
            CallTarget::Root => Ok(ResolvedTarget::Root),
            CallTarget::Object(id) => match state.exported(id) {
                Some(object) => Ok(ResolvedTarget::Object(object.clone())),
                None => Err(gone(id)),
            },
            CallTarget::Promise(promise_id) => {
                match state.incoming.get(&promise_id).map(|call| &call.promise) {
                    Some(Some(PromiseState::Pending(_))) => {
                        let dependents_cost = state
                            .tables
                            .as_ref()
                            .map_or(0, |tables| tables.dependents_cost);
                        if !fits(dependents_cost, head.cost, self.settings.max_backlog) {
                            return Err(overloaded("too much waits for what other calls promised"));
                        }
                        Ok(ResolvedTarget::Promise(promise_id))
                    }
                    Some(Some(PromiseState::Fulfilled(object))) => {
                        Ok(ResolvedTarget::Object(object.clone()))
                    }
                    Some(Some(PromiseState::Rejected(fault))) => Err(fault.clone()),
                    Some(None) | None => Err(Fault::of(
                        FaultKind::Gone,
                        format!("call {promise_id} promises nothing, or no longer"),
                    )),
                }
            }
        }
    }
}

fn gone(id: ObjectId) -> Fault {
    Fault::of(FaultKind::Gone, format!("there is no object {id:?}"))
}
