//! Errors of calls, streams and sessions.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::{CallError, CannotBlock, Execution, Fault};

use super::message::MAX_METHOD;

/// Reason why a session ended or lost its connection.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnected {
    /// The local side closed the connection.
    #[error("the connection was closed locally")]
    Closed,
    /// The peer closed the connection, for this reason, which may be empty.
    #[error("the peer closed the connection{}", ReasonSuffix(.0))]
    Left(String),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] Arc<dyn Error + Send + Sync>),
    /// No message came from the peer for this long, not even the reply to a ping, or nothing could
    /// be sent to it.
    #[error("the peer was silent for {0:?}")]
    Silent(Duration),
    /// The peer violated the protocol.
    #[error("protocol violation by the peer: {0}")]
    Protocol(String),
    /// The local side evicted the connection: other connections needed memory of the
    /// [budget](crate::ListenerBuilder::budget) of the listener, and this one had held the most for
    /// the longest.
    #[error("the connection was evicted: it held too much memory for too long")]
    Evicted,
    /// The peer no longer knows the session: it was restarted, or the lease expired.
    #[error("the peer no longer knows this session")]
    Forgotten,
}

farcall_core::debug_errors!(Disconnected);

/// Displays a reason behind a colon, and nothing if it is empty.
struct ReasonSuffix<'a>(&'a str);

impl std::fmt::Display for ReasonSuffix<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

impl Disconnected {
    pub(super) fn broken(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(error))
    }
}

impl From<io::Error> for Disconnected {
    fn from(error: io::Error) -> Self {
        Self::broken(error)
    }
}

/// The call that promised an object failed, so that the calls on the object were not made.
#[derive(Clone, thiserror::Error)]
#[error("the call that promised the object failed")]
pub struct PromiseFailed(#[source] Arc<CallError>);

farcall_core::debug_errors!(PromiseFailed);

impl PromiseFailed {
    pub(super) fn of(cause: Arc<CallError>) -> CallError {
        CallError::NotSent(Box::new(Self(cause)))
    }

    /// The error of that call, for a caller that waits for the object itself. Keeps whether the
    /// call ran.
    pub(super) fn of_itself(cause: Arc<CallError>) -> CallError {
        match &*cause {
            CallError::Fault(fault) => CallError::Fault(fault.clone()),
            CallError::NotAReply(_) => CallError::NotAReply(Box::new(Self(cause))),
            _ if cause.execution() == Execution::Never => Self::of(cause),
            _ => CallError::Lost(Box::new(Self(cause))),
        }
    }

    /// The error of that call.
    #[must_use]
    pub fn cause(&self) -> &CallError {
        &self.0
    }
}

/// The result of a promising call contains no object.
#[derive(Debug, thiserror::Error)]
#[error("the result has no object")]
pub(super) struct NoObject;

/// The deadline of a call passed before the call was sent.
#[derive(Debug, thiserror::Error)]
#[error("the deadline of the call passed before it could be sent")]
pub(super) struct TooLate;

/// The name of a method exceeds the limit of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("the method name has {0} bytes, over the limit of {MAX_METHOD}")]
pub(super) struct LongMethod(pub(super) usize);

/// A message is longer than the peer reads.
#[derive(Debug, thiserror::Error)]
#[error("the message has {length} bytes, over the peer's limit of {limit}")]
pub(super) struct TooLong {
    pub(super) length: usize,
    pub(super) limit: u64,
}

/// Error of a stream.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The producer of the items reported a fault. The stream has ended.
    #[error("the stream failed at its source")]
    Fault(#[source] Fault),
    /// The connection closed. The stream has ended.
    #[error("the connection closed before the stream ended")]
    Disconnected(#[source] Disconnected),
    /// An item cannot be decoded as the requested type. The stream continues.
    #[error("an item does not fit the requested type")]
    Decode(#[source] Arc<farcall_core::FormatError>),
    /// The [blocking iterator](super::blocking::StreamIter) over the items was used in async code.
    /// The iteration has ended.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

farcall_core::debug_errors!(StreamError);

/// Lets `?` pass on the errors of a call and of the stream that it returned.
impl From<StreamError> for CallError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => Self::Fault(fault),
            error => Self::Lost(Box::new(error)),
        }
    }
}

/// Lets a handler that reads a stream pass on its error with `?`.
impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => fault,
            error => Self::internal(error),
        }
    }
}
