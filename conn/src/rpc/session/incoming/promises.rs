//! Promises of incoming calls, and the calls that depend on them.

use std::collections::BTreeSet;

use farcall_core::protocol::{Call, Payload};
use farcall_core::{Fault, FaultKind};

use crate::rpc::encoding::Encoding;
use crate::rpc::session::object::ObjectHandle;

/// The result of a call as the target of other calls.
pub(in crate::rpc::session) enum PromiseState {
    /// The call has not completed. These calls wait for it.
    Pending(BTreeSet<u64>),
    /// The call returned this object.
    Fulfilled(ObjectHandle),
    /// The call failed or returned no object.
    Rejected(Fault),
}

impl PromiseState {
    pub(crate) const fn pending() -> Self {
        Self::Pending(BTreeSet::new())
    }

    /// Returns the promise of a call with this result.
    pub(super) fn of(result: &Result<Payload, Fault>) -> Self {
        match promised_object(result) {
            Ok(object) => Self::Fulfilled(object),
            Err(fault) => Self::Rejected(fault),
        }
    }
}

/// A call that waits for the promise of another call.
pub(super) struct DependentCall {
    /// The call whose promise it waits for.
    pub(super) promise_id: u64,
    pub(super) call: Call<Encoding>,
    /// [Cost](crate::rpc::message::cost) of its message.
    pub(super) cost: u64,
}

/// Fault message of a failed promise, in front of the cause.
const PROMISE_FAILED: &str = "the call that promised the object failed: ";
/// Maximum characters of the cause in that message.
const MAX_CAUSE_CHARS: usize = 200;

/// Returns the object that a completed call promised.
pub(crate) fn promised_object(result: &Result<Payload, Fault>) -> Result<ObjectHandle, Fault> {
    match result {
        Ok(reply) => ObjectHandle::first(reply.attachments())
            .ok_or_else(|| Fault::of(FaultKind::Gone, "the result has no object")),
        Err(fault) => Err(promise_failed(fault)),
    }
}

/// Creates the fault for a call on a failed promise. In a chain of dependent calls each fault has
/// the first cause, cut to [`MAX_CAUSE_CHARS`], since the chain may be long.
pub(crate) fn promise_failed(cause: &Fault) -> Fault {
    if cause.message().starts_with(PROMISE_FAILED) {
        return cause.clone();
    }
    let cause: String = cause.message().chars().take(MAX_CAUSE_CHARS).collect();
    Fault::of(FaultKind::Gone, format!("{PROMISE_FAILED}{cause}"))
}
