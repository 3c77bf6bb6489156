//! Calls of the peer, as the tasks of a session answer them.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use farcall_core::protocol::{Attachment, Payload};
use farcall_core::{Cancellation, Fault, FaultKind};

use super::calling::Caller;
use super::host::{Host, Thing};
use super::ledger::{Plan, Returns, number_of, numbered};
use super::streams::new_stream;
use crate::rpc::message::{write_fault, write_return};
use crate::rpc::session::incoming::{AdmittedCall, DependentStart, promised_object};
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::state::SessionState;

/// A call of the peer that has not completed.
pub(super) struct Handler {
    id: u64,
    number: usize,
    plan: Plan,
    cancellation: Cancellation,
    due: Instant,
    deadline: Option<Instant>,
    /// A call to the caller, which this one waits for.
    callback: Option<Caller>,
    has_called_back: bool,
}

/// A reply that is sent after the calls that depend on its object have started.
struct Reply {
    id: u64,
    cancellation: Cancellation,
    result: Result<Payload, Fault>,
    dependents: std::vec::IntoIter<DependentStart>,
}

impl Reply {
    fn new(id: u64, cancellation: Cancellation, result: Result<Payload, Fault>) -> Self {
        let dependents = Vec::new().into_iter();
        Self {
            id,
            cancellation,
            result,
            dependents,
        }
    }
}

/// Returns the fault of a call on a promise that an object of the caller has fulfilled. A session
/// would forward the call, as a call of its own.
fn not_local() -> Fault {
    Fault::of(FaultKind::Gone, "an object of the caller")
}

/// Returns the number of a local object.
fn number_of_object(object: &ObjectHandle) -> u64 {
    match object {
        ObjectHandle::Local(local) => local.instance::<Thing>().unwrap().0,
        other => panic!("a call on {other:?}"),
    }
}

impl Host {
    /// Runs an admitted call, and replies if it completes at once.
    pub(super) fn run_call(&mut self, call: AdmittedCall) {
        let AdmittedCall {
            head,
            object,
            cancellation,
            call,
        } = call;
        let tracked = cancellation.clone();
        let cancellation = cancellation.unwrap_or_default();
        let deadline = call.context.deadline();
        let (id, params) = (head.id, &call.params);
        if let Some(ObjectHandle::Imported(_)) = object {
            if let Some(cancellation) = tracked {
                return self.reply(id, cancellation, Err(not_local()));
            }
            return self.reply_untracked(id, head.one_way, Err(not_local()));
        }
        let object = object.as_ref().map(number_of_object);
        self.check_order(number_of(params), &head.target);
        if let Some(result) = self.begin(id, params, object, deadline, cancellation.clone()) {
            if let Some(cancellation) = tracked {
                return self.reply(id, cancellation, result);
            }
            return self.reply_untracked(id, head.one_way, result);
        }
        // A call that does not complete at once is tracked.
        if tracked.is_none() && !self.end.update(|state| state.track(&head, &cancellation)) {
            cancellation.cancel();
        }
    }

    /// Begins a call. Returns its result if it completes at once.
    fn begin(
        &mut self,
        id: u64,
        params: &Payload,
        object: Option<u64>,
        deadline: Option<Instant>,
        cancellation: Cancellation,
    ) -> Option<Result<Payload, Fault>> {
        let number = number_of(params);
        self.event(format_args!("runs call {number} ({id})"));
        let plan = self.run.ledger().start(number, object);
        self.receive(params.attachments());
        let Some(delay) = plan.delay else {
            return Some(self.result(number, plan));
        };
        self.handlers.push(Handler {
            id,
            number,
            plan,
            cancellation,
            due: self.run.now() + delay,
            deadline,
            callback: None,
            has_called_back: false,
        });
        None
    }

    /// Returns the result of a call that completes.
    fn result(&mut self, number: usize, plan: Plan) -> Result<Payload, Fault> {
        let mut returned = None;
        let attachment: Option<Attachment> = match plan.returns {
            Returns::Bytes | Returns::Fault => None,
            Returns::Object => {
                let (number, object) = self.new_object();
                returned = Some(number);
                Some(Arc::new(ObjectHandle::Local(object)))
            }
            Returns::Stream => Some(new_stream(&self.run)),
            Returns::Given => {
                let given = self.run.choose(&self.objects).cloned();
                given.map(|object| -> Attachment { Arc::new(object) })
            }
        };
        self.run.ledger().complete(number, returned);
        if plan.returns == Returns::Fault {
            return Err(Fault::new(7, "as asked"));
        }
        let result = numbered(&[number as u64], plan.length);
        Ok(result.with_attachments(attachment.into_iter().collect()))
    }

    /// Replies to a call that completed at once, beside the session if that is possible.
    fn reply_untracked(&mut self, id: u64, one_way: bool, result: Result<Payload, Fault>) {
        let replies = &mut self.replies;
        if one_way {
            replies.push_message(|out| write_return(id, &[], out));
            return;
        }
        let sent = result.and_then(|reply| {
            self.end.update(|state| {
                state.outbox.append(replies);
                state.push_return(id, &reply)
            })
        });
        if let Err(fault) = sent {
            replies.push_message(|out| write_fault(id, &fault, false, out));
        }
    }

    /// Replies to a call, after the calls that depend on its result have started.
    fn reply(&mut self, id: u64, cancellation: Cancellation, result: Result<Payload, Fault>) {
        let mut replies = vec![Reply::new(id, cancellation, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some(dependent) = reply.dependents.next() {
                let (id, cancellation) = (dependent.id, dependent.cancellation.clone());
                let result = match promised_object(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, &object),
                    Err(fault) => Some(Err(fault)),
                };
                replies.push(reply);
                replies.extend(result.map(|result| Reply::new(id, cancellation, result)));
                continue;
            }
            let unsent = self.end.update(|state| {
                let dependents = state
                    .incoming
                    .take_dependents(reply.id, &reply.cancellation);
                reply.dependents = dependents.into_iter();
                if reply.dependents.len() > 0 {
                    return Some(reply);
                }
                state.complete_incoming(reply.id, &reply.cancellation, reply.result);
                None
            });
            replies.extend(unsent);
        }
    }

    fn run_dependent(
        &mut self,
        dependent: DependentStart,
        object: &ObjectHandle,
    ) -> Option<Result<Payload, Fault>> {
        let DependentStart {
            id,
            cancellation,
            call,
        } = dependent;
        let awaits = |state: &mut SessionState| state.incoming.awaits(id, &cancellation);
        if !self.end.update(awaits) {
            return None;
        }
        if let ObjectHandle::Imported(_) = object {
            return Some(Err(not_local()));
        }
        let object = Some(number_of_object(object));
        let deadline = call.context.deadline();
        self.begin(id, &call.params, object, deadline, cancellation)
    }

    /// Lets the calls of the peer continue.
    pub(super) fn serve(&mut self) {
        for handler in std::mem::take(&mut self.handlers) {
            if let Some(handler) = self.continue_call(handler) {
                self.handlers.push(handler);
            }
        }
    }

    /// Continues a call, and returns it unless it has completed.
    fn continue_call(&mut self, mut handler: Handler) -> Option<Handler> {
        let (run, plan) = (Arc::clone(&self.run), handler.plan);
        if handler.cancellation.is_cancelled() && !plan.deaf {
            run.event(|| format!("call {} is cancelled", handler.number));
            if let Some(callback) = handler.callback {
                callback.cancel(&run);
            }
            return None;
        }
        if handler
            .deadline
            .is_some_and(|deadline| deadline <= run.now())
        {
            handler.cancellation.cancel();
            if let Some(callback) = handler.callback {
                callback.cancel(&run);
            }
            let fault = Fault::of(FaultKind::DeadlineExceeded, "too late");
            self.reply(handler.id, handler.cancellation, Err(fault));
            return None;
        }
        if let Some(callback) = &handler.callback {
            match callback.poll(&run) {
                Poll::Pending => return Some(handler),
                Poll::Ready(attachments) => {
                    handler.callback = None;
                    self.receive(&attachments);
                }
            }
        }
        if plan.calls_back && !handler.has_called_back {
            handler.has_called_back = true;
            handler.callback = self.call(true);
            return Some(handler);
        }
        if plan.hangs || run.now() < handler.due {
            return Some(handler);
        }
        let result = self.result(handler.number, plan);
        self.reply(handler.id, handler.cancellation, result);
        None
    }
}
