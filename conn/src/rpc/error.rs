//! Why calls, streams and sessions end otherwise than they should.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::{CallError, Execution, Fault};

use super::message::MAX_METHOD;

/// Why a session is over, or was interrupted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnected {
    /// This side closed it.
    #[error("this side closed the connection")]
    Closed,
    /// The other side closed it. The text is what it said about that.
    #[error("the other side closed the connection{}", ReasonSuffix(.0))]
    Left(String),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] Arc<dyn Error + Send + Sync>),
    /// Nothing came for this long, not even the answer to a ping; or nothing could be sent.
    #[error("the other side was silent for {0:?}")]
    Silent(Duration),
    /// The other side sent what the protocol does not allow.
    #[error("the other side breaks the protocol: {0}")]
    Protocol(String),
    /// This side gave it up: what it held on behalf of the other was the most, for the longest, of all that the
    /// [budget](crate::ListenerBuilder::budget) of the listener is for, and others needed the room.
    #[error("the connection was given up for others: it held too much memory for too long")]
    Evicted,
    /// The other side does not know the session any more: it was restarted, or the lease is over.
    #[error("the other side does not know this session any more")]
    Forgotten,
}

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

/// The call that was to return the object failed, so that no call on the object was made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the call that promised the object failed")]
pub struct PromiseFailed(#[source] Arc<CallError>);

impl PromiseFailed {
    pub(super) fn of(cause: Arc<CallError>) -> CallError {
        CallError::NotSent(Box::new(Self(cause)))
    }

    /// The failure of that call, for whoever waits for the object itself. It tells whether that call ran.
    pub(super) fn of_itself(cause: Arc<CallError>) -> CallError {
        match &*cause {
            CallError::Fault(fault) => CallError::Fault(fault.clone()),
            CallError::NotAReply(_) => CallError::NotAReply(Box::new(Self(cause))),
            _ if cause.execution() == Execution::Never => Self::of(cause),
            _ => CallError::Lost(Box::new(Self(cause))),
        }
    }

    /// What became of that call.
    #[must_use]
    pub fn cause(&self) -> &CallError {
        &self.0
    }
}

/// The result of a call was to be an object, and is not.
#[derive(Debug, thiserror::Error)]
#[error("the result has no object")]
pub(super) struct NoObject;

/// The time of a call was over before it was sent.
#[derive(Debug, thiserror::Error)]
#[error("the time of the call was over before it could be sent")]
pub(super) struct TooLate;

/// The name of a method is longer than any server takes.
#[derive(Debug, thiserror::Error)]
#[error("the name of the method has {0} bytes, over the limit of {MAX_METHOD}")]
pub(super) struct LongMethod(pub(super) usize);

/// A message is longer than the other side reads.
#[derive(Debug, thiserror::Error)]
#[error("{length} bytes are over the other side's limit of {limit} for a message")]
pub(super) struct TooLong {
    pub(super) length: usize,
    pub(super) limit: u64,
}

/// Why a stream ended before its end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The side that produces the items says so.
    #[error("the stream failed at its source")]
    Fault(#[source] Fault),
    /// The connection ended.
    #[error("the connection ended within the stream")]
    Disconnected(#[source] Disconnected),
    /// An item is not of the type asked for. The stream goes on.
    #[error("an item does not fit the type asked for")]
    Decode(#[source] Arc<rpc_core::FormatError>),
}

/// A function that makes a call and reads the stream that it gives can pass both failures up with `?`.
impl From<StreamError> for CallError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => Self::Fault(fault),
            error => Self::Lost(Box::new(error)),
        }
    }
}

/// A handler that reads a stream can pass its failure up with `?`.
impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => fault,
            error => Self::internal(error),
        }
    }
}
