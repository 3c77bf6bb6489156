//! What a session holds on behalf of its peer, and the room that it has for it in the budget of its listener.
//!
//! Calls until they are answered, answers and items until they are written, items of streams until they are taken,
//! and what came of the next message: all is one sum. The budget is asked in steps, so that a session with little
//! under way writes nothing that others share, and one with much does so once in a while.

use std::sync::atomic::Ordering;
use std::task::Context;

use rpc_core::Budget;
use rpc_core::budget::{Account, Hold, NoRoom};

use super::{Session, State};

/// What is taken and given back of the budget at once, in bytes.
const STEP: u64 = 64 << 10;

/// What a session holds without asking.
const FREE: u64 = Budget::FREE as u64;

/// The room that a session has in its budget, beyond what is free.
pub(super) struct Holding {
    account: Account,
    hold: Hold,
    /// How many bytes there is room for.
    room: u64,
    /// How much memory the next message has, of which a part came.
    reading: u64,
    /// How many bytes went since the budget was last told that the present ones are younger.
    gone: u64,
    /// What was held when that was last counted, and how many bytes were written by then.
    waiting: u64,
    written: u64,
}

impl Holding {
    fn resize(&mut self, bytes: u64) -> Result<(), NoRoom> {
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.hold.resize(&self.account, size)?;
        let less = self.room.saturating_sub(bytes);
        self.gone = self.gone.saturating_sub(less);
        self.room = bytes;
        Ok(())
    }
}

impl State {
    /// What is held on behalf of the other end, but for what is to be written.
    fn waiting_cost(&self) -> u64 {
        let unread = self.passed.as_ref().map_or(0, |passed| passed.unread);
        self.running + unread + self.reading()
    }

    /// How much memory the next message has, of which a part came, where that counts.
    pub(super) fn reading(&self) -> u64 {
        self.holding.as_ref().map_or(0, |holding| holding.reading)
    }

    /// Takes note of that.
    pub(super) fn set_reading(&mut self, size: usize) {
        if let Some(holding) = &mut self.holding {
            holding.reading = size as u64;
        }
    }

    /// All that is held on behalf of the other end, in bytes.
    fn held(&self) -> u64 {
        self.waiting_cost() + self.backlog()
    }
}

impl Session {
    /// Makes sure of room for so many bytes more.
    pub(super) fn reserve(&self, state: &mut State, more: u64) -> Result<(), NoRoom> {
        let wanted = state.held().saturating_add(more);
        let Some(budget) = &self.settings.budget else {
            return Ok(());
        };
        let room = state.holding.as_ref().map_or(FREE, |holding| holding.room);
        if wanted <= room {
            return Ok(());
        }
        let (waiting, written) = (state.waiting_cost(), state.written());
        let holding = state.holding.get_or_insert_with(|| {
            self.holds.store(true, Ordering::Relaxed);
            let account = budget.account();
            Box::new(Holding {
                hold: account.hold(),
                account,
                room: FREE,
                reading: 0,
                gone: 0,
                waiting,
                written,
            })
        });
        // To the next step; or to the byte, where the budget has no more.
        holding
            .resize(wanted.next_multiple_of(STEP))
            .or_else(|NoRoom { .. }| holding.resize(wanted))
    }

    /// Brings the room in line with what is held by now.
    #[inline]
    pub(super) fn settle_room(&self, state: &mut State) {
        if state.holding.is_some() || state.held() > FREE {
            self.settle_more_room(state);
        }
    }

    fn settle_more_room(&self, state: &mut State) {
        let held = state.held();
        let (waiting, written) = (state.waiting_cost(), state.written());
        if let Some(holding) = &mut state.holding {
            holding.gone += holding.waiting.saturating_sub(waiting);
            holding.gone += written.saturating_sub(holding.written);
            (holding.waiting, holding.written) = (waiting, written);
            if held <= FREE / 2 {
                self.forget_room(state);
                return;
            }
            if held + 2 * STEP < holding.room {
                // Less is never refused.
                let _ = holding.resize(held.next_multiple_of(STEP));
            }
            if holding.gone >= STEP {
                let gone = std::mem::take(&mut holding.gone);
                holding
                    .hold
                    .replaced(usize::try_from(gone).unwrap_or(usize::MAX));
            }
        }
        // Small things, such as answers to pings, are not refused; they count, and what is asked for next is.
        let _ = self.reserve(state, 0);
    }

    /// Gives all room back.
    pub(super) fn forget_room(&self, state: &mut State) {
        state.holding = None;
        self.holds.store(false, Ordering::Relaxed);
    }

    /// Takes note of how much memory the next message has, of which a part came.
    pub(super) fn read_into(&self, size: usize) -> Result<(), NoRoom> {
        self.change(|state, _| {
            let reserved = match (size as u64).checked_sub(state.reading()) {
                None | Some(0) => Ok(()),
                Some(more) => self.reserve(state, more),
            };
            if reserved.is_ok() {
                state.set_reading(size);
            }
            reserved
        })
    }

    /// Gives back the room for what was written since, and tells whether the connection is to be given up for others.
    /// The task is woken when it is.
    pub(super) fn is_evicted(&self, cx: &mut Context<'_>) -> bool {
        if !self.holds.load(Ordering::Relaxed) {
            return false;
        }
        let state = &mut *self.lock();
        self.settle_room(state);
        let holding = state.holding.as_ref();
        holding.is_some_and(|holding| holding.account.poll_evicted(cx).is_ready())
    }
}
