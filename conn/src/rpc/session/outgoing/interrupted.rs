//! Outgoing calls whose connection breaks, or whose peer accepts no more of them.

use farcall_core::CallError;

use super::{CallPattern, OutgoingCall, OutgoingCalls, Progress};
use crate::rpc::error::Disconnected;
use crate::rpc::session::object::{CallRequest, ObjectHandle};
use crate::rpc::session::outbox::Outbox;
use crate::rpc::session::stream_handles::is_stream;

impl OutgoingCalls {
    /// Fails the calls that the loss of the connection affects. If there will be another
    /// connection, two kinds of calls are queued again: those that did not reach the peer, and
    /// idempotent ones.
    pub(crate) fn interrupt(
        &mut self,
        reason: &Disconnected,
        reconnects: bool,
        outbox: &mut Outbox,
    ) {
        self.in_flight = 0;
        self.pattern = CallPattern::Sequential;
        let written = outbox.written();
        for id in self.calls.ids() {
            let Some(call) = self.calls.get_mut(id) else {
                continue;
            };
            let undelivered = match call.progress {
                Progress::Queued => true,
                Progress::Sent { end } => end > written,
                Progress::Detached => {
                    outbox.drop(self.calls.remove(id));
                    continue;
                }
                Progress::Completed(_) => continue,
            };
            if reconnects && call.can_be_resent() && (undelivered || call.is_idempotent()) {
                if !matches!(call.progress, Progress::Queued) {
                    call.progress = Progress::Queued;
                    call.may_have_run |= !undelivered;
                    self.queued.push_back(id);
                }
                continue;
            }
            let reason = Box::new(reason.clone());
            let error = if undelivered {
                CallError::NotSent(reason)
            } else {
                CallError::Lost(reason)
            };
            self.complete(id, Err(error), outbox);
        }
        let calls = &self.calls;
        self.queued.retain(|id| {
            let call = calls.get(*id);
            call.is_some_and(|call| matches!(call.progress, Progress::Queued))
        });
        self.queued.make_contiguous().sort_unstable();
    }

    /// Fails the queued calls.
    pub(crate) fn fail_queued(&mut self, reason: &Disconnected, outbox: &mut Outbox) {
        for id in std::mem::take(&mut self.queued) {
            let error = CallError::NotSent(Box::new(reason.clone()));
            self.complete(id, Err(error), outbox);
        }
    }

    /// Fails or queues again the calls after `last`, which the peer will not run.
    pub(crate) fn fail_after(
        &mut self,
        last: u64,
        reason: &Disconnected,
        reconnects: bool,
        outbox: &mut Outbox,
    ) {
        for id in self.calls.ids().into_iter().filter(|id| *id > last) {
            let Some(call) = self.calls.get_mut(id) else {
                continue;
            };
            match call.progress {
                // A queued call fails below, if there will be no other connection.
                Progress::Queued | Progress::Completed(_) => {}
                Progress::Sent { .. } if reconnects && call.can_be_resent() => {
                    call.progress = Progress::Queued;
                    self.queued.push_back(id);
                    self.answered();
                }
                Progress::Sent { .. } => {
                    self.answered();
                    let error = CallError::NotSent(Box::new(reason.clone()));
                    self.complete(id, Err(error), outbox);
                }
                Progress::Detached => {
                    self.answered();
                    outbox.drop(self.calls.remove(id));
                }
            }
        }
        self.queued.make_contiguous().sort_unstable();
        if !reconnects {
            self.fail_queued(reason, outbox);
        }
    }
}

impl OutgoingCall {
    fn is_idempotent(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| request.call.context.is_idempotent())
    }

    /// Returns `true` if the call can be sent over another connection. Streams and promises belong
    /// to one connection.
    fn can_be_resent(&self) -> bool {
        self.request
            .as_deref()
            .is_some_and(|CallRequest { object, call }| {
                !matches!(object, Some(ObjectHandle::Promised(_)))
                    && !call.params.attachments().iter().any(is_stream)
            })
    }
}
