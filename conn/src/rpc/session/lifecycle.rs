//! The lifecycle of a session: connections, closing, and the end.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::state::Phase;
use crate::frame::Encoder;
use crate::rpc::error::Disconnected;
use crate::rpc::greeting::SessionStart;
use crate::rpc::message::{Message, SessionLimits};

impl Session {
    /// Starts to use a new connection. If it resumes the session, both sides send the references
    /// that they hold. A session that has ended remains ended, and its driver closes the
    /// connection.
    pub(in crate::rpc) fn on_connected(&self, peer: SessionLimits, start: SessionStart) {
        // If all connections are shorter than the tick interval, no driver ever ticks.
        self.tick(Instant::now());
        self.update(|state, deferred| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Connected;
            // Exported objects and streams take local memory, so the local limits apply to them,
            // too.
            let own = &self.settings.limits;
            state.peer_limits = SessionLimits {
                max_streams: peer.max_streams.min(own.max_streams),
                max_objects: peer.max_objects.min(own.max_objects),
                ..peer
            };
            state.outbox = Encoder::new();
            state.pushed = 0;
            state.written = Arc::default();
            state.last_incoming = 0;
            state.is_resumed = start == SessionStart::Resumed;
            match start {
                SessionStart::Resumed => self.push_held(state),
                SessionStart::New => self.clear_references(state, deferred),
            }
            self.send_queued(state, deferred);
        });
    }

    /// Records that the connection was lost, and fails the calls and streams that depended on it.
    /// Returns `true` if the session can continue over another connection.
    pub(in crate::rpc) fn on_disconnected(&self, reason: &Disconnected) -> bool {
        let can_continue = self.update_at_disconnect(|state, deferred| {
            if matches!(state.phase, Phase::Ended(_) | Phase::Disconnected(_)) {
                return false;
            }
            let requested = matches!(state.phase, Phase::Closing { local: true, .. });
            let last_message = std::mem::take(&mut state.outbox);
            deferred.drop(last_message);
            self.release_hold(state);
            state.phase = Phase::Disconnected(reason.clone());
            state.cancel_incoming(deferred);
            state.fail_streams(reason, deferred);
            let reconnects = self.reconnects && !requested;
            state.interrupt_calls(reason, reconnects, deferred);
            reconnects || (!self.settings.lease.is_zero() && !requested)
        });
        if !can_continue {
            self.end(reason);
        }
        can_continue
    }

    /// Ends the session for good.
    pub(in crate::rpc) fn end(&self, reason: &Disconnected) {
        self.update_at_disconnect(|state, deferred| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Ended(reason.clone());
            // The offered methods may hold objects of this session, and through them the session
            // itself.
            deferred.drop(std::mem::take(&mut state.root));
            if let Some(tables) = &mut state.tables {
                deferred.drop(tables.instances.drain().collect::<Vec<_>>());
            }
            state.cancel_incoming(deferred);
            state.fail_streams(reason, deferred);
            state.interrupt_calls(reason, false, deferred);
            self.clear_references(state, deferred);
            deferred.wake(state.driver_waker.take());
        });
        self.is_ended.store(true, Ordering::Release);
        let ended = self.lock().ended.take();
        if let Some(ended) = ended {
            ended.cancel();
        }
    }

    /// Closes the session gracefully: makes no more calls, answers those received so far, then
    /// closes the connection.
    pub(in crate::rpc) fn close(&self, reason: &str) {
        let end_now = self.update(|state, deferred| match &mut state.phase {
            Phase::Connected => {
                state.phase = Phase::Closing {
                    local: true,
                    reason: String::new(),
                };
                let last = state.last_incoming;
                state.push(&Message::Goodbye { last, reason });
                state.fail_queued(&Disconnected::Closed, deferred);
                deferred.wake(state.driver_waker.take());
                false
            }
            Phase::Closing { local, .. } => {
                *local = true;
                deferred.wake(state.driver_waker.take());
                false
            }
            Phase::Disconnected(_) => true,
            Phase::Ended(_) => false,
        });
        if end_now {
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
    pub(in crate::rpc) fn ended_token(&self) -> Option<CancellationToken> {
        self.update(|state, _| {
            let ended = &mut state.ended;
            (!self.is_ended()).then(|| ended.get_or_insert_default().clone())
        })
    }

    /// Returns `true` if the peer has made a call over the current connection.
    pub(in crate::rpc) fn has_received_call(&self) -> bool {
        self.lock().last_incoming > 0
    }

    pub(in crate::rpc) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }
}

/// Handle that keeps a session open. When the last one is dropped, the local side closes the
/// session.
pub(in crate::rpc) struct SessionHandle(pub(super) Arc<Session>);

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
