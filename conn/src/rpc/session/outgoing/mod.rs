//! Outgoing calls: queued, sent, completed.

mod interrupted;

use std::collections::VecDeque;
use std::sync::Weak;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use farcall_core::protocol::Payload;
use farcall_core::{CallError, Execution, Fault};

use super::call_table::CallTable;
use super::call_timeout::deadline_exceeded;
use super::deferred::{DeferredDrop, replace_waker};
use super::object::{CallRequest, Promise};
use super::outbox::Outbox;
use crate::rpc::error::{TooLate, Violation};
use crate::rpc::message::Message;

/// The outgoing calls of a session, until their callers have taken the results.
pub(super) struct OutgoingCalls {
    calls: CallTable<OutgoingCall>,
    /// Calls that are not sent yet, the oldest first.
    queued: VecDeque<u64>,
    /// Number of calls that were sent and are not answered.
    in_flight: usize,
    /// The pattern of the calls since `in_flight` was last 0.
    pattern: CallPattern,
    /// The pattern of the calls in the busy period before that.
    previous_pattern: CallPattern,
    /// Number of ticks so far.
    ticks: u32,
    /// Time of the last tick.
    ticked_at: Option<Instant>,
}

/// An outgoing call, until its caller has taken the result.
pub(super) struct OutgoingCall {
    progress: Progress,
    waker: Option<Waker>,
    /// The request: to be sent, or kept because it may have to be sent again.
    request: Option<Box<CallRequest>>,
    /// The promise of the result, if the result is an object that is called before the call
    /// completes.
    pub(super) promise: Option<Weak<Promise>>,
    pub(super) one_way: bool,
    /// `true` if an earlier connection delivered the call, so that it may have run even if it
    /// cannot be sent again.
    may_have_run: bool,
    /// The tick at which the call times out, if it has the default timeout.
    timeout_tick: Option<u32>,
}

enum Progress {
    /// Not sent yet.
    Queued,
    /// The peer may know of the call once the connection has taken this many bytes.
    Sent {
        end: u64,
    },
    /// A one-way call that was sent, so that its caller no longer waits.
    Detached,
    Completed(Result<Payload, CallError>),
}

/// The pattern of the outgoing calls of a busy period, in which at least one is always in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallPattern {
    /// One call after another.
    Sequential,
    /// Several calls were in flight at once.
    Overlapping,
}

impl DeferredDrop for OutgoingCall {}

impl OutgoingCall {
    /// Creates a call. Its caller waits with the waker, or for the promise.
    pub(super) const fn new(
        waker: Option<Waker>,
        promise: Option<Weak<Promise>>,
        one_way: bool,
        timeout_tick: Option<u32>,
    ) -> Self {
        Self {
            progress: Progress::Queued,
            waker,
            request: None,
            promise,
            one_way,
            may_have_run: false,
            timeout_tick,
        }
    }
}

impl OutgoingCalls {
    pub(super) const fn new() -> Self {
        Self {
            calls: CallTable::new(),
            queued: VecDeque::new(),
            in_flight: 0,
            pattern: CallPattern::Sequential,
            previous_pattern: CallPattern::Sequential,
            ticks: 0,
            ticked_at: None,
        }
    }

    /// Returns the number of calls whose results were not taken.
    pub(super) const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns the number of calls that were sent and are not answered.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns `true` if calls wait to be sent.
    pub(super) fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Returns `true` if a caller waits for the reply to a sent call.
    pub(super) fn awaits_replies(&self) -> bool {
        let is_awaited = |id| {
            let call = self.calls.get(id);
            call.is_some_and(|call| matches!(call.progress, Progress::Sent { .. }))
        };
        self.calls.ids().into_iter().any(is_awaited)
    }

    /// Returns `true` if the only call in flight should be written by its own task. If other calls
    /// are about to follow, one write by the driver carries all of them.
    pub(super) fn is_single(&self) -> bool {
        self.in_flight == 1 && self.previous_pattern == CallPattern::Sequential
    }

    /// Returns the id of the next call. Insert it before requesting another one.
    pub(super) fn next_id(&mut self) -> u64 {
        self.calls.next_id()
    }

    /// Inserts a call that is not sent yet.
    pub(super) fn insert_queued(&mut self, id: u64, call: OutgoingCall, request: CallRequest) {
        let request = Some(Box::new(request));
        self.calls.insert(id, OutgoingCall { request, ..call });
        self.queued.push_back(id);
    }

    /// Inserts a call whose message is at the end of the outbox, or that cannot be sent.
    pub(super) fn insert(
        &mut self,
        id: u64,
        mut call: OutgoingCall,
        sent: Result<(), CallError>,
        outbox: &mut Outbox,
    ) {
        if let Err(error) = sent {
            self.calls.insert(id, call);
            return self.complete(id, Err(error), outbox);
        }
        self.in_flight += 1;
        if self.in_flight > 1 {
            self.pattern = CallPattern::Overlapping;
        }
        call.progress = if call.one_way {
            outbox.wake(call.waker.take());
            Progress::Detached
        } else {
            Progress::Sent {
                end: outbox.pushed(),
            }
        };
        self.calls.insert(id, call);
    }

    /// Keeps the request of a call that may have to be sent again.
    pub(super) fn keep(&mut self, id: u64, request: Box<CallRequest>) {
        if let Some(call) = self.calls.get_mut(id) {
            call.request = Some(request);
        }
    }

    /// Removes the oldest call that is not sent. It must be inserted again.
    pub(super) fn take_queued(&mut self) -> Option<(u64, OutgoingCall, Box<CallRequest>)> {
        while let Some(id) = self.queued.pop_front() {
            if let Some(mut call) = self.calls.remove(id)
                && let Some(request) = call.request.take()
            {
                return Some((id, call, request));
            }
        }
        None
    }

    /// Records that a sent call is answered.
    fn answered(&mut self) {
        self.in_flight -= 1;
        if self.in_flight == 0 {
            self.previous_pattern = std::mem::replace(&mut self.pattern, CallPattern::Sequential);
        }
    }

    /// Completes a call with the reply of the peer.
    pub(super) fn on_return(
        &mut self,
        id: u64,
        result: Result<Payload, Fault>,
        outbox: &mut Outbox,
    ) -> Result<(), Violation> {
        match self.calls.get(id).map(|call| &call.progress) {
            Some(Progress::Sent { .. } | Progress::Detached) => {
                self.answered();
                if self
                    .calls
                    .get(id)
                    .is_some_and(|call| call.promise.is_some())
                {
                    // The peer keeps the result or the fault for calls on the promise. Those that
                    // are queued are sent to the object itself, or fail.
                    outbox.push(&Message::Finish(id));
                }
                self.complete(id, result.map_err(CallError::Fault), outbox);
            }
            // The call was cancelled while the reply was in flight, or was never made.
            _ => outbox.drop(result),
        }
        if id > self.calls.last_id() {
            return Err(Violation::UnknownCall(id));
        }
        Ok(())
    }

    /// Completes the call with `result`.
    fn complete(&mut self, id: u64, result: Result<Payload, CallError>, outbox: &mut Outbox) {
        let Some(call) = self.calls.get_mut(id) else {
            return outbox.drop(result);
        };
        let result = match result {
            Err(error) if call.may_have_run => Err(may_have_run(error)),
            result => result,
        };
        if let Some(promise) = &call.promise {
            let promise = promise.upgrade();
            outbox.drop(self.calls.remove(id));
            if let Some(promise) = promise {
                outbox.drop(promise.complete(result));
                outbox.later(move || promise.notify());
            } else {
                outbox.drop(result);
            }
            return;
        }
        if call.one_way && matches!(call.progress, Progress::Detached) {
            outbox.drop(self.calls.remove(id));
            return outbox.drop(result);
        }
        let request = call.request.take();
        call.progress = Progress::Completed(result);
        outbox.wake(call.waker.take());
        outbox.drop(request);
    }

    /// Returns the result of a call, if it has completed. A waker that is replaced is stored in
    /// `replaced`, to be dropped once the session is unlocked.
    pub(super) fn poll_result(
        &mut self,
        id: u64,
        cx: &Context<'_>,
        replaced: &mut Option<Waker>,
    ) -> Poll<Result<Payload, CallError>> {
        let Some(call) = self.calls.get_mut(id) else {
            // A one-way call that completed before its caller polled for it.
            return Poll::Ready(Ok(Payload::copied(&[])));
        };
        match &call.progress {
            Progress::Detached => Poll::Ready(Ok(Payload::copied(&[]))),
            Progress::Queued | Progress::Sent { .. } => {
                *replaced = replace_waker(&mut call.waker, cx.waker());
                Poll::Pending
            }
            Progress::Completed(_) => match self.calls.remove(id).map(|ended| ended.progress) {
                Some(Progress::Completed(result)) => Poll::Ready(result),
                _ => Poll::Pending,
            },
        }
    }

    /// Cancels a call whose caller no longer waits. Returns `true` if it was sent.
    pub(super) fn cancel(&mut self, id: u64, outbox: &mut Outbox) -> bool {
        let Some(call) = self.calls.get_mut(id) else {
            return true;
        };
        if matches!(call.progress, Progress::Detached) {
            // A one-way call needs no result: it stays until its reply comes.
            call.waker = None;
            return true;
        }
        let sent = self.withdraw(id, outbox);
        outbox.drop(self.calls.remove(id));
        sent.unwrap_or(true)
    }

    /// Withdraws a call that has not completed; it stays in the table. Returns `true` if the peer
    /// may know of it.
    fn withdraw(&mut self, id: u64, outbox: &mut Outbox) -> Option<bool> {
        let call = self.calls.get(id)?;
        match call.progress {
            Progress::Queued => {
                let may_have_run = call.may_have_run;
                if let Ok(place) = self.queued.binary_search(&id) {
                    self.queued.remove(place);
                }
                Some(may_have_run)
            }
            Progress::Sent { .. } => {
                outbox.push(&Message::Cancel(id));
                self.answered();
                Some(true)
            }
            Progress::Detached | Progress::Completed(_) => None,
        }
    }

    /// Completes a call whose deadline has passed, if it has not completed.
    pub(super) fn expire(&mut self, id: u64, outbox: &mut Outbox) {
        let error = match self.withdraw(id, outbox) {
            None => return,
            Some(false) => CallError::NotSent(Box::new(TooLate)),
            Some(true) => CallError::Fault(deadline_exceeded()),
        };
        self.complete(id, Err(error), outbox);
    }

    /// Returns the tick at which a call that starts now has waited for this number of ticks.
    pub(super) const fn tick_after(&self, ticks: u32) -> u32 {
        self.ticks.saturating_add(ticks)
    }

    /// Counts a tick if one is due, and completes the calls that have timed out.
    pub(super) fn tick(&mut self, now: Instant, interval: Duration, outbox: &mut Outbox) {
        let is_due = |last| now.duration_since(last) >= interval;
        if !self.ticked_at.is_none_or(is_due) {
            return;
        }
        self.ticked_at = Some(now);
        self.ticks = self.ticks.saturating_add(1);
        if self.calls.len() == 0 {
            return;
        }
        for id in self.calls.ids() {
            let expiry = self.calls.get(id).and_then(|call| call.timeout_tick);
            if expiry.is_some_and(|tick| tick <= self.ticks) {
                self.expire(id, outbox);
            }
        }
    }
}

/// Converts the failure of a resent call: the first attempt may have run, whatever happened to the
/// second.
fn may_have_run(error: CallError) -> CallError {
    match error {
        CallError::NotSent(cause) => CallError::Lost(cause),
        error if error.execution() == Execution::Never => CallError::Lost(Box::new(error)),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The peer keeps the fault for calls on the promise, and the call in its table.
    #[test]
    fn a_promise_that_the_peer_fails_is_finished() {
        let (mut calls, mut outbox) = (OutgoingCalls::new(), Outbox::new());
        outbox.open();
        let id = calls.next_id();
        let call = OutgoingCall::new(None, Some(Weak::new()), false, None);
        calls.insert(id, call, Ok(()), &mut outbox);
        let fault = Fault::new(7, "odd");
        calls.on_return(id, Err(fault), &mut outbox).unwrap();
        let mut finish = crate::frame::Encoder::new();
        finish.push_message(|out| Message::Finish(id).write(out));
        let mut sent = crate::frame::Encoder::new();
        outbox.take(&mut sent);
        assert_eq!(sent.unwritten(), finish.unwritten());
    }

    #[test]
    fn a_failure_to_resend_a_call_does_not_mean_that_it_did_not_run() {
        for error in [
            CallError::NotSent("no connection".into()),
            CallError::Refused("no".into()),
        ] {
            let error = may_have_run(error);
            assert!(matches!(error, CallError::Lost(_)), "{error:?}");
        }
        let answer = may_have_run(Fault::new(7, "odd").into());
        assert_eq!(answer.fault(), Some(&Fault::new(7, "odd")));
    }
}
