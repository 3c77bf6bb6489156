//! The calls of the other end, and what becomes of them.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rpc_core::budget::NoRoom;
use rpc_core::call::Answer;
use rpc_core::limit::CallPermit;
use rpc_core::output::{Causes, Foreign, Quota};
use rpc_core::{Call, Cancellation, Fault, FaultKind, Payload, Registry};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

mod admission;
mod promises;

use self::admission::AdmittedTarget;
pub(super) use self::admission::{CallAdmission, CallHead, TOO_MANY_REPLIES};
use self::promises::{DependentCall, PromiseState, promised_object};
use super::outgoing::check_result_length;
use super::{Deferred, DeferredDrop, Session, SessionState, in_order};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::message;

/// A call of the other end that is being answered, or whose promise may still be called.
pub(super) struct IncomingCall {
    task: Option<AbortHandle>,
    cancellation: Cancellation,
    one_way: bool,
    /// What the message of the call [costs](message::cost), until the call is answered.
    cost: u64,
    /// It counts among the calls of all connections.
    _permit: Option<CallPermit>,
    promise: Option<PromiseState>,
    /// The call itself, while it waits for what another one promised.
    dependent: Option<DependentCall>,
}

impl DeferredDrop for IncomingCall {
    fn is_trivial(&self) -> bool {
        self.promise.is_none() && self.dependent.is_none()
    }
}

impl IncomingCall {
    /// Stops the work for a caller that no longer waits.
    pub(super) fn cancel(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        self.cancellation.cancel();
    }
}

/// A call that is to begin.
pub(super) struct AdmittedCall {
    pub(super) id: u64,
    pub(super) cost: u64,
    pub(super) one_way: bool,
    pub(super) target: AdmittedTarget,
    pub(super) call: Call<Encoding>,
}

/// An answer that is to be sent after these calls, which wait for the object in it, have begun.
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
    /// What would have told a call that nobody waits for it. No call kept it, so it serves the next one.
    static SPARE_CANCELLATION: Cell<Option<Cancellation>> = const { Cell::new(None) };
}

impl Session {
    /// Runs a call. If it is answered at once, and nothing else waits for that, it takes no task, and here
    /// is its result.
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
            Some(object) => object.answer(call),
        })?;
        if is_tracked {
            self.reply(id, result);
            return None;
        }
        Some(result)
    }

    /// Runs a call. If it is answered at once it takes no task, and here is its result, which is still to be
    /// sent.
    fn start(
        self: &Arc<Self>,
        (id, one_way, cost): (u64, bool, u64),
        tracked: Option<Cancellation>,
        call: Call<Encoding>,
        answer: impl FnOnce(Call<Encoding>) -> Answer,
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
            // It was given up meanwhile; or it has ended, and this changes nothing.
            task.abort();
        }
        None
    }

    /// Answers a call that was admitted with this fault. If nothing else waits for that, here it is.
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

    /// Takes note of a call that is not answered at once. Says whether it can go on.
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

    /// Tells what runs beside a call that its time is over.
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
            "the time of the call was over before it ended",
        )
    }

    /// Sends the answer to a call. Calls that wait for the object in it run before the caller can know the
    /// object itself, and so before whatever it calls then.
    ///
    /// They may be answered at once, too, with others that wait for them: the other end decides how long such a
    /// chain is, so it takes no stack.
    fn reply(self: &Arc<Self>, id: u64, result: Result<Payload, Fault>) {
        let mut replies = vec![PendingReply::new(self, id, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some((dependent, call)) = reply.dependents.next() {
                let result = match promised_object(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, &object, call),
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
            // The caller gave it up.
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

    /// A fault as the other end is told it. Code of the program makes the texts of its causes: here, where
    /// nothing is locked and no message half written.
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

    /// Stops the work for a call whose caller no longer waits, and for those that wait for its result.
    pub(super) fn on_cancel(&self, id: u64) {
        self.update(|state, deferred| {
            let Some(entry) = state.remove_incoming(id) else {
                // Its answer is under way.
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
    /// Takes note of a call that is to be answered.
    fn add_incoming(&mut self, id: u64, entry: IncomingCall) {
        self.incoming_cost += entry.cost;
        self.incoming.insert(id, entry);
    }

    /// Takes a call out that is answered, or need not be any more.
    fn remove_incoming(&mut self, id: u64) -> Option<IncomingCall> {
        let entry = self.incoming.remove(&id)?;
        self.incoming_cost -= entry.cost;
        Some(entry)
    }

    /// Has these answers written, which came about beside the session.
    pub(super) fn finish_batch(&mut self, replies: &mut Encoder) {
        self.starting = 0;
        self.append_replies(replies);
    }

    /// The same while others are about to begin.
    pub(super) fn append_replies(&mut self, replies: &mut Encoder) {
        self.pushed += replies.unwritten().len() as u64;
        self.outbox.append(replies);
    }

    /// Stops all work for the other end, which no longer waits.
    pub(super) fn cancel_incoming(&mut self, deferred: &mut Deferred) {
        let calls = in_order(self.incoming.drain());
        self.incoming_cost = 0;
        if let Some(tables) = &mut self.tables {
            tables.dependents_cost = 0;
        }
        deferred.rare().cancelled_calls.extend(calls);
    }
}

/// Faults whose cause the caller does not learn are for the log of this end.
pub(super) fn log_fault(fault: &Fault, what: &str) {
    static FAILURES: Quota = Quota::new(100);
    // Of what stands in the log alone.
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
