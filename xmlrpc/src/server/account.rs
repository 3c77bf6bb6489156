//! What one connection holds of the budget of its server.

use std::sync::OnceLock;
use std::task::{Context, Poll};

use rpc_core::Budget;
use rpc_core::budget::{Account, Hold, NoRoom};

/// The account of a connection, or of a request that came by another way. It is opened by the first thing that is large:
/// to open one writes memory that connections share, which no small call does.
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

    /// Makes `hold` one of so many bytes.
    ///
    /// # Errors
    /// If there is no room for them.
    pub(super) fn resize(&self, hold: &mut Hold, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= Budget::FREE && hold.counted() == 0 {
            return Ok(());
        }
        let account = self.account.get_or_init(|| self.budget.account());
        hold.resize(account, bytes)
    }

    /// The account, if it was opened.
    pub(super) fn into_inner(self) -> Option<Account> {
        self.account.into_inner()
    }

    /// Is ready when what is held has to go.
    pub(super) fn poll_evicted(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.account.get() {
            None => Poll::Pending,
            Some(account) => account.poll_evicted(cx),
        }
    }
}
