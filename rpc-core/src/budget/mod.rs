//! A limit on the memory that a process holds on behalf of its peers, whatever the protocol.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hashbrown::HashMap;
use tokio::time::Instant;

#[cfg(feature = "metrics")]
use crate::counts::Living;
use crate::counts::{Refusal, refused};
use crate::fault::{Fault, FaultKind};

#[cfg(feature = "metrics")]
static BUDGETS: Living<BudgetState> = Living::new();

/// Limits the bytes held on behalf of peers: requests from their first byte until they are
/// answered, replies until their last byte is written.
///
/// One budget can be shared by all servers of a process: clones share their state. Each connection
/// has an [`Account`] with it, and a [`Hold`] for each request, reply or queue. The first
/// [`FREE`](Self::FREE) bytes of each hold are not counted and write no memory that connections
/// share. Small calls are therefore always answered, whatever large ones there are, and cost the
/// same as without a budget.
///
/// # When the budget is spent
///
/// A further hold evicts other connections: first the one that has held the most for the longest,
/// which is the one with the greatest sum of the ages of its bytes. Its [`Account::poll_evicted`]
/// becomes ready, and the task that serves it closes it. A connection is not evicted if its bytes
/// are younger than [`GRACE`](Self::GRACE) on average, or if the sum of their ages is not above
/// that of the connection that requests the hold. If evicting all others would free too few bytes,
/// no connection is evicted, and the hold is refused with [`NoRoom`]. A burst of large requests
/// therefore fails the last of them, not those that are already being served.
///
/// The bytes of an evicted connection are available to the next hold at once, but its memory is
/// only freed when its task has dropped it. Until then, up to twice the budget can be in use.
///
/// ```
/// use farcall::Budget;
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
/// # Ok::<(), farcall::protocol::NoRoom>(())
/// ```
#[derive(Clone)]
pub struct Budget(Arc<BudgetState>);

struct BudgetState {
    max: usize,
    ledger: Mutex<Ledger>,
}

/// The bytes held by all connections.
#[derive(Default)]
struct Ledger {
    /// The bytes of connections that were not evicted.
    held: usize,
    /// The bytes that evicted connections have not yet released.
    evicted: usize,
    records: HashMap<u64, Record, foldhash::fast::FixedState>,
    next: u64,
}

/// The bytes held by one connection.
struct Record {
    bytes: usize,
    /// The sum of the ages of all bytes in nanoseconds, as of `at`.
    age: u128,
    /// The time at which `age` was computed.
    at: Instant,
    entry: Arc<Entry>,
}

/// The state that a connection shares with the budget from its first counted byte.
struct Entry {
    budget: Arc<BudgetState>,
    id: u64,
    is_evicted: AtomicBool,
    task: AtomicWaker,
}

/// The share of a [`Budget`] that one connection uses.
///
/// It consists of two pointers and a lock, and allocates only when the connection first holds more
/// than [`Budget::FREE`].
pub struct Account {
    budget: Arc<BudgetState>,
    entry: OnceLock<Arc<Entry>>,
}

/// One reservation in a [`Budget`]: a request, a reply, or a queue. Its bytes are released on drop.
#[derive(Default)]
#[must_use = "the reserved bytes are released when this is dropped"]
pub struct Hold {
    entry: Option<Arc<Entry>>,
    counted: usize,
}

/// The error of a [`Hold`] that does not fit into its [`Budget`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("no room beside the bytes that are held for other peers")]
#[non_exhaustive]
pub struct NoRoom;

impl Budget {
    /// The first bytes of each [`Hold`], which are not counted: 64 KiB.
    pub const FREE: usize = 64 << 10;

    /// The minimum average age of a connection's bytes before it can be evicted: one second, in
    /// which a reply of some megabytes is written to a peer that reads it.
    pub const GRACE: Duration = Duration::from_secs(1);

    /// Returns a budget of `bytes` bytes.
    ///
    /// A single request or reply that is larger is always refused, so a server's limits of one
    /// request and of one reply should be smaller.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let state = Arc::new(BudgetState {
            max: bytes,
            ledger: Mutex::default(),
        });
        #[cfg(feature = "metrics")]
        BUDGETS.add(&state);
        Self(state)
    }

    /// Returns all budgets of this process.
    #[cfg(feature = "metrics")]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        BUDGETS.all().into_iter().map(Self)
    }

    /// The maximum number of bytes that can be held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.max
    }

    /// The number of bytes that are held now, without those of evicted connections.
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
    /// Returns a budget of 64 MiB: room for a few of the largest requests or replies that servers
    /// allow by default, and affordable on small machines.
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
    /// Returns an empty hold.
    pub const fn hold(&self) -> Hold {
        Hold {
            entry: None,
            counted: 0,
        }
    }

    /// Returns `true` if the connection was evicted: the task that serves it must close it and drop
    /// its holds.
    #[must_use]
    pub fn is_evicted(&self) -> bool {
        let entry = self.entry.get();
        entry.is_some_and(|entry| entry.is_evicted.load(Ordering::Acquire))
    }

    /// Completes when the connection is evicted, and wakes the task that polled last.
    ///
    /// While the connection has never held a counted byte, this is nearly free and stores no waker.
    /// The task that serves the connection must therefore poll again after the first such byte.
    pub fn poll_evicted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(entry) = self.entry.get() else {
            return Poll::Pending;
        };
        entry.task.register(cx.waker());
        if entry.is_evicted.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
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
    /// Resizes the hold to `bytes` bytes, in the account of the first call that counted any.
    ///
    /// # Errors
    /// If the budget has no room for more bytes; the size is unchanged then. Shrinking never fails.
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

    /// Records that `bytes` of the counted bytes were replaced by new ones, whose age starts at
    /// zero. For a queue that is resized only occasionally.
    pub fn replaced(&mut self, bytes: usize) {
        if let Some(entry) = &self.entry
            && self.counted > 0
        {
            entry.renew(bytes.min(self.counted));
        }
    }

    /// The number of bytes counted against the budget: those beyond the first [`Budget::FREE`].
    #[must_use]
    pub const fn counted(&self) -> usize {
        self.counted
    }

    /// Returns the same bytes, which keep the hold until the last clone or slice of them is
    /// dropped.
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
    /// The fault for a caller whose request found no room: the call did not run.
    #[must_use]
    pub fn of_request(self) -> Fault {
        refused(Refusal::Budget);
        let message = "the memory budget of the server is spent";
        Fault::of(FaultKind::Overloaded, message)
    }

    /// The fault for a caller whose reply found no room. Its kind is not
    /// [`Overloaded`](FaultKind::Overloaded), which would mean that the call did not run.
    #[must_use]
    pub fn of_reply(self) -> Fault {
        refused(Refusal::Budget);
        let message = "the call ran, but the memory budget of the server is spent: \
                       there is no room for the reply";
        Fault::of(FaultKind::Internal, message)
    }
}

impl BudgetState {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // No code panics halfway through a change of the ledger.
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
            // It is unknown which bytes left the queue: the same share of every age is assumed.
            record.age = record.age_at(now) / record.bytes as u128 * old as u128;
            record.at = now;
        }
    }

    fn give_back(&self, less: usize) {
        let mut ledger = self.budget.ledger();
        let Ledger {
            held,
            evicted,
            records,
            ..
        } = &mut *ledger;
        let total = if self.is_evicted.load(Ordering::Acquire) {
            evicted
        } else {
            held
        };
        *total = total.saturating_sub(less);
        let Some(record) = records.get_mut(&self.id) else {
            return;
        };
        let remaining = record.bytes.saturating_sub(less);
        if remaining == 0 {
            records.remove(&self.id);
            return;
        }
        // It is unknown which bytes were released: the same share of every age is assumed.
        let now = Instant::now();
        record.age = record.age_at(now) / record.bytes as u128 * remaining as u128;
        record.at = now;
        record.bytes = remaining;
    }
}

impl Ledger {
    /// Marks connections as evicted, in descending order of their total age, until `missing` bytes
    /// are free. Returns them, so that they can be woken.
    ///
    /// # Errors
    /// If too few bytes would become free, or evicted connections would hold more than the budget.
    /// No connection is evicted then.
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
        let mut entries = Vec::new();
        for (_, record) in oldest {
            free += record.bytes;
            entries.push(Arc::clone(&record.entry));
            if free >= missing {
                break;
            }
        }
        if free < missing || self.evicted.saturating_add(free) > max {
            return Err(NoRoom);
        }
        for entry in &entries {
            entry.is_evicted.store(true, Ordering::Release);
            refused(Refusal::Evicted);
        }
        self.held -= free;
        self.evicted += free;
        Ok(entries)
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
