//! What becomes of calls when their connection ends, or the other end takes no more of them.

use rpc_core::CallError;

use super::{Outgoing, Progress};
use crate::rpc::error::Disconnected;
use crate::rpc::session::object::Object;
use crate::rpc::session::streams::is_stream;
use crate::rpc::session::{Effects, State};

impl State {
    /// Ends the calls that the loss of the connection ends. The others wait to be sent, if there is
    /// another connection to come: those that the other end cannot have heard of, and those that may run
    /// twice.
    pub(in crate::rpc::session) fn interrupt_calls(
        &mut self,
        reason: &Disconnected,
        reconnects: bool,
        effects: &mut Effects,
    ) {
        self.in_flight = 0;
        self.had_company = false;
        let written = self.written();
        for id in self.calls.numbers() {
            let Some(pending) = self.calls.get_mut(id) else {
                continue;
            };
            let unheard = match pending.progress {
                Progress::Waiting => true,
                Progress::Sent { until } => until > written,
                Progress::Detached | Progress::Done(_) => {
                    if matches!(pending.progress, Progress::Detached) {
                        let pending = self.calls.remove(id);
                        effects.drop(pending);
                    }
                    continue;
                }
            };
            let again = unheard
                || pending
                    .outgoing
                    .as_ref()
                    .is_some_and(|outgoing| outgoing.call.context.is_idempotent());
            if reconnects && again && pending.outgoing.as_deref().is_some_and(Outgoing::outlives) {
                if !matches!(pending.progress, Progress::Waiting) {
                    pending.progress = Progress::Waiting;
                    pending.heard |= !unheard;
                    self.waiting.push_back(id);
                }
                continue;
            }
            let reason = Box::new(reason.clone());
            let error = match unheard {
                true => CallError::NotSent(reason),
                false => CallError::Lost(reason),
            };
            self.settle(id, Err(error), effects);
        }
        let calls = &self.calls;
        self.waiting.retain(|id| {
            calls
                .get(*id)
                .is_some_and(|pending| matches!(pending.progress, Progress::Waiting))
        });
        self.waiting.make_contiguous().sort_unstable();
    }

    /// Ends the calls that wait to be sent.
    pub(in crate::rpc::session) fn fail_waiting(
        &mut self,
        reason: &Disconnected,
        effects: &mut Effects,
    ) {
        for id in std::mem::take(&mut self.waiting) {
            self.settle(
                id,
                Err(CallError::NotSent(Box::new(reason.clone()))),
                effects,
            );
        }
    }

    /// Ends the calls after `last`, which the other end will not answer.
    pub(in crate::rpc::session) fn refuse_after(
        &mut self,
        last: u64,
        reason: &Disconnected,
        reconnects: bool,
        effects: &mut Effects,
    ) {
        let numbers = self.calls.numbers();
        for id in numbers.into_iter().filter(|id| *id > last) {
            let Some(pending) = self.calls.get_mut(id) else {
                continue;
            };
            let again = reconnects && pending.outgoing.as_deref().is_some_and(Outgoing::outlives);
            match pending.progress {
                Progress::Waiting if reconnects => continue,
                Progress::Waiting => {}
                Progress::Sent { .. } => {
                    if again {
                        pending.progress = Progress::Waiting;
                    }
                    self.call_ended();
                }
                Progress::Detached => {
                    self.call_ended();
                    let pending = self.calls.remove(id);
                    effects.drop(pending);
                    continue;
                }
                Progress::Done(_) => continue,
            }
            if again {
                self.waiting.push_back(id);
                continue;
            }
            self.settle(
                id,
                Err(CallError::NotSent(Box::new(reason.clone()))),
                effects,
            );
        }
        self.waiting.make_contiguous().sort_unstable();
        if !reconnects {
            self.fail_waiting(reason, effects);
        }
    }
}

impl Outgoing {
    /// Whether the call makes sense on another connection: a stream or a promise belongs to its own.
    fn outlives(&self) -> bool {
        !matches!(self.object, Some(Object::Promised(_)))
            && !self.call.params.attachments().iter().any(is_stream)
    }
}
