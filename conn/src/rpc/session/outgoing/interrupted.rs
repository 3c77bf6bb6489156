//! Outgoing calls whose connection breaks, or whose peer accepts no more of them.

use farcall_core::CallError;

use super::{CallRequest, Progress};
use crate::rpc::error::Disconnected;
use crate::rpc::session::object::ObjectHandle;
use crate::rpc::session::state::CallPattern;
use crate::rpc::session::streams::is_stream;
use crate::rpc::session::{Deferred, SessionState};

impl SessionState {
    /// Fails the calls that the loss of the connection affects. If there will be another
    /// connection, two kinds of calls are queued again: those that did not reach the peer, and
    /// idempotent ones.
    pub(in crate::rpc::session) fn interrupt_calls(
        &mut self,
        reason: &Disconnected,
        reconnects: bool,
        deferred: &mut Deferred,
    ) {
        self.in_flight = 0;
        self.call_pattern = CallPattern::Sequential;
        let written = self.written();
        for id in self.outgoing.ids() {
            let Some(entry) = self.outgoing.get_mut(id) else {
                continue;
            };
            let undelivered = match entry.progress {
                Progress::Queued => true,
                Progress::Sent { end } => end > written,
                Progress::Detached | Progress::Completed(_) => {
                    if matches!(entry.progress, Progress::Detached) {
                        let entry = self.outgoing.remove(id);
                        deferred.drop(entry);
                    }
                    continue;
                }
            };
            let again = undelivered
                || entry
                    .request
                    .as_ref()
                    .is_some_and(|request| request.call.context.is_idempotent());
            if reconnects
                && again
                && entry
                    .request
                    .as_deref()
                    .is_some_and(CallRequest::can_be_resent)
            {
                if !matches!(entry.progress, Progress::Queued) {
                    entry.progress = Progress::Queued;
                    entry.may_have_run |= !undelivered;
                    self.queued.push_back(id);
                }
                continue;
            }
            let reason = Box::new(reason.clone());
            let error = match undelivered {
                true => CallError::NotSent(reason),
                false => CallError::Lost(reason),
            };
            self.complete(id, Err(error), deferred);
        }
        let calls = &self.outgoing;
        self.queued.retain(|id| {
            calls
                .get(*id)
                .is_some_and(|entry| matches!(entry.progress, Progress::Queued))
        });
        self.queued.make_contiguous().sort_unstable();
    }

    /// Fails the queued calls.
    pub(in crate::rpc::session) fn fail_queued(
        &mut self,
        reason: &Disconnected,
        deferred: &mut Deferred,
    ) {
        for id in std::mem::take(&mut self.queued) {
            self.complete(
                id,
                Err(CallError::NotSent(Box::new(reason.clone()))),
                deferred,
            );
        }
    }

    /// Fails or queues again the calls after `last`, which the peer will not run.
    pub(in crate::rpc::session) fn fail_after(
        &mut self,
        last: u64,
        reason: &Disconnected,
        reconnects: bool,
        deferred: &mut Deferred,
    ) {
        let ids = self.outgoing.ids();
        for id in ids.into_iter().filter(|id| *id > last) {
            let Some(entry) = self.outgoing.get_mut(id) else {
                continue;
            };
            let again = reconnects
                && entry
                    .request
                    .as_deref()
                    .is_some_and(CallRequest::can_be_resent);
            match entry.progress {
                Progress::Queued if reconnects => continue,
                Progress::Queued => {}
                Progress::Sent { .. } => {
                    if again {
                        entry.progress = Progress::Queued;
                    }
                    self.call_completed();
                }
                Progress::Detached => {
                    self.call_completed();
                    let entry = self.outgoing.remove(id);
                    deferred.drop(entry);
                    continue;
                }
                Progress::Completed(_) => continue,
            }
            if again {
                self.queued.push_back(id);
                continue;
            }
            self.complete(
                id,
                Err(CallError::NotSent(Box::new(reason.clone()))),
                deferred,
            );
        }
        self.queued.make_contiguous().sort_unstable();
        if !reconnects {
            self.fail_queued(reason, deferred);
        }
    }
}

impl CallRequest {
    /// Returns `true` if the call can be sent over another connection. Streams and promises belong
    /// to one connection.
    fn can_be_resent(&self) -> bool {
        !matches!(self.object, Some(ObjectHandle::Promised(_)))
            && !self.call.params.attachments().iter().any(is_stream)
    }
}
