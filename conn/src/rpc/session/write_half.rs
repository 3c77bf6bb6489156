//! The write half of a connection. Its driver writes to it, and so does the task of a call that is
//! alone on the connection: waking the driver would take longer than the call.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker, ready};

use crate::account::HalfAccount;
use crate::connection::{StreamWriteHalf, WriteStream as _, Writer};
use crate::error::SendError;
use crate::frame::Encoder;
use crate::rpc::message::Message;

/// The lock around the write half of a connection. It is taken before the lock of the session, and
/// never held while code of the program runs.
pub(super) struct SharedWriteHalf(Mutex<WriteHalf>);

/// The write half of a connection, and the bytes on their way to it.
pub(super) struct WriteHalf {
    writer: Writer,
    /// Bytes written to this connection: those that may have reached the peer.
    written: Arc<AtomicU64>,
}

impl SharedWriteHalf {
    pub(super) fn new(stream: StreamWriteHalf, written: Arc<AtomicU64>) -> Self {
        Self(Mutex::new(WriteHalf {
            // The session counts the bytes in its own account.
            writer: Writer::new(stream, HalfAccount::default()),
            written,
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
    /// Returns the bytes being written.
    pub(super) const fn writing(&mut self) -> &mut Encoder {
        &mut self.writer.encoder
    }

    /// Writes once.
    #[inline]
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let count = ready!(self.writer.poll_write(cx)).map_err(into_io)?;
        self.written.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    /// Writes a last message behind the others, as far as that is possible without waiting. It
    /// does not count as written: the calls that are still in the outbox did not leave with it.
    pub(super) fn write_last(&mut self, message: &Message<'_>) {
        let counted = self.writing().unwritten().len();
        self.writing().push_message(|out| message.write(out));
        let cx = &mut Context::from_waker(Waker::noop());
        // If the connection takes no bytes, the peer only sees that it closes.
        if let Poll::Ready(Ok(count)) = self.writer.poll_write(cx) {
            let count = count.min(counted) as u64;
            self.written.fetch_add(count, Ordering::Relaxed);
            let _ = self.poll_flush(cx);
        }
    }

    /// Flushes what was written. Sockets need no flush; TLS and similar layers do.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_flush_stream(cx).map_err(into_io)
    }

    /// Closes the connection in this direction.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.stream.poll_shutdown(cx)
    }
}

fn into_io(error: SendError) -> io::Error {
    match error {
        SendError::Io(error) => error,
        error => io::Error::other(error),
    }
}
