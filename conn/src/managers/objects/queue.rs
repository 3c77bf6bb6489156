//! Queues: `queue.Queue`, `LifoQueue` and `PriorityQueue`.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::sync::{Arc, Mutex};

use farcall_pickle::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, Semaphore as Permits, TryAcquireError};

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, Stored, block_on, compare, debug_by_repr,
    encode, is_true, lock, names, no_method, timeout_of, within,
};
use crate::managers::wire::Exception;

/// The exception of a queue that is shut down. CPython has it from 3.13 on.
const SHUT_DOWN: &str = "queue.ShutDown";

/// Order in which a [`Queue`] gives its items out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// First in, first out: `queue.Queue`.
    #[default]
    Fifo,
    /// Last in, first out: `queue.LifoQueue`.
    Lifo,
    /// The least first: `queue.PriorityQueue`. Items are numbers, texts, bytes, and tuples and
    /// lists of these.
    Priority,
}

/// Queue of values, as `queue.Queue` in Python. Items stay pickled from `put` to `get`.
///
/// Those who wait are served in the order in which they came.
///
/// ```
/// use farcall::conn::managers::Queue;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), farcall::conn::managers::Exception> {
/// let jobs = Queue::new(0);
/// jobs.put(&("resize", 640)).await?;
/// assert_eq!(jobs.len(), 1);
/// assert_eq!(jobs.get::<(String, u32)>().await?, ("resize".to_owned(), 640));
/// assert_eq!(jobs.try_get::<(String, u32)>()?, None);
/// # Ok(())
/// # }
/// ```
pub struct Queue {
    items: Mutex<QueuedItems>,
    /// Maximum number of items; 0 for any number.
    maxsize: usize,
    /// One permit for each item that nobody has taken.
    available: Permits,
    /// One permit for each item that may still be added.
    room: Permits,
    unfinished: AtomicUsize,
    finished: Notify,
}

enum QueuedItems {
    Fifo(VecDeque<Stored>),
    Lifo(Vec<Stored>),
    Priority(BinaryHeap<Ranked>, u64),
}

/// Item of a priority queue: the least is the greatest of the heap.
struct Ranked {
    rank: Value,
    /// Number of the item, so that equal ones keep their order.
    number: u64,
    item: Stored,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = compare(&other.rank, &self.rank).unwrap_or(Ordering::Equal);
        order.then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl QueuedItems {
    fn len(&self) -> usize {
        match self {
            Self::Fifo(items) => items.len(),
            Self::Lifo(items) => items.len(),
            Self::Priority(items, _) => items.len(),
        }
    }

    fn pop(&mut self) -> Option<Stored> {
        match self {
            Self::Fifo(items) => items.pop_front(),
            Self::Lifo(items) => items.pop(),
            Self::Priority(items, _) => items.pop().map(|ranked| ranked.item),
        }
    }
}

impl Queue {
    /// Creates a queue of at most `maxsize` items; 0 means any number.
    #[must_use]
    pub fn new(maxsize: usize) -> Arc<Self> {
        Self::with_order(maxsize, QueueOrder::Fifo)
    }

    /// Creates a queue with another order.
    #[must_use]
    pub fn with_order(maxsize: usize, order: QueueOrder) -> Arc<Self> {
        let items = match order {
            QueueOrder::Fifo => QueuedItems::Fifo(VecDeque::new()),
            QueueOrder::Lifo => QueuedItems::Lifo(Vec::new()),
            QueueOrder::Priority => QueuedItems::Priority(BinaryHeap::new(), 0),
        };
        let maxsize = maxsize.min(Permits::MAX_PERMITS);
        Arc::new(Self {
            items: Mutex::new(items),
            maxsize,
            available: Permits::new(0),
            room: Permits::new(maxsize),
            unfinished: AtomicUsize::new(0),
            finished: Notify::new(),
        })
    }

    pub(crate) fn create(call: &mut MethodCall, order: QueueOrder) -> Raises<Arc<Self>> {
        let [maxsize] = call.bind(["maxsize"], 0)?;
        let maxsize = match maxsize {
            None => 0,
            Some(maxsize) => maxsize.value()?.as_i64().ok_or_else(|| {
                Exception::with_text("TypeError", "the maxsize of a queue must be an int")
            })?,
        };
        Ok(Self::with_order(
            usize::try_from(maxsize).unwrap_or(0),
            order,
        ))
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.items).len()
    }

    /// Returns `true` if there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an item. Waits while the queue is full.
    ///
    /// # Errors
    /// `TypeError` if the value cannot be pickled, or cannot be ordered by a priority queue;
    /// `queue.ShutDown` if the queue is [shut down](Self::shutdown).
    ///
    /// # Cancel safety
    /// The item is either added or not.
    pub async fn put<T: Serialize + ?Sized>(&self, item: &T) -> Result<(), Exception> {
        let item = encode(item)?.into();
        self.store(item, true, None).await
    }

    /// Takes the next item. Waits while there is none.
    ///
    /// # Errors
    /// `TypeError` if the item is not a `T`; it is taken then. `queue.ShutDown` if the queue is
    /// [shut down](Self::shutdown) and empty.
    ///
    /// # Cancel safety
    /// No item is lost.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<T, Exception> {
        self.take(None).await?.decode()
    }

    /// Takes the next item, if there is one.
    ///
    /// # Errors
    /// As with [`get`](Self::get).
    pub fn try_get<T: DeserializeOwned>(&self) -> Result<Option<T>, Exception> {
        match self.try_take() {
            Some(item) => item?.decode().map(Some),
            None => Ok(None),
        }
    }

    /// Shuts the queue down, as `Queue.shutdown` of CPython 3.13 does: nothing can be added any
    /// more, and those who wait for room fail. Items that are left can be taken, unless it is
    /// `immediate`: then they are dropped, and counted as done.
    pub fn shutdown(&self, immediate: bool) {
        let mut dropped = Vec::new();
        {
            let mut items = lock(&self.items);
            self.available.close();
            self.room.close();
            if immediate {
                dropped.extend(std::iter::from_fn(|| items.pop()));
            }
        }
        let done = |count: usize| Some(count.saturating_sub(dropped.len()));
        // It never fails: there always is a new number.
        let _ = self
            .unfinished
            .fetch_update(Atomic::AcqRel, Atomic::Acquire, done);
        if immediate {
            self.finished.notify_waiters();
        }
    }

    /// Adds an item like [`put`](Self::put), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// As with [`put`](Self::put), or `RuntimeError` within async code.
    pub fn blocking_put<T: Serialize + ?Sized>(&self, item: &T) -> Result<(), Exception> {
        block_on(self.put(item))?
    }

    /// Takes an item like [`get`](Self::get), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// As with [`get`](Self::get), or `RuntimeError` within async code.
    pub fn blocking_get<T: DeserializeOwned>(&self) -> Result<T, Exception> {
        block_on(self.get())?
    }

    async fn store(&self, item: Stored, block: bool, timeout: Option<f64>) -> Raises<()> {
        // Before it waits, since it fails in any case.
        let rank = self.rank(&item)?;
        if self.maxsize > 0 {
            let permit = if block {
                match within(timeout, self.room.acquire()).await {
                    Some(permit) => permit.ok(),
                    None => None,
                }
            } else {
                self.room.try_acquire().ok()
            };
            permit.ok_or_else(|| self.refusal("queue.Full"))?.forget();
        }
        let mut items = lock(&self.items);
        if self.available.is_closed() {
            return Err(Exception::new(SHUT_DOWN));
        }
        match &mut *items {
            QueuedItems::Fifo(items) => items.push_back(item),
            QueuedItems::Lifo(items) => items.push(item),
            QueuedItems::Priority(items, number) => {
                items.push(Ranked {
                    rank: rank.unwrap_or_default(),
                    number: *number,
                    item,
                });
                *number += 1;
            }
        }
        self.unfinished.fetch_add(1, Atomic::AcqRel);
        self.available.add_permits(1);
        Ok(())
    }

    /// Returns the rank of an item of a priority queue, which must have an order.
    fn rank(&self, item: &Stored) -> Raises<Option<Value>> {
        let QueuedItems::Priority(items, _) = &*lock(&self.items) else {
            return Ok(None);
        };
        let rank = item.value()?;
        // An opcode of one byte may be a value.
        item.charge(item.raw().code().len().saturating_mul(size_of::<Value>()))?;
        if let Some(other) = items.peek() {
            compare(&rank, &other.rank)?;
        }
        Ok(Some(rank))
    }

    async fn take(&self, timeout: Option<f64>) -> Raises<Stored> {
        match within(timeout, self.available.acquire()).await {
            Some(Ok(permit)) => permit.forget(),
            // The items that are left once it is shut down have no permits.
            Some(Err(_)) => {}
            None => return Err(Exception::new("queue.Empty")),
        }
        self.pop()
    }

    /// Takes the next item, if there is one, or fails as a queue that is shut down.
    fn try_take(&self) -> Option<Raises<Stored>> {
        match self.available.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(TryAcquireError::NoPermits) => return None,
            Err(TryAcquireError::Closed) => {}
        }
        Some(self.pop())
    }

    /// Takes the item that a permit is for.
    fn pop(&self) -> Raises<Stored> {
        let item = lock(&self.items).pop();
        if self.maxsize > 0 && item.is_some() {
            self.room.add_permits(1);
        }
        item.ok_or_else(|| self.refusal("queue.Empty"))
    }

    /// Returns the exception for a queue without items or room, unless it is shut down.
    fn refusal(&self, class: &str) -> Exception {
        let is_shut_down = self.available.is_closed();
        Exception::new(if is_shut_down { SHUT_DOWN } else { class })
    }

    fn task_done(&self) -> Raises<()> {
        let counted = self
            .unfinished
            .fetch_update(Atomic::AcqRel, Atomic::Acquire, |count| {
                count.checked_sub(1)
            });
        match counted {
            Ok(1) => self.finished.notify_waiters(),
            Ok(_) => {}
            Err(_) => {
                let text = "task_done() called too many times";
                return Err(Exception::with_text("ValueError", text));
            }
        }
        Ok(())
    }

    async fn join(&self) {
        loop {
            let finished = self.finished.notified();
            if self.unfinished.load(Atomic::Acquire) == 0 {
                return;
            }
            finished.await;
        }
    }

    fn is_full(&self) -> bool {
        self.maxsize > 0 && self.len() >= self.maxsize
    }

    fn get_by(self: Arc<Self>, block: bool, timeout: Option<f64>) -> Raises<Answer> {
        // Most often there is an item.
        match self.try_take() {
            Some(item) => Answer::stored(item?),
            None if block => {
                Answer::later(async move { self.take(timeout).await.map(Outcome::Value) })
            }
            None => Err(Exception::new("queue.Empty")),
        }
    }

    fn put_by(self: Arc<Self>, item: Stored, block: bool, timeout: Option<f64>) -> Raises<Answer> {
        Answer::later(async move {
            self.store(item, block, timeout).await?;
            Outcome::none()
        })
    }
}

/// Returns the two arguments `block` and `timeout`.
fn waiting(block: Option<&Stored>, timeout: Option<&Stored>) -> Raises<(bool, Option<f64>)> {
    let block = match block {
        Some(block) => is_true(&block.value()?),
        None => true,
    };
    let timeout = timeout_of(timeout)?;
    if block && timeout.is_some_and(|timeout| timeout < 0.0) {
        let text = "'timeout' must be a non-negative number";
        return Err(Exception::with_text("ValueError", text));
    }
    Ok((block, timeout))
}

impl SharedObject for Queue {
    fn exposed(&self) -> Vec<String> {
        names(&[
            "empty",
            "full",
            "get",
            "get_nowait",
            "join",
            "put",
            "put_nowait",
            "qsize",
            "shutdown",
            "task_done",
        ])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "put" => {
                let [item, block, timeout] = call.bind(["item", "block", "timeout"], 1)?;
                let (block, timeout) = waiting(block.as_ref(), timeout.as_ref())?;
                self.put_by(item.unwrap_or_default(), block, timeout)
            }
            "put_nowait" => {
                let [item] = call.bind_all(["item"])?;
                self.put_by(item, false, None)
            }
            "get" => {
                let [block, timeout] = call.bind(["block", "timeout"], 0)?;
                let (block, timeout) = waiting(block.as_ref(), timeout.as_ref())?;
                self.get_by(block, timeout)
            }
            "get_nowait" => {
                call.bind_none()?;
                self.get_by(false, None)
            }
            "join" => Answer::later(async move {
                self.join().await;
                Outcome::none()
            }),
            "task_done" => {
                call.bind_none()?;
                self.task_done()?;
                Answer::none()
            }
            "shutdown" => {
                let [immediate] = call.bind(["immediate"], 0)?;
                let immediate = immediate.map(|immediate| immediate.value()).transpose()?;
                self.shutdown(immediate.as_ref().is_some_and(is_true));
                Answer::none()
            }
            "qsize" => Answer::of(&self.len()),
            "empty" => Answer::boolean(self.is_empty()),
            "full" => Answer::boolean(self.is_full()),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let name = match &*lock(&self.items) {
            QueuedItems::Fifo(_) => "Queue",
            QueuedItems::Lifo(_) => "LifoQueue",
            QueuedItems::Priority(..) => "PriorityQueue",
        };
        format!("<queue.{name} object of {} items>", self.len())
    }
}

debug_by_repr!(Queue);
