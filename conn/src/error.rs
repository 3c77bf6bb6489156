//! Errors of established connections.

use std::io;

use farcall_core::FormatError;

use crate::frame::FrameError;

/// The error of a send: the message was not sent, or may not have been.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The codec of this connection cannot represent the value. Nothing was sent, and the
    /// connection can still be used.
    #[error("the value cannot be encoded")]
    Encode(#[source] FormatError),
    /// The connection broke. The peer may have received all of the message, a part, or nothing.
    #[error("the connection broke while sending")]
    Io(#[source] io::Error),
    /// The connection broke during an earlier send. Nothing was sent.
    #[error("an earlier send broke the connection")]
    Broken,
    /// The local side evicted the connection: the [budget](crate::ListenerBuilder::budget) of the
    /// listener was spent, and the unsent bytes of this connection had held the most of it for the
    /// longest. The peer may have received the message in whole, in part, or not at all.
    #[error("the connection was evicted: it held too much memory for too long")]
    Evicted,
}

farcall_core::debug_errors!(SendError);

/// The error of a receive: no message was received.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The peer closed the connection between two messages, which is a regular close. CPython
    /// raises `EOFError` for it.
    #[error("the peer closed the connection")]
    Closed,
    /// The next frame is invalid, truncated or too long.
    ///
    /// After [`FrameError::TooLarge`] the message can still be received with a higher limit. The
    /// other errors are permanent.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A whole message was received, but it is not a value of the requested type. It is consumed,
    /// and the connection can still be used.
    #[error("the message cannot be decoded")]
    Decode(#[source] FormatError),
    /// The message is a challenge, not a value: the peer has an authkey, the local side has none.
    #[error("the peer expects an authkey, but none is set")]
    KeyExpected,
    /// A whole message was received, but it is longer than the caller's buffer. The error holds it,
    /// and the connection can still be used.
    #[error("a message of {} bytes does not fit into the buffer", .0.len())]
    BufferTooShort(Vec<u8>),
    /// A whole message was received, but its length is not a multiple of the element size. The
    /// error holds it, and the connection can still be used.
    #[error("a message of {} bytes is not a whole number of elements", .0.len())]
    NotElements(Vec<u8>),
    /// The connection broke.
    #[error("the connection broke while receiving")]
    Io(#[source] io::Error),
    /// The local side evicted the connection: the [budget](crate::ListenerBuilder::budget) of the
    /// listener was spent, and the received part of a message of this connection had held the most
    /// of it for the longest.
    #[error("the connection was evicted: it held too much memory for too long")]
    Evicted,
}

farcall_core::debug_errors!(RecvError);

impl RecvError {
    /// Returns `true` if the peer closed the connection between two messages.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Returns `true` if a message was received and only its content was rejected, so that the
    /// connection can still be used. After any other error a receive loop should stop: no further
    /// message follows, or none can be received with the same call.
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        matches!(
            self,
            Self::Decode(_) | Self::BufferTooShort(_) | Self::NotElements(_)
        )
    }
}
