//! The outbox: messages that wait to be written to the current connection, and actions that wait
//! until the session is unlocked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use super::deferred::{Deferred, DeferredDrop, replace_waker};
use super::item_source::ItemSource;
use crate::frame::Encoder;
use crate::rpc::message::Message;

/// Backlog above which calls and stream items wait to be sent, in bytes.
const LIMIT: u64 = 256 * 1024;

/// Results of changes of the state: messages to be written, and actions to be carried out after
/// the lock is released.
pub(super) struct Outbox {
    /// Encoded messages that wait to be written.
    encoder: Encoder,
    mode: Mode,
    /// Bytes pushed since the connection was made.
    pushed: u64,
    /// Bytes of these that were written to the connection.
    written: Arc<AtomicU64>,
    /// Wakes the driver while it is idle.
    driver: Option<Waker>,
    deferred: Deferred,
}

/// Treatment of messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are written.
    Open,
    /// There is no connection that could carry them: they are discarded.
    Closed,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            encoder: Encoder::new(),
            mode: Mode::Closed,
            pushed: 0,
            written: Arc::default(),
            driver: None,
            deferred: Deferred::default(),
        }
    }

    /// Begins with a new connection.
    pub(super) fn open(&mut self) {
        self.encoder = Encoder::new();
        self.mode = Mode::Open;
        self.pushed = 0;
        self.written = Arc::default();
    }

    /// Discards further messages.
    pub(super) const fn close(&mut self) {
        self.mode = Mode::Closed;
    }

    /// Discards all messages: nothing waits to be written any more.
    pub(super) fn clear(&mut self) {
        self.close();
        self.encoder = Encoder::new();
        self.pushed = self.written();
    }

    /// Returns `true` if messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.mode == Mode::Open
    }

    /// Appends a message.
    pub(super) fn push(&mut self, message: &Message<'_>) {
        self.push_with(|out| message.write(out));
    }

    /// Appends the message that `write` writes, and returns its length.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.mode == Mode::Closed {
            return 0;
        }
        let before = self.encoder.unwritten().len();
        let length = self.encoder.push_message(write);
        self.pushed += (self.encoder.unwritten().len() - before) as u64;
        length
    }

    /// Moves messages that were encoded elsewhere behind its own.
    pub(super) fn append(&mut self, messages: &mut Encoder) {
        if !messages.is_empty() {
            self.pushed += messages.unwritten().len() as u64;
            self.encoder.append(messages);
        }
    }

    /// Moves all messages to the empty `writing`.
    pub(super) const fn take(&mut self, writing: &mut Encoder) {
        std::mem::swap(&mut self.encoder, writing);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.encoder.unwritten().is_empty()
    }

    /// Returns the number of bytes pushed since the connection was made.
    pub(super) const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Returns the number of bytes written to this connection: the bytes that may have reached the
    /// peer.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns the counter of these bytes, for whoever writes to this connection.
    pub(super) fn written_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.written)
    }

    /// Returns the number of bytes that wait to be written.
    pub(super) fn backlog(&self) -> u64 {
        self.pushed.saturating_sub(self.written())
    }

    /// Returns `true` if calls and stream items can be sent.
    pub(super) fn has_room(&self) -> bool {
        self.backlog() < LIMIT
    }

    /// Stores the waker of the driver, which is woken for the next output.
    pub(super) fn set_driver(&mut self, waker: &Waker) {
        self.deferred.drop(replace_waker(&mut self.driver, waker));
    }

    /// Returns `true` if the driver waits for output.
    pub(super) const fn has_idle_driver(&self) -> bool {
        self.driver.is_some()
    }

    /// Returns `true` if this waker is woken for the next output.
    pub(super) fn will_wake(&self, waker: &Waker) -> bool {
        let driver = self.driver.as_ref();
        driver.is_some_and(|driver| driver.will_wake(waker))
    }

    pub(super) fn wake_driver(&mut self) {
        self.deferred.wake(self.driver.take());
    }

    /// Wakes a task once the session is unlocked.
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.deferred.wake(waker);
    }

    /// Drops a value once the session is unlocked.
    pub(super) fn drop(&mut self, value: impl DeferredDrop + 'static) {
        self.deferred.drop(value);
    }

    /// Runs `action` once the session is unlocked.
    pub(super) fn later(&mut self, action: impl FnOnce() + Send + 'static) {
        self.deferred.later(action);
    }

    /// Starts to send a stream once the session is unlocked.
    pub(super) fn start_stream(&mut self, id: u64, source: Box<dyn ItemSource>) {
        self.deferred.start_stream(id, source);
    }

    /// Returns the deferred actions, if there are any.
    #[inline]
    pub(super) fn all_deferred(&mut self) -> Option<Deferred> {
        let mut all = None;
        if !self.deferred.is_empty() {
            self.deferred.move_to(all.insert(Deferred::default()));
        }
        all
    }

    /// Moves the deferred actions to the empty `deferred`.
    pub(super) fn take_deferred(&mut self, deferred: &mut Deferred) {
        self.deferred.move_to(deferred);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discarded_messages_no_longer_wait() {
        let mut outbox = Outbox::new();
        outbox.open();
        outbox.push(&Message::Ping(1));
        assert!(outbox.backlog() > 0);
        outbox.clear();
        assert_eq!(outbox.backlog(), 0);
    }
}
