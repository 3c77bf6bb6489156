//! The sending and receiving halves of a connection.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, MutexGuard};

use super::reader::Reader;
use super::writer::Writer;
use crate::codec::{Bincode, Codec, debug_with_codec};
use crate::error::{RecvError, SendError};

/// The sending half of a connection. Clones send over the same connection; their messages are never
/// interleaved.
///
/// Dropping the last clone closes the sending direction; the [`Receiver`] can still receive.
///
/// # Cancel safety
///
/// Every method is cancel safe: if the future of a send is dropped, its message is either not sent
/// at all, or a background task sends the rest.
pub struct Sender<S = (), C = Bincode> {
    writer: Arc<Mutex<Writer>>,
    codec: C,
    types: PhantomData<fn(S)>,
}

impl<S, C: Codec> Sender<S, C> {
    pub(crate) fn from_parts(writer: Writer, codec: C) -> Self {
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
    pub async fn send(&self, value: &S) -> Result<(), SendError>
    where
        S: Serialize,
    {
        self.lock().await.writer().send(&self.codec, value).await
    }

    /// Sends a value of any type, as [`Connection::send_as`](super::Connection::send_as) does.
    ///
    /// # Errors
    /// As with [`Connection::send`](super::Connection::send).
    pub async fn send_as<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        self.lock().await.writer().send(&self.codec, value).await
    }

    /// Sends bytes, as [`Connection::send_bytes`](super::Connection::send_bytes) does.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    pub async fn send_bytes(&self, message: &[u8]) -> Result<(), SendError> {
        self.send_vectored(&[message]).await
    }

    /// Sends slices as one message, as
    /// [`Connection::send_vectored`](super::Connection::send_vectored) does.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    pub async fn send_vectored(&self, slices: &[&[u8]]) -> Result<(), SendError> {
        self.lock().await.writer().send_vectored(slices).await
    }

    /// Sends numbers, as [`Connection::send_array`](super::Connection::send_array) does.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    pub async fn send_array<T: NoUninit>(&self, numbers: &[T]) -> Result<(), SendError> {
        self.send_bytes(bytemuck::cast_slice(numbers)).await
    }

    /// Closes the sending direction, even if there are clones.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::Encode`], if the connection is broken.
    pub async fn close(self) -> Result<(), SendError> {
        self.lock().await.writer().shutdown().await
    }

    async fn lock(&self) -> WriterGuard<'_> {
        WriterGuard {
            guard: Some(self.writer.lock().await),
            mutex: &self.writer,
        }
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

/// Exclusive use of the writer by one sender.
struct WriterGuard<'a> {
    guard: Option<MutexGuard<'a, Writer>>,
    mutex: &'a Arc<Mutex<Writer>>,
}

impl WriterGuard<'_> {
    fn writer(&mut self) -> &mut Writer {
        self.guard
            .as_mut()
            .expect("the guard is taken only on drop")
    }
}

impl Drop for WriterGuard<'_> {
    fn drop(&mut self) {
        let unwritten = self.guard.take().is_some_and(|guard| guard.has_unwritten());
        // There may never be another send, and the peer has half a message.
        if unwritten && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let writer = Arc::clone(self.mutex);
            runtime.spawn(async move {
                // If this fails, the next send returns the error.
                let _ = writer.lock().await.flush().await;
            });
        }
    }
}

/// The receiving half of a connection.
///
/// # Cancel safety
///
/// Every method is cancel safe: no message is lost when its future is dropped.
pub struct Receiver<R = (), C = Bincode> {
    reader: Reader,
    codec: C,
    types: PhantomData<fn() -> R>,
}

impl<R, C: Codec> Receiver<R, C> {
    pub(crate) fn from_parts(reader: Reader, codec: C) -> Self {
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
    pub async fn recv(&mut self) -> Result<R, RecvError>
    where
        R: DeserializeOwned,
    {
        self.recv_as().await
    }

    /// Receives a value of any type, as [`Connection::recv_as`](super::Connection::recv_as) does.
    ///
    /// # Errors
    /// As with [`Connection::recv`](super::Connection::recv).
    pub async fn recv_as<T: DeserializeOwned>(&mut self) -> Result<T, RecvError> {
        self.reader.value(&self.codec).await
    }

    /// Receives bytes, as [`Connection::recv_bytes`](super::Connection::recv_bytes) does.
    ///
    /// # Errors
    /// As with [`Connection::recv_bytes`](super::Connection::recv_bytes).
    pub async fn recv_bytes(&mut self, max: usize) -> Result<Vec<u8>, RecvError> {
        self.reader.owned_message(max).await
    }

    /// Receives into a buffer, as
    /// [`Connection::recv_bytes_into`](super::Connection::recv_bytes_into) does.
    ///
    /// # Errors
    /// As with [`Connection::recv_bytes_into`](super::Connection::recv_bytes_into).
    pub async fn recv_bytes_into(&mut self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        self.reader.message_into(buffer).await
    }

    /// Receives numbers, as [`Connection::recv_array_into`](super::Connection::recv_array_into)
    /// does.
    ///
    /// # Errors
    /// As with [`Connection::recv_array_into`](super::Connection::recv_array_into).
    pub async fn recv_array_into<T: NoUninit + AnyBitPattern>(
        &mut self,
        numbers: &mut [T],
    ) -> Result<usize, RecvError> {
        self.reader.array_into(numbers).await
    }

    /// Waits for input, as [`Connection::poll`](super::Connection::poll) does.
    pub async fn poll(&mut self, time: Duration) -> bool {
        self.reader.poll(time).await
    }
}

debug_with_codec!(Receiver<R>, max_message: reader.max_message);

impl<R, C: Codec> crate::wait::Sealed for Receiver<R, C> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_readable(cx)
    }
}
