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

use self::admission::Admission;
pub(super) use self::admission::{Head, TOO_MANY_ANSWERS, Verdict};
use self::promises::{Promised, Waits, promised};
use super::outgoing::check_result;
use super::{Discard, Effects, Session, State, in_order};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::message;

/// A call of the other end that is being answered, or whose promise may still be called.
pub(super) struct Answering {
    task: Option<AbortHandle>,
    cancellation: Cancellation,
    one_way: bool,
    /// What the message of the call [costs](message::cost), until the call is answered.
    cost: u64,
    /// It counts among the calls of all connections.
    _running: Option<CallPermit>,
    promise: Option<Promised>,
    /// The call itself, while it waits for what another one promised.
    waits: Option<Waits>,
}

impl Discard for Answering {
    fn is_plain(&self) -> bool {
        self.promise.is_none() && self.waits.is_none()
    }
}

impl Answering {
    /// Stops the work for a caller that no longer waits.
    pub(super) fn give_up(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        self.cancellation.cancel();
    }
}

/// A call that is to begin.
pub(super) struct Admitted {
    pub(super) id: u64,
    pub(super) cost: u64,
    pub(super) one_way: bool,
    pub(super) admission: Admission,
    pub(super) call: Call<Encoding>,
}

/// An answer that is to be sent after these calls, which wait for the object in it, have begun.
struct Reply {
    id: u64,
    result: Result<Payload, Fault>,
    waiting: std::vec::IntoIter<(u64, Call<Encoding>)>,
}

impl Reply {
    fn new(session: &Session, id: u64, result: Result<Payload, Fault>) -> Self {
        if let Err(fault) = &result {
            log(fault, "a call failed");
        }
        Self {
            id,
            result: result.map_err(|fault| session.told(fault)),
            waiting: Vec::new().into_iter(),
        }
    }
}

thread_local! {
    /// What would have told a call that nobody waits for it. No call kept it, so it serves the next one.
    static SPARE: Cell<Option<Cancellation>> = const { Cell::new(None) };
}

impl Session {
    /// Runs a call. If it is answered at once, and nothing else waits for that, it takes no task, and here
    /// is its result.
    pub(super) fn run(
        self: &Arc<Self>,
        root: &Registry<Encoding>,
        Admitted {
            id,
            cost,
            one_way,
            admission,
            call,
        }: Admitted,
    ) -> Option<Result<Payload, Fault>> {
        let Admission {
            object,
            cancellation,
        } = admission;
        let is_tracked = cancellation.is_some();
        let head = (id, one_way, cost);
        let result = self.begin_answer(head, cancellation, call, |call| match object {
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
    fn begin_answer(
        self: &Arc<Self>,
        (id, one_way, cost): (u64, bool, u64),
        tracked: Option<Cancellation>,
        call: Call<Encoding>,
        answer: impl FnOnce(Call<Encoding>) -> Answer,
    ) -> Option<Result<Payload, Fault>> {
        let is_tracked = tracked.is_some();
        let cancellation = tracked.or_else(|| SPARE.take()).unwrap_or_default();
        let deadline = call.context.deadline();
        let mut answer = answer(Call {
            context: call.context.with_cancellation(cancellation.clone()),
            ..call
        });
        let first = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = first {
            if !is_tracked && cancellation.is_unshared() {
                SPARE.set(Some(cancellation));
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
                    .unwrap_or_else(|_| Err(session.overdue(id))),
            };
            session.reply(id, result);
        });
        let task = task.abort_handle();
        let ended = self.change(|state, _| match state.answers.get_mut(&id) {
            Some(answering) => {
                answering.task = Some(task);
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
    pub(super) fn refuse(
        self: &Arc<Self>,
        Admitted { id, admission, .. }: Admitted,
        fault: Fault,
    ) -> Option<Result<Payload, Fault>> {
        if admission.cancellation.is_none() {
            return Some(Err(fault));
        }
        self.reply(id, Err(fault));
        None
    }

    /// Takes note of a call that is not answered at once. Says whether it can go on.
    fn track(&self, id: u64, one_way: bool, cost: u64, cancellation: Cancellation) -> bool {
        let answering = Answering {
            task: None,
            cancellation,
            one_way,
            cost,
            _running: self.running(),
            promise: None,
            waits: None,
        };
        self.change(|state, effects| {
            if !state.is_connected() {
                effects.more().given_up.push(answering);
                return false;
            }
            state.beginning = state.beginning.saturating_sub(1);
            state.add_answer(id, answering);
            true
        })
    }

    /// Tells what runs beside a call that its time is over.
    fn overdue(&self, id: u64) -> Fault {
        let cancellation = self.change(|state, _| {
            let answering = state.answers.get(&id)?;
            Some(answering.cancellation.clone())
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
        let mut replies = vec![Reply::new(self, id, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some((dependent, call)) = reply.waiting.next() {
                let result = match promised(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, &object, call),
                    Err(fault) => Some(Err(fault)),
                };
                replies.push(reply);
                replies.extend(result.map(|result| Reply::new(self, dependent, result)));
                continue;
            }
            let unsent = self.change(|state, effects| {
                reply.waiting = state.take_waiting(reply.id).into_iter();
                if reply.waiting.len() > 0 {
                    return Some(reply);
                }
                self.finish(state, effects, reply.id, reply.result);
                None
            });
            replies.extend(unsent);
        }
    }

    fn finish(
        &self,
        state: &mut State,
        effects: &mut Effects,
        id: u64,
        result: Result<Payload, Fault>,
    ) {
        let Some(answering) = state.answers.get_mut(&id) else {
            // The caller gave it up.
            return effects.drop(result);
        };
        let one_way = answering.one_way;
        state.running -= std::mem::take(&mut answering.cost);
        if answering.promise.is_some() {
            answering.task = None;
            answering.promise = Some(match promised(&result) {
                Ok(object) => Promised::Kept(object),
                Err(fault) => Promised::Broken(fault),
            });
        } else {
            let answering = state.remove_answer(id);
            effects.drop(answering);
        }
        if one_way {
            effects.drop(result);
            state.push_with(|out| message::write_return(id, &[], out));
            return;
        }
        let sent = match &result {
            Ok(reply) => self.push_return(state, effects, id, reply),
            Err(fault) => Err(fault.clone()),
        };
        if let Err(fault) = sent {
            self.push_fault(state, id, &fault);
        }
        effects.drop(result);
    }

    pub(super) fn push_return(
        &self,
        state: &mut State,
        effects: &mut Effects,
        id: u64,
        reply: &Payload,
    ) -> Result<(), Fault> {
        let bytes = reply.as_slice();
        let limit = state.peer.max_message.min(self.settings.max_reply);
        check_result(limit, bytes.len(), reply.attachments())?;
        let cost = message::cost(bytes.len(), reply.attachments().len());
        let reserved = self.reserve(state, cost);
        reserved.map_err(NoRoom::of_reply)?;
        let references = self.export(state, effects, reply.attachments())?;
        state.push_with(|out| {
            message::write_return(id, &references, out);
            out.extend_from_slice(bytes);
        });
        Ok(())
    }

    /// A fault as the other end is told it. Code of the program makes the texts of its causes: here, where
    /// nothing is locked and no message half written.
    pub(super) fn told(&self, fault: Fault) -> Fault {
        if !self.settings.sends_causes {
            return fault;
        }
        let causes: Vec<String> = fault.causes().take(message::MAX_CAUSES).collect();
        fault.with_remote_causes(causes)
    }

    fn push_fault(&self, state: &mut State, id: u64, fault: &Fault) {
        let with_causes = self.settings.sends_causes;
        state.push_with(|out| message::write_fault(id, fault, with_causes, out));
    }

    /// Stops the work for a call whose caller no longer waits, and for those that wait for its result.
    pub(super) fn cancelled(&self, id: u64) {
        self.change(|state, effects| {
            let Some(answering) = state.remove_answer(id) else {
                // Its answer is under way.
                return;
            };
            let fault = Fault::of(
                FaultKind::Cancelled,
                "the call that promised the object was cancelled",
            );
            if let Some(waits) = &answering.waits
                && let Some(waiting) = state.waiting_for(waits.other)
            {
                waiting.remove(&id);
            }
            let mut given_up = vec![answering];
            while let Some(mut answering) = given_up.pop() {
                if let Some(waits) = &answering.waits {
                    state.passed().put_off -= waits.cost;
                }
                if let Some(Promised::Waiting(calls)) = answering.promise.take() {
                    for dependent in calls {
                        if let Some(answering) = state.remove_answer(dependent) {
                            self.push_fault(state, dependent, &fault);
                            given_up.push(answering);
                        }
                    }
                }
                effects.more().given_up.push(answering);
            }
        });
    }
}

impl State {
    /// Takes note of a call that is to be answered.
    fn add_answer(&mut self, id: u64, answering: Answering) {
        self.running += answering.cost;
        self.answers.insert(id, answering);
    }

    /// Takes a call out that is answered, or need not be any more.
    fn remove_answer(&mut self, id: u64) -> Option<Answering> {
        let answering = self.answers.remove(&id)?;
        self.running -= answering.cost;
        Some(answering)
    }

    /// Has these answers written, which came about beside the session.
    pub(super) fn take_answers(&mut self, answers: &mut Encoder) {
        self.beginning = 0;
        self.take_written(answers);
    }

    /// The same while others are about to begin.
    pub(super) fn take_written(&mut self, answers: &mut Encoder) {
        self.pushed += answers.unwritten().len() as u64;
        self.outbox.append(answers);
    }

    /// Stops all work for the other end, which no longer waits.
    pub(super) fn fail_answers(&mut self, effects: &mut Effects) {
        let answers = in_order(self.answers.drain());
        self.running = 0;
        if let Some(passed) = &mut self.passed {
            passed.put_off = 0;
        }
        effects.more().given_up.extend(answers);
    }
}

/// Faults whose cause the caller does not learn are for the log of this end.
pub(super) fn log(fault: &Fault, what: &str) {
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
