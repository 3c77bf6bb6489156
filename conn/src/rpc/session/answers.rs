//! The calls of the other end, and what becomes of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rpc_core::limit::Running;
use rpc_core::{Call, CallLimit, Cancellation, Fault, FaultKind, Payload};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::calls::check_result;
use super::object::{Callee, Object};
use super::{Discard, Effects, Phase, Session, State, in_order, overloaded};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, ObjectId, Target};

/// A call of the other end that is being answered, or whose promise may still be called.
pub(super) struct Answering {
    task: Option<AbortHandle>,
    cancellation: Cancellation,
    one_way: bool,
    /// It counts among the calls of all connections.
    _running: Option<Running>,
    promise: Option<Promised>,
    /// The call itself, while it waits for what another one promised.
    waits: Option<(u64, Call<Encoding>)>,
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

/// The result of a call as a target of others.
enum Promised {
    /// It is still to come; these calls wait for it.
    Waiting(BTreeSet<u64>),
    Kept(Object),
    Broken(Fault),
}

/// A call that is to begin.
pub(super) struct Admitted {
    pub(super) id: u64,
    pub(super) one_way: bool,
    pub(super) admission: Admission,
    pub(super) call: Call<Encoding>,
}

/// What answers a call.
pub(super) struct Admission {
    callee: Callee,
    /// If the call is among the answers already, what tells it that nobody waits for it.
    cancellation: Option<Cancellation>,
}

/// An answer that is to be sent after these calls, which wait for the object in it, have begun.
struct Reply {
    id: u64,
    result: Result<Payload, Fault>,
    waiting: std::vec::IntoIter<(u64, Call<Encoding>)>,
}

impl Reply {
    fn new(id: u64, result: Result<Payload, Fault>) -> Self {
        if let Err(fault) = &result {
            log(fault, "a call failed");
        }
        Self {
            id,
            result,
            waiting: Vec::new().into_iter(),
        }
    }
}

/// What decides whether a call can begin.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) id: u64,
    target: Target,
    pub(super) one_way: bool,
    promise: bool,
}

impl Head {
    pub(super) const fn of(call: &message::Call<'_>) -> Self {
        Self {
            id: call.id,
            target: call.target,
            one_way: call.one_way,
            promise: call.promise,
        }
    }
}

/// Whether a call can begin.
pub(super) enum Verdict {
    Begins(Admission),
    /// It [waits](State::wait) for what the call of this number promised.
    Waits(u64),
    /// It was told so, if there is anything to tell.
    Refused,
}

thread_local! {
    /// What would have told a call that nobody waits for it. No call kept it, so it serves the next one.
    static SPARE: Cell<Option<Cancellation>> = const { Cell::new(None) };
}

/// Why a promise is broken, before the cause, and how much of that is told.
const BROKEN: &str = "the call that promised the object failed: ";
const CAUSE: usize = 200;

/// Why a call is refused while the other end does not read.
pub(super) const TOO_MANY_ANSWERS: &str = "too many answers wait to be read";

impl Session {
    /// Takes note of a call, and tells what is to answer it now. It is among the answers only if others
    /// can refer to it before it has begun.
    pub(super) fn admit(
        &self,
        state: &mut State,
        Head {
            id,
            target,
            one_way,
            promise,
        }: Head,
    ) -> Result<Verdict, Disconnected> {
        if id <= state.last_answer {
            let message = format!("call {id} came after call {}", state.last_answer);
            return Err(Disconnected::Protocol(message));
        }
        if matches!(state.phase, Phase::Leaving { ours: true, .. }) {
            // It was told that calls from here on do not run.
            return Ok(Verdict::Refused);
        }
        state.last_answer = id;
        let tracked = |promise| Answering {
            task: None,
            cancellation: Cancellation::default(),
            one_way,
            _running: self.running(),
            promise,
            waits: None,
        };
        let promised = || Promised::Waiting(BTreeSet::new());
        let fault = match self.callee(state, target) {
            Ok(Some(callee)) => {
                let mut cancellation = None;
                if promise {
                    let answering = tracked(Some(promised()));
                    cancellation = Some(answering.cancellation.clone());
                    state.answers.insert(id, answering);
                } else {
                    state.beginning += 1;
                }
                return Ok(Verdict::Begins(Admission {
                    callee,
                    cancellation,
                }));
            }
            Ok(None) => {
                state.answers.insert(id, tracked(promise.then(promised)));
                return Ok(match target {
                    Target::Promise(other) => Verdict::Waits(other),
                    Target::Root | Target::Object(_) => Verdict::Refused,
                });
            }
            Err(fault) => fault,
        };
        self.push_fault(state, id, &fault);
        if promise && self.has_capacity(state) {
            let answering = tracked(Some(Promised::Broken(broken(&fault))));
            state.answers.insert(id, answering);
        }
        Ok(Verdict::Refused)
    }

    /// Whether another call can be under way.
    fn has_capacity(&self, state: &State) -> bool {
        ((state.answers.len() + state.beginning) as u64) < self.settings.limits.max_calls
    }

    /// Counts a call among those of all connections, where they have a limit.
    fn running(&self) -> Option<Running> {
        self.settings.calls.as_ref().map(CallLimit::begin)
    }

    /// What answers calls for `target`; nothing if it is a promise that is not kept yet.
    fn callee(&self, state: &State, target: Target) -> Result<Option<Callee>, Fault> {
        if !self.has_capacity(state) {
            return Err(overloaded("too many calls at once on this connection"));
        }
        if let Some(calls) = &self.settings.calls {
            calls.check()?;
        }
        if state.backlog() > self.settings.max_backlog {
            return Err(overloaded(TOO_MANY_ANSWERS));
        }
        match target {
            Target::Root => Ok(Some(Callee::Registry(state.root.clone()))),
            Target::Object(id) => match state.exported(id) {
                Some(object) => Ok(Some(object.callee())),
                None => Err(gone(id)),
            },
            Target::Promise(other) => match state.answers.get(&other).map(|other| &other.promise) {
                Some(Some(Promised::Waiting(_))) if state.put_off > self.settings.max_backlog => {
                    Err(overloaded("too much waits for what other calls promised"))
                }
                Some(Some(Promised::Waiting(_))) => Ok(None),
                Some(Some(Promised::Kept(object))) => Ok(Some(object.callee())),
                Some(Some(Promised::Broken(fault))) => Err(fault.clone()),
                Some(None) | None => Err(Fault::of(
                    FaultKind::Gone,
                    format!("call {other} promises nothing, or no longer"),
                )),
            },
        }
    }

    /// Runs a call. If it is answered at once, and nothing else waits for that, it takes no task, and here
    /// is its result.
    pub(super) fn run(self: &Arc<Self>, admitted: Admitted) -> Option<Result<Payload, Fault>> {
        let id = admitted.id;
        let is_tracked = admitted.admission.cancellation.is_some();
        let result = self.begin_answer(admitted)?;
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
        Admitted {
            id,
            one_way,
            admission,
            mut call,
        }: Admitted,
    ) -> Option<Result<Payload, Fault>> {
        let is_tracked = admission.cancellation.is_some();
        let cancellation = admission
            .cancellation
            .or_else(|| SPARE.take())
            .unwrap_or_default();
        let deadline = call.context.deadline();
        call.context = std::mem::take(&mut call.context).with_cancellation(cancellation.clone());
        let mut answer = admission.callee.call(call);
        let first = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = first {
            if !is_tracked && cancellation.is_unshared() {
                SPARE.set(Some(cancellation));
            }
            return Some(result);
        }
        if !is_tracked && !self.track(id, one_way, cancellation) {
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
    fn track(&self, id: u64, one_way: bool, cancellation: Cancellation) -> bool {
        let answering = Answering {
            task: None,
            cancellation,
            one_way,
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
            state.answers.insert(id, answering);
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
        let mut replies = vec![Reply::new(id, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some((dependent, call)) = reply.waiting.next() {
                let result = match promised(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, object.callee(), call),
                    Err(fault) => Some(Err(fault)),
                };
                replies.push(reply);
                replies.extend(result.map(|result| Reply::new(dependent, result)));
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

    /// Runs a call that waited for the object that it is for. If it is answered at once, here is its result.
    fn run_dependent(
        self: &Arc<Self>,
        id: u64,
        callee: Callee,
        call: Call<Encoding>,
    ) -> Option<Result<Payload, Fault>> {
        let tracked = self.change(|state, _| {
            let answering = state.answers.get(&id)?;
            Some((answering.one_way, answering.cancellation.clone()))
        });
        // If it is not there, it was given up.
        let (one_way, cancellation) = tracked?;
        self.begin_answer(Admitted {
            id,
            one_way,
            admission: Admission {
                callee,
                cancellation: Some(cancellation),
            },
            call,
        })
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
        if answering.promise.is_some() {
            answering.task = None;
            answering.promise = Some(match promised(&result) {
                Ok(object) => Promised::Kept(object),
                Err(fault) => Promised::Broken(fault),
            });
        } else {
            let answering = state.answers.remove(&id);
            effects.drop(answering);
        }
        if one_way {
            effects.drop(result);
            return state.push_with(|out| message::write_return(id, &[], out));
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
        check_result(state.peer.max_message, bytes.len(), reply.attachments())?;
        let references = self.export(state, effects, reply.attachments())?;
        state.push_with(|out| {
            message::write_return(id, &references, out);
            out.extend_from_slice(bytes);
        });
        Ok(())
    }

    fn push_fault(&self, state: &mut State, id: u64, fault: &Fault) {
        let with_causes = self.settings.sends_causes;
        state.push_with(|out| message::write_fault(id, fault, with_causes, out));
    }

    /// Stops the work for a call whose caller no longer waits, and for those that wait for its result.
    pub(super) fn cancelled(&self, id: u64) {
        self.change(|state, effects| {
            let Some(answering) = state.answers.remove(&id) else {
                // Its answer is under way.
                return;
            };
            let fault = Fault::of(
                FaultKind::Cancelled,
                "the call that promised the object was cancelled",
            );
            if let Some((other, _)) = &answering.waits
                && let Some(waiting) = state.waiting_for(*other)
            {
                waiting.remove(&id);
            }
            let mut given_up = vec![answering];
            while let Some(mut answering) = given_up.pop() {
                if let Some((_, call)) = &answering.waits {
                    state.put_off -= length(call);
                }
                if let Some(Promised::Waiting(calls)) = answering.promise.take() {
                    for dependent in calls {
                        if let Some(answering) = state.answers.remove(&dependent) {
                            self.push_fault(state, dependent, &fault);
                            given_up.push(answering);
                        }
                    }
                }
                effects.more().given_up.push(answering);
            }
        });
    }

    /// Takes note that no more calls will be made on what a call promised.
    pub(super) fn finished(&self, id: u64) {
        self.change(|state, effects| {
            let kept = state.answers.get(&id).map(|answering| &answering.promise);
            if let Some(Some(Promised::Kept(_) | Promised::Broken(_))) = kept {
                let answering = state.answers.remove(&id);
                effects.drop(answering);
            }
        });
    }
}

impl State {
    /// Has these answers written, which came about beside the session.
    pub(super) fn take_answers(&mut self, answers: &mut Encoder) {
        self.beginning = 0;
        self.pushed += answers.unwritten().len() as u64;
        self.outbox.append(answers);
    }

    /// Has a call that was admitted so far wait for what another one promised.
    pub(super) fn wait(&mut self, id: u64, other: u64, call: Call<Encoding>) {
        self.put_off += length(&call);
        if let Some(answering) = self.answers.get_mut(&id) {
            answering.waits = Some((other, call));
        }
        if let Some(waiting) = self.waiting_for(other) {
            waiting.insert(id);
        }
    }

    /// The calls that wait for what this one promised, if it is still to come.
    fn waiting_for(&mut self, id: u64) -> Option<&mut BTreeSet<u64>> {
        match &mut self.answers.get_mut(&id)?.promise {
            Some(Promised::Waiting(calls)) => Some(calls),
            _ => None,
        }
    }

    /// Takes the calls that wait for what this one promised, the oldest first.
    fn take_waiting(&mut self, id: u64) -> Vec<(u64, Call<Encoding>)> {
        let Some(waiting) = self.waiting_for(id) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        for dependent in std::mem::take(waiting) {
            let call = self
                .answers
                .get_mut(&dependent)
                .and_then(|a| a.waits.take());
            calls.extend(call.map(|(_, call)| (dependent, call)));
        }
        self.put_off -= calls.iter().map(|(_, call)| length(call)).sum::<u64>();
        calls
    }

    /// Stops all work for the other end, which no longer waits.
    pub(super) fn fail_answers(&mut self, effects: &mut Effects) {
        let answers = in_order(self.answers.drain());
        self.put_off = 0;
        effects.more().given_up.extend(answers);
    }
}

fn length(call: &Call<Encoding>) -> u64 {
    call.params.as_slice().len() as u64
}

fn gone(id: ObjectId) -> Fault {
    Fault::of(FaultKind::Gone, format!("there is no object {id:?}"))
}

/// The object that a call promised, once its result is there.
fn promised(result: &Result<Payload, Fault>) -> Result<Object, Fault> {
    match result {
        Ok(reply) => Object::first(reply.attachments())
            .ok_or_else(|| Fault::of(FaultKind::Gone, "the result has no object")),
        Err(fault) => Err(broken(fault)),
    }
}

/// The fault for a call on what another one promised, which failed. However many wait for one another, each is
/// told the first cause; and not all of it, since there may be many of them.
fn broken(cause: &Fault) -> Fault {
    if cause.message().starts_with(BROKEN) {
        return cause.clone();
    }
    let cause: String = cause.message().chars().take(CAUSE).collect();
    Fault::of(FaultKind::Gone, format!("{BROKEN}{cause}"))
}

/// Faults whose cause the caller does not learn are for the log of this end.
pub(super) fn log(fault: &Fault, what: &str) {
    if fault.kind() == FaultKind::Internal {
        let causes: Vec<String> = fault.causes().collect();
        tracing::error!(%fault, causes = causes.join(": "), "{what}");
    } else {
        tracing::debug!(%fault, "{what}");
    }
}
