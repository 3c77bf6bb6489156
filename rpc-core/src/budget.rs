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
pub struct Budget(Arc<Shared>);

struct Shared {
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
    shared: Arc<Shared>,
    id: u64,
    is_evicted: AtomicBool,
    task: AtomicWaker,
}

/// What one connection holds of a [`Budget`].
///
/// It is two pointers and a lock, and takes memory of its own when the connection first holds more than
/// [`Budget::FREE`].
pub struct Account {
    shared: Arc<Shared>,
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
        Self(Arc::new(Shared {
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
            shared: Arc::clone(&self.0),
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
            let mut ledger = self.shared.ledger();
            ledger.next += 1;
            Arc::new(Entry {
                shared: Arc::clone(&self.shared),
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

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing in it panics halfway.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn take(self: &Arc<Self>, more: usize) -> Result<(), NoRoom> {
        let mut ledger = self.shared.ledger();
        if self.is_evicted.load(Ordering::Acquire) {
            return Err(NoRoom);
        }
        let now = Instant::now();
        let max = self.shared.max;
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
        let mut ledger = self.shared.ledger();
        if let Some(record) = ledger.records.get_mut(&self.id) {
            let now = Instant::now();
            let old = record.bytes.saturating_sub(bytes);
            // Which bytes went is not known: as many of each age.
            record.age = record.age_at(now) / record.bytes as u128 * old as u128;
            record.at = now;
        }
    }

    fn give_back(&self, less: usize) {
        let mut ledger = self.shared.ledger();
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
        let own = self.records.get(&except).map_or(0, |own| own.age_at(now));
        let grace = Budget::GRACE.as_nanos();
        let mut oldest: Vec<(u128, &Record)> = self
            .records
            .values()
            .filter(|record| !record.entry.is_evicted.load(Ordering::Acquire))
            .map(|record| (record.age_at(now), record))
            .filter(|(age, record)| *age > own && *age >= grace * record.bytes as u128)
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
mod tests {
    use std::task::Waker;

    use futures_util::task::noop_waker_ref;
    use tokio::time::advance;

    use super::*;

    const KIB: usize = 1 << 10;

    /// An account, and a hold of so many bytes that count.
    fn holds(budget: &Budget, bytes: usize) -> Result<(Account, Hold), NoRoom> {
        let account = budget.account();
        let mut hold = account.hold();
        hold.resize(&account, Budget::FREE + bytes)?;
        Ok((account, hold))
    }

    async fn seconds(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_bytes_are_free_and_touch_nothing() {
        let budget = Budget::new(0);
        let all: Vec<_> = (0..100).map(|_| holds(&budget, 0).unwrap()).collect();
        assert!(all.iter().all(|(account, _)| account.entry.get().is_none()));
        assert_eq!(holds(&budget, 1).unwrap_err(), NoRoom);
        let (account, hold) = holds(&budget, 0).unwrap();
        let bytes = Bytes::from(vec![1; KIB]);
        assert_eq!(hold.attach(bytes.clone()).as_ptr(), bytes.as_ptr());
        let mut cx = Context::from_waker(noop_waker_ref());
        assert!(account.poll_evicted(&mut cx).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn holds_share_what_there_is_and_give_it_back() {
        let budget = Budget::new(1000);
        let (account, mut one) = holds(&budget, 600).unwrap();
        one.resize(&account, Budget::FREE + 700).unwrap();
        one.resize(&account, Budget::FREE + 100).unwrap();
        let mut other = account.hold();
        other.resize(&account, Budget::FREE + 900).unwrap();
        assert_eq!((budget.held(), other.counted()), (1000, 900));
        assert_eq!(other.resize(&account, Budget::FREE + 901), Err(NoRoom));
        assert_eq!(other.counted(), 900, "it is as large as before");
        drop(one);
        other.resize(&account, Budget::FREE + 1000).unwrap();
        other.resize(&account, 0).unwrap();
        assert_eq!(budget.held(), 0);
        drop((other, account));
        assert_eq!(budget.0.ledger().records.len(), 0);
        assert_eq!(budget.clone().0.ledger().leaving, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_hold_their_room_until_the_last_slice_is_gone() {
        let budget = Budget::new(1000);
        let (_account, hold) = holds(&budget, 600).unwrap();
        let bytes = hold.attach(Bytes::from_static(b"a reply"));
        let slice = bytes.slice(2..);
        drop(bytes);
        assert_eq!((budget.held(), slice.as_ref()), (600, &b"reply"[..]));
        drop(slice);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_has_held_the_most_for_the_longest_goes() {
        let budget = Budget::new(1000);
        let long = holds(&budget, 100).unwrap();
        seconds(10).await;
        let most = holds(&budget, 500).unwrap();
        seconds(3).await;
        let fresh = holds(&budget, 400).unwrap();
        let new = holds(&budget, 100).unwrap();
        assert!(most.0.is_evicted(), "500 bytes for 3 s");
        assert!(!long.0.is_evicted() && !fresh.0.is_evicted());
        assert_eq!(budget.held(), 600, "its room is there at once");
        drop(most);
        // There are 400 left; then the next one goes.
        let last = holds(&budget, 400).unwrap();
        assert!(!long.0.is_evicted());
        let another = holds(&budget, 50).unwrap();
        assert!(long.0.is_evicted());
        drop((long, fresh, new, last, another));
        let ledger = budget.0.ledger();
        assert_eq!((ledger.held, ledger.leaving), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_fresh_ones_refuses_the_newcomer() {
        let budget = Budget::new(1000);
        let burst: Vec<_> = (0..10).map(|_| holds(&budget, 100).unwrap()).collect();
        advance(Budget::GRACE - Duration::from_nanos(1)).await;
        assert!(holds(&budget, 1).is_err());
        assert!(burst.iter().all(|(account, _)| !account.is_evicted()));
        advance(Duration::from_nanos(1)).await;
        let new = holds(&budget, 150).unwrap();
        let evicted = burst.iter().filter(|(account, _)| account.is_evicted());
        assert_eq!(evicted.count(), 2, "as many as are needed");
        // The others would make room for this, but not for that.
        assert!(holds(&budget, 901).is_err());
        assert!(holds(&budget, 1001).is_err());
        drop(new);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_held_the_most_for_the_longest_takes_no_room_of_others() {
        let budget = Budget::new(1000);
        let (account, mut hold) = holds(&budget, 900).unwrap();
        seconds(5).await;
        let (other, _hold) = holds(&budget, 100).unwrap();
        seconds(5).await;
        assert_eq!(hold.resize(&account, Budget::FREE + 901), Err(NoRoom));
        assert!(!account.is_evicted() && !other.is_evicted());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_moves_on_stays_young() {
        let budget = Budget::new(1000);
        let (busy, mut queue) = holds(&budget, 600).unwrap();
        let (stuck, _stuck) = holds(&budget, 200).unwrap();
        for _ in 0..1000 {
            // Each byte is gone after 6 seconds, on average.
            seconds(1).await;
            queue.resize(&busy, Budget::FREE + 500).unwrap();
            queue.resize(&busy, Budget::FREE + 600).unwrap();
        }
        let _new = holds(&budget, 300).unwrap();
        assert!(stuck.is_evicted() && !busy.is_evicted());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_says_what_moved_on_stays_young_too() {
        let budget = Budget::new(1000);
        let (busy, mut queue) = holds(&budget, 600).unwrap();
        let (stuck, _stuck) = holds(&budget, 200).unwrap();
        for _ in 0..1000 {
            seconds(1).await;
            queue.replaced(100);
        }
        let _new = holds(&budget, 300).unwrap();
        assert!(stuck.is_evicted() && !busy.is_evicted());
        // More than it counts is all.
        queue.replaced(usize::MAX);
        assert_eq!(budget.0.ledger().records[&busy.entry().id].age, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_told_to_go_gets_nothing_and_is_woken() {
        struct Count(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(0.into()));
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let budget = Budget::new(1000);
        let (account, mut hold) = holds(&budget, 1000).unwrap();
        assert!(account.poll_evicted(&mut cx).is_pending());
        seconds(2).await;
        let new = holds(&budget, 500).unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(account.poll_evicted(&mut cx).is_ready());
        // What it still has is no room for others, nor for itself.
        hold.resize(&account, Budget::FREE + 10).unwrap();
        assert_eq!(hold.resize(&account, Budget::FREE + 11), Err(NoRoom));
        assert_eq!((budget.held(), budget.0.ledger().leaving), (500, 10));
        drop((hold, new));
        assert!(account.is_evicted(), "for good");
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_do_not_go_are_not_made_up_for_without_end() {
        let budget = Budget::new(1000);
        let mut all = Vec::new();
        for _ in 0..10 {
            all.extend(holds(&budget, 1000).ok());
            seconds(2).await;
        }
        assert_eq!(all.len(), 2, "twice the budget");
    }

    #[test]
    fn faults_say_whether_the_call_ran() {
        assert!(NoRoom.of_request().kind().is_refusal());
        assert!(!NoRoom.of_reply().kind().is_refusal());
    }
}
