//! A session: its state behind the lock, and the handle that keeps it open.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use farcall_core::protocol::{Origin, Payload};
use farcall_core::{CallError, Cancellation, Fault, Registry};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::call_timeout::CallTimeout;
use super::clock::now;
use super::deferred::Deferred;
use super::fault_log::log_fault;
use super::object::{CallRequest, ImportedObject, SessionLink, StartedCall};
use super::producer::{ProducerTask, StreamOutlet};
use super::settings::Settings;
use super::state::{SessionState, SessionStats};
use super::streams::{SendReadiness, StreamKey};
use super::write_half::SharedWriteHalf;
use crate::connection::StreamWriteHalf;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, StreamError};
use crate::rpc::message::{Hello, SessionStart};

/// A session with one peer.
pub(in crate::rpc) struct Session {
    this: Weak<Self>,
    locked: Mutex<Locked>,
    pub(in crate::rpc) encoding: Encoding,
    pub(in crate::rpc) settings: Arc<Settings>,
    /// `true` once the session has ended for good.
    is_ended: AtomicBool,
    /// `true` while the session has an account in the budget, and can be evicted.
    has_account: AtomicBool,
    runtime: Handle,
}

/// The state of a session, and the current connection, behind one lock.
struct Locked {
    state: SessionState,
    /// The write half of the current connection.
    write_half: Weak<SharedWriteHalf>,
    /// The origin of what arrives over the last connection, for log messages.
    origin: Option<Arc<Origin>>,
}

/// Access to the state.
impl Session {
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then carries out the deferred actions. Wakes the driver if there is
    /// output.
    pub(super) fn update<R>(&self, update: impl FnOnce(&mut SessionState) -> R) -> R {
        let (result, deferred) = self.change(|locked| {
            let result = update(&mut locked.state);
            locked.state.wake_for_output();
            (result, locked.state.outbox.all_deferred())
        });
        self.run_all(deferred);
        result
    }

    /// Like [`update`](Self::update), for the driver, which does not need to be woken for output.
    pub(super) fn update_with<R>(
        &self,
        deferred: &mut Deferred,
        update: impl FnOnce(&mut SessionState) -> R,
    ) -> R {
        let result = self.update_locked(deferred, update);
        self.run_deferred(deferred);
        result
    }

    /// Like [`update_with`](Self::update_with), but leaves the deferred actions to the caller.
    pub(super) fn update_locked<R>(
        &self,
        deferred: &mut Deferred,
        update: impl FnOnce(&mut SessionState) -> R,
    ) -> R {
        self.change(|locked| {
            let result = update(&mut locked.state);
            locked.state.outbox.take_deferred(deferred);
            result
        })
    }

    /// Changes all that the lock guards. `change` takes the deferred actions.
    fn change<R>(&self, change: impl FnOnce(&mut Locked) -> R) -> R {
        let locked = &mut *self.lock();
        let result = change(locked);
        self.update_account(&mut locked.state);
        result
    }

    /// Carries out the actions that a change deferred, if there are any.
    #[inline]
    fn run_all(&self, deferred: Option<Deferred>) {
        if let Some(mut deferred) = deferred {
            self.run_deferred(&mut deferred);
        }
    }

    #[inline]
    fn update_account(&self, state: &mut SessionState) {
        let has_account = state.update_account();
        if has_account != self.has_account.load(Ordering::Relaxed) {
            self.has_account.store(has_account, Ordering::Relaxed);
        }
    }

    /// Carries out the deferred actions.
    #[inline]
    pub(super) fn run_deferred(&self, deferred: &mut Deferred) {
        deferred.run(|(id, source)| {
            if let Some(session) = self.this.upgrade() {
                self.runtime.spawn(ProducerTask::new(session, id, source));
            }
        });
    }

    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Logs a fault of a call or a stream that has completed later than it began, with the peer of
    /// the last connection.
    pub(super) fn log_fault(&self, fault: &Fault, what: &str) {
        let origin = self.lock().origin.clone();
        log_fault(fault, what, origin.as_ref().map(|origin| &origin.identity));
    }

    /// Changes the state. If that sends a single call, this task writes it; otherwise the driver
    /// writes.
    fn update_and_write<R>(&self, update: impl FnOnce(&mut SessionState) -> R) -> R {
        let (result, write_half, deferred) = self.change(|locked| {
            let result = update(&mut locked.state);
            let is_writer = locked.state.is_written_by_call();
            (
                result,
                is_writer.then(|| locked.write_half.upgrade()).flatten(),
                locked.state.outbox.all_deferred(),
            )
        });
        self.run_all(deferred);
        if let Some(write_half) = write_half {
            let is_complete = self.write_now(&write_half);
            if !is_complete || self.has_account.load(Ordering::Relaxed) {
                self.update(|state| {
                    if !is_complete {
                        state.outbox.wake_driver();
                    }
                });
            }
        }
        result
    }

    /// Writes the outbox without waiting. Returns `false` if the driver must be woken for the rest.
    fn write_now(&self, write_half: &Arc<SharedWriteHalf>) -> bool {
        let Some(mut half) = write_half.try_lock() else {
            return false;
        };
        if !half.writing().is_empty() {
            // The driver waits for the connection to take more bytes, with a waker that must not be
            // replaced here. It then writes the outbox, too.
            return true;
        }
        let is_awaited = {
            let mut locked = self.lock();
            // If the connection was replaced in the meantime, its output is obsolete.
            if !std::ptr::eq(locked.write_half.as_ptr(), Arc::as_ptr(write_half)) {
                return true;
            }
            locked.state.outbox.take(half.writing());
            locked.state.is_room_awaited()
        };
        // The driver writes what the connection does not take immediately.
        let mut cx = Context::from_waker(Waker::noop());
        while !half.writing().is_empty() {
            let Poll::Ready(Ok(())) = half.poll_write(&mut cx) else {
                return false;
            };
        }
        // Calls of other threads may have been queued while the outbox was full of this one.
        matches!(half.poll_flush(&mut cx), Poll::Ready(Ok(()))) && !is_awaited
    }

    /// Changes the state when the connection is lost. Bytes that are being written may arrive, so
    /// this waits until they are counted; calls write nothing afterwards.
    fn update_at_disconnect<R>(&self, update: impl FnOnce(&mut SessionState) -> R) -> R {
        let write_half = self.lock().write_half.upgrade();
        let half = write_half.as_deref().map(SharedWriteHalf::lock);
        let (result, deferred) = self.change(|locked| {
            locked.write_half = Weak::new();
            let result = update(&mut locked.state);
            (result, locked.state.outbox.all_deferred())
        });
        drop(half);
        self.run_all(deferred);
        result
    }
}

/// The lifecycle.
impl Session {
    /// Creates a session, which stays open while any [`SessionHandle`] of it exists.
    pub(in crate::rpc) fn open(
        encoding: Encoding,
        settings: Arc<Settings>,
        root: Registry<Encoding>,
    ) -> Arc<SessionHandle> {
        Arc::new_cyclic(|handle: &Weak<SessionHandle>| {
            let state = SessionState::new(encoding, Arc::clone(&settings), root, handle.clone());
            SessionHandle(Arc::new_cyclic(|this| Self {
                this: this.clone(),
                locked: Mutex::new(Locked {
                    state,
                    write_half: Weak::new(),
                    origin: None,
                }),
                encoding,
                settings,
                is_ended: AtomicBool::new(false),
                has_account: AtomicBool::new(false),
                runtime: Handle::current(),
            }))
        })
    }

    /// Starts to use a new connection. If it resumes the session, both sides send the references
    /// that they hold. A session that has ended remains ended, and its driver closes the
    /// connection.
    pub(in crate::rpc) fn on_connected(&self, hello: &Hello, start: SessionStart) {
        // If all connections are shorter than the tick interval, no driver ever ticks.
        self.tick();
        self.update(|state| state.on_connected(hello, start));
    }

    /// Returns the write half for a new connection, and the maximum bytes of a result.
    pub(super) fn attach(
        &self,
        stream: StreamWriteHalf,
        origin: &Arc<Origin>,
    ) -> (Arc<SharedWriteHalf>, u64) {
        let locked = &mut *self.lock();
        let written = locked.state.outbox.written_counter();
        let write_half = Arc::new(SharedWriteHalf::new(stream, written));
        locked.write_half = Arc::downgrade(&write_half);
        locked.origin = Some(Arc::clone(origin));
        (write_half, locked.state.max_payload())
    }

    /// Records that the connection was lost, and fails the calls and streams that depended on it.
    /// Returns `true` if the session can continue over another connection.
    pub(in crate::rpc) fn on_disconnected(&self, reason: &Disconnected) -> bool {
        let can_continue = self.update_at_disconnect(|state| state.on_disconnected(reason));
        if !can_continue {
            self.end(reason);
        }
        can_continue
    }

    /// Ends the session for good.
    pub(in crate::rpc) fn end(&self, reason: &Disconnected) {
        self.update_at_disconnect(|state| state.end(reason));
        self.is_ended.store(true, Ordering::Release);
        let ended = self.lock().state.take_ended_token();
        if let Some(ended) = ended {
            ended.cancel();
        }
    }

    /// Closes the session gracefully: makes no more calls, answers those received so far, then
    /// closes the connection.
    pub(in crate::rpc) fn close(&self, reason: &str) {
        if self.update(|state| state.close(reason)) {
            self.end(&Disconnected::Closed);
        }
    }

    /// Completes when the session has ended for good.
    pub(in crate::rpc) async fn ended(&self) {
        if let Some(ended) = self.ended_token() {
            ended.cancelled().await;
        }
    }

    /// Returns a token that is cancelled when the session ends for good; `None` if it has ended.
    pub(in crate::rpc) fn ended_token(&self) -> Option<Cancellation> {
        self.update(SessionState::ended_token)
    }

    /// Returns `true` if the peer has made a call over the current connection.
    pub(in crate::rpc) fn has_received_call(&self) -> bool {
        self.lock().state.incoming.last() > 0
    }

    pub(in crate::rpc) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    /// Counts a tick if one is due, and completes the calls that have timed out.
    pub(super) fn tick(&self) {
        self.update(|state| state.tick(now()));
    }

    /// Ticks while there is no connection whose driver does.
    pub(in crate::rpc) async fn tick_while_disconnected(&self) -> Infallible {
        loop {
            sleep(self.settings.tick()).await;
            self.tick();
        }
    }

    /// Releases the room for bytes written in the meantime, and returns `true` if the connection is
    /// evicted. Otherwise the task is woken when it is.
    pub(super) fn is_evicted(&self, cx: &mut Context<'_>) -> bool {
        if !self.has_account.load(Ordering::Relaxed) {
            return false;
        }
        let state = &mut self.lock().state;
        self.update_account(state);
        state.account.is_evicted(cx)
    }

    /// Returns the object that the factory with this number made for this session, and makes it
    /// first if it does not exist yet.
    pub(in crate::rpc) fn instance(
        &self,
        factory: u64,
        make: impl FnOnce() -> Result<Registry<Encoding>, Fault>,
    ) -> Result<Registry<Encoding>, Fault> {
        let made = self.update(|state| state.references.instance(factory));
        if let Some(made) = made {
            return Ok(made);
        }
        // The factory is code of the program: it runs without the lock.
        let made = make()?;
        Ok(self.update(|state| state.references.add_instance(factory, &made)))
    }

    /// Returns the numbers of calls, objects and streams, for tests and logs.
    pub(in crate::rpc) fn stats(&self) -> SessionStats {
        self.update(|state| state.stats())
    }
}

impl StreamOutlet for Session {
    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn poll_ready(&self, stream: u64, cx: &Context<'_>) -> SendReadiness {
        self.update(|state| state.poll_ready(stream, cx))
    }

    fn send_item(&self, stream: u64, item: Payload) -> Result<(), Fault> {
        // The item is dropped after the lock is released.
        self.update(|state| state.send_item(stream, &item))
    }

    fn log_failure(&self, fault: &Fault) {
        self.log_fault(fault, "a stream failed");
    }

    fn end_stream(&self, stream: u64, fault: Option<Fault>) {
        let fault = fault.map(|fault| self.settings.fault_for_peer(fault));
        self.update(|state| state.end_stream(stream, fault.as_ref()));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("encoding", &self.encoding)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Handle that keeps a session open. When the last one is dropped, the local side closes the
/// session.
pub(in crate::rpc) struct SessionHandle(Arc<Session>);

impl SessionHandle {
    pub(in crate::rpc) const fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Deref for SessionHandle {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        self.0.close("");
    }
}

impl SessionLink for SessionHandle {
    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn start_call(
        &self,
        request: &mut Option<CallRequest>,
        wants_promise: bool,
        timeout: CallTimeout,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError> {
        self.update_and_write(|state| state.start_call(request, wants_promise, timeout, now, cx))
    }

    fn poll_result(&self, call: u64, cx: &Context<'_>) -> Poll<Result<Payload, CallError>> {
        let mut replaced = None;
        let result = self
            .lock()
            .state
            .outgoing
            .poll_result(call, cx, &mut replaced);
        // The session is unlocked: this may drop a task of the program.
        drop(replaced);
        result
    }

    fn cancel_call(&self, call: u64) -> bool {
        self.update(|state| state.cancel_call(call))
    }

    fn expire_promise(&self, call: u64) {
        self.update(|state| state.expire_call(call));
    }

    fn release(&self, object: &ImportedObject) {
        self.update(|state| state.release(object));
    }

    fn poll_item(
        &self,
        stream: StreamKey,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.update(|state| state.poll_item(stream, cx))
    }

    fn stop_stream(&self, stream: StreamKey) {
        self.update(|state| state.stop_stream(stream));
    }
}
