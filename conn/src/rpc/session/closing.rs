//! Closing a session: the driver waits for calls and streams, then for the peer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::time::{Instant, Sleep, sleep_until};

use super::driver::Driver;
use super::outgoing::Progress;
use super::{Phase, SessionState};
use crate::rpc::error::Disconnected;

/// Time that the peer has to close a connection which the local side closes.
const LINGER: Duration = Duration::from_secs(2);

/// Progress of closing a session.
pub(super) struct ClosingState {
    since: Instant,
    stage: ClosingStage,
}

enum ClosingStage {
    /// The session closes, and the driver has not checked yet what it must wait for.
    Requested,
    /// The driver waits for calls and streams to complete.
    Draining,
    /// The write half is shut down. The peer has this time to close its half.
    Lingering(Pin<Box<Sleep>>),
}

impl ClosingState {
    pub(super) fn requested() -> Box<Self> {
        Box::new(Self {
            since: Instant::now(),
            stage: ClosingStage::Requested,
        })
    }
}

impl Driver {
    /// Closes the connection once neither side has anything left to send.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let now = Instant::now();
        let Some(closing) = &mut self.closing else {
            return Ok(());
        };
        if !matches!(closing.stage, ClosingStage::Lingering(_)) {
            let timeout = self.session.settings.timeout;
            let timed_out =
                timeout.is_some_and(|timeout| now.duration_since(closing.since) >= timeout);
            let done = self.write_half.lock().writing.is_empty()
                && self.session.update(|state, _| {
                    matches!(state.phase, Phase::Closing { .. } | Phase::Ended(_))
                        && (state.is_idle() || (timed_out && state.is_idle_except_detached()))
                        && !state.has_output()
                });
            if !done {
                if matches!(closing.stage, ClosingStage::Requested) {
                    closing.stage = ClosingStage::Draining;
                    self.schedule_close_check(now);
                    // Polls the timer, so that it wakes this task.
                    self.poll_time(cx)?;
                }
                return Ok(());
            }
            closing.stage = ClosingStage::Lingering(Box::pin(sleep_until(now + LINGER)));
        }
        match Pin::new(&mut self.write_half.lock().outgoing).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                return Err(error.into());
            }
            _ => {}
        }
        if let ClosingStage::Lingering(linger) = &mut closing.stage
            && linger.as_mut().poll(cx).is_ready()
        {
            return Err(self.session.update(|state, _| state.disconnect_reason()));
        }
        Ok(())
    }

    /// Sets the timer to the time from which closing no longer waits for the peer.
    pub(super) fn schedule_close_check(&mut self, now: Instant) {
        if let (Some(closing), Some(timeout)) = (&self.closing, self.session.settings.timeout)
            && let Some(until) = closing
                .since
                .checked_add(timeout)
                .filter(|until| now < *until)
        {
            self.timer.bring_forward(until);
        }
    }
}

impl SessionState {
    /// Returns `true` if no sent or incoming call is incomplete and no stream is open.
    fn is_idle(&self) -> bool {
        self.in_flight == 0
            && self.incoming.is_empty()
            && self.tables.as_ref().is_none_or(|tables| tables.is_idle())
    }

    /// Returns `true` if nothing is open except what the peer may never complete: one-way calls and
    /// streams. Other calls have timeouts of their own.
    fn is_idle_except_detached(&self) -> bool {
        let is_detached = |id| {
            let call = self.outgoing.get(id);
            !call.is_some_and(|call| matches!(call.progress, Progress::Sent { .. }))
        };
        self.incoming.is_empty() && self.outgoing.ids().into_iter().all(is_detached)
    }
}
