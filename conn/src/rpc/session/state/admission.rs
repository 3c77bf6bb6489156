//! Admission of incoming calls.

use farcall_core::protocol::NoRoom;
use farcall_core::{Cancellation, Fault, FaultKind};

use super::{ClosingSide, Phase, SessionState, TOO_MANY_REPLIES};
use crate::rpc::error::{Violation, overloaded};
use crate::rpc::message::{CallTarget, MAX_METHOD, ObjectId};
use crate::rpc::session::incoming::{CallHead, PromiseState, promise_failed};
use crate::rpc::session::object::ObjectHandle;

/// Result of [`SessionState::admit`].
pub(super) enum Admission {
    /// The call starts after the batch.
    Run {
        /// The object that is called; `None` for the methods offered to every peer.
        object: Option<ObjectHandle>,
        /// Cancellation of the call, if it is in the table already.
        cancellation: Option<Cancellation>,
    },
    /// The call must wait for the promise of the call with this id.
    Wait(u64),
    /// The call does not run. If it has a reply, that was sent.
    Rejected,
}

/// The target of a call, as resolved on the local side.
enum ResolvedTarget {
    /// The methods offered to every peer.
    Root,
    Object(ObjectHandle),
    /// The object that the call with this id will return.
    Promise(u64),
}

impl SessionState {
    /// Decides whether a call runs, waits or is refused. A call is added to the table only if other
    /// calls can refer to it before it has started.
    pub(super) fn admit(&mut self, head: &CallHead) -> Result<Admission, Violation> {
        self.incoming.check_order(head.id)?;
        if matches!(self.phase, Phase::Closing(ClosingSide::Local)) {
            // The peer was told that later calls do not run.
            return Ok(Admission::Rejected);
        }
        self.incoming.accept(head.id);
        let target = match self.resolve_target(head) {
            Ok(target) => target,
            Err(fault) => {
                self.push_fault(head.id, &fault);
                if head.has_promise && self.has_capacity() {
                    let promise = PromiseState::Rejected(promise_failed(&fault));
                    let permit = self.settings.permit();
                    self.incoming.add(head, Some(promise), permit);
                }
                return Ok(Admission::Rejected);
            }
        };
        let promise = head.has_promise.then(PromiseState::pending);
        let object = match target {
            ResolvedTarget::Root => None,
            ResolvedTarget::Object(object) => Some(object),
            ResolvedTarget::Promise(promise_id) => {
                let permit = self.settings.permit();
                self.incoming.add(head, promise, permit);
                return Ok(Admission::Wait(promise_id));
            }
        };
        let cancellation = if promise.is_some() {
            let permit = self.settings.permit();
            Some(self.incoming.add(head, promise, permit))
        } else {
            self.incoming.begin();
            None
        };
        Ok(Admission::Run {
            object,
            cancellation,
        })
    }

    /// Returns `true` if another call is within the limit of the session.
    fn has_capacity(&self) -> bool {
        (self.incoming.len() as u64) < self.settings.limits.max_calls
    }

    /// Checks the limits, and resolves the target of a call.
    fn resolve_target(&mut self, head: &CallHead) -> Result<ResolvedTarget, Fault> {
        if head.method_too_long {
            let message = format!("the name of the method is over the limit of {MAX_METHOD} bytes");
            return Err(Fault::of(FaultKind::InvalidRequest, message));
        }
        if !self.has_capacity() {
            return Err(overloaded("too many concurrent calls on this connection"));
        }
        if let Some(calls) = &self.settings.calls {
            calls.check()?;
        }
        let max_backlog = self.settings.max_backlog;
        if self.outbox.backlog() > max_backlog {
            return Err(overloaded(TOO_MANY_REPLIES));
        }
        // The memory of the partial message is reserved already. It now counts as the call.
        let more = head.cost.saturating_sub(self.account.partial_message());
        self.reserve(more).map_err(NoRoom::of_request)?;
        Ok(match head.target {
            CallTarget::Root => ResolvedTarget::Root,
            CallTarget::Object(id) => {
                let object = self.references.exported(id).ok_or_else(|| no_object(id))?;
                ResolvedTarget::Object(object.clone())
            }
            CallTarget::Promise(id) => match self.incoming.promise(id, head.cost, max_backlog)? {
                Some(object) => ResolvedTarget::Object(object),
                None => ResolvedTarget::Promise(id),
            },
        })
    }
}

fn no_object(id: ObjectId) -> Fault {
    Fault::of(FaultKind::Gone, format!("there is no object {id:?}"))
}
