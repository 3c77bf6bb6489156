//! Errors of calls, streams and sessions.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::{CallError, CannotBlock, Execution, Fault, FaultKind};

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
    Protocol(Violation),
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

/// Violation of the protocol by the peer: a message that a peer which keeps to `docs/RPC.md` never
/// sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent a message without bytes.
    #[error("empty message")]
    EmptyMessage,
    /// Its first message is not a valid `Hello`.
    #[error("the first message is not a `Hello`: the peer speaks another protocol")]
    NotHello,
    /// It sent a message whose first byte is no known kind.
    #[error("unknown message kind {0}")]
    UnknownKind(u8),
    /// It sent a message of this kind whose fields cannot be decoded.
    #[error("a message of kind {0} is malformed")]
    MalformedMessage(u8),
    /// It sent a message with this number of references.
    #[error("a message has {0} references, more than the limits of objects and streams allow")]
    TooManyReferences(u64),
    /// It sent a second `Hello`.
    #[error("`Hello` in the middle of a session")]
    RepeatedHello,
    /// It resumed the session, and did not first send the references that it holds.
    #[error("the first message after a greeting that resumed is not `Held`")]
    MissingHeld,
    /// It sent the references that it holds at any other time.
    #[error("`Held` is not the first message after a greeting that resumed")]
    UnexpectedHeld,
    /// It made a call whose id is not higher than that of the call before.
    #[error("call {id} came after call {last}")]
    CallOrder {
        /// Id of the call.
        id: u64,
        /// Id of the call before.
        last: u64,
    },
    /// It replied to a call with this id.
    #[error("a reply to call {0}, which was never made")]
    UnknownCall(u64),
    /// It opened more streams than the local limit, which it knows.
    #[error("more streams were opened than the declared limit allows")]
    TooManyStreams,
    /// It opened a stream with the id of an open one.
    #[error("stream {0} was opened twice")]
    ReopenedStream(u64),
    /// It sent an item without credit on the stream with this id, or after its end.
    #[error("an item of stream {0} that was not granted")]
    UngrantedItem(u64),
    /// It passed more objects than the local limit, which it knows.
    #[error("more objects were passed than the declared limit allows")]
    TooManyObjects,
    /// It released a reference to an object that was not passed to it.
    #[error("a reference was released that was not passed")]
    UnknownReference,
    /// It released an object more often than the object was passed to it.
    #[error("more references were released than were passed")]
    ReleasedTooOften,
}

impl From<Violation> for Disconnected {
    fn from(violation: Violation) -> Self {
        Self::Protocol(violation)
    }
}

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

/// A message is longer than the peer reads.
#[derive(Debug, thiserror::Error)]
#[error("the message has {length} bytes, over the peer's limit of {limit}")]
pub(super) struct TooLong {
    pub(super) length: usize,
    pub(super) limit: u64,
}

/// Creates the fault for a request that exceeds a local limit.
pub(super) fn overloaded(message: impl Into<String>) -> Fault {
    refused(Refusal::Calls);
    Fault::of(FaultKind::Overloaded, message)
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

/// Lets `?` pass on the errors of a call and of the stream that it returned. A refusal ended the
/// stream, not the call, which ran.
impl From<StreamError> for CallError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) if !fault.kind().is_refusal() => Self::Fault(fault),
            error => Self::Lost(Box::new(error)),
        }
    }
}

/// Lets a handler that reads a stream pass on its error with `?`. As with a [`CallError`], a
/// refusal becomes an internal fault: the caller would conclude that the handler never ran.
impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) if !fault.kind().is_refusal() => fault,
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::{Execution, FaultKind};

    use super::*;

    #[test]
    fn a_stream_that_was_refused_does_not_mean_that_its_call_never_ran() {
        let kinds = [
            FaultKind::Overloaded,
            FaultKind::Gone,
            FaultKind::UnknownMethod,
            FaultKind::Denied,
            FaultKind::Application,
        ];
        for kind in kinds {
            let ended = || StreamError::Fault(Fault::of(kind, "the stream ended"));
            let passed_on = Fault::from(ended());
            assert!(!passed_on.kind().is_refusal(), "{passed_on}");
            let of_call = CallError::from(ended());
            assert_eq!(of_call.execution(), Execution::Maybe, "{of_call}");
        }
    }
}
