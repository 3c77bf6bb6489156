//! The rate at which a peer must take a message.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_core::protocol::time::{Countdown, LONGEST};

use crate::account::{Evicted, HalfAccount};
use crate::error::SendError;

/// Minimum bytes that a peer must take in each period, or the rest of the message.
const MIN_PROGRESS: usize = 64 << 10;

/// Maximum periods in which a peer must take a whole message that is larger than
/// `MAX_PERIODS * MIN_PROGRESS`. It is limited because the whole message stays in memory until its
/// last byte is taken.
const MAX_PERIODS: usize = 5;

/// The rate at which a peer must take one message, as that of a reply over HTTP: 64 KiB in each
/// period, or a fifth of the message if that is more.
pub(super) struct Pace {
    length: usize,
    period: Duration,
    /// Runs while the peer does not take what is written.
    countdown: Countdown,
    /// Bytes that the peer took since the countdown started.
    taken: usize,
}

impl Pace {
    pub(super) const fn new(length: usize, period: Duration) -> Self {
        Self {
            length,
            period,
            countdown: Countdown::new(),
            taken: 0,
        }
    }

    /// Records bytes that the peer, or the system on its behalf, took.
    pub(super) fn took(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= MIN_PROGRESS.max(self.length / MAX_PERIODS) {
            self.countdown.stop();
        }
    }

    /// Completes with an error if the peer is too slow, or the message is evicted from the budget.
    pub(super) fn poll_failed(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut HalfAccount,
    ) -> Poll<SendError> {
        if let Err(Evicted) = account.hold(cx, self.length) {
            return Poll::Ready(SendError::Evicted);
        }
        if !self.countdown.is_running() {
            self.taken = 0;
        }
        let expired = self.countdown.poll(self.period.min(LONGEST), cx);
        expired.map(|()| Self::too_slow())
    }

    /// The error of a peer that is too slow.
    pub(super) fn too_slow() -> SendError {
        let message = "the peer reads the message too slowly";
        SendError::Io(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}
