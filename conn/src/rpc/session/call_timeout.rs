//! How long calls of this end wait for their answers.
//!
//! A deadline that a program gives is kept to the moment, by a timer of the call. The default is for calls that
//! nobody gave one: for them no clock is read and no timer is set. The session counts the ticks of its connection,
//! and a call that has seen enough of them ends.

use std::convert::Infallible;
use std::time::Duration;

use rpc_core::{CallError, Context, Fault, FaultKind};
use tokio::time::{Instant, sleep};

use super::outgoing::Progress;
use super::{Deferred, Session, SessionState, Settings};
use crate::rpc::error::TooLate;
use crate::rpc::message::Message;

/// How often in the time of a keepalive the clock is looked at. Looking at each message would take longer
/// than much else that is done with it.
const TICKS: u32 = 4;

/// How long a call waits for its answer.
#[derive(Clone, Copy)]
pub(super) enum CallTimeout {
    /// Until this moment. The other end is told.
    Deadline(Instant),
    /// For the [default time](Settings::timeout), in ticks of the session. The other end is told when it is over.
    Default,
    /// For ever: the program chose that.
    Unlimited,
}

impl CallTimeout {
    /// Returns how long a call in these circumstances waits.
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
    /// Returns after how long the clock is looked at.
    pub(super) fn tick(&self) -> Duration {
        (self.keepalive / TICKS).max(Duration::from_millis(1))
    }

    /// Returns whether ticks are fine enough for this time.
    fn is_measured_in_ticks(&self, time: Duration) -> bool {
        time >= self.keepalive
    }

    /// Returns how many ticks take at least the default time, wherever between two of them a call begins.
    fn default_timeout_ticks(&self) -> u32 {
        let ticks = |time: Duration| time.as_nanos().div_ceil(self.tick().as_nanos());
        let ticks = self.timeout.map_or(u128::MAX, ticks);
        u32::try_from(ticks).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The fault of a call whose time is over, where it may have run.
pub(super) fn deadline_exceeded() -> Fault {
    Fault::of(
        FaultKind::DeadlineExceeded,
        "the time of the call was over before its answer came",
    )
}

impl Session {
    /// Returns the tick at which a call ends that begins now.
    pub(super) fn timeout_tick(&self, state: &SessionState, timeout: CallTimeout) -> Option<u32> {
        matches!(timeout, CallTimeout::Default).then(|| {
            state
                .ticks
                .saturating_add(self.settings.default_timeout_ticks())
        })
    }

    /// Counts a tick, if it is time for one, and ends the calls that have waited for long enough.
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
                let last = state.outgoing.get(id).and_then(|entry| entry.timeout_tick);
                if last.is_some_and(|last| last <= state.ticks) {
                    self.expire(state, deferred, id);
                }
            }
            self.send_queued(state, deferred);
        });
    }

    /// Ticks while there is no connection to do it.
    pub(in crate::rpc) async fn tick_while_disconnected(&self) -> Infallible {
        loop {
            sleep(self.settings.tick()).await;
            self.tick(Instant::now());
        }
    }

    /// Ends a promise whose time is over.
    pub(super) fn expire_promise(&self, id: u64) {
        self.update(|state, deferred| {
            self.expire(state, deferred, id);
            self.send_queued(state, deferred);
        });
    }

    /// Ends a call whose time is over, if it has not ended.
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
    /// Takes back a call that has not ended, which stays in the table. Says whether the other end may know of it.
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
