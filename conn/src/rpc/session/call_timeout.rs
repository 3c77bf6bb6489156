//! Timeouts of outgoing calls.
//!
//! A deadline given by the program is kept exactly, by a timer of the call. The default timeout
//! applies to calls without a deadline: they read no clock and set no timer. Instead the session
//! counts ticks of its connection, and a call times out after a number of them.

use std::time::{Duration, Instant};

use farcall_core::{Context, Fault, FaultKind};

use super::settings::Settings;

/// Ticks per keepalive interval. Reading the clock for each message would take longer than much of
/// the work on it.
const TICKS: u32 = 4;

/// Timeout of a call.
#[derive(Clone, Copy)]
pub(in crate::rpc) enum CallTimeout {
    /// Until this moment. It is sent to the peer.
    Deadline(Instant),
    /// The [default timeout](Settings::timeout), counted in ticks of the session. The peer receives
    /// a `Cancel` when it expires.
    Default,
    /// None: the program chose to wait without limit.
    Unlimited,
}

impl CallTimeout {
    /// Returns the timeout of a call with this context that is made `now`.
    pub(super) fn of(
        context: &Context,
        settings: &Settings,
        now: impl FnOnce() -> Instant,
    ) -> Self {
        let deadline = context.deadline();
        let timeout = match settings.timeout {
            Some(timeout) if !context.has_own_deadline() => timeout,
            _ => return deadline.map_or(Self::Unlimited, Self::Deadline),
        };
        if deadline.is_none() && settings.is_measured_in_ticks(timeout) {
            return Self::Default;
        }
        let default = now() + timeout;
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
    pub(super) fn default_timeout_ticks(&self) -> u32 {
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
