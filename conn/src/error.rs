//! What can go wrong with a connection once it is there.

use std::io;

use rpc_core::FormatError;

use crate::frame::FrameError;

/// Why a message was not sent, or may not have been.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The value cannot be represented in the codec of this connection. Nothing was sent, and the
    /// connection is as good as before.
    #[error("the value cannot be encoded")]
    Encode(#[source] FormatError),
    /// The connection broke. Whether the peer received the message, in whole or in part, is unknown.
    #[error("the connection broke while sending")]
    Io(#[source] io::Error),
    /// The connection broke in an earlier send. Nothing was sent.
    #[error("the connection is broken since an earlier send")]
    Broken,
    /// This side gave the connection up: what it had to send to this peer was the most, for the longest, of all that
    /// the [budget](crate::ListenerBuilder::budget) of the listener is for, and others needed the room. Whether the peer
    /// received the message, in whole or in part, is unknown.
    #[error("the connection was given up for others: it held too much memory for too long")]
    Evicted,
}

/// Why no message was received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The peer closed the connection, between two messages: the regular end. CPython raises
    /// `EOFError` here.
    #[error("the peer closed the connection")]
    Closed,
    /// The stream of messages is broken, or the next one is too long.
    ///
    /// [`FrameError::TooLarge`] leaves the message where it is: it can be received with a higher limit.
    /// The others are for good.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A whole message came, but is not a value of the type asked for. It is consumed, and the
    /// connection is as good as before.
    #[error("the message cannot be decoded")]
    Decode(#[source] FormatError),
    /// What came is no value but a challenge: the peer has an authkey, and this side has none.
    #[error("the peer expects an authkey, and this side has none")]
    KeyExpected,
    /// A whole message came that is longer than the caller's buffer. It is here, and the connection is
    /// as good as before.
    #[error("a message of {} bytes does not fit the buffer", .0.len())]
    BufferTooShort(Vec<u8>),
    /// A whole message came whose length is no multiple of the caller's type of number. It is here, and
    /// the connection is as good as before.
    #[error("a message of {} bytes is no whole number of elements", .0.len())]
    NotElements(Vec<u8>),
    /// The connection broke.
    #[error("the connection broke while receiving")]
    Io(#[source] io::Error),
    /// This side gave the connection up: what it had received of a message was the most, for the longest, of all that
    /// the [budget](crate::ListenerBuilder::budget) of the listener is for, and others needed the room.
    #[error("the connection was given up for others: it held too much memory for too long")]
    Evicted,
}

impl RecvError {
    /// Whether the peer closed the connection as it should.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Whether a message was received and only its content is refused, so that the connection is as good as
    /// before. After other errors a loop that receives should end: there is nothing more to come, or nothing
    /// that can be received in the same way.
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        matches!(
            self,
            Self::Decode(_) | Self::BufferTooShort(_) | Self::NotElements(_)
        )
    }
}
