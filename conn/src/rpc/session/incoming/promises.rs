//! What calls of the other end promised, and the calls that wait for that.

use std::collections::BTreeSet;
use std::sync::Arc;

use rpc_core::{Call, Fault, FaultKind, Payload};

use super::Head;
use crate::rpc::encoding::Encoding;
use crate::rpc::session::object::Object;
use crate::rpc::session::{Session, State};

/// The result of a call as a target of others.
pub(super) enum Promised {
    /// It is still to come; these calls wait for it.
    Waiting(BTreeSet<u64>),
    Kept(Object),
    Broken(Fault),
}

/// A call that waits for what another one promised.
pub(super) struct Waits {
    pub(super) other: u64,
    pub(super) call: Call<Encoding>,
    /// What its message [costs](crate::rpc::message::cost).
    pub(super) cost: u64,
}

/// Why a promise is broken, before the cause, and how much of that is told.
const BROKEN: &str = "the call that promised the object failed: ";
const CAUSE: usize = 200;

impl Session {
    /// Runs a call that waited for the object that it is for. If it is answered at once, here is its result.
    pub(super) fn run_dependent(
        self: &Arc<Self>,
        id: u64,
        object: &Object,
        call: Call<Encoding>,
    ) -> Option<Result<Payload, Fault>> {
        let tracked = self.change(|state, _| {
            let answering = state.answers.get(&id)?;
            let head = (id, answering.one_way, answering.cost);
            Some((head, answering.cancellation.clone()))
        });
        // If it is not there, it was given up.
        let (head, cancellation) = tracked?;
        self.begin_answer(head, Some(cancellation), call, |call| object.answer(call))
    }

    /// Takes note that no more calls will be made on what a call promised.
    pub(in crate::rpc::session) fn finished(&self, id: u64) {
        self.change(|state, effects| {
            let kept = state.answers.get(&id).map(|answering| &answering.promise);
            if let Some(Some(Promised::Kept(_) | Promised::Broken(_))) = kept {
                let answering = state.remove_answer(id);
                effects.drop(answering);
            }
        });
    }
}

impl State {
    /// Has a call that was admitted so far wait for what another one promised.
    pub(in crate::rpc::session) fn wait(&mut self, head: Head, other: u64, call: Call<Encoding>) {
        let Head { id, cost, .. } = head;
        self.passed().put_off += cost;
        if let Some(answering) = self.answers.get_mut(&id) {
            answering.waits = Some(Waits { other, call, cost });
        }
        if let Some(waiting) = self.waiting_for(other) {
            waiting.insert(id);
        }
    }

    /// The calls that wait for what this one promised, if it is still to come.
    pub(super) fn waiting_for(&mut self, id: u64) -> Option<&mut BTreeSet<u64>> {
        match &mut self.answers.get_mut(&id)?.promise {
            Some(Promised::Waiting(calls)) => Some(calls),
            _ => None,
        }
    }

    /// Takes the calls that wait for what this one promised, the oldest first.
    pub(super) fn take_waiting(&mut self, id: u64) -> Vec<(u64, Call<Encoding>)> {
        let Some(waiting) = self.waiting_for(id) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        for dependent in std::mem::take(waiting) {
            let waits = self
                .answers
                .get_mut(&dependent)
                .and_then(|a| a.waits.take());
            if let Some(Waits { call, cost, .. }) = waits {
                self.passed().put_off -= cost;
                calls.push((dependent, call));
            }
        }
        calls
    }
}

/// The object that a call promised, once its result is there.
pub(super) fn promised(result: &Result<Payload, Fault>) -> Result<Object, Fault> {
    match result {
        Ok(reply) => Object::first(reply.attachments())
            .ok_or_else(|| Fault::of(FaultKind::Gone, "the result has no object")),
        Err(fault) => Err(broken(fault)),
    }
}

/// The fault for a call on what another one promised, which failed. However many wait for one another, each is
/// told the first cause; and not all of it, since there may be many of them.
pub(super) fn broken(cause: &Fault) -> Fault {
    if cause.message().starts_with(BROKEN) {
        return cause.clone();
    }
    let cause: String = cause.message().chars().take(CAUSE).collect();
    Fault::of(FaultKind::Gone, format!("{BROKEN}{cause}"))
}
