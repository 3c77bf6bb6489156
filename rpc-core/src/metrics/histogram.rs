//! Histograms of durations, which many threads fill.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

/// The upper bounds of the buckets, in nanoseconds.
const BOUNDS: [u64; Distribution::BOUNDS.len()] = {
    let mut bounds = [0; Distribution::BOUNDS.len()];
    let mut place = 0;
    while place < bounds.len() {
        // None of them loses anything: they are whole milliseconds.
        bounds[place] = (Distribution::BOUNDS[place] * 1000.0) as u64 * 1_000_000;
        place += 1;
    }
    bounds
};

/// The number of buckets, with that of the durations beyond all bounds.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Maximum shards of a histogram: 2 KiB.
const MAX_SHARDS: usize = 16;

// A thread finds its shard by a mask.
const _: () = assert!(MAX_SHARDS.is_power_of_two());

/// The number of shards: one for each processor, a power of two.
static SHARDS: LazyLock<usize> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    processors.next_power_of_two().min(MAX_SHARDS)
});

thread_local! {
    /// The number of this thread, `None` before its first use.
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Returns the number of this thread. Threads take turns at the shards.
fn thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    THREAD.get().unwrap_or_else(|| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(number));
        number
    })
}

/// A histogram. Each thread adds to one shard, so that threads do not wait for the same cache line.
#[derive(Debug)]
pub(super) struct Histogram(Box<[Shard]>);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// The content of a histogram of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The number of durations up to each [bound](Self::BOUNDS) and over the one before it, and
    /// last that of the durations over all bounds.
    pub buckets: [u64; BUCKETS],
    /// The sum of all durations.
    pub sum: Duration,
}

impl Distribution {
    /// The upper bounds of the buckets, in seconds: those of the conventions of OpenTelemetry.
    pub const BOUNDS: [f64; 14] = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];

    /// Returns the number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self((0..*SHARDS).map(|_| Shard::default()).collect())
    }

    pub(super) fn record(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanoseconds <= *bound);
        let shard = &self.0[thread() & (self.0.len() - 1)];
        shard.buckets[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Distribution {
        let mut all = Distribution::default();
        for shard in &self.0 {
            for (total, bucket) in all.buckets.iter_mut().zip(&shard.buckets) {
                *total += bucket.load(Ordering::Relaxed);
            }
            let nanoseconds = shard.nanoseconds.load(Ordering::Relaxed);
            all.sum += Duration::from_nanos(nanoseconds);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_buckets_of_the_convention() {
        let histogram = Histogram::new();
        let threads = [5, 6, 100, 10_000, 10_001].map(Duration::from_millis);
        std::thread::scope(|scope| {
            for duration in threads {
                let histogram = &histogram;
                scope.spawn(move || histogram.record(duration));
            }
        });
        let all = histogram.read();
        assert_eq!(all.buckets, [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(all.count(), 5);
        assert_eq!(all.sum, Duration::from_millis(20_112));
        for (seconds, nanoseconds) in Distribution::BOUNDS.into_iter().zip(BOUNDS) {
            assert_eq!(
                Duration::from_secs_f64(seconds),
                Duration::from_nanos(nanoseconds)
            );
        }
    }
}
