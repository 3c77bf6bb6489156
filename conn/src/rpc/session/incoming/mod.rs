//! Incoming calls, from admission to the reply.

mod promises;

use std::collections::BTreeSet;

use farcall_core::protocol::{Call, CallPermit, Payload};
use farcall_core::{Cancellation, Fault, FaultKind};

use self::promises::DependentCall;
pub(super) use self::promises::{PromiseState, promise_failed, promised_object};
use super::deferred::DeferredDrop;
use super::object::ObjectHandle;
use super::outbox::Outbox;
use super::tables::{Map, in_order};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Violation, overloaded};
use crate::rpc::message::{self, CallTarget, MAX_METHOD, fits};

/// The incoming calls of a session.
#[derive(Default)]
pub(super) struct IncomingCalls {
    /// Calls that have not completed, or whose promises can still be the targets of calls.
    calls: Map<u64, IncomingCall>,
    /// Calls that were admitted in the current batch and are not in `calls` (yet).
    starting: usize,
    /// Id of the newest call of the peer.
    last: u64,
    /// Cost of all calls in `calls` that are not completed.
    cost: u64,
    /// Cost of the calls that wait for promises.
    dependents_cost: u64,
}

struct IncomingCall {
    /// Ends the task of the call, too.
    cancellation: Cancellation,
    one_way: bool,
    /// [Cost](message::cost) of the message of the call; 0 once the call has completed.
    cost: u64,
    /// Counts the call in the limit over all connections.
    _permit: Option<CallPermit>,
    promise: Option<PromiseState>,
    /// The call itself, while it waits for the promise of another call.
    dependent: Option<DependentCall>,
}

impl DeferredDrop for IncomingCall {
    fn is_trivial(&self) -> bool {
        self.promise.is_none() && self.dependent.is_none()
    }
}

impl IncomingCall {
    /// Ends the work for a caller that no longer waits, and drops the rest of the call.
    fn cancel(self) {
        self.cancellation.cancel();
    }
}

/// The properties of a call that its admission and its reply depend on.
#[derive(Clone, Copy)]
pub(super) struct CallHead {
    pub(super) id: u64,
    pub(super) target: CallTarget,
    pub(super) one_way: bool,
    pub(super) has_promise: bool,
    /// `true` if the method name is longer than [`MAX_METHOD`].
    pub(super) method_too_long: bool,
    /// [Cost](message::cost) of the message.
    pub(super) cost: u64,
}

impl CallHead {
    pub(super) const fn of(call: &message::Call<'_>, cost: u64) -> Self {
        Self {
            id: call.id,
            target: call.target,
            one_way: call.one_way,
            has_promise: call.promise,
            method_too_long: call.method.len() > MAX_METHOD,
            cost,
        }
    }
}

/// An admitted call that has not started.
pub(super) struct AdmittedCall {
    pub(super) head: CallHead,
    /// The object that is called; `None` for the methods offered to every peer.
    pub(super) object: Option<ObjectHandle>,
    /// Cancellation of the call, if it is in the table already.
    pub(super) cancellation: Option<Cancellation>,
    /// Whole from the start, so that it is moved as seldom as possible.
    pub(super) call: Call<Encoding>,
}

/// A call that waited for the promise of another call, and starts.
pub(super) struct DependentStart {
    pub(super) id: u64,
    pub(super) cancellation: Cancellation,
    pub(super) call: Call<Encoding>,
}

impl IncomingCalls {
    /// Returns the number of calls that have not completed, or whose promises can still be called.
    pub(super) fn len(&self) -> usize {
        self.calls.len() + self.starting
    }

    /// Returns `true` if there are no calls, except those of the current batch.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Returns the id of the newest call over this connection, 0 if there was none.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Returns the cost of the calls that have not completed.
    pub(super) const fn cost(&self) -> u64 {
        self.cost
    }

    /// Returns the cost of the calls that wait for promises.
    #[cfg(test)]
    pub(super) const fn dependents_cost(&self) -> u64 {
        self.dependents_cost
    }

    /// Begins with the ids of a new connection.
    pub(super) const fn restart(&mut self) {
        self.last = 0;
    }

    /// Checks the id of a new call.
    pub(super) fn check_order(&self, id: u64) -> Result<(), Violation> {
        let last = self.last;
        if id <= last {
            return Err(Violation::CallOrder { id, last });
        }
        Ok(())
    }

    /// Accepts a call. It may still be refused by a fault.
    pub(super) const fn accept(&mut self, id: u64) {
        self.last = id;
    }

    /// Counts a call that starts after the current batch.
    pub(super) const fn begin(&mut self) {
        self.starting += 1;
    }

    /// Ends a batch, whose calls have started.
    pub(super) const fn end_batch(&mut self) {
        self.starting = 0;
    }

    /// Adds a call with a promise, or one that waits for a promise: other calls can refer to it
    /// before it has started. Returns its cancellation.
    pub(super) fn add(
        &mut self,
        head: &CallHead,
        promise: Option<PromiseState>,
        permit: Option<CallPermit>,
    ) -> Cancellation {
        let cancellation = Cancellation::default();
        self.insert(head, cancellation.clone(), promise, permit);
        cancellation
    }

    /// Adds a call of the current batch that did not complete immediately.
    pub(super) fn track(
        &mut self,
        head: &CallHead,
        cancellation: Cancellation,
        permit: Option<CallPermit>,
    ) {
        self.starting = self.starting.saturating_sub(1);
        self.insert(head, cancellation, None, permit);
    }

    fn insert(
        &mut self,
        head: &CallHead,
        cancellation: Cancellation,
        promise: Option<PromiseState>,
        permit: Option<CallPermit>,
    ) {
        // A promise that failed needs no work.
        let cost = match promise {
            Some(PromiseState::Rejected(_)) => 0,
            _ => head.cost,
        };
        self.cost += cost;
        let call = IncomingCall {
            cancellation,
            one_way: head.one_way,
            cost,
            _permit: permit,
            promise,
            dependent: None,
        };
        self.calls.insert(head.id, call);
    }

    /// Removes a call that has completed or was cancelled, and its cost.
    fn remove(&mut self, id: u64) -> Option<IncomingCall> {
        let call = self.calls.remove(&id)?;
        self.cost -= call.cost;
        Some(call)
    }

    /// Returns the call of a task, unless it was cancelled or has completed. The id alone does not
    /// tell: ids start again with each connection, and a task can outlive the connection of its
    /// call. Each call has a cancellation of its own.
    fn of_task(&mut self, id: u64, cancellation: &Cancellation) -> Option<&mut IncomingCall> {
        let call = self.calls.get_mut(&id)?;
        call.cancellation.is_same(cancellation).then_some(call)
    }

    /// Returns `true` unless the call of a task was cancelled or has completed.
    pub(super) fn awaits(&mut self, id: u64, cancellation: &Cancellation) -> bool {
        self.of_task(id, cancellation).is_some()
    }

    /// Completes a call. Returns `None` if the caller has cancelled it, otherwise `true` if it
    /// is one-way.
    pub(super) fn complete(
        &mut self,
        id: u64,
        cancellation: &Cancellation,
        result: &Result<Payload, Fault>,
        outbox: &mut Outbox,
    ) -> Option<bool> {
        let call = self.of_task(id, cancellation)?;
        let one_way = call.one_way;
        if call.promise.is_some() {
            call.promise = Some(PromiseState::of(result));
            let cost = std::mem::take(&mut call.cost);
            self.cost -= cost;
        } else {
            outbox.drop(self.remove(id));
        }
        Some(one_way)
    }

    /// Returns the promised object, or `None` if a call of this cost must wait for it.
    pub(super) fn promise(
        &self,
        id: u64,
        cost: u64,
        max_waiting: u64,
    ) -> Result<Option<ObjectHandle>, Fault> {
        match self.calls.get(&id).map(|call| &call.promise) {
            Some(Some(PromiseState::Pending(_))) => {
                if !fits(self.dependents_cost, cost, max_waiting) {
                    return Err(overloaded("too many calls wait for promised objects"));
                }
                Ok(None)
            }
            Some(Some(PromiseState::Fulfilled(object))) => Ok(Some(object.clone())),
            Some(Some(PromiseState::Rejected(fault))) => Err(fault.clone()),
            Some(None) | None => Err(Fault::of(
                FaultKind::Gone,
                format!("call {id} has no promise, or its promise is finished"),
            )),
        }
    }

    /// Makes an admitted call wait for the promise of another call.
    pub(super) fn wait(&mut self, head: CallHead, promise_id: u64, call: Call<Encoding>) {
        let CallHead { id, cost, .. } = head;
        self.dependents_cost += cost;
        if let Some(entry) = self.calls.get_mut(&id) {
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
    fn dependents_of(&mut self, id: u64) -> Option<&mut BTreeSet<u64>> {
        match &mut self.calls.get_mut(&id)?.promise {
            Some(PromiseState::Pending(calls)) => Some(calls),
            _ => None,
        }
    }

    /// Removes and returns the calls that wait for the promise of this call, the oldest first.
    pub(super) fn take_dependents(
        &mut self,
        id: u64,
        cancellation: &Cancellation,
    ) -> Vec<DependentStart> {
        let mut calls = Vec::new();
        if !self.awaits(id, cancellation) {
            return calls;
        }
        let waiting = self.dependents_of(id).map(std::mem::take);
        for id in waiting.unwrap_or_default() {
            if let Some(entry) = self.calls.get_mut(&id)
                && let Some(DependentCall { call, cost, .. }) = entry.dependent.take()
            {
                self.dependents_cost -= cost;
                calls.push(DependentStart {
                    id,
                    cancellation: entry.cancellation.clone(),
                    call,
                });
            }
        }
        calls
    }

    /// Removes a completed call, as the peer makes no more calls on its promise.
    pub(super) fn on_finish(&mut self, id: u64, outbox: &mut Outbox) {
        let promise = self.calls.get(&id).map(|call| &call.promise);
        if let Some(Some(PromiseState::Fulfilled(_) | PromiseState::Rejected(_))) = promise {
            outbox.drop(self.remove(id));
        }
    }

    /// Stops the work for a call that its caller cancelled, and for the calls that depend on its
    /// result. Returns the ids of these.
    pub(super) fn on_cancel(&mut self, id: u64, outbox: &mut Outbox) -> Vec<u64> {
        let Some(call) = self.remove(id) else {
            // Its reply is already sent.
            return Vec::new();
        };
        if let Some(dependent) = &call.dependent
            && let Some(waiting) = self.dependents_of(dependent.promise_id)
        {
            waiting.remove(&id);
        }
        let mut refused = Vec::new();
        let mut cancelled = vec![call];
        while let Some(mut call) = cancelled.pop() {
            if let Some(dependent) = &call.dependent {
                self.dependents_cost -= dependent.cost;
            }
            // An object that fulfilled it stays: dropping that takes the lock.
            if let Some(PromiseState::Pending(dependents)) = &mut call.promise {
                for dependent in std::mem::take(dependents) {
                    if let Some(call) = self.remove(dependent) {
                        refused.push(dependent);
                        cancelled.push(call);
                    }
                }
            }
            outbox.later(move || call.cancel());
        }
        refused
    }

    /// Cancels all calls: the peer no longer waits for them.
    pub(super) fn cancel_all(&mut self, outbox: &mut Outbox) {
        let calls: Vec<_> = in_order(self.calls.drain()).collect();
        (self.cost, self.dependents_cost) = (0, 0);
        // The calls of the last batch of the connection have started.
        self.end_batch();
        if !calls.is_empty() {
            outbox.later(move || calls.into_iter().for_each(IncomingCall::cancel));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_core::CallError;

    use super::*;

    const HEAD: CallHead = CallHead {
        id: 1,
        target: CallTarget::Root,
        one_way: false,
        has_promise: true,
        method_too_long: false,
        cost: 1,
    };

    /// The method may run on while its connection is lost and the peer comes back.
    #[test]
    fn the_task_of_a_lost_connection_completes_no_call_of_the_next_one() {
        let (mut calls, mut outbox) = (IncomingCalls::default(), Outbox::new());
        let pending = || Some(PromiseState::Pending(BTreeSet::new()));
        let lost = calls.add(&HEAD, pending(), None);
        calls.cancel_all(&mut outbox);
        calls.restart();
        let current = calls.add(&HEAD, pending(), None);
        let result = Err(Fault::new(1, "of the lost connection"));
        assert!(!calls.awaits(1, &lost));
        assert_eq!(calls.complete(1, &lost, &result, &mut outbox), None);
        assert!(calls.awaits(1, &current));
        assert_eq!(
            calls.complete(1, &current, &result, &mut outbox),
            Some(false)
        );
    }

    /// It may be an object of the peer, whose last handle takes the lock when it is dropped.
    #[test]
    fn the_object_of_a_cancelled_promise_is_dropped_without_the_lock() {
        let (mut calls, mut outbox) = (IncomingCalls::default(), Outbox::new());
        let object = Arc::new(CallError::NotSent("no object".into()));
        let handle = ObjectHandle::Failed(Arc::clone(&object));
        calls.add(&HEAD, Some(PromiseState::Fulfilled(handle)), None);
        let refused = calls.on_cancel(1, &mut outbox);
        assert!(refused.is_empty());
        assert_eq!((calls.len(), calls.cost()), (0, 0));
        assert_eq!(Arc::strong_count(&object), 2);
        drop(outbox);
        assert_eq!(Arc::strong_count(&object), 1);
    }

    #[test]
    fn the_last_batch_of_a_connection_ends_with_it() {
        let mut calls = IncomingCalls::default();
        calls.begin();
        assert_eq!(calls.len(), 1);
        calls.cancel_all(&mut Outbox::new());
        assert_eq!(calls.len(), 0);
    }
}
