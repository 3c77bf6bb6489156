//! Share of the budget that one session holds.

use std::sync::{Arc, Mutex, PoisonError};

use farcall_core::Budget;
use farcall_core::protocol::{Hold, NoRoom};
use farcall_http::server::PeerAccount;

/// Budget account of a session. The sum of its messages counts: many small ones take as much memory
/// as one large one, and so the first [`Budget::FREE`] bytes are free once.
pub(crate) struct SessionAccount {
    peer: PeerAccount<'static>,
    sum: Mutex<Sum>,
}

#[derive(Default)]
struct Sum {
    bytes: usize,
    hold: Hold,
}

/// Bytes of one message in the account of its session, which are released on drop.
#[derive(Default)]
#[must_use = "the bytes are released when this is dropped"]
pub(crate) struct MessageHold {
    account: Option<Arc<SessionAccount>>,
    bytes: usize,
}

impl SessionAccount {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            peer: PeerAccount::opened(budget),
            sum: Mutex::default(),
        }
    }

    pub(crate) const fn peer(&self) -> &PeerAccount<'static> {
        &self.peer
    }

    /// Replaces `old` bytes of the sum by `new` ones. Fewer always have room.
    fn replace(&self, old: usize, new: usize) -> Result<(), NoRoom> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = sum.bytes.saturating_sub(old).saturating_add(new);
        self.peer.resize(&mut sum.hold, bytes)?;
        sum.bytes = bytes;
        Ok(())
    }
}

impl MessageHold {
    /// Resizes the hold to `bytes` bytes, in the account of the first call.
    ///
    /// # Errors
    /// If the budget has no room for more bytes; the size is unchanged then.
    pub(crate) fn resize(
        &mut self,
        account: &Arc<SessionAccount>,
        bytes: usize,
    ) -> Result<(), NoRoom> {
        if bytes == self.bytes {
            return Ok(());
        }
        let account = self.account.get_or_insert_with(|| Arc::clone(account));
        account.replace(self.bytes, bytes)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for MessageHold {
    fn drop(&mut self) {
        if let Some(account) = &self.account {
            let _ = account.replace(self.bytes, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_small_messages_counts() {
        let budget = Budget::new(1 << 20);
        let account = Arc::new(SessionAccount::new(budget.clone()));
        let mut holds = Vec::new();
        for count in 1..=10 {
            let mut hold = MessageHold::default();
            hold.resize(&account, 40_000).unwrap();
            holds.push(hold);
            assert_eq!(
                budget.held(),
                (count * 40_000_usize).saturating_sub(Budget::FREE)
            );
        }
        assert!(holds[0].resize(&account, 1 << 20).is_err());
        holds[0].resize(&account, 10_000).unwrap();
        assert_eq!(budget.held(), 370_000 - Budget::FREE);
        drop(holds);
        assert_eq!(budget.held(), 0);
    }
}
