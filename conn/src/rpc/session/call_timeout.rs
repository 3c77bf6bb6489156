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
use super::{Effects, Session, Settings, State};
use crate::rpc::error::TooLate;
use crate::rpc::message::Message;

/// How often in the time of a keepalive the clock is looked at. Looking at each message would take longer
/// than much else that is done with it.
const TICKS: u32 = 4;

/// How long a call waits for its answer.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Until this moment. The other end is told.
    Until(Instant),
    /// For the [default time](Settings::timeout), in ticks of the session. The other end is told when it is over.
    Default,
    /// For ever: the program chose that.
    Endless,
}

impl Patience {
    /// Returns how long a call in these circumstances waits.
    pub(super) fn of(context: &Context, settings: &Settings) -> Self {
        let deadline = context.deadline().map(Instant::from_std);
        let timeout = match settings.timeout {
            Some(timeout) if !context.has_own_deadline() => timeout,
            _ => return deadline.map_or(Self::Endless, Self::Until),
        };
        if deadline.is_none() && settings.is_measured_in_ticks(timeout) {
            return Self::Default;
        }
        let default = Instant::now() + timeout;
        Self::Until(deadline.map_or(default, |inherited| inherited.min(default)))
    }

    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Until(deadline) => Some(deadline),
            Self::Default | Self::Endless => None,
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
    fn patience(&self) -> u32 {
        let ticks = |time: Duration| time.as_nanos().div_ceil(self.tick().as_nanos());
        let ticks = self.timeout.map_or(u128::MAX, ticks);
        u32::try_from(ticks).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The fault of a call whose time is over, where it may have run.
pub(super) fn overdue() -> Fault {
    Fault::of(
        FaultKind::DeadlineExceeded,
        "the time of the call was over before its answer came",
    )
}

impl Session {
    /// Returns the tick at which a call ends that begins now.
    pub(super) fn last_tick(&self, state: &State, patience: Patience) -> Option<u32> {
        matches!(patience, Patience::Default)
            .then(|| state.ticks.saturating_add(self.settings.patience()))
    }

    /// Counts a tick, if it is time for one, and ends the calls that have waited for long enough.
    pub(super) fn tick(&self, now: Instant) {
        self.change(|state, effects| {
            let is_due = |last| now.duration_since(last) >= self.settings.tick();
            if !state.ticked.is_none_or(is_due) {
                return;
            }
            state.ticked = Some(now);
            state.ticks = state.ticks.saturating_add(1);
            if state.calls.len() == 0 {
                return;
            }
            for id in state.calls.numbers() {
                let last = state.calls.get(id).and_then(|pending| pending.last_tick);
                if last.is_some_and(|last| last <= state.ticks) {
                    self.expire(state, effects, id);
                }
            }
            self.send_waiting(state, effects);
        });
    }

    /// Ticks while there is no connection to do it.
    pub(in crate::rpc) async fn tick_on(&self) -> Infallible {
        loop {
            sleep(self.settings.tick()).await;
            self.tick(Instant::now());
        }
    }

    /// Ends a promise whose time is over.
    pub(super) fn promise_expired(&self, id: u64) {
        self.change(|state, effects| {
            self.expire(state, effects, id);
            self.send_waiting(state, effects);
        });
    }

    /// Ends a call whose time is over, if it has not ended.
    fn expire(&self, state: &mut State, effects: &mut Effects, id: u64) {
        let error = match state.withdraw(id) {
            None => return,
            Some(false) => CallError::NotSent(Box::new(TooLate)),
            Some(true) => CallError::Fault(overdue()),
        };
        state.settle(id, Err(error), effects);
    }
}

impl State {
    /// Takes back a call that has not ended, which stays in the table. Says whether the other end may know of it.
    pub(super) fn withdraw(&mut self, id: u64) -> Option<bool> {
        let pending = self.calls.get(id)?;
        match pending.progress {
            Progress::Waiting => {
                let heard = pending.heard;
                if let Ok(place) = self.waiting.binary_search(&id) {
                    self.waiting.remove(place);
                }
                Some(heard)
            }
            Progress::Sent { .. } => {
                if self.is_connected() {
                    self.push(&Message::Cancel(id));
                }
                self.call_ended();
                Some(true)
            }
            Progress::Detached | Progress::Done(_) => None,
        }
    }
}
