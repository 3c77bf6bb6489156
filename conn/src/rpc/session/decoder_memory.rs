//! The memory of the decoder of a connection, which counts in the budget of the listener.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use farcall_core::Budget;
use tokio::time::{Instant, Sleep, sleep_until};

use super::handle::Session;
use crate::account::RETRY;
use crate::rpc::error::Disconnected;

/// Reservation of the memory that the decoder takes for the next message.
#[derive(Default)]
pub(super) struct DecoderMemory {
    /// `true` if the session counts the memory in its account.
    is_counted: bool,
    /// Set while the budget has no room for the next message.
    wait: Option<Box<BudgetWait>>,
}

/// A wait for room in the budget.
struct BudgetWait {
    since: Instant,
    /// Next attempt to reserve the room.
    retry: Pin<Box<Sleep>>,
}

impl DecoderMemory {
    /// Returns the part of a buffer of `size` bytes that counts in the budget, for the caller to
    /// count it. Up to [`Budget::FREE`] nothing counts: such a buffer is released while no bytes
    /// arrive.
    pub(super) const fn count(&mut self, size: usize) -> usize {
        let counted = counted_size(size);
        self.is_counted = counted > 0;
        counted
    }

    /// Returns the time since which the budget has had no room.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.wait.as_ref().map(|wait| wait.since)
    }

    /// Reserves room in the budget for a decoder of `size` bytes. Returns `true` if there is room;
    /// otherwise this task is woken to try again.
    #[inline]
    pub(super) fn poll_reserve(
        &mut self,
        session: &Session,
        size: usize,
        cx: &mut Context<'_>,
    ) -> Result<bool, Disconnected> {
        let size = counted_size(size);
        if size == 0 && !self.is_counted {
            return Ok(true);
        }
        self.poll_reserve_counted(session, size, cx)
    }

    fn poll_reserve_counted(
        &mut self,
        session: &Session,
        size: usize,
        cx: &mut Context<'_>,
    ) -> Result<bool, Disconnected> {
        loop {
            if let Some(wait) = &mut self.wait
                && wait.retry.as_mut().poll(cx).is_pending()
            {
                return Ok(false);
            }
            let reserved = session.update(|state| state.reserve_message(size));
            if reserved.is_ok() {
                self.is_counted = size > 0;
                self.wait = None;
                return Ok(true);
            }
            let budget = session.settings.budget.as_ref();
            if budget.is_some_and(|budget| size - Budget::FREE > budget.bytes()) {
                return Err(Disconnected::Evicted);
            }
            let now = Instant::now();
            let since = self.waiting_since().unwrap_or(now);
            let retry = Box::pin(sleep_until(now + RETRY));
            self.wait = Some(Box::new(BudgetWait { since, retry }));
        }
    }
}

const fn counted_size(size: usize) -> usize {
    match size {
        ..=Budget::FREE => 0,
        size => size,
    }
}
