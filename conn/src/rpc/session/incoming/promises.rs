//! What calls of the other end promised, and the calls that wait for that.

use std::collections::BTreeSet;
use std::sync::Arc;

use rpc_core::{Call, Fault, FaultKind, Payload};

use super::CallHead;
use crate::rpc::encoding::Encoding;
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::{Session, SessionState};

/// The result of a call as a target of others.
pub(super) enum PromiseState {
    /// It is still to come; these calls wait for it.
    Pending(BTreeSet<u64>),
    Fulfilled(ObjectHandle),
    Rejected(Fault),
}

/// A call that waits for what another one promised.
pub(super) struct DependentCall {
    pub(super) promise_id: u64,
    pub(super) call: Call<Encoding>,
    /// What its message [costs](crate::rpc::message::cost).
    pub(super) cost: u64,
}

/// Why a promise is broken, before the cause, and how much of that is told.
const PROMISE_FAILED: &str = "the call that promised the object failed: ";
const MAX_CAUSE_CHARS: usize = 200;

impl Session {
    /// Runs a call that waited for the object that it is for. If it is answered at once, here is its result.
    pub(super) fn run_dependent(
        self: &Arc<Self>,
        id: u64,
        object: &ObjectHandle,
        call: Call<Encoding>,
    ) -> Option<Result<Payload, Fault>> {
        let tracked = self.update(|state, _| {
            let entry = state.incoming.get(&id)?;
            let head = (id, entry.one_way, entry.cost);
            Some((head, entry.cancellation.clone()))
        });
        // If it is not there, it was given up.
        let (head, cancellation) = tracked?;
        self.start(head, Some(cancellation), call, |call| object.answer(call))
    }

    /// Takes note that no more calls will be made on what a call promised.
    pub(in crate::rpc::session) fn on_finish(&self, id: u64) {
        self.update(|state, deferred| {
            let promise = state.incoming.get(&id).map(|entry| &entry.promise);
            if let Some(Some(PromiseState::Fulfilled(_) | PromiseState::Rejected(_))) = promise {
                let entry = state.remove_incoming(id);
                deferred.drop(entry);
            }
        });
    }
}

impl SessionState {
    /// Has a call that was admitted so far wait for what another one promised.
    pub(in crate::rpc::session) fn queue_dependent(
        &mut self,
        head: CallHead,
        promise_id: u64,
        call: Call<Encoding>,
    ) {
        let CallHead { id, cost, .. } = head;
        self.tables().dependents_cost += cost;
        if let Some(entry) = self.incoming.get_mut(&id) {
            entry.dependent = Some(DependentCall {
                promise_id,
                call,
                cost,
            });
        }
        if let Some(waiting) = self.dependents_of(promise_id) {
            waiting.insert(id);
        }
    }

    /// The calls that wait for what this one promised, if it is still to come.
    pub(super) fn dependents_of(&mut self, id: u64) -> Option<&mut BTreeSet<u64>> {
        match &mut self.incoming.get_mut(&id)?.promise {
            Some(PromiseState::Pending(calls)) => Some(calls),
            _ => None,
        }
    }

    /// Takes the calls that wait for what this one promised, the oldest first.
    pub(super) fn take_dependents(&mut self, id: u64) -> Vec<(u64, Call<Encoding>)> {
        let Some(waiting) = self.dependents_of(id) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        for dependent in std::mem::take(waiting) {
            let dependent = self
                .incoming
                .get_mut(&dependent)
                .and_then(|entry| entry.dependent.take());
            if let Some(DependentCall { call, cost, .. }) = dependent {
                self.tables().dependents_cost -= cost;
                calls.push((dependent, call));
            }
        }
        calls
    }
}

/// The object that a call promised, once its result is there.
pub(super) fn promised_object(result: &Result<Payload, Fault>) -> Result<ObjectHandle, Fault> {
    match result {
        Ok(reply) => ObjectHandle::first(reply.attachments())
            .ok_or_else(|| Fault::of(FaultKind::Gone, "the result has no object")),
        Err(fault) => Err(promise_failed(fault)),
    }
}

/// The fault for a call on what another one promised, which failed. However many wait for one another, each is
/// told the first cause; and not all of it, since there may be many of them.
pub(super) fn promise_failed(cause: &Fault) -> Fault {
    if cause.message().starts_with(PROMISE_FAILED) {
        return cause.clone();
    }
    let cause: String = cause.message().chars().take(MAX_CAUSE_CHARS).collect();
    Fault::of(FaultKind::Gone, format!("{BROKEN}{cause}"))
}
