//! What a session holds on behalf of its peer, and the room that it has for it in the budget of its listener.
//!
//! Calls until they are answered, answers and items until they are written, items of streams until they are taken,
//! and what came of the next message: all is one sum. The budget is asked in steps, so that a session with little
//! under way writes nothing that others share, and one with much does so once in a while.

use std::sync::atomic::Ordering;
use std::task::Context;

use rpc_core::Budget;
use rpc_core::budget::{Account, Hold, NoRoom};

use super::{Session, SessionState};

/// What is taken and given back of the budget at once, in bytes.
const STEP: u64 = 64 << 10;

/// What a session holds without asking.
const FREE: u64 = Budget::FREE as u64;

/// The room that a session has in its budget, beyond what is free.
pub(super) struct SessionAccount {
    account: Account,
    hold: Hold,
    /// How many bytes there is room for.
    reserved_bytes: u64,
    /// How much memory the next message has, of which a part came.
    partial_message: u64,
    /// How many bytes went since the budget was last told that the present ones are younger.
    released: u64,
    /// What was held when that was last counted, and how many bytes were written by then.
    unprocessed: u64,
    written: u64,
}

impl SessionAccount {
    fn resize(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.hold.resize(&self.account, size)?;
        let less = self.reserved_bytes.saturating_sub(bytes);
        self.released = self.released.saturating_sub(less);
        self.reserved_bytes = bytes;
        Ok(())
    }
}

impl SessionState {
    /// What is held on behalf of the other end, but for what is to be written.
    fn unprocessed_cost(&self) -> u64 {
        let unread_cost = self.tables.as_ref().map_or(0, |tables| tables.unread_cost);
        self.incoming_cost + unread_cost + self.partial_message()
    }

    /// How much memory the next message has, of which a part came, where that counts.
    pub(super) fn partial_message(&self) -> u64 {
        self.account
            .as_ref()
            .map_or(0, |account| account.partial_message)
    }

    /// Takes note of that.
    pub(super) fn set_partial_message(&mut self, size: usize) {
        if let Some(account) = &mut self.account {
            account.partial_message = size as u64;
        }
    }

    /// All that is held on behalf of the other end, in bytes.
    fn held_bytes(&self) -> u64 {
        self.unprocessed_cost() + self.backlog()
    }
}

impl Session {
    /// Makes sure of room for so many bytes more.
    pub(super) fn reserve(&self, state: &mut SessionState, more: u64) -> Result<(), NoRoom> {
        let wanted = state.held_bytes().saturating_add(more);
        let Some(budget) = &self.settings.budget else {
            return Ok(());
        };
        let reserved_bytes = state
            .account
            .as_ref()
            .map_or(FREE, |account| account.reserved_bytes);
        if wanted <= reserved_bytes {
            return Ok(());
        }
        let (unprocessed, written) = (state.unprocessed_cost(), state.written());
        let account = state.account.get_or_insert_with(|| {
            self.has_hold.store(true, Ordering::Relaxed);
            let account = budget.account();
            Box::new(SessionAccount {
                hold: account.hold(),
                account,
                reserved_bytes: FREE,
                partial_message: 0,
                released: 0,
                unprocessed,
                written,
            })
        });
        // To the next step; or to the byte, where the budget has no more.
        account
            .resize(wanted.next_multiple_of(STEP))
            .or_else(|NoRoom { .. }| account.resize(wanted))
    }

    /// Brings the room in line with what is held by now.
    #[inline]
    pub(super) fn update_hold(&self, state: &mut SessionState) {
        if state.account.is_some() || state.held_bytes() > FREE {
            self.update_hold_slow(state);
        }
    }

    fn update_hold_slow(&self, state: &mut SessionState) {
        let held = state.held_bytes();
        let (unprocessed, written) = (state.unprocessed_cost(), state.written());
        if let Some(account) = &mut state.account {
            account.released += account.unprocessed.saturating_sub(unprocessed);
            account.released += written.saturating_sub(account.written);
            (account.unprocessed, account.written) = (unprocessed, written);
            if held <= FREE / 2 {
                self.release_hold(state);
                return;
            }
            if held + 2 * STEP < account.reserved_bytes {
                // Less is never refused.
                let _ = account.resize(held.next_multiple_of(STEP));
            }
            if account.released >= STEP {
                let released = std::mem::take(&mut account.released);
                account
                    .hold
                    .replaced(usize::try_from(released).unwrap_or(usize::MAX));
            }
        }
        // Small things, such as answers to pings, are not refused; they count, and what is asked for next is.
        let _ = self.reserve(state, 0);
    }

    /// Gives all room back.
    pub(super) fn release_hold(&self, state: &mut SessionState) {
        state.account = None;
        self.has_hold.store(false, Ordering::Relaxed);
    }

    /// Takes note of how much memory the next message has, of which a part came.
    pub(super) fn reserve_for_message(&self, size: usize) -> Result<(), NoRoom> {
        self.update(|state, _| {
            let reserved = match (size as u64).checked_sub(state.partial_message()) {
                None | Some(0) => Ok(()),
                Some(more) => self.reserve(state, more),
            };
            if reserved.is_ok() {
                state.set_partial_message(size);
            }
            reserved
        })
    }

    /// Gives back the room for what was written since, and tells whether the connection is to be given up for others.
    /// The task is woken when it is.
    pub(super) fn is_evicted(&self, cx: &mut Context<'_>) -> bool {
        if !self.has_hold.load(Ordering::Relaxed) {
            return false;
        }
        let state = &mut *self.lock();
        self.update_hold(state);
        let account = state.account.as_ref();
        account.is_some_and(|account| account.account.poll_evicted(cx).is_ready())
    }
}
