//! Time, random numbers and history of a run, which both hosts share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::ledger::Ledger;

/// A run: everything in it follows from its seed.
pub(super) struct Run {
    begin: Instant,
    /// Virtual microseconds since the beginning.
    passed: AtomicU64,
    random: Mutex<Rng>,
    ledger: Mutex<Ledger>,
    is_printed: bool,
}

impl Run {
    pub(super) fn new(seed: u64, is_printed: bool) -> Arc<Self> {
        Arc::new(Self {
            begin: Instant::now(),
            passed: AtomicU64::new(0),
            random: Mutex::new(Rng::with_seed(seed)),
            ledger: Mutex::default(),
            is_printed,
        })
    }

    pub(super) fn passed(&self) -> Duration {
        Duration::from_micros(self.passed.load(Ordering::Relaxed))
    }

    pub(super) fn now(&self) -> Instant {
        self.begin + self.passed()
    }

    pub(super) fn advance(&self, micros: u64) {
        self.passed.fetch_add(micros, Ordering::Relaxed);
    }

    /// Returns a number below `limit`.
    pub(super) fn below(&self, limit: u64) -> u64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.u64(0..limit.max(1))
    }

    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns `length` or, as often, any smaller number of bytes, but at least one.
    pub(super) fn part(&self, length: usize) -> usize {
        if self.chance(50) {
            return length;
        }
        1 + self.below(length as u64) as usize
    }

    pub(super) fn choose<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event(&self, event: impl FnOnce() -> String) {
        if self.is_printed {
            println!("{:>10.3?}  {}", self.passed(), event());
        }
    }
}
