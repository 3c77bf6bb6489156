//! Async connections: messages in both directions.

mod halves;
#[cfg(unix)]
mod handles;
mod idle;
mod io;
#[cfg_attr(
    not(feature = "managers"),
    allow(dead_code, reason = "replies of managers are sent so")
)]
mod pace;
mod reader;
mod stream;
#[cfg(feature = "_tls")]
mod tls;
#[cfg(unix)]
mod unix;
mod writer;

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
#[cfg(feature = "_tls")]
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
#[cfg(feature = "managers")]
use bytes::Bytes;
use farcall_core::Identity;
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::TlsSession;
use farcall_core::transport::{Io, Peer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{Bincode, Codec, debug_with_codec};
use crate::error::{RecvError, SendError};

pub use halves::{Receiver, Sender};
#[cfg(unix)]
pub(crate) use handles::{recv_handle, send_handle};
pub(crate) use idle::IdleTimeout;
#[cfg(unix)]
pub(crate) use io::ReadStream;
pub(crate) use io::WriteStream;
pub(crate) use reader::{MAX_MESSAGE, Reader};
#[cfg(unix)]
pub(crate) use stream::own_credentials;
pub(crate) use stream::{SplitStream, StreamReadHalf, StreamWriteHalf, split};
#[cfg(all(feature = "_tls", unix))]
pub(crate) use tls::replace_stream;
#[cfg(feature = "_tls")]
pub(crate) use tls::{TlsReadHalf, TlsWriteHalf, secure};
pub(crate) use writer::Writer;

/// A connection that sends values of `S` and receives values of `R`, encoded by the codec `C`.
///
/// It comes from [`connect`](Self::connect), [`Listener::accept`](crate::Listener::accept) or
/// [`pipe`](crate::pipe()), or wraps any byte stream ([`new`](Self::new)). `Connection<T>` sends
/// and receives the same type, `Connection` alone is for bytes. [`send_as`](Self::send_as) and
/// [`recv_as`](Self::recv_as) choose another type for one message.
///
/// # Cancel safety
///
/// Every method is cancel safe, so timeouts and `select!` are safe to use. If the future of a
/// [`send`](Self::send) is dropped, its message is either not sent at all, or the rest is sent by
/// the next send, receive or [`close`](Self::close). If the future of a [`recv`](Self::recv) is
/// dropped, the next receive returns the message.
///
/// # Limits
///
/// Messages of more than 64 MiB are rejected, unless [`set_max_message`](Self::set_max_message)
/// changes the limit. Memory grows with the received bytes, not with the announced length.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use farcall::conn::{Connection, pipe};
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
    pub(crate) identity: Identity,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Creates a connection on a byte stream, without authentication.
    #[must_use]
    pub fn new(io: impl Io) -> Self {
        let (read_half, write_half, peer, _) = split(io);
        let (reader, writer) = (Reader::over(read_half), Writer::over(write_half));
        Self::from_parts(reader, writer, C::default(), peer.into())
    }

    /// Sends a value.
    ///
    /// # Errors
    /// [`SendError::Encode`] if the codec cannot encode the value; nothing was sent then. Any other
    /// [`SendError`] if the connection is broken.
    ///
    /// # Cancel safety
    /// The message is either not sent at all, or the next use of the connection sends the rest.
    pub async fn send(&mut self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        self.writer.send(&self.codec, value).await
    }

    /// Sends a value of any type, which the peer must expect, with the codec of the connection.
    ///
    /// # Errors
    /// As with [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As with [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use farcall::conn::{PyConnection, pipe};
    ///
    /// let (mut here, mut there): (PyConnection, PyConnection) = pipe()?;
    /// here.send_as("add").await?;
    /// here.send_as(&(3, 5)).await?;
    /// assert_eq!(there.recv_as::<String>().await?, "add");
    /// let (a, b): (i64, i64) = there.recv_as().await?;
    /// assert_eq!(a + b, 8);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_as<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SendError> {
        self.writer.send(&self.codec, value).await
    }

    /// Receives a value.
    ///
    /// # Errors
    /// [`RecvError::Closed`] if the peer closed the connection; [`RecvError::Decode`] if the
    /// message is not an `R`, after which the connection can still be used.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive returns the message.
    pub async fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        self.recv_as().await
    }

    /// Receives a value of any type, with the codec of the connection.
    ///
    /// # Errors
    /// [`RecvError::Closed`] if the peer closed the connection; [`RecvError::Decode`] if the
    /// message is not a `T`, after which the connection can still be used. The message is consumed.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive returns the message.
    pub async fn recv_as<T: DeserializeOwned>(&mut self) -> Result<T, RecvError> {
        while_writing(&mut self.writer, self.reader.value(&self.codec)).await
    }

    /// Sends bytes as one message, like CPython's `send_bytes`.
    ///
    /// Messages of more than 16 KiB are written without a copy.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    ///
    /// # Cancel safety
    /// As with [`send`](Self::send). The unsent rest of a large message is copied then.
    pub async fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.writer.send_vectored(&[message]).await
    }

    /// Sends the slices as one message. They need not be joined.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    ///
    /// # Cancel safety
    /// As with [`send_bytes`](Self::send_bytes).
    pub async fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        self.writer.send_vectored(slices).await
    }

    /// Sends numbers as their bytes in memory, in the byte order of the local machine. A Python
    /// peer receives them with `recv_bytes_into(array)`.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    ///
    /// # Cancel safety
    /// As with [`send_bytes`](Self::send_bytes).
    pub async fn send_array<T: NoUninit>(&mut self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers)).await
    }

    /// Receives a message of at most `max` bytes, without decoding it.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`](crate::frame::FrameError::TooLarge) if the message is longer; it
    /// can still be received with a higher limit. [`RecvError::Closed`] if the peer closed the
    /// connection, and other errors if it is broken.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive returns the message.
    pub async fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        while_writing(&mut self.writer, self.reader.owned_message(max)).await
    }

    /// Receives a message of at most `max` bytes for references to parts of it, as
    /// [`recv_bytes`](Self::recv_bytes) does.
    #[cfg(feature = "managers")]
    pub(crate) async fn recv_shared(&mut self, max: usize) -> Result<Bytes, RecvError> {
        while_writing(&mut self.writer, self.reader.shared_message(max)).await
    }

    /// Receives a message directly into `buffer` and returns its length. The buffer is the only
    /// limit, so messages of any size can be received.
    ///
    /// # Errors
    /// [`RecvError::BufferTooShort`] with the message if it is longer; the connection can still be
    /// used. [`RecvError::Closed`] if the peer closed the connection, and other errors if it is
    /// broken.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive returns the message. The buffer may have changed.
    pub async fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        while_writing(&mut self.writer, self.reader.message_into(buffer)).await
    }

    /// Receives numbers as their bytes in memory, in the byte order of the local machine, directly
    /// into `numbers`, and returns their count. A Python peer sends them with `send_bytes(array)`.
    ///
    /// # Errors
    /// [`RecvError::NotElements`] with the message if it is not a whole number of elements;
    /// otherwise as with [`recv_bytes_into`](Self::recv_bytes_into).
    ///
    /// # Cancel safety
    /// As with [`recv_bytes_into`](Self::recv_bytes_into).
    pub async fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        while_writing(&mut self.writer, pin!(self.reader.array_into(numbers))).await
    }

    /// Waits for at most `time` until a part of the next message was received or the connection was
    /// closed. Returns `true` if so. Like CPython's `poll`, it does not promise a whole message.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn poll(&mut self, time: Duration) -> bool {
        while_writing(&mut self.writer, pin!(self.reader.poll(time))).await
    }

    /// Splits the connection into independent halves. They do not pass descriptors; the system
    /// closes those that the peer sends.
    #[must_use]
    pub fn split(mut self) -> (Sender<S, C>, Receiver<R, C>) {
        self.reader.stop_receiving_descriptors();
        (
            Sender::from_parts(self.writer, self.codec.clone()),
            Receiver::from_parts(self.reader, self.codec),
        )
    }

    /// Sends the unsent rest of dropped [`send`](Self::send)s, and closes the connection. Dropping
    /// the connection closes it without sending that rest.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    ///
    /// # Cancel safety
    /// The connection is closed in any case. The rest may be sent in part, which the peer sees as a
    /// [truncated](crate::frame::FrameError::Truncated) message.
    pub async fn close(mut self) -> Result<(), SendError> {
        self.writer.shutdown().await
    }

    /// Returns the peer.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.identity.peer()
    }

    /// Returns the identity of the peer: its address, and what it has proved to be.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns what the handshake of TLS has established, if the connection has TLS.
    #[cfg(feature = "_tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.reader.stream.tls()
    }

    /// Sets the maximum length, in bytes, of a message that is received with [`recv`](Self::recv)
    /// or returned because the [buffer](Self::recv_bytes_into) is too short.
    ///
    /// Default: 64 MiB, or the setting of the listener or client.
    pub const fn set_max_message(&mut self, bytes: usize) {
        self.reader.max_message = bytes;
    }

    /// Sets how long a receive waits for the next bytes before it fails with an
    /// [error](RecvError::Io) of the kind `TimedOut`. Dropping a receive and starting another does
    /// not restart the time. [`poll`](Self::poll) and [`wait`](crate::wait()) have their own
    /// timeouts.
    ///
    /// Default: no timeout, or the setting of the listener or client.
    pub fn set_idle_timeout(&mut self, time: Option<Duration>) {
        self.reader.idle = time.map(IdleTimeout::new);
    }

    /// Converts the connection to another codec, or to other settings of its codec.
    #[must_use]
    pub fn with_codec<D: Codec>(self, codec: D) -> Connection<S, R, D> {
        Connection::from_parts(self.reader, self.writer, codec, self.identity)
    }

    /// Converts the connection to other types, such as after a first message that announces them.
    #[must_use]
    pub fn with_types<T, U>(self) -> Connection<T, U, C> {
        Connection::from_parts(self.reader, self.writer, self.codec, self.identity)
    }
}

impl<S, R, C> Connection<S, R, C> {
    pub(crate) const fn from_parts(
        reader: Reader,
        writer: Writer,
        codec: C,
        identity: Identity,
    ) -> Self {
        Self {
            reader,
            writer,
            codec,
            identity,
            types: PhantomData,
        }
    }
}

/// A connection with Python, whose messages may have any type.
///
/// [`send_as`](Connection::send_as) and [`recv_as`](Connection::recv_as) convert from and to Rust
/// types. [`recv`](Connection::recv) returns the value that Python sent, whatever its type.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use farcall::conn::PyConnection;
///
/// let mut peer = PyConnection::connect(("localhost", 16000)).authkey("12345").await?;
/// peer.send_as(&(3, 5)).await?;
/// let sum: i64 = peer.recv_as().await?;
/// println!("{sum}, then {}", peer.recv().await?);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "pickle")]
pub type PyConnection =
    Connection<farcall_pickle::Value, farcall_pickle::Value, farcall_pickle::Pickle>;

debug_with_codec!(Connection<S, R>, identity: identity, max_message: reader.max_message);

/// Receives, and meanwhile writes the rest of a dropped send, since the peer may be waiting for it.
fn while_writing<T, W: WriteStream>(
    writer: &mut Writer<W>,
    mut receive: impl Future<Output = T> + Unpin,
) -> impl Future<Output = T> {
    poll_fn(move |cx| {
        let received = Pin::new(&mut receive).poll(cx);
        if received.is_pending() && writer.has_unwritten() {
            // If this fails, the next send returns the error.
            let _ = writer.poll_flush(cx);
        }
        received
    })
}

impl<S, R, C: Codec> crate::wait::Sealed for Connection<S, R, C> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_readable(cx)
    }
}

#[cfg(test)]
mod tests;
