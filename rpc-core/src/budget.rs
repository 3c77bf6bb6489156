//! Memory for what a process holds on behalf of its peers: requests and replies, whatever the protocol.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hashbrown::HashMap;
use tokio::time::Instant;

use crate::fault::{Fault, FaultKind};

/// Limits the bytes that are held on behalf of peers: requests from their first byte until they are answered, replies
/// until their last byte is written.
///
/// One budget can be shared by all servers of a process: clones are one and the same. Each connection has an
/// [`Account`] with it, and a [`Hold`] for each thing that it holds. The first [`FREE`](Self::FREE) bytes of each hold
/// do not count and write no memory that connections share, so small calls are answered whatever large ones there are,
/// and cost what they cost without a budget.
///
/// # When it is spent
///
/// A further hold takes the place of those of other connections: the one goes first that has held the most for the
/// longest, which is the one with the greatest sum of the ages of its bytes. Its [`Account::poll_evicted`] is ready, and
/// whoever serves it closes it. Connections whose bytes are younger than [`GRACE`](Self::GRACE) on average stay, and so
/// do those that have held less for a shorter time than the one that asks: if those that remain make too little room,
/// nobody goes, and the hold is refused with [`NoRoom`]. So a burst of large requests costs its latecomers, and not those
/// that are being answered.
///
/// The room of a connection that goes is given to the next at once, and its memory is free when its task has dropped
/// it: for this moment, up to twice the budget can be in use.
///
/// ```
/// use rpc_core::Budget;
///
/// let budget = Budget::new(1 << 20);
/// let account = budget.account();
/// let mut request = account.hold();
/// request.resize(&account, 500_000)?;
/// assert_eq!(budget.held(), 500_000 - Budget::FREE);
/// let other = budget.account();
/// assert!(other.hold().resize(&other, 1_000_000).is_err());
/// drop(request);
/// assert_eq!(budget.held(), 0);
/// # Ok::<(), rpc_core::budget::NoRoom>(())
/// ```
#[derive(Clone)]
pub struct Budget(Arc<BudgetState>);

struct BudgetState {
    max: usize,
    ledger: Mutex<Ledger>,
}

/// Who holds how much.
#[derive(Default)]
struct Ledger {
    /// The bytes of those that stay.
    held: usize,
    /// The bytes of those that were told to go.
    leaving: usize,
    records: HashMap<u64, Record, foldhash::fast::FixedState>,
    next: u64,
}

/// What one connection holds.
struct Record {
    bytes: usize,
    /// The sum of how many nanoseconds each of the bytes has been held.
    age: u128,
    /// When that was the sum.
    at: Instant,
    entry: Arc<Entry>,
}

/// What a connection that holds anything shares with the budget.
struct Entry {
    budget: Arc<BudgetState>,
    id: u64,
    is_evicted: AtomicBool,
    task: AtomicWaker,
}

/// What one connection holds of a [`Budget`].
///
/// It is two pointers and a lock, and takes memory of its own when the connection first holds more than
/// [`Budget::FREE`].
pub struct Account {
    budget: Arc<BudgetState>,
    entry: OnceLock<Arc<Entry>>,
}

/// One thing that is held: a request, a reply, or a queue. What it counts is given back when it is dropped.
#[derive(Default)]
#[must_use = "what is held is given back when this is dropped"]
pub struct Hold {
    entry: Option<Arc<Entry>>,
    counted: usize,
}

/// The error of a [`Hold`] for which a [`Budget`] has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for it beside what is held for other peers")]
#[non_exhaustive]
pub struct NoRoom;

impl Budget {
    /// The bytes of each [`Hold`] that do not count: 64 KiB.
    pub const FREE: usize = 64 << 10;

    /// How long the bytes of a connection stay on average before it can be told to go: one second, in which a reply
    /// of some megabytes is written to a peer that reads it.
    pub const GRACE: Duration = Duration::from_secs(1);

    /// Returns a budget of so many bytes.
    ///
    /// What is larger than that on its own is never held: a server's limits of one request and one reply belong
    /// below it.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(BudgetState {
            max: bytes,
            ledger: Mutex::default(),
        }))
    }

    /// The number of bytes that can be held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.max
    }

    /// The number of bytes that are held now, without those of connections that were told to go.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.ledger().held
    }

    /// Returns an account for one more connection.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {
            budget: Arc::clone(&self.0),
            entry: OnceLock::new(),
        }
    }
}

impl Default for Budget {
    /// A budget of 64 MiB: a few of the largest requests or replies that servers allow by default, and memory that
    /// small machines have as well.
    fn default() -> Self {
        Self::new(64 << 20)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("bytes", &self.0.max)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Returns a hold of nothing yet.
    pub const fn hold(&self) -> Hold {
        Hold {
            entry: None,
            counted: 0,
        }
    }

    /// Whether the connection was told to go: whoever serves it closes it, and drops what it holds.
    #[must_use]
    pub fn is_evicted(&self) -> bool {
        let entry = self.entry.get();
        entry.is_some_and(|entry| entry.is_evicted.load(Ordering::Acquire))
    }

    /// Is ready when the connection was told to go, and wakes the task that asked last.
    ///
    /// It costs next to nothing while the connection has never held anything that counts, and then keeps no waker: the
    /// task that serves the connection has to ask again after it held more.
    pub fn poll_evicted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(entry) = self.entry.get() else {
            return Poll::Pending;
        };
        entry.task.register(cx.waker());
        match entry.is_evicted.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn entry(&self) -> &Arc<Entry> {
        self.entry.get_or_init(|| {
            let mut ledger = self.budget.ledger();
            ledger.next += 1;
            Arc::new(Entry {
                budget: Arc::clone(&self.budget),
                id: ledger.next,
                is_evicted: AtomicBool::new(false),
                task: AtomicWaker::new(),
            })
        })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("is_evicted", &self.is_evicted())
            .finish_non_exhaustive()
    }
}

impl Hold {
    /// Makes it a hold of so many bytes of this account, or of the account that it was first of.
    ///
    /// # Errors
    /// If there is no room for more; it is as large as before then. Less is never an error.
    pub fn resize(&mut self, account: &Account, bytes: usize) -> Result<(), NoRoom> {
        let wanted = bytes.saturating_sub(Budget::FREE);
        if wanted == self.counted {
            return Ok(());
        }
        let entry = self
            .entry
            .get_or_insert_with(|| Arc::clone(account.entry()));
        if wanted > self.counted {
            entry.take(wanted - self.counted)?;
        } else {
            entry.give_back(self.counted - wanted);
        }
        self.counted = wanted;
        Ok(())
    }

    /// Takes note that so many of the bytes that it counts went and others came in their place, which are young. For a
    /// queue that is resized only now and then.
    pub fn replaced(&mut self, bytes: usize) {
        if let Some(entry) = &self.entry
            && self.counted > 0
        {
            entry.renew(bytes.min(self.counted));
        }
    }

    /// The number of bytes that it counts: those beyond the first [`Budget::FREE`].
    #[must_use]
    pub const fn counted(&self) -> usize {
        self.counted
    }

    /// Returns the same bytes, which hold this until the last copy and slice of them is dropped.
    #[must_use]
    pub fn attach(self, bytes: Bytes) -> Bytes {
        struct Held {
            bytes: Bytes,
            _hold: Hold,
        }

        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.bytes
            }
        }

        if self.counted == 0 {
            return bytes;
        }
        Bytes::from_owner(Held { bytes, _hold: self })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(entry) = &self.entry
            && self.counted > 0
        {
            entry.give_back(self.counted);
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}

impl NoRoom {
    /// The fault for the caller whose request found no room: the call did not run.
    #[must_use]
    pub fn of_request(self) -> Fault {
        let message = "the server holds as much for its peers as it can";
        Fault::of(FaultKind::Overloaded, message)
    }

    /// The fault for the caller whose reply found no room. It does not say [`Overloaded`](FaultKind::Overloaded), which
    /// means that the call did not run.
    #[must_use]
    pub fn of_reply(self) -> Fault {
        let message = "the call ran, but the server holds as much for its peers as it can: \
                       there is no room for the reply";
        Fault::of(FaultKind::Internal, message)
    }
}

impl BudgetState {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing in it panics halfway.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn take(self: &Arc<Self>, more: usize) -> Result<(), NoRoom> {
        let mut ledger = self.budget.ledger();
        if self.is_evicted.load(Ordering::Acquire) {
            return Err(NoRoom);
        }
        let now = Instant::now();
        let max = self.budget.max;
        let wanted = ledger.held.saturating_add(more);
        let evicted = match wanted.checked_sub(max) {
            None | Some(0) => Vec::new(),
            Some(_) if more > max => return Err(NoRoom),
            Some(missing) => ledger.evict(missing, max, self.id, now)?,
        };
        ledger.held += more;
        let record = ledger.records.entry(self.id).or_insert_with(|| Record {
            bytes: 0,
            age: 0,
            at: now,
            entry: Arc::clone(self),
        });
        record.age = record.age_at(now);
        record.at = now;
        record.bytes += more;
        drop(ledger);
        for entry in evicted {
            entry.task.wake();
        }
        Ok(())
    }

    fn renew(&self, bytes: usize) {
        let mut ledger = self.budget.ledger();
        if let Some(record) = ledger.records.get_mut(&self.id) {
            let now = Instant::now();
            let old = record.bytes.saturating_sub(bytes);
            // Which bytes went is not known: as many of each age.
            record.age = record.age_at(now) / record.bytes as u128 * old as u128;
            record.at = now;
        }
    }

    fn give_back(&self, less: usize) {
        let mut ledger = self.budget.ledger();
        let Ledger {
            held,
            leaving,
            records,
            ..
        } = &mut *ledger;
        let total = match self.is_evicted.load(Ordering::Acquire) {
            true => leaving,
            false => held,
        };
        *total = total.saturating_sub(less);
        let Some(record) = records.get_mut(&self.id) else {
            return;
        };
        let left = record.bytes.saturating_sub(less);
        if left == 0 {
            records.remove(&self.id);
            return;
        }
        // Which bytes go is not known: as many of each age.
        let now = Instant::now();
        record.age = record.age_at(now) / record.bytes as u128 * left as u128;
        record.at = now;
        record.bytes = left;
    }
}

impl Ledger {
    /// Tells connections to go, those first that have held the most for the longest, until so many bytes are free.
    ///
    /// # Errors
    /// If they would not become free. Nobody is told then.
    fn evict(
        &mut self,
        missing: usize,
        max: usize,
        except: u64,
        now: Instant,
    ) -> Result<Vec<Arc<Entry>>, NoRoom> {
        let own_age = self.records.get(&except).map_or(0, |own| own.age_at(now));
        let grace = Budget::GRACE.as_nanos();
        let mut oldest: Vec<(u128, &Record)> = self
            .records
            .values()
            .filter(|record| !record.entry.is_evicted.load(Ordering::Acquire))
            .map(|record| (record.age_at(now), record))
            .filter(|(age, record)| *age > own_age && *age >= grace * record.bytes as u128)
            .collect();
        oldest.sort_unstable_by_key(|(age, _)| std::cmp::Reverse(*age));
        let mut free = 0;
        let mut evicted = Vec::new();
        for (_, record) in oldest {
            free += record.bytes;
            evicted.push(Arc::clone(&record.entry));
            if free >= missing {
                break;
            }
        }
        if free < missing || self.leaving.saturating_add(free) > max {
            return Err(NoRoom);
        }
        for entry in &evicted {
            entry.is_evicted.store(true, Ordering::Release);
        }
        self.held -= free;
        self.leaving += free;
        Ok(evicted)
    }
}

impl Record {
    fn age_at(&self, now: Instant) -> u128 {
        let since = now.saturating_duration_since(self.at).as_nanos();
        self.age + since * self.bytes as u128
    }
}

#[cfg(test)]
mod tests;
