//! The write half of a connection. Its driver writes to it, and so does the task of a call that is
//! alone on the connection: waking the driver would take longer than the call.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite as _;

use crate::connection::StreamWriteHalf;
use crate::frame::Encoder;

/// The lock around the write half of a connection. It is taken before the lock of the session, and
/// never held while code of the program runs.
pub(super) struct SharedWriteHalf(Mutex<WriteHalf>);

/// The write half of a connection, and the bytes on their way to it.
pub(super) struct WriteHalf {
    stream: StreamWriteHalf,
    /// Bytes being written.
    pub(super) writing: Encoder,
    /// Bytes written to this connection: those that may have reached the peer.
    written: Arc<AtomicU64>,
    /// `true` if the transport may still buffer written bytes.
    unflushed: bool,
}

impl SharedWriteHalf {
    pub(super) fn new(stream: StreamWriteHalf, written: Arc<AtomicU64>) -> Self {
        Self(Mutex::new(WriteHalf {
            stream,
            writing: Encoder::new(),
            written,
            unflushed: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, WriteHalf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, WriteHalf>> {
        match self.0.try_lock() {
            Ok(half) => Some(half),
            Err(TryLockError::Poisoned(half)) => Some(half.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl WriteHalf {
    /// Writes once.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut self.stream);
        let count = ready!(stream.poll_write(cx, self.writing.unwritten()))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.writing.wrote(count);
        self.written.fetch_add(count as u64, Ordering::Relaxed);
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }

    /// Flushes what was written. Sockets need no flush; TLS and similar layers do.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Closes the connection in this direction.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
