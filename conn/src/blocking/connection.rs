//! Blocking connections: messages in both directions.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
#[cfg(feature = "_tls")]
use std::sync::Arc;
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use farcall_core::Identity;
use farcall_core::transport::Peer;
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::TlsSession;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::complete;
use super::half::{BlockingReadHalf, BlockingWriteHalf};
use super::halves::{Receiver, Sender};
use super::wait::{Readable, Wait, wait};
use crate::codec::{Bincode, Codec, debug_with_codec};
use crate::connection::{Reader, Writer, recv_handle, send_handle};
use crate::descriptor::{Acknowledge, DescriptorError, Descriptors};
use crate::error::{RecvError, SendError};

/// A connection that sends values of `S` and receives values of `R`, encoded by the codec `C`.
///
/// It is the blocking form of [`farcall_conn::Connection`](crate::Connection), with the same
/// protocol. It comes from [`ConnectionBuilder::wait`](crate::ConnectionBuilder::wait),
/// [`Listener::accept`](super::Listener::accept) or [`pipe`](super::pipe()).
///
/// # Timeouts
///
/// [`set_read_timeout`](Self::set_read_timeout) and [`set_write_timeout`](Self::set_write_timeout)
/// limit the time without progress. A call that times out leaves the connection intact: the next
/// receive returns the message, and the next send first sends the rest of the earlier one.
pub struct Connection<S = (), R = S, C = Bincode> {
    pub(super) reader: Reader<BlockingReadHalf>,
    pub(super) writer: Writer<BlockingWriteHalf>,
    codec: C,
    identity: Identity,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Sends a value, like [`farcall_conn::Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    /// [`SendError::Encode`] if the codec cannot encode the value; nothing was sent then. Any other
    /// [`SendError`] if the connection is broken or the send timed out.
    pub fn send(&mut self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        complete(self.writer.send(&self.codec, value), SendError::Io)
    }

    /// Sends a value of any type, like
    /// [`farcall_conn::Connection::send_as`](crate::Connection::send_as).
    ///
    /// # Errors
    /// As with [`send`](Self::send).
    pub fn send_as<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SendError> {
        complete(self.writer.send(&self.codec, value), SendError::Io)
    }

    /// Receives a value, like [`farcall_conn::Connection::recv`](crate::Connection::recv).
    ///
    /// # Errors
    /// [`RecvError::Closed`] if the peer closed the connection; [`RecvError::Decode`] if the
    /// message is not an `R`, after which the connection can still be used.
    pub fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        self.recv_as()
    }

    /// Receives a value of any type, like
    /// [`farcall_conn::Connection::recv_as`](crate::Connection::recv_as).
    ///
    /// # Errors
    /// As with [`recv`](Self::recv).
    pub fn recv_as<T: DeserializeOwned>(&mut self) -> Result<T, RecvError> {
        complete(self.reader.value(&self.codec), RecvError::Io)
    }

    /// Sends bytes as one message. Messages of more than 16 KiB are written without a copy.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.send_vectored(&[message])
    }

    /// Sends the slices as one message. They need not be joined.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        complete(self.writer.send_vectored(slices), SendError::Io)
    }

    /// Sends numbers as their bytes in memory, in the byte order of the local machine.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_array<T: NoUninit>(&mut self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers))
    }

    /// Receives a message of at most `max` bytes, without decoding it.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`](crate::frame::FrameError::TooLarge) if the message is longer; it
    /// can still be received with a higher limit. [`RecvError::Closed`] if the peer closed the
    /// connection, and other errors if it is broken or the receive timed out.
    pub fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        complete(self.reader.owned_message(max), RecvError::Io)
    }

    /// Receives a message directly into `buffer` and returns its length.
    ///
    /// # Errors
    /// [`RecvError::BufferTooShort`] with the message if it is longer; the connection can still be
    /// used. [`RecvError::Closed`] if the peer closed the connection, and other errors if it is
    /// broken or the receive timed out.
    pub fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        complete(self.reader.message_into(buffer), RecvError::Io)
    }

    /// Receives numbers as their bytes in memory, directly into `numbers`, and returns their count.
    ///
    /// # Errors
    /// [`RecvError::NotElements`] with the message if it is not a whole number of elements;
    /// otherwise as with [`recv_bytes_into`](Self::recv_bytes_into).
    pub fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        complete(self.reader.array_into(numbers), RecvError::Io)
    }

    /// Waits for at most `time` until a part of the next message was received or the connection was
    /// closed. Returns `true` if so.
    ///
    /// # Errors
    /// If the system call that waits fails.
    pub fn poll(&mut self, time: Duration) -> io::Result<bool> {
        Ok(!wait(&mut [self], Some(time))?.is_empty())
    }

    /// Splits the connection into halves for two threads. They do not pass descriptors; the system
    /// closes those that the peer sends.
    #[must_use]
    pub fn split(mut self) -> (Sender<S, C>, Receiver<R, C>) {
        self.reader.stop_receiving_descriptors();
        (
            Sender::from_parts(self.writer, self.codec.clone()),
            Receiver::from_parts(self.reader, self.codec),
        )
    }

    /// Sends the unsent rest of sends that timed out, and closes the connection.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn close(mut self) -> Result<(), SendError> {
        complete(self.writer.shutdown(), SendError::Io)
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
    /// [error](RecvError::Io) of the kind `WouldBlock` or `TimedOut`.
    ///
    /// Default: no timeout, or the idle timeout of the listener or client.
    ///
    /// # Errors
    /// If the time is zero, or the connection is a pipe, which has no timeouts.
    pub fn set_read_timeout(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.reader.stream.set_timeout(time)
    }

    /// Sets how long a send waits for the peer to read before it fails with an
    /// [error](SendError::Io) of the kind `WouldBlock` or `TimedOut`.
    ///
    /// Default: no timeout.
    ///
    /// # Errors
    /// If the time is zero, or the connection is a pipe, which has no timeouts.
    pub fn set_write_timeout(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.writer.stream.set_timeout(time)
    }

    /// Converts the connection to another codec, or to other settings of its codec.
    #[must_use]
    pub fn with_codec<D: Codec>(self, codec: D) -> Connection<S, R, D> {
        Connection::from_parts(self.reader, self.writer, codec, self.identity)
    }

    /// Converts the connection to other types.
    #[must_use]
    pub fn with_types<T, U>(self) -> Connection<T, U, C> {
        Connection::from_parts(self.reader, self.writer, self.codec, self.identity)
    }

    /// Sends a copy of an open file or socket to the peer, like
    /// [`farcall_conn::Connection::send_handle`](crate::Connection::send_handle).
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or is broken; [`DescriptorError::NotAcknowledged`]
    /// if the peer did not confirm the descriptor in time.
    pub fn send_handle(&mut self, handle: impl AsFd) -> Result<(), DescriptorError> {
        let sent = send_handle::<C, _, _>(&mut self.reader, &mut self.writer, handle);
        complete(sent, |error| SendError::Io(error).into())
    }

    /// Receives an open file or socket from the peer, like
    /// [`farcall_conn::Connection::recv_handle`](crate::Connection::recv_handle). The connection
    /// must be set to [receive](Descriptors::Receive) descriptors before.
    ///
    /// # Errors
    /// [`DescriptorError::NotReceiving`] if it is not. Other errors if the connection is not a Unix
    /// socket, is closed or broken, or the peer sent something other than a descriptor.
    pub fn recv_handle(&mut self) -> Result<OwnedFd, DescriptorError> {
        let handle =
            recv_handle::<C, _, _>(&mut self.reader, &mut self.writer, self.identity.peer());
        complete(handle, |error| RecvError::Io(error).into())
    }

    /// Sets whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.reader.confirmations.policy = acknowledge;
    }

    /// Sets whether descriptors that the peer sends are received or closed, like
    /// [`farcall_conn::Connection::set_descriptors`](crate::Connection::set_descriptors).
    ///
    /// Default: [`Descriptors::Close`], or the setting of the listener or client.
    pub const fn set_descriptors(&mut self, descriptors: Descriptors) {
        self.reader.descriptors = descriptors;
    }
}

impl<S, R, C> Connection<S, R, C> {
    pub(super) const fn from_parts(
        reader: Reader<BlockingReadHalf>,
        writer: Writer<BlockingWriteHalf>,
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

impl<S, R, C: Codec> Wait for Connection<S, R, C> {}

impl<S, R, C> Readable for Connection<S, R, C> {
    #[allow(private_interfaces, reason = "`Wait` is sealed")]
    fn reader(&mut self) -> &mut Reader<BlockingReadHalf> {
        &mut self.reader
    }
}

/// A blocking connection with Python, whose messages may have any type: the blocking form of
/// [`farcall_conn::PyConnection`](crate::PyConnection).
#[cfg(feature = "pickle")]
pub type PyConnection =
    Connection<farcall_pickle::Value, farcall_pickle::Value, farcall_pickle::Pickle>;

debug_with_codec!(Connection<S, R>, identity: identity, max_message: reader.max_message);
