//! Calls that an end makes.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use farcall_core::CallError;
use farcall_core::protocol::{Attachment, Call, Payload};

use super::end::Link;
use super::host::Host;
use super::ledger::{Plan, Target, Timeout, numbered};
use super::run::Run;
use super::streams::new_stream;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::TooLate;
use crate::rpc::session::call_timeout::{CallTimeout, deadline_exceeded};
use crate::rpc::session::object::{CallRequest, ObjectHandle, Promise, SessionLink, StartedCall};

/// A call that waits for its result.
pub(super) struct Caller {
    pub(super) number: usize,
    link: Arc<Link>,
    started: StartedCall,
    deadline: Option<Instant>,
    /// Keeps the called promise alive, and the reference that the call needs.
    _object: Option<ObjectHandle>,
}

impl Caller {
    /// Starts a call. Returns `None` if it has failed at once.
    pub(super) fn start(
        link: &Arc<Link>,
        plan: Plan,
        (target, object): (Target, Option<ObjectHandle>),
        attachments: Vec<Attachment>,
        run: &Run,
    ) -> Option<Self> {
        let number = run.ledger().add(plan, target);
        let timeout = match plan.timeout {
            Timeout::Unlimited => CallTimeout::Unlimited,
            Timeout::Default => CallTimeout::Default,
            Timeout::After(time) => CallTimeout::Deadline(run.now() + time),
        };
        let mut context = farcall_core::Context::new("f").with_deadline(timeout.deadline());
        if plan.one_way {
            context = context.one_way();
        }
        if plan.idempotent {
            context = context.idempotent();
        }
        let params = numbered(&[number as u64], plan.length).with_attachments(attachments);
        let mut request = Some(CallRequest {
            object: object.clone(),
            call: Call {
                params,
                format: Encoding::Bincode,
                context,
            },
        });
        let cx = Context::from_waker(Waker::noop());
        run.event(|| format!("call {number} on {target:?}: {plan:?}"));
        match link.start_call(&mut request, plan.promise, timeout, &cx) {
            Ok(started) => Some(Self {
                number,
                link: Arc::clone(link),
                started,
                deadline: timeout.deadline(),
                _object: object,
            }),
            Err(error) => {
                run.event(|| format!("call {number} failed at once: {error:?}"));
                run.ledger().end(number, Err(&error));
                None
            }
        }
    }

    /// Returns the promise of the result, if there is one.
    const fn promise(&self) -> Option<(usize, &Arc<Promise>)> {
        match &self.started {
            StartedCall::Promise(promise) => Some((self.number, promise)),
            StartedCall::Call(_) => None,
        }
    }

    /// Completes with the objects and streams in the result.
    pub(super) fn poll(&self, run: &Run) -> Poll<Vec<Attachment>> {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= run.now());
        let id = match &self.started {
            StartedCall::Promise(promise) => {
                if is_late && promise.outcome().is_none() {
                    self.link.expire_promise(promise.call);
                }
                return self.poll_promise(promise, run);
            }
            StartedCall::Call(id) => *id,
        };
        let cx = Context::from_waker(Waker::noop());
        let result = match self.link.poll_result(id, &cx) {
            Poll::Ready(result) => result,
            Poll::Pending if !is_late => return Poll::Pending,
            // As the future of a call does.
            Poll::Pending if self.link.cancel_call(id) => Err(deadline_exceeded().into()),
            Poll::Pending => Err(CallError::NotSent(Box::new(TooLate))),
        };
        self.end(result.as_ref(), run);
        let reply = result.ok();
        Poll::Ready(reply.map_or_else(Vec::new, |reply| reply.attachments().to_vec()))
    }

    fn poll_promise(&self, promise: &Promise, run: &Run) -> Poll<Vec<Attachment>> {
        match promise.outcome() {
            None => Poll::Pending,
            Some(Ok(object)) => {
                self.end(Ok(&numbered(&[self.number as u64], 0)), run);
                Poll::Ready(vec![Arc::new(object.clone())])
            }
            Some(Err(error)) => {
                self.end(Err(error), run);
                Poll::Ready(Vec::new())
            }
        }
    }

    fn end(&self, result: Result<&Payload, &CallError>, run: &Run) {
        run.event(|| format!("call {} completed: {:?}", self.number, result.err()));
        run.ledger().end(self.number, result);
    }

    /// Stops waiting.
    pub(super) fn cancel(self, run: &Run) {
        run.event(|| format!("call {} is dropped", self.number));
        run.ledger().drop_call(self.number);
        if let StartedCall::Call(id) = self.started {
            self.link.cancel_call(id);
        }
    }
}

impl Host {
    /// Makes a call. Returns `None` if it has failed at once, or the program has no link.
    pub(super) fn call(&mut self, is_callback: bool) -> Option<Caller> {
        let link = self.link.clone()?;
        let run = Arc::clone(&self.run);
        let plan = Plan::random(&run, is_callback, self.settings.timeout.is_some());
        let target = self.choose_target();
        let mut attachments: Vec<Attachment> = Vec::new();
        while run.chance(25) {
            attachments.push(match run.below(3) {
                0 => new_stream(&run),
                1 => Arc::new(ObjectHandle::Local(self.new_object().1)),
                _ => match run.choose(&self.objects) {
                    Some(object) => Arc::new(object.clone()),
                    None => continue,
                },
            });
        }
        Caller::start(&link, plan, target, attachments, &run)
    }

    fn choose_target(&self) -> (Target, Option<ObjectHandle>) {
        let promising: Vec<_> = self.callers.iter().filter_map(Caller::promise).collect();
        let run = &self.run;
        let kind = run.below(4);
        if kind == 0
            && let Some(object @ ObjectHandle::Imported(imported)) = run.choose(&self.objects)
        {
            let number = run.ledger().objects[&imported.id];
            return (Target::Object(number), Some(object.clone()));
        }
        if kind == 1
            && let Some((number, promise)) = run.choose(&promising)
        {
            let object = ObjectHandle::Promised(Arc::clone(promise));
            return (Target::Promise(*number), Some(object));
        }
        (Target::Root, None)
    }
}
