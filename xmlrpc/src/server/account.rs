//! Share of the server's budget that one connection holds.

use std::sync::OnceLock;
use std::task::{Context, Poll};

use farcall_core::Budget;
use farcall_core::protocol::{Account, Hold, NoRoom};

/// Budget account of a connection, or of a request that did not arrive over a connection of this
/// server. The first large hold opens it: opening writes memory that connections share, and small
/// calls should not.
pub(super) struct PeerAccount<'a> {
    budget: &'a Budget,
    account: OnceLock<Account>,
}

impl<'a> PeerAccount<'a> {
    pub(super) const fn new(budget: &'a Budget) -> Self {
        Self {
            budget,
            account: OnceLock::new(),
        }
    }

    /// Resizes `hold` to `bytes` bytes.
    ///
    /// # Errors
    /// If the budget has no room for them.
    pub(super) fn resize(&self, hold: &mut Hold, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= Budget::FREE && hold.counted() == 0 {
            return Ok(());
        }
        let account = self.account.get_or_init(|| self.budget.account());
        hold.resize(account, bytes)
    }

    /// Returns the account, if it was opened.
    pub(super) fn into_inner(self) -> Option<Account> {
        self.account.into_inner()
    }

    /// Completes when the account is evicted.
    pub(super) fn poll_evicted(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.account.get() {
            None => Poll::Pending,
            Some(account) => account.poll_evicted(cx),
        }
    }
}
