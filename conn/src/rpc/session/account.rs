//! The memory that a session holds on behalf of its peer, and its account in the budget of the
//! listener.
//!
//! One sum counts calls until they are answered, replies and sent items until they are written,
//! received items until the program takes them, and the received part of the next message. It is
//! reserved in steps of [`STEP`] bytes: a small session never writes to memory that sessions share,
//! and a large one rarely does.

use std::sync::atomic::Ordering;
use std::task::Context;

use farcall_core::Budget;
use farcall_core::protocol::{Account, Hold, NoRoom};

use super::{Session, SessionState};

/// Granularity of reservations, in bytes.
const STEP: u64 = 64 << 10;

/// Bytes that a session holds without a reservation.
const FREE: u64 = Budget::FREE as u64;

/// The account of a session that holds more than the free bytes.
pub(super) struct SessionAccount {
    account: Account,
    hold: Hold,
    /// Bytes of the current reservation, including the free ones.
    reserved_bytes: u64,
    /// Memory of the next message, which is partly received.
    partial_message: u64,
    /// Bytes released since the budget was last notified that newer bytes replaced older ones.
    released: u64,
    /// Unprocessed cost when `released` was last updated.
    unprocessed: u64,
    /// Written bytes when `released` was last updated.
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
    /// Returns the cost of everything that the session holds, except the bytes to be written.
    fn unprocessed_cost(&self) -> u64 {
        let unread_cost = self.tables.as_ref().map_or(0, |tables| tables.unread_cost);
        self.incoming_cost + unread_cost + self.partial_message()
    }

    /// Returns the memory of the next message, which is partly received, if it counts.
    pub(super) fn partial_message(&self) -> u64 {
        self.account
            .as_ref()
            .map_or(0, |account| account.partial_message)
    }

    /// Records the memory of the next message.
    pub(super) fn set_partial_message(&mut self, size: usize) {
        if let Some(account) = &mut self.account {
            account.partial_message = size as u64;
        }
    }

    /// Returns all bytes held on behalf of the peer.
    fn held_bytes(&self) -> u64 {
        self.unprocessed_cost() + self.backlog()
    }
}

impl Session {
    /// Reserves room for `more` bytes.
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
            self.has_account.store(true, Ordering::Relaxed);
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
        // Rounds up to the next step, or reserves the exact size if the budget has no more.
        account
            .resize(wanted.next_multiple_of(STEP))
            .or_else(|NoRoom { .. }| account.resize(wanted))
    }

    /// Adjusts the reservation to the bytes that are held now.
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
                // A smaller reservation is never refused.
                let _ = account.resize(held.next_multiple_of(STEP));
            }
            if account.released >= STEP {
                let released = std::mem::take(&mut account.released);
                account
                    .hold
                    .replaced(usize::try_from(released).unwrap_or(usize::MAX));
            }
        }
        // Small messages such as pongs are never refused, but they count: the next larger
        // reservation fails instead.
        let _ = self.reserve(state, 0);
    }

    /// Releases the whole reservation.
    pub(super) fn release_hold(&self, state: &mut SessionState) {
        state.account = None;
        self.has_account.store(false, Ordering::Relaxed);
    }

    /// Reserves room for the memory of the next message, which is partly received.
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

    /// Releases the room for bytes written in the meantime, and returns `true` if the connection is
    /// evicted. Otherwise the task is woken when it is.
    pub(super) fn is_evicted(&self, cx: &mut Context<'_>) -> bool {
        if !self.has_account.load(Ordering::Relaxed) {
            return false;
        }
        let state = &mut *self.lock();
        self.update_hold(state);
        let account = state.account.as_ref();
        account.is_some_and(|account| account.account.poll_evicted(cx).is_ready())
    }
}
