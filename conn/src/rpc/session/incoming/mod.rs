//! Incoming calls: from admission to the reply.

mod admission;
mod promises;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use farcall_core::protocol::CallPermit;
use farcall_core::protocol::CallReply;
use farcall_core::protocol::NoRoom;
use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::protocol::{Call, Payload};
use farcall_core::{Cancellation, Fault, FaultKind, Registry};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use self::admission::AdmittedTarget;
pub(super) use self::admission::{CallAdmission, CallHead, TOO_MANY_REPLIES};
use self::promises::{DependentCall, PromiseState, promised_object};
use super::object::ObjectHandle;
use super::outgoing::check_result_length;
use super::{Deferred, DeferredDrop, Session, SessionState, in_order};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::message;

/// An incoming call that has not completed, or whose promise can still be the target of calls.
pub(super) struct IncomingCall {
    task: Option<AbortHandle>,
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
    /// Aborts the work for a caller that no longer waits.
    pub(super) fn cancel(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        self.cancellation.cancel();
    }
}

/// An admitted call that has not started.
pub(super) struct AdmittedCall {
    pub(super) id: u64,
    pub(super) cost: u64,
    pub(super) one_way: bool,
    pub(super) target: AdmittedTarget,
    pub(super) call: Call<Encoding>,
}

/// A reply that is sent after the calls that depend on its object have started.
struct PendingReply {
    id: u64,
    result: Result<Payload, Fault>,
    dependents: std::vec::IntoIter<(u64, Call<Encoding>)>,
}

impl PendingReply {
    fn new(session: &Session, id: u64, result: Result<Payload, Fault>) -> Self {
        if let Err(fault) = &result {
            log_fault(fault, "a call failed");
        }
        Self {
            id,
            result: result.map_err(|fault| session.fault_for_peer(fault)),
            dependents: Vec::new().into_iter(),
        }
    }
}

thread_local! {
    /// Cancellation of an earlier call, which nothing refers to any more. The next call reuses it.
    static SPARE_CANCELLATION: Cell<Option<Cancellation>> = const { Cell::new(None) };
}

impl Session {
    /// Runs a call. If it completes immediately and no other call depends on its result, it needs
    /// no task, and its result is returned for the caller of this function to send.
    pub(super) fn run(
        self: &Arc<Self>,
        root: &Registry<Encoding>,
        AdmittedCall {
            id,
            cost,
            one_way,
            target,
            call,
        }: AdmittedCall,
    ) -> Option<Result<Payload, Fault>> {
        let AdmittedTarget {
            object,
            cancellation,
        } = target;
        let is_tracked = cancellation.is_some();
        let head = (id, one_way, cost);
        let result = self.start(head, cancellation, call, |call| match object {
            None => root.dispatch(call),
            Some(object) => self.call_object(object, call),
        })?;
        if is_tracked {
            self.reply(id, result);
            return None;
        }
        Some(result)
    }

    /// Answers a call on an object, within the layers if there are any.
    fn call_object(&self, object: ObjectHandle, call: Call<Encoding>) -> CallReply {
        match &self.settings.layers {
            None => object.answer(call),
            Some(layers) => layers.dispatch(call, move |call| object.answer(call)),
        }
    }

    /// Runs a call. If it completes immediately, it needs no task, and its result is returned for
    /// the caller of this function to send.
    fn start(
        self: &Arc<Self>,
        (id, one_way, cost): (u64, bool, u64),
        tracked: Option<Cancellation>,
        call: Call<Encoding>,
        answer: impl FnOnce(Call<Encoding>) -> CallReply,
    ) -> Option<Result<Payload, Fault>> {
        let is_tracked = tracked.is_some();
        let cancellation = tracked
            .or_else(|| SPARE_CANCELLATION.take())
            .unwrap_or_default();
        let deadline = call.context.deadline();
        let mut answer = answer(Call {
            context: call.context.with_cancellation(cancellation.clone()),
            ..call
        });
        let first = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = first {
            if !is_tracked && cancellation.is_unshared() {
                SPARE_CANCELLATION.set(Some(cancellation));
            }
            return Some(result);
        }
        if !is_tracked && !self.track(id, one_way, cost, cancellation) {
            return None;
        }
        let session = Arc::clone(self);
        let task = self.runtime.spawn(async move {
            let result = match deadline {
                None => answer.await,
                Some(deadline) => timeout_at(Instant::from_std(deadline), answer)
                    .await
                    .unwrap_or_else(|_| Err(session.time_out(id))),
            };
            session.reply(id, result);
        });
        let task = task.abort_handle();
        let ended = self.update(|state, _| match state.incoming.get_mut(&id) {
            Some(entry) => {
                entry.task = Some(task);
                None
            }
            None => Some(task),
        });
        if let Some(task) = ended {
            // The call was cancelled in the meantime. If it has completed, aborting the task has no
            // effect.
            task.abort();
        }
        None
    }

    /// Completes an admitted call with a fault. Returns the fault to send, unless other calls
    /// depend on the result: then it is sent from here.
    pub(super) fn reject(
        self: &Arc<Self>,
        AdmittedCall { id, target, .. }: AdmittedCall,
        fault: Fault,
    ) -> Option<Result<Payload, Fault>> {
        if target.cancellation.is_none() {
            return Some(Err(fault));
        }
        self.reply(id, Err(fault));
        None
    }

    /// Registers a call that did not complete immediately. Returns `false` if the connection was
    /// lost, so that the call must stop.
    fn track(&self, id: u64, one_way: bool, cost: u64, cancellation: Cancellation) -> bool {
        let entry = IncomingCall {
            task: None,
            cancellation,
            one_way,
            cost,
            _permit: self.permit(),
            promise: None,
            dependent: None,
        };
        self.update(|state, deferred| {
            if !state.is_connected() {
                deferred.rare().cancelled_calls.push(entry);
                return false;
            }
            state.starting = state.starting.saturating_sub(1);
            state.add_incoming(id, entry);
            true
        })
    }

    /// Cancels a call whose deadline has passed, and returns its fault.
    fn time_out(&self, id: u64) -> Fault {
        let cancellation = self.update(|state, _| {
            let entry = state.incoming.get(&id)?;
            Some(entry.cancellation.clone())
        });
        if let Some(cancellation) = cancellation {
            cancellation.cancel();
        }
        Fault::of(
            FaultKind::DeadlineExceeded,
            "the deadline of the call passed before it completed",
        )
    }

    /// Sends the reply of a call. Calls that depend on the object in it run first: they precede any
    /// call that the caller makes on the object itself.
    ///
    /// Dependent calls may complete immediately, and others may depend on them. The peer determines
    /// the length of such a chain, so this uses a loop instead of recursion.
    fn reply(self: &Arc<Self>, id: u64, result: Result<Payload, Fault>) {
        let mut replies = vec![PendingReply::new(self, id, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some((dependent, call)) = reply.dependents.next() {
                let result = match promised_object(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, object, call),
                    Err(fault) => Some(Err(fault)),
                };
                replies.push(reply);
                replies.extend(result.map(|result| PendingReply::new(self, dependent, result)));
                continue;
            }
            let unsent = self.update(|state, deferred| {
                reply.dependents = state.take_dependents(reply.id).into_iter();
                if reply.dependents.len() > 0 {
                    return Some(reply);
                }
                self.complete_incoming(state, deferred, reply.id, reply.result);
                None
            });
            replies.extend(unsent);
        }
    }

    fn complete_incoming(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        result: Result<Payload, Fault>,
    ) {
        let Some(entry) = state.incoming.get_mut(&id) else {
            // The caller has cancelled it.
            return deferred.drop(result);
        };
        let one_way = entry.one_way;
        state.incoming_cost -= std::mem::take(&mut entry.cost);
        if entry.promise.is_some() {
            entry.task = None;
            entry.promise = Some(match promised_object(&result) {
                Ok(object) => PromiseState::Fulfilled(object),
                Err(fault) => PromiseState::Rejected(fault),
            });
        } else {
            let entry = state.remove_incoming(id);
            deferred.drop(entry);
        }
        if one_way {
            deferred.drop(result);
            state.push_with(|out| message::write_return(id, &[], out));
            return;
        }
        let sent = match &result {
            Ok(reply) => self.push_return(state, deferred, id, reply),
            Err(fault) => Err(fault.clone()),
        };
        if let Err(fault) = sent {
            self.push_fault(state, id, &fault);
        }
        deferred.drop(result);
    }

    pub(super) fn push_return(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        reply: &Payload,
    ) -> Result<(), Fault> {
        let bytes = reply.as_slice();
        let limit = state.peer_limits.max_message.min(self.settings.max_reply);
        check_result_length(limit, bytes.len(), reply.attachments())?;
        let cost = message::cost(bytes.len(), reply.attachments().len());
        let reserved = self.reserve(state, cost);
        reserved.map_err(NoRoom::of_reply)?;
        let references = self.export(state, deferred, reply.attachments())?;
        state.push_with(|out| {
            message::write_return(id, &references, out);
            out.extend_from_slice(bytes);
        });
        Ok(())
    }

    /// Returns the fault as it is sent to the peer. Formatting the causes runs code of the program,
    /// so it is done here, where no lock is held and no message is half written.
    pub(super) fn fault_for_peer(&self, fault: Fault) -> Fault {
        if !self.settings.sends_causes {
            return fault;
        }
        let causes: Vec<String> = fault.causes().take(message::MAX_CAUSES).collect();
        fault.with_remote_causes(causes)
    }

    fn push_fault(&self, state: &mut SessionState, id: u64, fault: &Fault) {
        let with_causes = self.settings.sends_causes;
        state.push_with(|out| message::write_fault(id, fault, with_causes, out));
    }

    /// Stops the work for a call that its caller cancelled, and for the calls that depend on its
    /// result.
    pub(super) fn on_cancel(&self, id: u64) {
        self.update(|state, deferred| {
            let Some(entry) = state.remove_incoming(id) else {
                // Its reply is already sent.
                return;
            };
            let fault = Fault::of(
                FaultKind::Cancelled,
                "the call that promised the object was cancelled",
            );
            if let Some(dependent) = &entry.dependent
                && let Some(waiting) = state.dependents_of(dependent.promise_id)
            {
                waiting.remove(&id);
            }
            let mut cancelled = vec![entry];
            while let Some(mut entry) = cancelled.pop() {
                if let Some(dependent) = &entry.dependent {
                    state.tables().dependents_cost -= dependent.cost;
                }
                if let Some(PromiseState::Pending(calls)) = entry.promise.take() {
                    for dependent in calls {
                        if let Some(entry) = state.remove_incoming(dependent) {
                            self.push_fault(state, dependent, &fault);
                            cancelled.push(entry);
                        }
                    }
                }
                deferred.rare().cancelled_calls.push(entry);
            }
        });
    }
}

impl SessionState {
    /// Adds a call and its cost.
    fn add_incoming(&mut self, id: u64, entry: IncomingCall) {
        self.incoming_cost += entry.cost;
        self.incoming.insert(id, entry);
    }

    /// Removes a call that has completed or was cancelled, and its cost.
    fn remove_incoming(&mut self, id: u64) -> Option<IncomingCall> {
        let entry = self.incoming.remove(&id)?;
        self.incoming_cost -= entry.cost;
        Some(entry)
    }

    /// Ends a batch: appends its replies, which were encoded outside the session, to the outbox.
    /// The calls of the batch have started.
    pub(super) fn finish_batch(&mut self, replies: &mut Encoder) {
        self.starting = 0;
        self.append_replies(replies);
    }

    /// Appends replies to the outbox while other calls of the batch have not started.
    pub(super) fn append_replies(&mut self, replies: &mut Encoder) {
        self.pushed += replies.unwritten().len() as u64;
        self.outbox.append(replies);
    }

    /// Cancels all incoming calls: the peer no longer waits for them.
    pub(super) fn cancel_incoming(&mut self, deferred: &mut Deferred) {
        let calls = in_order(self.incoming.drain());
        self.incoming_cost = 0;
        if let Some(tables) = &mut self.tables {
            tables.dependents_cost = 0;
        }
        deferred.rare().cancelled_calls.extend(calls);
    }
}

/// Logs a fault. Internal faults are logged as errors, because the caller may not receive their
/// causes.
pub(super) fn log_fault(fault: &Fault, what: &str) {
    static FAILURES: Quota = Quota::new(100);
    // Maximum bytes of the causes, which only the log has in full.
    const MAX_CAUSES: usize = 8 * 1024;

    if fault.kind() == FaultKind::Internal {
        if tracing::enabled!(tracing::Level::ERROR)
            && let Some(admitted) = FAILURES.admit()
        {
            let fault = Foreign::line(Causes(fault)).at_most(MAX_CAUSES);
            tracing::error!(%fault, suppressed = admitted.suppressed(), "{what}");
        }
    } else {
        tracing::debug!(fault = %Foreign::excerpt(fault), "{what}");
    }
}
