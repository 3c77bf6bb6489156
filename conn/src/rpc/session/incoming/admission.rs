//! Admission of incoming calls.

use std::collections::BTreeSet;

use farcall_core::protocol::CallLimit;
use farcall_core::protocol::CallPermit;
use farcall_core::protocol::NoRoom;
use farcall_core::{Cancellation, Fault, FaultKind};

use super::IncomingCall;
use super::promises::{PromiseState, promise_failed};
use crate::rpc::error::Violation;
use crate::rpc::message::{self, CallTarget, MAX_METHOD, ObjectId, fits};
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::{Phase, Session, SessionState, overloaded};

/// Fault message of calls that are refused while the peer does not read its replies.
pub(in crate::rpc::session) const TOO_MANY_REPLIES: &str = "too many replies wait to be read";

/// The target of an admitted call, and its cancellation.
pub(in crate::rpc::session) struct AdmittedTarget {
    /// The object that is called; `None` for the methods offered to every peer.
    pub(super) object: Option<ObjectHandle>,
    /// Cancellation of the call, if it is registered as incoming already.
    pub(super) cancellation: Option<Cancellation>,
}

/// The properties of a call that admission depends on.
#[derive(Clone, Copy)]
pub(in crate::rpc::session) struct CallHead {
    pub(in crate::rpc::session) id: u64,
    target: CallTarget,
    pub(in crate::rpc::session) one_way: bool,
    promise: bool,
    /// `true` if the method name is longer than [`MAX_METHOD`].
    pub(in crate::rpc::session) method_too_long: bool,
    /// [Cost](message::cost) of the message.
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

/// The target of a call, as resolved on the local side.
enum ResolvedTarget {
    /// The methods offered to every peer.
    Root,
    Object(ObjectHandle),
    /// The object that the call with this id will return.
    Promise(u64),
}

/// Result of [`Session::admit`].
pub(in crate::rpc::session) enum CallAdmission {
    /// The call starts now.
    Run(AdmittedTarget),
    /// The call must [wait](SessionState::queue_dependent) for the promise of the call with this
    /// id.
    Wait(u64),
    /// The call does not run. If it has a reply, that was sent.
    Rejected,
}

impl Session {
    /// Decides whether a call runs, waits or is refused. A call is registered as incoming only if
    /// other calls can refer to it before it has started.
    pub(in crate::rpc::session) fn admit(
        &self,
        state: &mut SessionState,
        head: CallHead,
    ) -> Result<CallAdmission, Violation> {
        let CallHead {
            id,
            one_way,
            promise,
            ..
        } = head;
        if id <= state.last_incoming {
            let last = state.last_incoming;
            return Err(Violation::CallOrder { id, last });
        }
        if matches!(state.phase, Phase::Closing { local: true, .. }) {
            // The peer was told that later calls do not run.
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

    /// Returns `true` if another call is within the limit of the session.
    fn has_capacity(&self, state: &SessionState) -> bool {
        ((state.incoming.len() + state.starting) as u64) < self.settings.limits.max_calls
    }

    /// Counts a call in the limit over all connections, if there is one.
    pub(super) fn permit(&self) -> Option<CallPermit> {
        self.settings.calls.as_ref().map(CallLimit::begin)
    }

    /// Checks the limits, and resolves the target of a call.
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
            return Err(overloaded("too many concurrent calls on this connection"));
        }
        if let Some(calls) = &self.settings.calls {
            calls.check()?;
        }
        if state.backlog() > self.settings.max_backlog {
            return Err(overloaded(TOO_MANY_REPLIES));
        }
        // The memory of the partial message is reserved already. It now counts as the call.
        let more = head.cost.saturating_sub(state.partial_message());
        let reserved = self.reserve(state, more);
        reserved.map_err(NoRoom::of_request)?;
        match head.target {
            CallTarget::Root => Ok(ResolvedTarget::Root),
            CallTarget::Object(id) => match state.exported(id) {
                Some(object) => Ok(ResolvedTarget::Object(object.clone())),
                None => Err(no_object(id)),
            },
            CallTarget::Promise(promise_id) => {
                match state.incoming.get(&promise_id).map(|call| &call.promise) {
                    Some(Some(PromiseState::Pending(_))) => {
                        let dependents_cost = state
                            .tables
                            .as_ref()
                            .map_or(0, |tables| tables.dependents_cost);
                        if !fits(dependents_cost, head.cost, self.settings.max_backlog) {
                            return Err(overloaded("too many calls wait for promised objects"));
                        }
                        Ok(ResolvedTarget::Promise(promise_id))
                    }
                    Some(Some(PromiseState::Fulfilled(object))) => {
                        Ok(ResolvedTarget::Object(object.clone()))
                    }
                    Some(Some(PromiseState::Rejected(fault))) => Err(fault.clone()),
                    Some(None) | None => Err(Fault::of(
                        FaultKind::Gone,
                        format!("call {promise_id} has no promise, or its promise is finished"),
                    )),
                }
            }
        }
    }
}

fn no_object(id: ObjectId) -> Fault {
    Fault::of(FaultKind::Gone, format!("there is no object {id:?}"))
}
