//! The state of a session, which its lock guards.

mod admission;
mod attachments;
mod lifecycle;
mod messages;
mod sending;

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use farcall_core::protocol::{NoRoom, Payload};
use farcall_core::{Cancellation, Fault, FaultKind, Registry};

use super::account::{HeldBytes, SessionAccount};
use super::incoming::{CallHead, IncomingCalls};
use super::object::{ImportedObject, SessionLink};
use super::outbox::Outbox;
use super::outgoing::OutgoingCalls;
use super::references::References;
use super::settings::Settings;
use super::streams::{StreamKey, Streams};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, StreamError};
use crate::rpc::message::{SessionLimits, write_fault};

/// Fault message of calls that are refused while the peer does not read its replies.
pub(super) const TOO_MANY_REPLIES: &str = "too many replies wait to be read";

/// Extra backlog for "overloaded" replies once `max_backlog` is exceeded, in bytes. Above it,
/// nothing is read from the peer.
const REJECTION_BACKLOG: u64 = 1024 * 1024;

/// The state of a session: its phase, and its parts.
pub(super) struct SessionState {
    phase: Phase,
    encoding: Encoding,
    settings: Arc<Settings>,
    /// The [default timeout](Settings::default_timeout_ticks) of outgoing calls, in ticks. Divided
    /// once: it takes longer than writing a call.
    timeout_ticks: u32,
    /// The session, as its handles see it.
    link: Weak<dyn SessionLink>,
    /// Methods that the local side offers to every peer.
    pub(super) root: Registry<Encoding>,
    /// Limits that the peer declared, and that the local side respects.
    peer_limits: SessionLimits,
    /// The peer reads calls with headers.
    peer_takes_headers: bool,
    next_message: NextMessage,
    /// Cancelled when the session ends for good. Created when something waits for that.
    ended: Option<Cancellation>,

    pub(super) outbox: Outbox,
    pub(super) outgoing: OutgoingCalls,
    pub(super) incoming: IncomingCalls,
    pub(super) references: References,
    streams: Streams,
    pub(super) account: SessionAccount,
}

/// Phase of a session.
#[derive(Debug)]
enum Phase {
    /// Connected.
    Connected,
    /// Connected, and no new calls are made.
    Closing(ClosingSide),
    /// Not connected. Another connection may follow.
    Disconnected(Disconnected),
    /// Ended for good.
    Ended(Disconnected),
}

/// The side that closes a session.
#[derive(Debug)]
enum ClosingSide {
    Local,
    /// The peer, for this reason.
    Peer(String),
}

/// The messages that the peer may send next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NextMessage {
    /// `Held`: the connection resumed the session.
    Held,
    /// Any other message.
    Any,
}

/// Numbers of calls, objects and streams of a session at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Calls made by the local side that have not completed.
    pub outgoing_calls: usize,
    /// Calls made by the peer that have not completed.
    pub incoming_calls: usize,
    /// Local objects that the peer refers to.
    pub exported_objects: usize,
    /// Objects of the peer that the local side refers to.
    pub imported_objects: usize,
    /// Open streams, in both directions.
    pub streams: usize,
}

/// Result of [`SessionState::on_message`].
pub(super) enum Dispatched {
    Done,
    /// This call is cancelled once the calls before it have started.
    Cancel(u64),
}

/// The state of the output, for the driver that writes it.
pub(super) struct OutputStatus {
    /// `true` while the peer reads its replies, so that more is read from it.
    pub(super) can_read: bool,
    /// `true` if no call or stream waits for room in the outbox.
    pub(super) has_outbox_room: bool,
    pub(super) is_closing: bool,
    /// Number of outgoing calls in flight.
    pub(super) in_flight: usize,
}

impl SessionState {
    /// Creates the state of a session that has had no connection.
    pub(super) fn new(
        encoding: Encoding,
        settings: Arc<Settings>,
        root: Registry<Encoding>,
        link: Weak<dyn SessionLink>,
    ) -> Self {
        Self {
            phase: Phase::Disconnected(Disconnected::Closed),
            encoding,
            link,
            root,
            peer_limits: SessionLimits::default(),
            peer_takes_headers: false,
            next_message: NextMessage::Any,
            ended: None,
            outbox: Outbox::new(),
            outgoing: OutgoingCalls::new(),
            incoming: IncomingCalls::default(),
            references: References::default(),
            streams: Streams::default(),
            account: SessionAccount::new(settings.budget.clone()),
            timeout_ticks: settings.default_timeout_ticks(),
            settings,
        }
    }

    pub(super) fn stats(&self) -> SessionStats {
        SessionStats {
            outgoing_calls: self.outgoing.len(),
            incoming_calls: self.incoming.len(),
            exported_objects: self.references.exports(),
            imported_objects: self.references.imports(),
            streams: self.streams.len(),
        }
    }
}

/// Output.
impl SessionState {
    /// Returns `true` if there are messages to be written, or releases to be encoded.
    pub(super) fn has_output(&self) -> bool {
        !self.outbox.is_empty() || self.references.unsent_releases() > 0
    }

    /// Wakes the driver if there is output.
    pub(super) fn wake_for_output(&mut self) {
        if self.has_output() {
            self.outbox.wake_driver();
        }
    }

    /// Returns `true` if the task of the only call in flight should write the output. Otherwise
    /// wakes the driver, if there is output.
    pub(super) fn is_written_by_call(&mut self) -> bool {
        if !self.outbox.has_idle_driver() || !self.has_output() {
            return false;
        }
        let is_single = self.outgoing.is_single() && self.references.unsent_releases() == 0;
        if !is_single {
            self.outbox.wake_driver();
        }
        is_single
    }

    /// Returns the maximum bytes of a result or an item: the smaller of what the peer reads and
    /// what the local side sends.
    pub(super) fn max_payload(&self) -> u64 {
        self.peer_limits.max_message.min(self.settings.max_reply)
    }

    /// Returns `true` while the peer reads its replies, so that more is read from it.
    pub(super) fn can_read(&self) -> bool {
        // The releases are not encoded yet.
        let unsent = self.outbox.backlog() + 17 * self.references.unsent_releases() as u64;
        unsent < self.settings.max_backlog.saturating_add(REJECTION_BACKLOG)
    }

    /// Ends a batch: appends its replies, which were encoded outside the session. The calls of the
    /// batch have started.
    pub(super) fn end_batch(&mut self, replies: &mut Encoder) {
        self.incoming.end_batch();
        self.outbox.append(replies);
    }

    /// Adds queued calls and releases to the outbox, wakes the streams that wait for room, and
    /// moves the outbox to `writing`. The task is woken when there is more output.
    pub(super) fn take_output(
        &mut self,
        replies: &mut Encoder,
        writing: &mut Encoder,
        now: impl Fn() -> Instant,
        waker: &Waker,
    ) -> OutputStatus {
        self.end_batch(replies);
        self.send_queued(now);
        if self.outbox.has_room() {
            self.streams.wake_blocked(&mut self.outbox);
        }
        self.references.push_releases(&mut self.outbox);
        self.outbox.take(writing);
        self.outbox.set_driver(waker);
        OutputStatus {
            can_read: self.can_read(),
            has_outbox_room: self.outbox.has_room(),
            is_closing: matches!(self.phase, Phase::Closing(_) | Phase::Ended(_)),
            in_flight: self.outgoing.in_flight(),
        }
    }

    /// Returns `true` if the driver with this waker has nothing to do, and is woken when it has.
    pub(super) fn is_quiescent(&self, waker: &Waker) -> bool {
        self.outbox.will_wake(waker)
            && matches!(self.phase, Phase::Connected)
            && !self.has_output()
            && !self.is_room_awaited()
    }

    /// Returns `true` if calls are queued or streams blocked, which only the driver sends on.
    pub(super) fn is_room_awaited(&self) -> bool {
        self.outgoing.has_queued() || self.streams.has_blocked()
    }
}

/// The account in the budget of the listener.
impl SessionState {
    pub(super) fn held(&self) -> HeldBytes {
        HeldBytes {
            unprocessed: self.incoming.cost() + self.streams.unread_cost(),
            backlog: self.outbox.backlog(),
            written: self.outbox.written(),
        }
    }

    fn reserve(&mut self, more: u64) -> Result<(), NoRoom> {
        self.account.reserve(self.held(), more)
    }

    /// Adjusts the reservation to the bytes that are held now. Returns `true` if there is one.
    #[inline]
    pub(super) fn update_account(&mut self) -> bool {
        self.account.update(self.held());
        self.account.is_used()
    }

    /// Reserves room for the memory of the next message, which is partly received.
    pub(super) fn reserve_message(&mut self, size: usize) -> Result<(), NoRoom> {
        self.account.reserve_message(self.held(), size)
    }
}

/// Operations of the handles of calls, objects and streams.
impl SessionState {
    /// Cancels an outgoing call whose caller no longer waits. Returns `true` if it was sent.
    pub(super) fn cancel_call(&mut self, id: u64) -> bool {
        self.outgoing.cancel(id, &mut self.outbox)
    }

    /// Completes an outgoing call whose deadline has passed.
    pub(super) fn expire_call(&mut self, id: u64) {
        self.outgoing.expire(id, &mut self.outbox);
    }

    /// Removes an object of the peer whose last handle was dropped.
    pub(super) fn release(&mut self, object: &ImportedObject) {
        self.references.release(object, &self.outbox);
    }

    /// Returns the next item of a stream that the peer sends; `None` at the end.
    pub(super) fn poll_item(
        &mut self,
        stream: StreamKey,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        let window = self.settings.limits.window;
        let outbox = &mut self.outbox;
        self.streams.poll_item(stream, cx, window, outbox)
    }

    /// Stops a stream that the local side no longer reads.
    pub(super) fn stop_stream(&mut self, stream: StreamKey) {
        let outbox = &mut self.outbox;
        self.streams.close_incoming(stream, outbox);
    }
}

/// Operations of the tasks of incoming calls.
impl SessionState {
    /// Adds a call that did not complete immediately. Returns `false` if the connection was lost,
    /// so that the call must stop.
    pub(super) fn track(&mut self, head: &CallHead, cancellation: &Cancellation) -> bool {
        let is_connected = self.outbox.is_open();
        if is_connected {
            let permit = self.settings.permit();
            self.incoming.track(head, cancellation.clone(), permit);
        }
        is_connected
    }

    /// Stops the work for a call that its caller cancelled, and for the calls that depend on it.
    pub(super) fn cancel_incoming(&mut self, id: u64) {
        let refused = self.incoming.on_cancel(id, &mut self.outbox);
        if !refused.is_empty() {
            let fault = Fault::of(
                FaultKind::Cancelled,
                "the call that promised the object was cancelled",
            );
            for id in refused {
                self.push_fault(id, &fault);
            }
        }
    }

    fn push_fault(&mut self, id: u64, fault: &Fault) {
        let with_causes = self.settings.sends_causes;
        self.outbox
            .push_with(|out| write_fault(id, fault, with_causes, out));
    }
}
