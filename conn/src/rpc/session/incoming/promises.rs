//! Promises of incoming calls, and the calls that depend on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use farcall_core::protocol::{Call, Payload};
use farcall_core::{Fault, FaultKind};

use super::CallHead;
use crate::rpc::encoding::Encoding;
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::{Deferred, Session, SessionState};

/// The result of a call as the target of other calls.
pub(super) enum PromiseState {
    /// The call has not completed. These calls wait for it.
    Pending(BTreeSet<u64>),
    /// The call returned this object.
    Fulfilled(ObjectHandle),
    /// The call failed or returned no object.
    Rejected(Fault),
}

/// A call that waits for the promise of another call.
pub(super) struct DependentCall {
    /// The call whose promise it waits for.
    pub(super) promise_id: u64,
    pub(super) call: Call<Encoding>,
    /// [Cost](crate::rpc::message::cost) of its message.
    pub(super) cost: u64,
}

/// Fault message of a failed promise, in front of the cause.
const PROMISE_FAILED: &str = "the call that promised the object failed: ";
/// Maximum characters of the cause in that message.
const MAX_CAUSE_CHARS: usize = 200;

impl Session {
    /// Runs a call that waited for its target. If it completes immediately, its result is returned.
    pub(super) fn run_dependent(
        self: &Arc<Self>,
        id: u64,
        object: ObjectHandle,
        call: Call<Encoding>,
    ) -> Option<Result<Payload, Fault>> {
        let tracked = self.update(|state, _| {
            let entry = state.incoming.get(&id)?;
            let head = (id, entry.one_way, entry.cost);
            Some((head, entry.cancellation.clone()))
        });
        // A call that is not registered any more was cancelled.
        let (head, cancellation) = tracked?;
        self.start(head, Some(cancellation), call, |call| {
            self.call_object(object, call)
        })
    }
}

impl SessionState {
    /// Removes a completed call, as the peer makes no more calls on its promise.
    pub(in crate::rpc::session) fn on_finish(&mut self, deferred: &mut Deferred, id: u64) {
        let promise = self.incoming.get(&id).map(|entry| &entry.promise);
        if let Some(Some(PromiseState::Fulfilled(_) | PromiseState::Rejected(_))) = promise {
            let entry = self.remove_incoming(id);
            deferred.drop(entry);
        }
    }

    /// Makes an admitted call wait for the promise of another call.
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

    /// Returns the calls that wait for the promise of this call, if it is pending.
    pub(super) fn dependents_of(&mut self, id: u64) -> Option<&mut BTreeSet<u64>> {
        match &mut self.incoming.get_mut(&id)?.promise {
            Some(PromiseState::Pending(calls)) => Some(calls),
            _ => None,
        }
    }

    /// Removes and returns the calls that wait for the promise of this call, the oldest first.
    pub(super) fn take_dependents(&mut self, id: u64) -> Vec<(u64, Call<Encoding>)> {
        let Some(waiting) = self.dependents_of(id) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        for id in std::mem::take(waiting) {
            let dependent = self
                .incoming
                .get_mut(&id)
                .and_then(|entry| entry.dependent.take());
            if let Some(DependentCall { call, cost, .. }) = dependent {
                self.tables().dependents_cost -= cost;
                calls.push((id, call));
            }
        }
        calls
    }
}

/// Returns the object that a completed call promised.
pub(super) fn promised_object(result: &Result<Payload, Fault>) -> Result<ObjectHandle, Fault> {
    match result {
        Ok(reply) => ObjectHandle::first(reply.attachments())
            .ok_or_else(|| Fault::of(FaultKind::Gone, "the result has no object")),
        Err(fault) => Err(promise_failed(fault)),
    }
}

/// Creates the fault for a call on a failed promise. In a chain of dependent calls each fault has
/// the first cause, cut to [`MAX_CAUSE_CHARS`], since the chain may be long.
pub(super) fn promise_failed(cause: &Fault) -> Fault {
    if cause.message().starts_with(PROMISE_FAILED) {
        return cause.clone();
    }
    let cause: String = cause.message().chars().take(MAX_CAUSE_CHARS).collect();
    Fault::of(FaultKind::Gone, format!("{PROMISE_FAILED}{cause}"))
}
