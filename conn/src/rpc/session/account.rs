//! The memory that a session holds on behalf of its peer, and its account in the budget of the
//! listener.
//!
//! One sum counts calls until they are answered, replies and sent items until they are written,
//! received items until the program takes them, and the received part of the next message. It is
//! reserved in steps of [`STEP`] bytes: a small session never writes to memory that sessions share,
//! and a large one rarely does.

use std::task::Context;

use farcall_core::Budget;
use farcall_core::protocol::{Account, Hold, NoRoom};

/// Granularity of reservations, in bytes.
const STEP: u64 = 64 << 10;

/// Bytes that a session holds without a reservation.
const FREE: u64 = Budget::FREE as u64;

/// The part of the budget that a session uses: nothing while it holds no more than the free bytes.
pub(super) struct SessionAccount {
    budget: Option<Budget>,
    reservation: Option<Box<Reservation>>,
}

/// Bytes that a session holds, except the part of the next message.
#[derive(Clone, Copy)]
pub(super) struct HeldBytes {
    /// Cost of the calls and items that are not processed.
    pub(super) unprocessed: u64,
    /// Bytes that wait to be written.
    pub(super) backlog: u64,
    /// Bytes written to the connection.
    pub(super) written: u64,
}

struct Reservation {
    account: Account,
    hold: Hold,
    /// Bytes of the current reservation, including the free ones.
    bytes: u64,
    /// Memory of the next message, which is partly received.
    partial_message: u64,
    /// Bytes released since the budget was last notified that newer bytes replaced older ones.
    released: u64,
    /// Unprocessed cost when `released` was last updated.
    unprocessed: u64,
    /// Written bytes when `released` was last updated.
    written: u64,
}

impl Reservation {
    fn resize(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.hold.resize(&self.account, size)?;
        let less = self.bytes.saturating_sub(bytes);
        self.released = self.released.saturating_sub(less);
        self.bytes = bytes;
        Ok(())
    }
}

impl SessionAccount {
    pub(super) const fn new(budget: Option<Budget>) -> Self {
        Self {
            budget,
            reservation: None,
        }
    }

    /// Returns `true` if the session holds more than the free bytes, so that it can be evicted.
    pub(super) const fn is_used(&self) -> bool {
        self.reservation.is_some()
    }

    /// Returns the memory of the next message, which is partly received, if it counts.
    pub(super) fn partial_message(&self) -> u64 {
        let reservation = self.reservation.as_ref();
        reservation.map_or(0, |reservation| reservation.partial_message)
    }

    /// Records the memory of the next message.
    pub(super) fn set_partial_message(&mut self, size: usize) {
        if let Some(reservation) = &mut self.reservation {
            reservation.partial_message = size as u64;
        }
    }

    fn total(&self, held: HeldBytes) -> u64 {
        held.unprocessed + self.partial_message() + held.backlog
    }

    /// Reserves room for `more` bytes.
    #[inline]
    pub(super) fn reserve(&mut self, held: HeldBytes, more: u64) -> Result<(), NoRoom> {
        let wanted = self.total(held).saturating_add(more);
        let reserved = self.reservation.as_ref().map_or(FREE, |held| held.bytes);
        if wanted <= reserved {
            return Ok(());
        }
        self.reserve_more(held, wanted)
    }

    #[cold]
    fn reserve_more(&mut self, held: HeldBytes, wanted: u64) -> Result<(), NoRoom> {
        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let reservation = self.reservation.get_or_insert_with(|| {
            let account = budget.account();
            Box::new(Reservation {
                hold: account.hold(),
                account,
                bytes: FREE,
                partial_message: 0,
                released: 0,
                unprocessed: held.unprocessed,
                written: held.written,
            })
        });
        // Rounds up to the next step, or reserves the exact size if the budget has no more.
        reservation
            .resize(wanted.next_multiple_of(STEP))
            .or_else(|NoRoom { .. }| reservation.resize(wanted))
    }

    /// Reserves room for the memory of the next message, which is partly received.
    pub(super) fn reserve_message(&mut self, held: HeldBytes, size: usize) -> Result<(), NoRoom> {
        if let Some(more @ 1..) = (size as u64).checked_sub(self.partial_message()) {
            self.reserve(held, more)?;
        }
        self.set_partial_message(size);
        Ok(())
    }

    /// Adjusts the reservation to the bytes that are held now.
    #[inline]
    pub(super) fn update(&mut self, held: HeldBytes) {
        if self.reservation.is_some() || self.total(held) > FREE {
            self.update_slow(held);
        }
    }

    fn update_slow(&mut self, held: HeldBytes) {
        let total = self.total(held);
        let unprocessed = held.unprocessed + self.partial_message();
        if let Some(reservation) = &mut self.reservation {
            reservation.released += reservation.unprocessed.saturating_sub(unprocessed);
            reservation.released += held.written.saturating_sub(reservation.written);
            (reservation.unprocessed, reservation.written) = (unprocessed, held.written);
            if total <= FREE / 2 {
                return self.release();
            }
            if total + 2 * STEP < reservation.bytes {
                // A smaller reservation is never refused.
                let _ = reservation.resize(total.next_multiple_of(STEP));
            }
            if reservation.released >= STEP {
                let released = std::mem::take(&mut reservation.released);
                let released = usize::try_from(released).unwrap_or(usize::MAX);
                reservation.hold.replaced(released);
            }
        }
        // Small messages such as pongs are never refused, but they count: the next larger
        // reservation fails instead.
        let _ = self.reserve(held, 0);
    }

    /// Releases the whole reservation.
    pub(super) fn release(&mut self) {
        self.reservation = None;
    }

    /// Returns `true` if the connection is evicted. Otherwise the task is woken when it is.
    pub(super) fn is_evicted(&self, cx: &mut Context<'_>) -> bool {
        let reservation = self.reservation.as_ref();
        reservation.is_some_and(|held| held.account.poll_evicted(cx).is_ready())
    }
}
