//! Running the calls of the peer, and their replies.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use farcall_core::protocol::{Call, CallReply, Payload};
use farcall_core::{Cancellation, Fault, FaultKind, Registry};
use tokio::time::{Instant, timeout_at};

use super::handle::Session;
use super::incoming::{AdmittedCall, CallHead, DependentStart, promised_object};
use super::object::ObjectHandle;
use crate::rpc::encoding::Encoding;

/// A reply that is sent after the calls that depend on its object have started.
struct PendingReply {
    id: u64,
    cancellation: Cancellation,
    result: Result<Payload, Fault>,
    dependents: std::vec::IntoIter<DependentStart>,
}

impl PendingReply {
    fn new(
        session: &Session,
        id: u64,
        cancellation: Cancellation,
        result: Result<Payload, Fault>,
    ) -> Self {
        if let Err(fault) = &result {
            session.log_fault(fault, "a call failed");
        }
        Self {
            id,
            cancellation,
            result: result.map_err(|fault| session.settings.fault_for_peer(fault)),
            dependents: Vec::new().into_iter(),
        }
    }
}

thread_local! {
    /// Cancellation of an earlier call, which nothing refers to any more. The next call reuses it.
    static SPARE_CANCELLATION: Cell<Option<Cancellation>> = const { Cell::new(None) };
}

/// Cancels a call whose deadline has passed, and returns its fault.
fn time_out(cancellation: &Cancellation) -> Fault {
    cancellation.cancel();
    Fault::of(
        FaultKind::DeadlineExceeded,
        "the deadline of the call passed before it completed",
    )
}

impl Session {
    /// Runs a call. If it completes immediately and no other call depends on its result, it needs
    /// no task, and its result is returned for the caller of this function to send.
    pub(super) fn run(
        self: &Arc<Self>,
        root: &Registry<Encoding>,
        admitted: &mut AdmittedCall,
    ) -> Option<Result<Payload, Fault>> {
        let AdmittedCall {
            head,
            object,
            cancellation,
            call,
        } = admitted;
        let cancellation = cancellation.take();
        let tracked = cancellation.clone();
        let cancellation =
            cancellation.unwrap_or_else(|| SPARE_CANCELLATION.take().unwrap_or_default());
        let deadline = call.context.deadline().map(Instant::from_std);
        call.context.set_cancellation(Some(cancellation.clone()));
        let answer = match object.take() {
            None => root.dispatch_in_place(call),
            Some(object) => self.call_object(object, call.take()),
        };
        call.context.set_cancellation(None);
        let untracked = tracked.is_none().then_some(&*head);
        let result = self.start(head.id, untracked, cancellation, deadline, answer)?;
        self.keep_or_reply(head.id, tracked, result)
    }

    /// Completes an admitted call with a fault. Returns the fault to send, unless other calls
    /// depend on the result: then it is sent from here.
    pub(super) fn reject(
        self: &Arc<Self>,
        call: &mut AdmittedCall,
        fault: Fault,
    ) -> Option<Result<Payload, Fault>> {
        self.keep_or_reply(call.head.id, call.cancellation.take(), Err(fault))
    }

    fn keep_or_reply(
        self: &Arc<Self>,
        id: u64,
        tracked: Option<Cancellation>,
        result: Result<Payload, Fault>,
    ) -> Option<Result<Payload, Fault>> {
        let Some(cancellation) = tracked else {
            return Some(result);
        };
        self.reply(id, cancellation, result);
        None
    }

    /// Runs a call that waited for its target. If it completes immediately, its result is returned.
    fn run_dependent(
        self: &Arc<Self>,
        dependent: DependentStart,
        object: ObjectHandle,
    ) -> Option<Result<Payload, Fault>> {
        let DependentStart {
            id,
            cancellation,
            mut call,
        } = dependent;
        if !self.update(|state| state.incoming.awaits(id, &cancellation)) {
            return None;
        }
        let deadline = call.context.deadline().map(Instant::from_std);
        call.context.set_cancellation(Some(cancellation.clone()));
        let answer = self.call_object(object, call);
        self.start(id, None, cancellation, deadline, answer)
    }

    /// Answers a call on an object, within the layers if there are any.
    fn call_object(&self, object: ObjectHandle, call: Call<Encoding>) -> CallReply {
        match &self.settings.layers {
            None => object.answer(call),
            Some(layers) => layers.dispatch(call, move |call| object.answer(call)),
        }
    }

    /// Awaits the answer to a call. If it completes immediately, it needs no task, and its result
    /// is returned for the caller of this function to send. Otherwise an `untracked` call is added
    /// to the table of incoming calls.
    // Inlined, so that an answer is not moved before it is polled.
    #[inline(always)]
    fn start(
        self: &Arc<Self>,
        id: u64,
        untracked: Option<&CallHead>,
        cancellation: Cancellation,
        deadline: Option<Instant>,
        mut answer: CallReply,
    ) -> Option<Result<Payload, Fault>> {
        let first = Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = first {
            if untracked.is_some() && cancellation.is_unshared() {
                SPARE_CANCELLATION.set(Some(cancellation));
            }
            return Some(result);
        }
        self.spawn(id, untracked, &cancellation, deadline, answer);
        None
    }

    /// Spawns the task of a call that did not complete immediately.
    fn spawn(
        self: &Arc<Self>,
        id: u64,
        untracked: Option<&CallHead>,
        cancellation: &Cancellation,
        deadline: Option<Instant>,
        answer: CallReply,
    ) {
        if let Some(head) = untracked
            && !self.update(|state| state.track(head, cancellation))
        {
            // The connection was lost.
            return cancellation.cancel();
        }
        let (session, cancellation) = (Arc::clone(self), cancellation.clone());
        self.runtime().spawn(async move {
            let answered = async {
                match deadline {
                    None => answer.await,
                    Some(deadline) => timeout_at(deadline, answer)
                        .await
                        .unwrap_or_else(|_| Err(time_out(&cancellation))),
                }
            };
            let result = tokio::select! {
                biased;
                () = cancellation.cancelled() => return,
                result = answered => result,
            };
            session.reply(id, cancellation, result);
        });
    }

    /// Sends the reply of a call. Calls that depend on the object in it run first: they precede any
    /// call that the caller makes on the object itself.
    ///
    /// Dependent calls may complete immediately, and others may depend on them. The peer determines
    /// the length of such a chain, so this uses a loop instead of recursion.
    fn reply(
        self: &Arc<Self>,
        id: u64,
        cancellation: Cancellation,
        result: Result<Payload, Fault>,
    ) {
        let mut replies = vec![PendingReply::new(self, id, cancellation, result)];
        while let Some(mut reply) = replies.pop() {
            if let Some(dependent) = reply.dependents.next() {
                let (id, cancellation) = (dependent.id, dependent.cancellation.clone());
                let result = match promised_object(&reply.result) {
                    Ok(object) => self.run_dependent(dependent, object),
                    Err(fault) => Some(Err(fault)),
                };
                replies.push(reply);
                replies
                    .extend(result.map(|result| PendingReply::new(self, id, cancellation, result)));
                continue;
            }
            let unsent = self.update(|state| {
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
}
