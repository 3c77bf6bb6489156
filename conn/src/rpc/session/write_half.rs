//! The write half of a connection. Its driver writes to it, and so does the task of a call that is
//! alone on the connection: waking the driver would take longer than the call.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite as _;

use super::state::CallPattern;
use super::{Deferred, Session, SessionState};
use crate::connection::StreamWriteHalf;
use crate::frame::Encoder;

/// The lock around the write half of a connection. It is taken before the lock of the session, and
/// never held while code of the program runs.
pub(super) struct SharedWriteHalf(Mutex<WriteHalf>);

/// The write half of a connection, and the bytes on their way to it.
pub(super) struct WriteHalf {
    pub(super) outgoing: StreamWriteHalf,
    /// Bytes being written.
    pub(super) writing: Encoder,
    /// Bytes written to this connection: those that may have reached the peer.
    written: Arc<AtomicU64>,
    /// `true` if the transport may still buffer written bytes.
    unflushed: bool,
}

impl SharedWriteHalf {
    pub(super) fn new(outgoing: StreamWriteHalf, written: Arc<AtomicU64>) -> Self {
        Self(Mutex::new(WriteHalf {
            outgoing,
            writing: Encoder::new(),
            written,
            unflushed: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, WriteHalf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, WriteHalf>> {
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
        let outgoing = Pin::new(&mut self.outgoing);
        let count = ready!(outgoing.poll_write(cx, self.writing.unwritten()))?;
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
            ready!(Pin::new(&mut self.outgoing).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Session {
    /// Changes the state. If that sends a single call, this task writes it; otherwise the driver
    /// writes.
    pub(super) fn update_and_write<R>(
        &self,
        update: impl FnOnce(&mut SessionState, &mut Deferred) -> R,
    ) -> R {
        let mut deferred = Deferred::default();
        let (result, write_half) = self.update_with(&mut deferred, |state, deferred| {
            let result = update(state, deferred);
            let mut write_half = None;
            if state.has_output() && state.driver_waker.is_some() {
                write_half = state.write_half_for_single_call();
                if write_half.is_none() {
                    deferred.wake(state.driver_waker.take());
                }
            }
            (result, write_half)
        });
        if let Some(write_half) = write_half {
            let is_complete = self.write_now(&write_half);
            if !is_complete || self.has_account.load(Ordering::Relaxed) {
                self.update(|state, deferred| {
                    if !is_complete {
                        deferred.wake(state.driver_waker.take());
                    }
                });
            }
        }
        result
    }

    /// Changes the state when the connection is lost. Bytes that are being written may arrive, so
    /// this waits until they are counted; calls write nothing afterwards.
    pub(super) fn update_at_disconnect<R>(
        &self,
        update: impl FnOnce(&mut SessionState, &mut Deferred) -> R,
    ) -> R {
        let write_half = self.lock().write_half.upgrade();
        let half = write_half.as_deref().map(SharedWriteHalf::lock);
        let mut deferred = Deferred::default();
        let result = {
            let mut state = self.lock();
            state.write_half = Weak::new();
            let result = update(&mut state, &mut deferred);
            self.update_hold(&mut state);
            result
        };
        drop(half);
        deferred.run(&self.runtime);
        result
    }

    /// Writes the outbox without waiting. Returns `false` if the driver must be woken for the rest.
    fn write_now(&self, write_half: &Arc<SharedWriteHalf>) -> bool {
        let Some(mut half) = write_half.try_lock() else {
            return false;
        };
        if !half.writing.is_empty() {
            // The driver waits for the connection to take more bytes, with a waker that must not be
            // replaced here. It then writes the outbox, too.
            return true;
        }
        {
            let mut state = self.lock();
            // If the connection was replaced in the meantime, its output is obsolete.
            if !std::ptr::eq(state.write_half.as_ptr(), Arc::as_ptr(write_half)) {
                return true;
            }
            std::mem::swap(&mut state.outbox, &mut half.writing);
        }
        // The driver writes what the connection does not take immediately.
        let mut cx = Context::from_waker(Waker::noop());
        while !half.writing.is_empty() {
            let Poll::Ready(Ok(())) = half.poll_write(&mut cx) else {
                return false;
            };
        }
        matches!(half.poll_flush(&mut cx), Poll::Ready(Ok(())))
    }
}

impl SessionState {
    /// Returns the write half if the task of the only call in flight should write it. If other
    /// calls are about to follow, one write by the driver carries all of them.
    fn write_half_for_single_call(&self) -> Option<Arc<SharedWriteHalf>> {
        let is_single =
            self.in_flight == 1 && self.previous_call_pattern == CallPattern::Sequential;
        match is_single && !self.has_releases() {
            true => self.write_half.upgrade(),
            false => None,
        }
    }

    /// Records that a call was sent.
    pub(super) fn call_started(&mut self) {
        self.in_flight += 1;
        if self.in_flight > 1 {
            self.call_pattern = CallPattern::Overlapping;
        }
    }

    /// Records that a sent call has completed.
    pub(super) fn call_completed(&mut self) {
        self.in_flight -= 1;
        if self.in_flight == 0 {
            self.previous_call_pattern =
                std::mem::replace(&mut self.call_pattern, CallPattern::Sequential);
        }
    }
}
