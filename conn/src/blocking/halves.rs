//! The sending and receiving halves of a blocking connection.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::complete;
use super::half::{BlockingReadHalf, BlockingWriteHalf};
use super::wait::{Readable, Wait, wait};
use crate::codec::{Bincode, Codec, debug_with_codec};
use crate::connection::{Reader, Writer};
use crate::error::{RecvError, SendError};

/// The sending half of a connection. Clones send over the same connection from any thread; their
/// messages are never interleaved. When the last clone is dropped, the sending direction is closed.
pub struct Sender<S = (), C = Bincode> {
    writer: Arc<Mutex<Writer<BlockingWriteHalf>>>,
    codec: C,
    types: PhantomData<fn(S)>,
}

impl<S, C: Codec> Sender<S, C> {
    pub(super) fn from_parts(writer: Writer<BlockingWriteHalf>, codec: C) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            codec,
            types: PhantomData,
        }
    }

    /// Sends a value, as [`Connection::send`](super::Connection::send) does.
    ///
    /// # Errors
    /// As with [`Connection::send`](super::Connection::send).
    pub fn send(&self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        complete(self.lock().send(&self.codec, value), SendError::Io)
    }

    /// Sends a value of any type, as [`Connection::send_as`](super::Connection::send_as) does.
    ///
    /// # Errors
    /// As with [`Connection::send`](super::Connection::send).
    pub fn send_as<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        complete(self.lock().send(&self.codec, value), SendError::Io)
    }

    /// Sends bytes, as [`Connection::send_bytes`](super::Connection::send_bytes) does.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_bytes(&self, message: &[u8]) -> Result<(), SendError> {
        self.send_vectored(&[message])
    }

    /// Sends slices as one message, as
    /// [`Connection::send_vectored`](super::Connection::send_vectored) does.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_vectored(&self, slices: &[&[u8]]) -> Result<(), SendError> {
        complete(self.lock().send_vectored(slices), SendError::Io)
    }

    /// Sends numbers, as [`Connection::send_array`](super::Connection::send_array) does.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn send_array<T: NoUninit>(&self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers))
    }

    /// Closes the sending direction, even if there are clones.
    ///
    /// # Errors
    /// Any [`SendError`] but `Encode`, if the connection is broken or the send timed out.
    pub fn close(self) -> Result<(), SendError> {
        complete(self.lock().shutdown(), SendError::Io)
    }

    fn lock(&self) -> MutexGuard<'_, Writer<BlockingWriteHalf>> {
        // The writer is consistent even if serialising a value panicked: no part of it is kept.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C: Clone> Clone for Sender<S, C> {
    fn clone(&self) -> Self {
        Self {
            writer: Arc::clone(&self.writer),
            codec: self.codec.clone(),
            types: PhantomData,
        }
    }
}

debug_with_codec!(Sender<S>);

/// The receiving half of a connection.
pub struct Receiver<R = (), C = Bincode> {
    reader: Reader<BlockingReadHalf>,
    codec: C,
    types: PhantomData<fn() -> R>,
}

impl<R, C: Codec> Receiver<R, C> {
    pub(super) fn from_parts(reader: Reader<BlockingReadHalf>, codec: C) -> Self {
        Self {
            reader,
            codec,
            types: PhantomData,
        }
    }

    /// Receives a value, as [`Connection::recv`](super::Connection::recv) does.
    ///
    /// # Errors
    /// As with [`Connection::recv`](super::Connection::recv).
    pub fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        self.recv_as()
    }

    /// Receives a value of any type, as [`Connection::recv_as`](super::Connection::recv_as) does.
    ///
    /// # Errors
    /// As with [`Connection::recv`](super::Connection::recv).
    pub fn recv_as<T: DeserializeOwned>(&mut self) -> Result<T, RecvError> {
        complete(self.reader.value(&self.codec), RecvError::Io)
    }

    /// Receives bytes, as [`Connection::recv_bytes`](super::Connection::recv_bytes) does.
    ///
    /// # Errors
    /// As with [`Connection::recv_bytes`](super::Connection::recv_bytes).
    pub fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        complete(self.reader.owned_message(max), RecvError::Io)
    }

    /// Receives into a buffer, as
    /// [`Connection::recv_bytes_into`](super::Connection::recv_bytes_into) does.
    ///
    /// # Errors
    /// As with [`Connection::recv_bytes_into`](super::Connection::recv_bytes_into).
    pub fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        complete(self.reader.message_into(buffer), RecvError::Io)
    }

    /// Receives numbers, as [`Connection::recv_array_into`](super::Connection::recv_array_into)
    /// does.
    ///
    /// # Errors
    /// As with [`Connection::recv_array_into`](super::Connection::recv_array_into).
    pub fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        complete(self.reader.array_into(numbers), RecvError::Io)
    }

    /// Waits for input, as [`Connection::poll`](super::Connection::poll) does.
    ///
    /// # Errors
    /// If the system call that waits fails.
    pub fn poll(&mut self, time: Duration) -> io::Result<bool> {
        Ok(!wait(&mut [self], Some(time))?.is_empty())
    }
}

impl<R, C: Codec> Wait for Receiver<R, C> {}

impl<R, C> Readable for Receiver<R, C> {
    #[allow(private_interfaces, reason = "`Wait` is sealed")]
    fn reader(&mut self) -> &mut Reader<BlockingReadHalf> {
        &mut self.reader
    }
}

debug_with_codec!(Receiver<R>, max_message: reader.max_message);
