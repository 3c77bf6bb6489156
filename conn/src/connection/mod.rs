//! Connections: messages in both directions.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::mem::size_of;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use rpc_core::transport::{Io, Peer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::HalfAccount;
use crate::auth::CHALLENGE;
use crate::codec::{Bincode, Codec};
use crate::error::{RecvError, SendError};

mod halves;
#[cfg(unix)]
mod handles;
mod idle;
mod reader;
mod stream;
#[cfg(unix)]
mod unix;
mod writer;

pub use halves::{Receiver, Sender};
#[cfg(unix)]
pub(crate) use handles::PendingDescriptor;
pub(crate) use idle::IdleTimeout;
pub(crate) use reader::Reader;
#[cfg(unix)]
pub(crate) use stream::own_credentials;
pub(crate) use stream::{SplitStream, StreamReadHalf, StreamWriteHalf, split};
#[cfg(unix)]
pub(crate) use writer::MAX_COPIED;
pub(crate) use writer::Writer;

/// How long a message may be, where nothing else is said: 64 MiB.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// A connection on which this side sends `S` and receives `R`, encoded by the codec `C`.
///
/// It comes from [`Client::connect`](crate::Client::connect), [`Listener::accept`](crate::Listener::accept)
/// or [`pipe`](crate::pipe()), or stands on any byte stream ([`new`](Self::new)). `Connection<T>` sends and
/// receives the same type, `Connection` alone is for bytes.
///
/// # Cancel safety
///
/// Every method is cancel safe; this is what makes timeouts and `select!` safe to use. A message whose
/// [`send`](Self::send) is dropped is either not sent at all, or its rest is sent with the next use
/// of the connection, be it a send, a receive or [`close`](Self::close). A message whose
/// [`recv`](Self::recv) is dropped is received by the next.
///
/// # Limits
///
/// Messages of more than 64 MiB are not received, unless
/// [`set_max_message`](Self::set_max_message) says otherwise. Memory is taken as a message
/// arrives, not as its length is announced.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use conn::{Connection, pipe};
///
/// let (mut here, mut there): (Connection<(i64, i64), i64>, Connection<i64, (i64, i64)>) = pipe()?;
/// here.send(&(3, 5)).await?;
/// let (a, b) = there.recv().await?;
/// there.send(&(a + b)).await?;
/// assert_eq!(here.recv().await?, 8);
/// # Ok(())
/// # }
/// ```
pub struct Connection<S = (), R = S, C = Bincode> {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) codec: C,
    pub(crate) peer: Peer,
    #[cfg(unix)]
    pub(crate) acknowledge: crate::descriptor::Acknowledge,
    /// A descriptor that came to a receive which was dropped.
    #[cfg(unix)]
    pub(crate) pending_descriptor: Option<Box<PendingDescriptor>>,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R, C: Codec> Connection<S, R, C> {
    /// A connection on this byte stream, without any authentication.
    #[must_use]
    pub fn new(io: impl Io) -> Self {
        let (read_half, write_half, peer, _) = split(io);
        Self::from_parts(
            Reader::new(read_half, MAX_MESSAGE, HalfAccount::default()),
            Writer::new(write_half, HalfAccount::default()),
            peer,
        )
    }

    pub(crate) fn from_parts(reader: Reader, writer: Writer, peer: Peer) -> Self {
        Self {
            reader,
            writer,
            codec: C::default(),
            peer,
            #[cfg(unix)]
            acknowledge: crate::descriptor::Acknowledge::default(),
            #[cfg(unix)]
            pending_descriptor: None,
            types: PhantomData,
        }
    }

    /// Sends a value.
    ///
    /// # Errors
    /// [`SendError::Encode`] if the value does not fit the codec; nothing was sent then. Other errors are
    /// those of the connection.
    ///
    /// # Cancel safety
    /// The message is either not sent at all, or its rest goes out with the next use of the connection.
    pub async fn send(&mut self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        self.writer.send(&self.codec, value).await
    }

    /// Receives a value.
    ///
    /// # Errors
    /// [`RecvError::Closed`] if the peer closed the connection; [`RecvError::Decode`] if what it sent is
    /// not an `R`, after which the connection can still be used.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive has the message.
    pub async fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        let limit = self.reader.max_message;
        while_writing(&mut self.writer, self.reader.complete(limit)).await?;
        let value = value(&self.codec, self.reader.take(limit)?);
        self.reader.release_buffer();
        value
    }

    /// Sends bytes as they are, as CPython's `send_bytes`.
    ///
    /// Large messages are written from where they are, without a copy.
    ///
    /// # Errors
    /// Those of the connection.
    ///
    /// # Cancel safety
    /// As with [`send`](Self::send). What is left of a large message is copied then.
    pub async fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.writer.send_vectored(&[message]).await
    }

    /// Sends the slices as one message, without joining them first.
    ///
    /// # Errors
    /// Those of the connection.
    ///
    /// # Cancel safety
    /// As with [`send_bytes`](Self::send_bytes).
    pub async fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        self.writer.send_vectored(slices).await
    }

    /// Sends numbers as the bytes they are in memory: those of this machine's byte order. A Python
    /// peer receives them with `recv_bytes_into(array)`.
    ///
    /// # Errors
    /// Those of the connection.
    ///
    /// # Cancel safety
    /// As with [`send_bytes`](Self::send_bytes).
    pub async fn send_array<T: NoUninit>(&mut self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers)).await
    }

    /// Receives a message as it is, of at most `max` bytes.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`](crate::frame::FrameError::TooLarge) if it is longer; it can still be
    /// received with a higher limit. Other errors are those of the connection.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive has the message.
    pub async fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        while_writing(&mut self.writer, self.reader.owned_message(max)).await
    }

    /// Receives a message straight into `buffer` and returns its length. The buffer is the limit: this
    /// is how messages of any size are received.
    ///
    /// # Errors
    /// [`RecvError::BufferTooShort`] with the message if it is longer; the connection can still be used.
    /// Other errors are those of the connection.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive has the message. The buffer may have changed.
    pub async fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        while_writing(&mut self.writer, self.reader.message_into(buffer)).await
    }

    /// Receives numbers as their bytes in this machine's memory, straight into `numbers`, and returns
    /// how many came. A Python peer sends them with `send_bytes(array)`.
    ///
    /// # Errors
    /// [`RecvError::NotElements`] with the message if it is no whole number of elements; otherwise as
    /// with [`recv_bytes_into`](Self::recv_bytes_into).
    ///
    /// # Cancel safety
    /// As with [`recv_bytes_into`](Self::recv_bytes_into).
    pub async fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        let bytes = bytemuck::cast_slice_mut(numbers);
        let length = self.recv_bytes_into(bytes).await?;
        elements::<T>(&bytes[..length])
    }

    /// Waits until something of the next message came, or the connection ended, but no longer than
    /// `time`. Returns whether it did. As CPython's `poll`, it does not promise a whole message.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn poll(&mut self, time: Duration) -> bool {
        while_writing(&mut self.writer, pin!(self.reader.poll(time))).await
    }

    /// Splits the connection into halves that work independently of each other. They pass no descriptors; the system
    /// closes those that come.
    #[must_use]
    pub fn split(mut self) -> (Sender<S, C>, Receiver<R, C>) {
        self.reader.stop_receiving_descriptors();
        (
            Sender::from_parts(self.writer, self.codec.clone()),
            Receiver::from_parts(self.reader, self.codec),
        )
    }

    /// Sends what dropped [`send`](Self::send)s have left, and closes the connection. Dropping it does
    /// the same but for what is left.
    ///
    /// # Errors
    /// Those of the connection.
    ///
    /// # Cancel safety
    /// The connection is closed in any case; what was left may be sent in part, which the peer gets
    /// to know as a [truncated](crate::frame::FrameError::Truncated) message.
    pub async fn close(mut self) -> Result<(), SendError> {
        self.writer.shutdown().await
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How many bytes a message may have that is received with [`recv`](Self::recv), or that comes
    /// for a [buffer](Self::recv_bytes_into) too short.
    ///
    /// Default: 64 MiB, or what the listener or client says.
    pub const fn set_max_message(&mut self, bytes: usize) {
        self.reader.max_message = bytes;
    }

    /// How long a receive may wait for the next bytes; then it fails with an [error](RecvError::Io) of the kind
    /// `TimedOut`. Receives that are dropped and begun anew share the time; [`poll`](Self::poll) and
    /// [`wait`](crate::wait()) have their own.
    ///
    /// Default: for ever, or what the listener or client says.
    pub fn set_idle_timeout(&mut self, time: Option<Duration>) {
        self.reader.idle = time.map(IdleTimeout::new);
    }

    /// The same connection with another codec, or other settings of it.
    #[must_use]
    pub fn with_codec<D: Codec>(self, codec: D) -> Connection<S, R, D> {
        self.convert(codec)
    }

    /// The same connection for other types, such as after a first message that says what follows.
    #[must_use]
    pub fn with_types<T, U>(self) -> Connection<T, U, C> {
        let codec = self.codec.clone();
        self.convert(codec)
    }

    fn convert<T, U, D>(self, codec: D) -> Connection<T, U, D> {
        Connection {
            reader: self.reader,
            writer: self.writer,
            codec,
            peer: self.peer,
            #[cfg(unix)]
            acknowledge: self.acknowledge,
            #[cfg(unix)]
            pending_descriptor: self.pending_descriptor,
            types: PhantomData,
        }
    }
}

impl<S, R, C> fmt::Debug for Connection<S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Receives, and meanwhile writes what a dropped send has left, for which the peer may be waiting.
fn while_writing<T>(
    writer: &mut Writer,
    mut receive: impl Future<Output = T> + Unpin,
) -> impl Future<Output = T> {
    poll_fn(move |cx| {
        let received = Pin::new(&mut receive).poll(cx);
        if received.is_pending() && writer.has_unwritten() {
            // If it fails, the next send says so.
            let _ = writer.poll_flush(cx);
        }
        received
    })
}

pub(crate) fn value<R: DeserializeOwned>(
    codec: &impl Codec,
    message: &[u8],
) -> Result<R, RecvError> {
    codec.decode(message).map_err(|error| {
        if message.starts_with(CHALLENGE) {
            RecvError::KeyExpected
        } else {
            RecvError::Decode(error)
        }
    })
}

pub(crate) fn elements<T>(bytes: &[u8]) -> Result<usize, RecvError> {
    match bytes.len().checked_rem(size_of::<T>()) {
        None => Ok(0),
        Some(0) => Ok(bytes.len() / size_of::<T>()),
        Some(_) => Err(RecvError::NotElements(bytes.to_vec())),
    }
}

impl<S, R, C: Codec> crate::wait::Sealed for Connection<S, R, C> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_readable(cx)
    }
}

#[cfg(test)]
mod tests;
