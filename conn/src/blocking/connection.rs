//! Connections: messages in both directions.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use rpc_core::transport::Peer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::halves::{Receiver, Sender};
use super::reader::Reader;
use super::stream::Stream;
use super::wait::wait;
use super::writer::Writer;
use crate::codec::{Bincode, Codec};
use crate::connection::{Arrived, elements, value};
use crate::descriptor::{
    self, ACKNOWLEDGEMENT, Acknowledge, DescriptorError, Descriptors, GRACE, PATIENCE, Reply,
    Taken, only,
};
use crate::error::{RecvError, SendError};

/// A connection on which this side sends `S` and receives `R`, encoded by the codec `C`.
///
/// It is [`conn::Connection`](crate::Connection) without async, and speaks the same protocol. It comes
/// from [`ClientBuilder::wait`](crate::ClientBuilder::wait), [`Listener::accept`](super::Listener::accept) or [`pipe`](super::pipe()).
///
/// # Timeouts
///
/// [`set_read_timeout`](Self::set_read_timeout) and [`set_write_timeout`](Self::set_write_timeout) bound
/// the time without progress. A timed out call leaves the connection intact: the message is received by the
/// next receive; the rest of what was being sent goes out with the next send.
pub struct Connection<S = (), R = S, C = Bincode> {
    pub(super) reader: Reader,
    writer: Writer,
    pub(super) codec: C,
    peer: Peer,
    pub(super) acknowledge: Acknowledge,
    /// A descriptor that came to a receive which failed behind it.
    pub(super) arrived: Option<Box<Arrived>>,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R, C: Codec> Connection<S, R, C> {
    pub(super) fn from_parts(reader: Reader, writer: Writer, peer: Peer) -> Self {
        Self {
            reader,
            writer,
            codec: C::default(),
            peer,
            acknowledge: Acknowledge::default(),
            arrived: None,
            types: PhantomData,
        }
    }

    /// Sends a value, as [`conn::Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    /// [`SendError::Encode`] if the value does not fit the codec; nothing was sent then. Other errors are
    /// those of the connection.
    pub fn send(&mut self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        self.writer.send(&self.codec, value)
    }

    /// Receives a value, as [`conn::Connection::recv`](crate::Connection::recv).
    ///
    /// # Errors
    /// [`RecvError::Closed`] if the peer closed the connection; [`RecvError::Decode`] if what it sent is
    /// not an `R`, after which the connection can still be used.
    pub fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        let message = self.reader.message(self.reader.max_message)?;
        let value = value(&self.codec, message);
        self.reader.done();
        value
    }

    /// Sends bytes as they are, without copying large messages.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_bytes(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.writer.send_vectored(&[message])
    }

    /// Sends the slices as one message, without joining them first.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        self.writer.send_vectored(slices)
    }

    /// Sends numbers as the bytes they are in memory.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_array<T: NoUninit>(&mut self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers))
    }

    /// Receives a message as it is, of at most `max` bytes.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`](crate::frame::FrameError::TooLarge) if it is longer; it can still be
    /// received with a higher limit. Other errors are those of the connection.
    pub fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        self.reader.owned_message(max)
    }

    /// Receives a message straight into `buffer` and returns its length.
    ///
    /// # Errors
    /// [`RecvError::BufferTooShort`] with the message if it is longer; the connection can still be used.
    /// Other errors are those of the connection.
    pub fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        self.reader.message_into(buffer)
    }

    /// Receives numbers as their bytes in memory, straight into `numbers`, and returns how many came.
    ///
    /// # Errors
    /// [`RecvError::NotElements`] with the message if it is no whole number of elements; otherwise as
    /// with [`recv_bytes_into`](Self::recv_bytes_into).
    pub fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        let bytes = bytemuck::cast_slice_mut(numbers);
        let length = self.recv_bytes_into(bytes)?;
        elements::<T>(&bytes[..length])
    }

    /// Waits until something of the next message came, or the connection ended, but no longer than
    /// `time`. Returns whether it did.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn poll(&mut self, time: Duration) -> io::Result<bool> {
        Ok(!wait(&mut [self], Some(time))?.is_empty())
    }

    /// Splits the connection into halves for two threads. They pass no descriptors; the system closes those that come.
    #[must_use]
    pub fn split(mut self) -> (Sender<S, C>, Receiver<R, C>) {
        self.reader.stop_taking();
        (
            Sender::from_parts(self.writer, self.codec.clone()),
            Receiver::from_parts(self.reader, self.codec),
        )
    }

    /// Sends what a timed out send has left, and closes the connection.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn close(mut self) -> Result<(), SendError> {
        self.writer.shutdown()
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How many bytes a message may have that is received with [`recv`](Self::recv).
    ///
    /// Default: 64 MiB, or what the listener or client says.
    pub const fn set_max_message(&mut self, bytes: usize) {
        self.reader.max_message = bytes;
    }

    /// How long a receive may wait for the next bytes; then it fails with an
    /// [error](RecvError::Io) of the kind `WouldBlock` or `TimedOut`.
    ///
    /// Default: for ever.
    ///
    /// # Errors
    /// If the time is zero, or the connection is a pipe, which has no timeouts.
    pub fn set_read_timeout(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.reader.stream.set_read_timeout(time)
    }

    /// How long a send may wait for the peer to take the next bytes; then it fails with an
    /// [error](SendError::Io) of the kind `WouldBlock` or `TimedOut`.
    ///
    /// Default: for ever.
    ///
    /// # Errors
    /// If the time is zero, or the connection is a pipe, which has no timeouts.
    pub fn set_write_timeout(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.reader.stream.set_write_timeout(time)
    }

    /// The same connection with another codec, or other settings of it.
    #[must_use]
    pub fn with_codec<D: Codec>(self, codec: D) -> Connection<S, R, D> {
        self.convert(codec)
    }

    /// The same connection for other types.
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
            acknowledge: self.acknowledge,
            arrived: self.arrived,
            types: PhantomData,
        }
    }

    /// Sends a copy of an open file or socket to the peer, as
    /// [`conn::Connection::send_handle`](crate::Connection::send_handle).
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or broke; [`DescriptorError::NotAcknowledged`] if the peer was to confirm
    /// the descriptor and did not.
    pub fn send_handle(&mut self, handle: impl AsFd) -> Result<(), DescriptorError> {
        let stream = Arc::clone(&self.writer.stream);
        let Stream::Unix(socket) = &*stream else {
            return Err(DescriptorError::NotUnix);
        };
        self.writer.flush()?;
        let sent = stream.sending(|| descriptor::send(socket, &handle));
        sent.map_err(SendError::Io)?;
        if self.reader.confirmations.sent::<C>(self.acknowledge)
            && !self.reader.confirmation(PATIENCE)?
        {
            return Err(DescriptorError::NotAcknowledged);
        }
        Ok(())
    }

    /// Receives an open file or socket from the peer, as
    /// [`conn::Connection::recv_handle`](crate::Connection::recv_handle). The connection must be told before that it
    /// [receives](Descriptors::Receive) descriptors.
    ///
    /// # Errors
    /// [`DescriptorError::NotReceiving`] if it was not; if the connection is not a Unix socket, or ended, or the peer
    /// sent something else.
    pub fn recv_handle(&mut self) -> Result<OwnedFd, DescriptorError> {
        if !matches!(&*self.reader.stream, Stream::Unix(_)) {
            return Err(DescriptorError::NotUnix);
        }
        if self.reader.descriptors != Descriptors::Receive {
            return Err(DescriptorError::NotReceiving);
        }
        if self.arrived.is_none() {
            let handle = match self.reader.take()? {
                Taken::End | Taken::Byte(_) => return Err(DescriptorError::NoDescriptor),
                Taken::Handles {
                    announced,
                    handles,
                    is_cut,
                } => only(announced, handles, is_cut)?,
            };
            self.arrived = Some(Box::new(Arrived {
                handle,
                is_answered: false,
            }));
        }
        self.answer()?;
        self.writer.flush()?;
        let arrived = self.arrived.take();
        arrived.map_or(Err(DescriptorError::NoDescriptor), |arrived| {
            Ok(arrived.handle)
        })
    }

    /// Has the descriptor that arrived confirmed, if the peer waits for that.
    fn answer(&mut self) -> Result<(), RecvError> {
        if self
            .arrived
            .as_ref()
            .is_none_or(|arrived| arrived.is_answered)
        {
            return Ok(());
        }
        let confirms = match self
            .reader
            .confirmations
            .reply::<C>(self.acknowledge, &self.peer)
        {
            Reply::Nothing => false,
            Reply::Confirm => true,
            Reply::Watch => {
                let goes_on = self.reader.is_ready_within(GRACE).map_err(RecvError::Io)?;
                if goes_on {
                    self.reader.confirmations.notice_silent();
                }
                !goes_on
            }
        };
        if let Some(arrived) = &mut self.arrived {
            arrived.is_answered = true;
        }
        if confirms {
            self.writer.encoder.push_raw(&[ACKNOWLEDGEMENT]);
        }
        Ok(())
    }

    /// Whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = acknowledge;
    }

    /// What becomes of descriptors that the peer sends, as
    /// [`conn::Connection::set_descriptors`](crate::Connection::set_descriptors).
    ///
    /// Default: [`Descriptors::Close`], or what the listener or client says.
    pub const fn set_descriptors(&mut self, descriptors: Descriptors) {
        self.reader.descriptors = descriptors;
    }
}

impl<S, R, C> fmt::Debug for Connection<S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
