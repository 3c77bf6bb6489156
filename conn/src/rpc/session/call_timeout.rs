//! Timeouts of outgoing calls.
//!
//! A deadline given by the program is kept exactly, by a timer of the call. The default timeout
//! applies to calls without a deadline: they read no clock and set no timer. Instead the session
//! counts ticks of its connection, and a call times out after a number of them.

use std::convert::Infallible;
use std::time::Duration;

use farcall_core::{CallError, Context, Fault, FaultKind};
use tokio::time::{Instant, sleep};

use super::outgoing::Progress;
use super::{Deferred, Session, SessionState, Settings};
use crate::rpc::error::TooLate;
use crate::rpc::message::Message;

/// Ticks per keepalive interval. Reading the clock for each message would take longer than much of
/// the work on it.
const TICKS: u32 = 4;

/// Timeout of a call.
#[derive(Clone, Copy)]
pub(super) enum CallTimeout {
    /// Until this moment. It is sent to the peer.
    Deadline(Instant),
    /// The [default timeout](Settings::timeout), counted in ticks of the session. The peer receives
    /// a `Cancel` when it expires.
    Default,
    /// None: the program chose to wait without limit.
    Unlimited,
}

impl CallTimeout {
    /// Returns the timeout of a call with this context.
    pub(super) fn of(context: &Context, settings: &Settings) -> Self {
        let deadline = context.deadline().map(Instant::from_std);
        let timeout = match settings.timeout {
            Some(timeout) if !context.has_own_deadline() => timeout,
            _ => return deadline.map_or(Self::Unlimited, Self::Deadline),
        };
        if deadline.is_none() && settings.is_measured_in_ticks(timeout) {
            return Self::Default;
        }
        let default = Instant::now() + timeout;
        Self::Deadline(deadline.map_or(default, |inherited| inherited.min(default)))
    }

    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Deadline(deadline) => Some(deadline),
            Self::Default | Self::Unlimited => None,
        }
    }
}

impl Settings {
    /// Returns the interval between ticks.
    pub(super) fn tick(&self) -> Duration {
        (self.keepalive / TICKS).max(Duration::from_millis(1))
    }

    /// Returns `true` if ticks are precise enough for this timeout.
    fn is_measured_in_ticks(&self, time: Duration) -> bool {
        time >= self.keepalive
    }

    /// Returns the number of ticks that take at least the default timeout, even if the call starts
    /// just before a tick.
    fn default_timeout_ticks(&self) -> u32 {
        let ticks = |time: Duration| time.as_nanos().div_ceil(self.tick().as_nanos());
        let ticks = self.timeout.map_or(u128::MAX, ticks);
        u32::try_from(ticks).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Creates the fault of a call whose deadline passed, and which may have run.
pub(super) fn deadline_exceeded() -> Fault {
    Fault::of(
        FaultKind::DeadlineExceeded,
        "the deadline of the call passed before its reply arrived",
    )
}

impl Session {
    /// Returns the tick at which a call that starts now times out, if it has the default timeout.
    pub(super) fn timeout_tick(&self, state: &SessionState, timeout: CallTimeout) -> Option<u32> {
        matches!(timeout, CallTimeout::Default).then(|| {
            state
                .ticks
                .saturating_add(self.settings.default_timeout_ticks())
        })
    }

    /// Counts a tick if one is due, and completes the calls that have timed out.
    pub(super) fn tick(&self, now: Instant) {
        self.update(|state, deferred| {
            let is_due = |last| now.duration_since(last) >= self.settings.tick();
            if !state.ticked_at.is_none_or(is_due) {
                return;
            }
            state.ticked_at = Some(now);
            state.ticks = state.ticks.saturating_add(1);
            if state.outgoing.len() == 0 {
                return;
            }
            for id in state.outgoing.ids() {
                let expiry = state.outgoing.get(id).and_then(|entry| entry.timeout_tick);
                if expiry.is_some_and(|tick| tick <= state.ticks) {
                    self.expire(state, deferred, id);
                }
            }
            self.send_queued(state, deferred);
        });
    }

    /// Ticks while there is no connection whose driver does.
    pub(in crate::rpc) async fn tick_while_disconnected(&self) -> Infallible {
        loop {
            sleep(self.settings.tick()).await;
            self.tick(Instant::now());
        }
    }

    /// Completes a promise whose deadline has passed.
    pub(super) fn expire_promise(&self, id: u64) {
        self.update(|state, deferred| {
            self.expire(state, deferred, id);
            self.send_queued(state, deferred);
        });
    }

    /// Completes a call whose deadline has passed, if it has not completed.
    fn expire(&self, state: &mut SessionState, deferred: &mut Deferred, id: u64) {
        let error = match state.withdraw(id) {
            None => return,
            Some(false) => CallError::NotSent(Box::new(TooLate)),
            Some(true) => CallError::Fault(deadline_exceeded()),
        };
        state.complete(id, Err(error), deferred);
    }
}

impl SessionState {
    /// Withdraws a call that has not completed; it stays in the table. Returns `true` if the peer
    /// may know of it.
    pub(super) fn withdraw(&mut self, id: u64) -> Option<bool> {
        let entry = self.outgoing.get(id)?;
        match entry.progress {
            Progress::Queued => {
                let may_have_run = entry.may_have_run;
                if let Ok(place) = self.queued.binary_search(&id) {
                    self.queued.remove(place);
                }
                Some(may_have_run)
            }
            Progress::Sent { .. } => {
                if self.is_connected() {
                    self.push(&Message::Cancel(id));
                }
                self.call_completed();
                Some(true)
            }
            Progress::Detached | Progress::Completed(_) => None,
        }
    }
}
