//! The lifecycle of a session: connections, closing, and the end.

use std::time::Instant;

use farcall_core::Cancellation;

use super::{ClosingSide, NextMessage, Phase, SessionState};
use crate::rpc::error::Disconnected;
use crate::rpc::message::{Hello, Message, SessionLimits, SessionStart};

/// Maximum bytes kept of the reason in a `Goodbye`.
const MAX_REASON: usize = 1024;

impl SessionState {
    /// Starts to use a new connection. If it resumes the session, both sides send the references
    /// that they hold. A session that has ended remains ended.
    pub(crate) fn on_connected(&mut self, hello: &Hello, start: SessionStart) {
        let peer = hello.limits;
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.phase = Phase::Connected;
        // Exported objects and streams take local memory, so the local limits apply to them, too.
        let own = &self.settings.limits;
        self.peer_limits = SessionLimits {
            max_streams: peer.max_streams.min(own.max_streams),
            max_objects: peer.max_objects.min(own.max_objects),
            ..peer
        };
        self.peer_takes_headers = hello.takes_headers;
        self.outbox.open();
        self.incoming.restart();
        self.next_message = match start {
            SessionStart::Resumed => {
                self.references.push_held(&mut self.outbox);
                NextMessage::Held
            }
            SessionStart::New => {
                self.references.clear(&mut self.outbox);
                self.streams.restart();
                NextMessage::Any
            }
        };
    }

    /// Records that the connection was lost, and fails the calls and streams that depended on it.
    /// Returns `true` if the session can continue over another connection.
    pub(crate) fn on_disconnected(&mut self, reason: &Disconnected) -> bool {
        let can_continue = match self.phase {
            Phase::Ended(_) | Phase::Disconnected(_) => return false,
            Phase::Closing(ClosingSide::Local) => false,
            Phase::Connected | Phase::Closing(ClosingSide::Peer(_)) => true,
        };
        self.outbox.clear();
        self.account.release();
        self.phase = Phase::Disconnected(reason.clone());
        let reconnects = self.settings.reconnects && can_continue;
        self.interrupt(reason, reconnects);
        reconnects || (!self.settings.lease.is_zero() && can_continue)
    }

    /// Ends the session for good. Returns the token to cancel, if something waits for the end.
    pub(crate) fn end(&mut self, reason: &Disconnected) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.phase = Phase::Ended(reason.clone());
        // The offered methods may hold objects of this session, and through them the session
        // itself.
        self.outbox.drop(std::mem::take(&mut self.root));
        self.references.drop_instances(&mut self.outbox);
        self.outbox.close();
        self.interrupt(reason, false);
        self.references.clear(&mut self.outbox);
        self.outbox.wake_driver();
    }

    /// Fails the calls and streams that depended on the connection.
    fn interrupt(&mut self, reason: &Disconnected, reconnects: bool) {
        let outbox = &mut self.outbox;
        self.incoming.cancel_all(outbox);
        self.streams.fail_all(reason, outbox);
        self.outgoing.interrupt(reason, reconnects, outbox);
    }

    /// Closes the session: makes no more calls, and tells the peer. Returns `true` if there is no
    /// connection to close, so that the session ends now.
    pub(crate) fn close(&mut self, reason: &str) -> bool {
        match self.phase {
            Phase::Connected => {
                self.phase = Phase::Closing(ClosingSide::Local);
                let last = self.incoming.last();
                self.outbox.push(&Message::Goodbye { last, reason });
                let outbox = &mut self.outbox;
                self.outgoing.fail_queued(&Disconnected::Closed, outbox);
            }
            Phase::Closing(_) => self.phase = Phase::Closing(ClosingSide::Local),
            Phase::Disconnected(_) => return true,
            Phase::Ended(_) => return false,
        }
        self.outbox.wake_driver();
        false
    }

    /// Records that the peer closes the session after call `last`.
    pub(super) fn on_goodbye(&mut self, last: u64, reason: &str) {
        if let Phase::Connected = self.phase {
            // Every call and stream that the connection ends carries a copy of the reason.
            let end = (0..=MAX_REASON)
                .rev()
                .find(|&end| reason.is_char_boundary(end));
            let reason = reason.get(..end.unwrap_or(0)).unwrap_or(reason).to_owned();
            self.phase = Phase::Closing(ClosingSide::Peer(reason));
        }
        let reason = self.disconnect_reason();
        let (reconnects, outbox) = (self.settings.reconnects, &mut self.outbox);
        self.outgoing.fail_after(last, &reason, reconnects, outbox);
        self.outbox.wake_driver();
    }

    /// Returns the goodbye that tells the peer why the local side closes the connection.
    pub(crate) const fn goodbye<'a>(&self, reason: &'a str) -> Message<'a> {
        Message::Goodbye {
            last: self.incoming.last(),
            reason,
        }
    }

    /// Returns the reason why no more calls can be made.
    pub(crate) fn disconnect_reason(&self) -> Disconnected {
        match &self.phase {
            Phase::Connected | Phase::Closing(ClosingSide::Local) => Disconnected::Closed,
            Phase::Closing(ClosingSide::Peer(reason)) => Disconnected::Left(reason.clone()),
            Phase::Disconnected(reason) | Phase::Ended(reason) => reason.clone(),
        }
    }

    /// Returns the reason of a connection that the peer has closed.
    pub(crate) fn end_of_connection(&self) -> Disconnected {
        match &self.phase {
            Phase::Closing(_) => self.disconnect_reason(),
            _ => Disconnected::Left(String::new()),
        }
    }

    /// Returns `true` if the session is closing and nothing is left to do: no sent or incoming call
    /// is incomplete and no stream is open. Once the time for it is over, one-way calls and streams
    /// are not waited for, because the peer may never complete them. Other calls have timeouts of
    /// their own.
    pub(crate) fn is_closed(&self, timed_out: bool) -> bool {
        let is_idle = self.outgoing.in_flight() == 0 && self.streams.is_idle();
        matches!(self.phase, Phase::Closing(_) | Phase::Ended(_))
            && self.incoming.is_empty()
            && (is_idle || (timed_out && !self.outgoing.awaits_replies()))
            && !self.has_output()
    }

    /// Returns a token that is cancelled when the session ends for good; `None` if it has ended.
    pub(crate) fn ended_token(&mut self) -> Option<Cancellation> {
        let has_ended = matches!(self.phase, Phase::Ended(_));
        (!has_ended).then(|| self.ended.get_or_insert_default().clone())
    }

    /// Removes the token to cancel after the end of the session, if something waits for it.
    pub(crate) const fn take_ended_token(&mut self) -> Option<Cancellation> {
        self.ended.take()
    }

    /// Counts a tick if one is due, and completes the calls that have timed out.
    pub(crate) fn tick(&mut self, now: Instant) {
        let interval = self.settings.tick();
        self.outgoing.tick(now, interval, &mut self.outbox);
    }
}
