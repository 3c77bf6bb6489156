//! Share of the server's budget that one connection holds.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use farcall_core::Budget;
use farcall_core::protocol::{Account, Hold, NoRoom};

/// Budget account of a connection, or of a request that did not arrive over a connection of this
/// server. The first large hold opens it: opening writes memory that connections share, and small
/// calls should not.
#[derive(Debug)]
pub struct PeerAccount<'a> {
    budget: Cow<'a, Budget>,
    account: OnceLock<Account>,
}

impl PeerAccount<'static> {
    /// Opens an account of a connection that carries more than requests.
    #[must_use]
    pub fn opened(budget: Budget) -> Self {
        Self {
            account: OnceLock::from(budget.account()),
            budget: Cow::Owned(budget),
        }
    }
}

impl<'a> PeerAccount<'a> {
    /// Creates the account of a connection or request, which is opened by its first large hold.
    #[must_use]
    pub const fn new(budget: &'a Budget) -> Self {
        Self {
            budget: Cow::Borrowed(budget),
            account: OnceLock::new(),
        }
    }

    /// Resizes `hold` to `bytes` bytes.
    ///
    /// # Errors
    /// If the budget has no room for them.
    pub fn resize(&self, hold: &mut Hold, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= Budget::FREE && hold.counted() == 0 {
            return Ok(());
        }
        hold.resize(self.account(), bytes)
    }

    /// Returns the account, which is opened if it was not before.
    pub fn account(&self) -> &Account {
        self.account.get_or_init(|| self.budget.account())
    }

    /// Returns the account, if it was opened.
    pub(super) fn into_inner(self) -> Option<Account> {
        self.account.into_inner()
    }

    /// Returns the result of what was polled, or `None` if it waits while the account is evicted.
    // The account is polled afterwards, because what was polled may have opened it.
    pub(super) fn unless_evicted<T>(
        &self,
        polled: Poll<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        match (polled, self.account.get()) {
            (Poll::Ready(result), _) => Poll::Ready(Some(result)),
            (Poll::Pending, None) => Poll::Pending,
            (Poll::Pending, Some(account)) => account.poll_evicted(cx).map(|()| None),
        }
    }

    /// Completes `future`, or returns `None` once it waits while the account is evicted.
    pub async fn complete<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| self.unless_evicted(future.as_mut().poll(cx), cx)).await
    }
}
