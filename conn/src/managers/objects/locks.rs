//! Locks and semaphores: `threading.Lock`, `RLock`, `Semaphore` and `BoundedSemaphore`.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore as Permits;

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, Stored, block_on, debug_by_repr, is_true,
    lock, names, no_method, timeout_of, within,
};
use crate::managers::wire::Exception;

/// Returns the two arguments of `acquire`: `false` for an attempt without waiting, and the time.
fn waiting(call: &mut MethodCall) -> Raises<(bool, Option<f64>)> {
    let [blocking, timeout] = call.bind(["blocking", "timeout"], 0)?;
    let blocking = match blocking {
        Some(blocking) => is_true(&blocking.value()?),
        None => true,
    };
    // A lock takes -1 as no limit, which is the default.
    let timeout = timeout_of(timeout.as_ref())?.filter(|timeout| *timeout != -1.0);
    let error = |text: &str| Err(Exception::with_text("ValueError", text));
    match timeout {
        Some(_) if !blocking => error("can't specify a timeout for a non-blocking call"),
        Some(time) if time < 0.0 => error("timeout value must be a non-negative number"),
        timeout => Ok((blocking, timeout)),
    }
}

/// Answers `acquire`: at once if `is_acquired` returns `true`, or when the future of `waits` ends.
fn acquire<F: Future<Output = bool> + Send + 'static>(
    call: &mut MethodCall,
    is_acquired: impl FnOnce() -> bool,
    waits: impl FnOnce(Option<f64>) -> F,
) -> Raises<Answer> {
    let (blocking, timeout) = waiting(call)?;
    if is_acquired() {
        return Answer::boolean(true);
    }
    if !blocking {
        return Answer::of(&false);
    }
    let waiting = waits(timeout);
    Answer::later(async move { Outcome::boolean(waiting.await) })
}

/// Lock that one holder has at a time, as `threading.Lock` in Python: anyone can release it. Those
/// who wait get it in the order in which they came.
///
/// A client that ends while it has the lock keeps it, as in Python: the lock may have been meant to
/// be released by another one.
#[derive(Debug)]
pub struct Lock {
    permit: Permits,
    is_held: AtomicBool,
}

impl Lock {
    /// Creates a lock that nobody has.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            permit: Permits::new(1),
            is_held: AtomicBool::new(false),
        })
    }

    /// Acquires the lock. Waits while another holder has it.
    ///
    /// # Cancel safety
    /// The lock is either acquired or not.
    pub async fn acquire(&self) {
        self.acquire_within(None).await;
    }

    /// Acquires the lock like [`acquire`](Self::acquire), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// `RuntimeError` within async code.
    pub fn blocking_acquire(&self) -> Result<(), Exception> {
        block_on(self.acquire())
    }

    /// Acquires the lock, if nobody has it. Returns `true` if it did.
    pub fn try_acquire(&self) -> bool {
        match self.permit.try_acquire() {
            Ok(permit) => {
                permit.forget();
                self.is_held.store(true, Ordering::Release);
                true
            }
            Err(_) => false,
        }
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// `RuntimeError` if nobody has it.
    pub fn release(&self) -> Result<(), Exception> {
        if !self.is_held.swap(false, Ordering::AcqRel) {
            let text = "release unlocked lock";
            return Err(Exception::with_text("RuntimeError", text));
        }
        self.permit.add_permits(1);
        Ok(())
    }

    /// Returns `true` if the lock is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    async fn acquire_within(&self, timeout: Option<f64>) -> bool {
        match within(timeout, self.permit.acquire()).await {
            Some(Ok(permit)) => {
                permit.forget();
                self.is_held.store(true, Ordering::Release);
                true
            }
            _ => false,
        }
    }
}

impl SharedObject for Lock {
    fn exposed(&self) -> Vec<String> {
        names(&["acquire", "locked", "release"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "acquire" => {
                let own = Arc::clone(&self);
                let waits = |timeout| async move { own.acquire_within(timeout).await };
                acquire(call, || self.try_acquire(), waits)
            }
            "release" => {
                call.bind_none()?;
                self.release()?;
                Answer::none()
            }
            "locked" => Answer::boolean(self.is_held()),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let state = if self.is_held() { "locked" } else { "unlocked" };
        format!("<{state} _thread.lock object>")
    }
}

/// Lock that its holder can acquire again, as `threading.RLock` in Python. A holder is a thread of
/// a process, which is one connection. The lock is released when that connection ends: nobody else
/// could release it.
pub struct RLock {
    permit: Permits,
    owner: Mutex<Owner>,
}

/// The holder of a lock, and how often it has acquired it: 0 if nobody has it.
#[derive(Clone, Copy, Default)]
struct Owner {
    caller: u64,
    count: u32,
}

impl RLock {
    /// Creates a lock that nobody has.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            permit: Permits::new(1),
            owner: Mutex::default(),
        })
    }

    fn owns(&self, caller: u64) -> bool {
        let owner = *lock(&self.owner);
        owner.count > 0 && owner.caller == caller
    }

    /// Acquires the lock without waiting. Returns `false` if another caller has it.
    fn try_acquire(&self, caller: u64) -> bool {
        let mut owner = lock(&self.owner);
        if owner.count > 0 && owner.caller == caller {
            owner.count = owner.count.saturating_add(1);
            return true;
        }
        match self.permit.try_acquire() {
            Ok(permit) => {
                permit.forget();
                *owner = Owner { caller, count: 1 };
                true
            }
            Err(_) => false,
        }
    }

    /// Acquires the lock `count` times.
    async fn acquire_within(&self, caller: u64, count: u32, timeout: Option<f64>) -> bool {
        match within(timeout, self.permit.acquire()).await {
            Some(Ok(permit)) => {
                permit.forget();
                *lock(&self.owner) = Owner { caller, count };
                true
            }
            _ => false,
        }
    }

    fn release_once(&self, caller: u64) -> Raises<()> {
        let mut owner = lock(&self.owner);
        if owner.count == 0 || owner.caller != caller {
            let text = "cannot release un-acquired lock";
            return Err(Exception::with_text("RuntimeError", text));
        }
        owner.count -= 1;
        if owner.count == 0 {
            self.permit.add_permits(1);
        }
        Ok(())
    }

    /// Releases the lock however often it was acquired. Returns that number.
    fn release_all(&self, caller: u64) -> u32 {
        let mut owner = lock(&self.owner);
        if owner.count == 0 || owner.caller != caller {
            return 0;
        }
        self.permit.add_permits(1);
        std::mem::take(&mut owner.count)
    }
}

impl SharedObject for RLock {
    fn exposed(&self) -> Vec<String> {
        names(&["acquire", "release"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        let caller = call.caller;
        match &*call.method {
            "acquire" => {
                let own = Arc::clone(&self);
                let waits = |timeout| async move { own.acquire_within(caller, 1, timeout).await };
                acquire(call, || self.try_acquire(caller), waits)
            }
            "release" => {
                call.bind_none()?;
                self.release_once(caller)?;
                Answer::none()
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let Owner { caller, count } = *lock(&self.owner);
        let state = if count > 0 { "locked" } else { "unlocked" };
        format!("<{state} _thread.RLock object owner={caller} count={count}>")
    }

    fn release(&self, caller: u64) {
        self.release_all(caller);
    }
}

/// The lock of a condition: of either kind.
#[derive(Clone)]
pub(super) enum AnyLock {
    Plain(Arc<Lock>),
    Reentrant(Arc<RLock>),
}

impl AnyLock {
    /// Returns whether the caller has the lock; for a plain one, whether anyone has it.
    pub(super) fn is_owned(&self, caller: u64) -> bool {
        match self {
            Self::Plain(lock) => lock.is_held(),
            Self::Reentrant(lock) => lock.owns(caller),
        }
    }

    /// Releases the lock, however often it was acquired. Returns that number.
    pub(super) fn release_all(&self, caller: u64) -> u32 {
        match self {
            Self::Plain(lock) => u32::from(lock.release().is_ok()),
            Self::Reentrant(lock) => lock.release_all(caller),
        }
    }

    pub(super) async fn acquire(&self, caller: u64, count: u32) {
        match self {
            Self::Plain(lock) => lock.acquire().await,
            Self::Reentrant(lock) => {
                lock.acquire_within(caller, count, None).await;
            }
        }
    }

    /// Passes a call of `acquire` or `release` on.
    pub(super) fn call(&self, call: &mut MethodCall) -> Raises<Answer> {
        match self {
            Self::Plain(lock) => Arc::clone(lock).call(call),
            Self::Reentrant(lock) => Arc::clone(lock).call(call),
        }
    }

    pub(super) fn of(object: &Arc<dyn SharedObject>) -> Option<Self> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(object) as _;
        match any.downcast::<Lock>() {
            Ok(lock) => Some(Self::Plain(lock)),
            Err(any) => any.downcast::<RLock>().ok().map(Self::Reentrant),
        }
    }
}

/// Counter of permits, as `threading.Semaphore` in Python. Those who wait get one in the order in
/// which they came.
pub struct Semaphore {
    permits: Permits,
    /// The number of permits at first, if there may never be more: a `BoundedSemaphore`. Locked
    /// while permits are added.
    bound: Mutex<Option<usize>>,
}

impl Semaphore {
    /// Creates a semaphore with this number of permits.
    #[must_use]
    pub fn new(value: usize) -> Arc<Self> {
        Self::with_bound(value, None)
    }

    /// Creates a semaphore that never has more permits than at first.
    #[must_use]
    pub fn bounded(value: usize) -> Arc<Self> {
        Self::with_bound(value, Some(value))
    }

    fn with_bound(value: usize, bound: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            permits: Permits::new(value.min(Permits::MAX_PERMITS)),
            bound: Mutex::new(bound),
        })
    }

    pub(crate) fn create(call: &mut MethodCall, is_bounded: bool) -> Raises<Arc<Self>> {
        let [value] = call.bind(["value"], 0)?;
        let value = integer_of(value.as_ref(), 1)?;
        let value = usize::try_from(value).map_err(|_| {
            Exception::with_text("ValueError", "semaphore initial value must be >= 0")
        })?;
        Ok(Self::with_bound(value, is_bounded.then_some(value)))
    }

    /// Takes a permit. Waits while there is none.
    ///
    /// # Cancel safety
    /// The permit is either taken or not.
    pub async fn acquire(&self) {
        self.acquire_within(None).await;
    }

    /// Takes a permit like [`acquire`](Self::acquire), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// `RuntimeError` within async code.
    pub fn blocking_acquire(&self) -> Result<(), Exception> {
        block_on(self.acquire())
    }

    /// Takes a permit, if there is one. Returns `true` if it did.
    pub fn try_acquire(&self) -> bool {
        let permit = self.permits.try_acquire();
        permit.is_ok_and(|permit| {
            permit.forget();
            true
        })
    }

    /// Adds permits.
    ///
    /// # Errors
    /// `ValueError` if there would be more than a bounded semaphore may have.
    pub fn release(&self, count: usize) -> Result<(), Exception> {
        let bound = lock(&self.bound);
        let max = bound.unwrap_or(Permits::MAX_PERMITS);
        let after = self.permits.available_permits().saturating_add(count);
        if after > max {
            let text = "Semaphore released too many times";
            return Err(Exception::with_text("ValueError", text));
        }
        self.permits.add_permits(count);
        Ok(())
    }

    async fn acquire_within(&self, timeout: Option<f64>) -> bool {
        match within(timeout, self.permits.acquire()).await {
            Some(Ok(permit)) => {
                permit.forget();
                true
            }
            _ => false,
        }
    }
}

impl SharedObject for Semaphore {
    fn exposed(&self) -> Vec<String> {
        names(&["acquire", "release"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "acquire" => {
                let own = Arc::clone(&self);
                let waits = |timeout| async move { own.acquire_within(timeout).await };
                acquire(call, || self.try_acquire(), waits)
            }
            "release" => {
                let [count] = call.bind(["n"], 0)?;
                let count = integer_of(count.as_ref(), 1)?;
                match usize::try_from(count) {
                    Ok(count) if count > 0 => self.release(count)?,
                    _ => {
                        let text = "n must be one or more";
                        return Err(Exception::with_text("ValueError", text));
                    }
                }
                Answer::none()
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let value = self.permits.available_permits();
        match *lock(&self.bound) {
            None => format!("<threading.Semaphore: value={value}>"),
            Some(max) => format!("<threading.BoundedSemaphore: value={value}/{max}>"),
        }
    }
}

/// Returns the number of an argument, or the default without one.
fn integer_of(argument: Option<&Stored>, default: i64) -> Raises<i64> {
    match argument {
        None => Ok(default),
        Some(argument) => argument
            .value()?
            .as_i64()
            .ok_or_else(|| Exception::with_text("TypeError", "the argument must be an int")),
    }
}

debug_by_repr!(RLock, Semaphore);
