//! The life of a session: from its first connection to its end.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::state::Phase;
use crate::frame::Encoder;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{Limits, Message};

impl Session {
    /// Takes note of a new connection. On one that resumes the session, the ends tell each other what they
    /// refer to. A session that is over stays so, and its driver closes the connection.
    pub(in crate::rpc) fn up(&self, peer: Limits, resumed: bool) {
        // Connections that are short would never tick.
        self.tick(Instant::now());
        self.change(|state, effects| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Up;
            // What this end lets the other hold on to takes memory here, whatever the other is ready to take.
            let own = &self.settings.limits;
            state.peer = Limits {
                max_streams: peer.max_streams.min(own.max_streams),
                max_objects: peer.max_objects.min(own.max_objects),
                ..peer
            };
            state.outbox = Encoder::new();
            state.pushed = 0;
            state.written = Arc::default();
            state.last_answer = 0;
            state.is_resumed = resumed;
            if resumed {
                self.tell_held(state);
            } else {
                self.forget_references(state, effects);
            }
            self.send_waiting(state, effects);
        });
    }

    /// Takes note that the connection is gone, and ends what depended on it. Says whether the session can
    /// go on with another connection.
    pub(in crate::rpc) fn down(&self, reason: &Disconnected) -> bool {
        let goes_on = self.change_at_end(|state, effects| {
            if matches!(state.phase, Phase::Ended(_) | Phase::Down(_)) {
                return false;
            }
            let wanted = matches!(state.phase, Phase::Leaving { ours: true, .. });
            let last_message = std::mem::take(&mut state.outbox);
            effects.drop(last_message);
            self.forget_room(state);
            state.phase = Phase::Down(reason.clone());
            state.fail_answers(effects);
            state.fail_streams(reason, effects);
            let reconnects = self.reconnects && !wanted;
            state.interrupt_calls(reason, reconnects, effects);
            reconnects || (!self.settings.lease.is_zero() && !wanted)
        });
        if !goes_on {
            self.end(reason);
        }
        goes_on
    }

    /// Ends the session for good.
    pub(in crate::rpc) fn end(&self, reason: &Disconnected) {
        self.change_at_end(|state, effects| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Ended(reason.clone());
            // What is offered may keep objects of this session, and with them the session.
            effects.drop(std::mem::take(&mut state.root));
            if let Some(passed) = &mut state.passed {
                effects.drop(passed.instances.drain().collect::<Vec<_>>());
            }
            state.fail_answers(effects);
            state.fail_streams(reason, effects);
            state.interrupt_calls(reason, false, effects);
            self.forget_references(state, effects);
            effects.wake(state.driver.take());
        });
        self.is_ended.store(true, Ordering::Release);
        let ended = self.lock().ended.take();
        if let Some(ended) = ended {
            ended.cancel();
        }
    }

    /// Makes no more calls, answers those that came, then closes the connection.
    pub(in crate::rpc) fn leave(&self, why: &str) {
        let over = self.change(|state, effects| match &mut state.phase {
            Phase::Up => {
                state.phase = Phase::Leaving {
                    ours: true,
                    reason: String::new(),
                };
                let last = state.last_answer;
                state.push(&Message::Goodbye { last, reason: why });
                state.fail_waiting(&Disconnected::Closed, effects);
                effects.wake(state.driver.take());
                false
            }
            Phase::Leaving { ours, .. } => {
                *ours = true;
                effects.wake(state.driver.take());
                false
            }
            Phase::Down(_) => true,
            Phase::Ended(_) => false,
        });
        if over {
            self.end(&Disconnected::Closed);
        }
    }

    /// Ends when the session is over for good.
    pub(in crate::rpc) async fn ended(&self) {
        if let Some(ended) = self.ending() {
            ended.cancelled().await;
        }
    }

    /// What is cancelled when the session is over for good; nothing if it is.
    pub(in crate::rpc) fn ending(&self) -> Option<CancellationToken> {
        self.change(|state, _| {
            let ended = &mut state.ended;
            (!self.is_ended()).then(|| ended.get_or_insert_default().clone())
        })
    }

    pub(in crate::rpc) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }
}

/// Keeps a session open. When the last one goes, this side leaves.
pub(in crate::rpc) struct Lifeline(pub(super) Arc<Session>);

impl Lifeline {
    pub(in crate::rpc) const fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Deref for Lifeline {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.0.leave("");
    }
}
