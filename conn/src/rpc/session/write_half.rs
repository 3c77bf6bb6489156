//! The sending half of a connection. Its driver writes to it, and so does a call that has the connection to
//! itself: waking the driver for that would take longer than the call.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite as _;

use super::{Effects, Session, State};
use crate::connection::Outgoing;
use crate::frame::Encoder;

/// The sending half of a connection. It is locked before the session is, and never while code of the
/// program runs.
pub(super) struct Sink(Mutex<Half>);

pub(super) struct Half {
    pub(super) outgoing: Outgoing,
    /// What is being written.
    pub(super) writing: Encoder,
    /// How many bytes were written to this connection: what the other end may know of.
    written: Arc<AtomicU64>,
    /// Whether something written may still be held back by the transport.
    unflushed: bool,
}

impl Sink {
    pub(super) fn new(outgoing: Outgoing, written: Arc<AtomicU64>) -> Self {
        Self(Mutex::new(Half {
            outgoing,
            writing: Encoder::new(),
            written,
            unflushed: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Half> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Half>> {
        match self.0.try_lock() {
            Ok(half) => Some(half),
            Err(TryLockError::Poisoned(half)) => Some(half.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Half {
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

    /// Sockets need no flush; TLS and the like do.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(&mut self.outgoing).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Session {
    /// Changes the state. If that has a single call sent, its task writes it; else the driver does.
    pub(super) fn change_and_write<R>(
        &self,
        change: impl FnOnce(&mut State, &mut Effects) -> R,
    ) -> R {
        let mut effects = Effects::default();
        let (result, sink) = self.change_with(&mut effects, |state, effects| {
            let result = change(state, effects);
            let mut sink = None;
            if state.has_output() && state.driver.is_some() {
                sink = state.sink_of_lone_call();
                if sink.is_none() {
                    effects.wake(state.driver.take());
                }
            }
            (result, sink)
        });
        if let Some(sink) = sink {
            let is_all = self.write_now(&sink);
            if !is_all || self.holds.load(Ordering::Relaxed) {
                self.change(|state, effects| {
                    if !is_all {
                        effects.wake(state.driver.take());
                    }
                });
            }
        }
        result
    }

    /// Changes the state when the connection ends. What is being written just now may arrive, so this waits
    /// until it is counted, and nothing more is written by calls.
    pub(super) fn change_at_end<R>(&self, change: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let sink = self.lock().sink.upgrade();
        let half = sink.as_deref().map(Sink::lock);
        let mut effects = Effects::default();
        let result = {
            let mut state = self.lock();
            state.sink = Weak::new();
            let result = change(&mut state, &mut effects);
            self.settle_room(&mut state);
            result
        };
        drop(half);
        effects.run(&self.runtime);
        result
    }

    /// Writes what there is. Says whether there is nothing left that the driver must be woken for.
    fn write_now(&self, sink: &Arc<Sink>) -> bool {
        let Some(mut half) = sink.try_lock() else {
            return false;
        };
        if !half.writing.is_empty() {
            // The driver is at it: it waits for the connection to take more, with a waker that is not to be
            // put out of its place here, and then writes all there is.
            return true;
        }
        {
            let mut state = self.lock();
            // If the connection is gone by now, what it had to write is nobody's business any more.
            if !std::ptr::eq(state.sink.as_ptr(), Arc::as_ptr(sink)) {
                return true;
            }
            std::mem::swap(&mut state.outbox, &mut half.writing);
        }
        // What does not go at once, or not at all, is for the driver.
        let mut cx = Context::from_waker(Waker::noop());
        while !half.writing.is_empty() {
            let Poll::Ready(Ok(())) = half.poll_write(&mut cx) else {
                return false;
            };
        }
        matches!(half.poll_flush(&mut cx), Poll::Ready(Ok(())))
    }
}

impl State {
    /// Where the only call that is under way can be written by its own task: not where others are about to
    /// be made, since all together take one write.
    fn sink_of_lone_call(&self) -> Option<Arc<Sink>> {
        match self.in_flight == 1 && self.is_lone && !self.has_releases() {
            true => self.sink.upgrade(),
            false => None,
        }
    }

    /// Takes note that a call was sent.
    pub(super) fn call_began(&mut self) {
        self.in_flight += 1;
        if self.in_flight > 1 {
            self.had_company = true;
        }
    }

    /// Takes note that a call that was sent has ended.
    pub(super) fn call_ended(&mut self) {
        self.in_flight -= 1;
        if self.in_flight == 0 {
            self.is_lone = !std::mem::take(&mut self.had_company);
        }
    }
}
