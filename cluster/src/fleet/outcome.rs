//! Outcomes: one for each host of a run.

use std::error::Error;
use std::time::Duration;

use farcall_core::{CallError, Execution, FaultKind};
use farcall_http::client::HttpError;

/// The outcome of a run at one host. There is exactly one for each host, whatever happens.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<R> {
    /// The result, or the reason why there is none. The error of the last attempt, made truthful
    /// about all of them: if an earlier attempt may have run, so does
    /// [`execution`](CallError::execution) say.
    pub result: Result<R, CallError>,
    /// The attempts that were made: 0 if the run stopped before it reached the host, and otherwise
    /// 1 and the retries.
    pub attempts: u32,
    /// The time from the start of the first attempt, with the pauses between attempts.
    pub elapsed: Duration,
}

impl<R> Outcome<R> {
    /// Returns `true` if there is a result.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.result.is_ok()
    }

    /// Returns whether the method ran, as far as the local side can know: a result means that it
    /// did.
    #[must_use]
    pub fn execution(&self) -> Execution {
        match &self.result {
            Ok(_) => Execution::Completed,
            Err(error) => error.execution(),
        }
    }

    /// Converts the result.
    pub fn map<T>(self, convert: impl FnOnce(R) -> T) -> Outcome<T> {
        Outcome {
            result: self.result.map(convert),
            attempts: self.attempts,
            elapsed: self.elapsed,
        }
    }
}

/// The reason why a run made no call to a host, or ended one: the source of
/// [`CallError::NotSent`] or [`CallError::Lost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The program stopped the run.
    #[error("the run was stopped")]
    Requested,
    /// Too many hosts had failed.
    #[error("the run stopped after too many failures")]
    Failures,
    /// The time for the whole run had passed.
    #[error("the time for the whole run had passed")]
    TotalTimeout,
    /// No host was left that could do the job.
    #[error("no host is left")]
    NoHost,
}

impl Stopped {
    /// Returns the reason why a host was not called to the end, if this was why.
    #[must_use]
    pub fn of(error: &CallError) -> Option<Self> {
        match error {
            CallError::NotSent(source) | CallError::Lost(source) => source.downcast_ref().copied(),
            _ => None,
        }
    }

    /// Returns the error of a host that was not called.
    pub(super) fn before(self) -> CallError {
        CallError::NotSent(Box::new(self))
    }
}

/// An attempt that took longer than its limit, although its calls did not say so.
#[derive(Debug, thiserror::Error)]
#[error("the attempt took longer than {0:?}")]
pub(super) struct AttemptTimedOut(pub(super) Duration);

/// Returns the error, as one of a call that may have run.
pub(super) fn in_doubt(error: CallError) -> CallError {
    match error.execution() {
        Execution::Maybe | Execution::Completed => error,
        Execution::Never => CallError::Lost(match error {
            CallError::NotSent(source) | CallError::Refused(source) => source,
            error => Box::new(error) as Box<dyn Error + Send + Sync>,
        }),
    }
}

/// Returns `true` if another attempt can have another outcome: the host was not reached, gave no
/// answer, or had no room. A fault of the method or wrong credentials are there to stay.
pub(super) fn is_transient(error: &CallError) -> bool {
    match error {
        CallError::NotSent(_) | CallError::Lost(_) => true,
        CallError::Refused(_) => HttpError::of(error).is_some_and(|http| http.status() == 429),
        CallError::NotAReply(_) => HttpError::of(error).is_none_or(|http| {
            let status = http.status();
            status == 408 || (500..600).contains(&status)
        }),
        CallError::Fault(fault) => matches!(
            fault.kind(),
            FaultKind::Overloaded | FaultKind::DeadlineExceeded | FaultKind::Cancelled
        ),
        _ => false,
    }
}

/// Returns `true` if the host answered, whatever it said.
pub(super) fn is_answer<R>(result: &Result<R, CallError>) -> bool {
    match result {
        Ok(_) => true,
        Err(CallError::Fault(fault)) => fault.kind() != FaultKind::DeadlineExceeded,
        Err(error) => matches!(
            error,
            CallError::Refused(_) | CallError::NotAReply(_) | CallError::Decode(_)
        ),
    }
}
