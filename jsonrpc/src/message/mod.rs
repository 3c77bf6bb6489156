//! Messages of a connection: one document each, whatever carries them.

mod account;
mod framing;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::NoRoom;
use farcall_core::{Fault, FaultKind};
use tokio::time::Instant;

pub(crate) use self::account::{MessageHold, SessionAccount};
pub use self::framing::Framing;
pub(crate) use self::framing::{FramedReader, FramedWriter};

/// A message of the peer, and its share of the budget.
pub(crate) struct Message {
    pub(crate) document: Bytes,
    pub(crate) hold: MessageHold,
}

/// Receives the messages of a peer.
pub(crate) trait ReadMessage: Send + 'static {
    /// Receives the next message of up to `max` bytes, or `None` at the end.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    fn read(
        &mut self,
        max: usize,
        account: &Arc<SessionAccount>,
    ) -> impl Future<Output = Result<Option<Message>, ReadError>> + Send;

    /// Discards everything until the end.
    fn drain(&mut self) -> impl Future<Output = ()> + Send;

    /// The time since which a message is incomplete.
    fn incomplete_since(&self) -> Option<Instant>;

    /// The time at which anything arrived last, if the peer answers [pings](WriteMessage::ping).
    fn heard_at(&self) -> Option<Instant>;
}

/// Sends messages to a peer.
pub(crate) trait WriteMessage: Send + 'static {
    /// Sends a message, or keeps a short one in a buffer.
    fn write(&mut self, document: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Asks the peer for a sign of life, if there is a way to.
    fn ping(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Sends what is in the buffer.
    fn flush(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Announces the end.
    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// The end of a connection whose messages cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the message is over the limit of {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Malformed(&'static str),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl ReadError {
    /// The fault that tells the peer, if it can be told.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::TooLarge(_) => Some(Fault::of(FaultKind::InvalidRequest, self.to_string())),
            Self::Malformed(text) => Some(Fault::of(FaultKind::Parse, *text)),
            Self::NoRoom(no_room) => Some(no_room.of_request()),
            Self::Io(_) => None,
        }
    }
}
