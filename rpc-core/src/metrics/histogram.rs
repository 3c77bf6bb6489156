//! Histograms of durations, which many threads fill.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

/// The upper bounds of the buckets, in nanoseconds and as they are written: those of the
/// conventions of OpenTelemetry.
pub(super) const BOUNDS: [(u64, &str); 14] = [
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (75_000_000, "0.075"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (750_000_000, "0.75"),
    (1_000_000_000, "1"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5"),
    (7_500_000_000, "7.5"),
    (10_000_000_000, "10"),
];

/// The number of buckets, with that of the durations beyond all bounds.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Maximum shards of a histogram: 2 KiB.
const MAX_SHARDS: usize = 16;

/// The number of shards: one for each processor, a power of two.
static SHARDS: LazyLock<usize> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    processors.next_power_of_two().min(MAX_SHARDS)
});

thread_local! {
    /// The number of this thread. Threads take turns at the shards.
    static THREAD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

/// A histogram. Each thread adds to one shard, so that threads do not wait for the same cache line.
pub(super) struct Histogram(Box<[Shard]>);

#[derive(Default)]
#[repr(align(64))]
struct Shard {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// The content of a histogram.
#[derive(Default)]
pub(super) struct Snapshot {
    /// The durations up to each bound, and all of them.
    pub(super) cumulative: [u64; BUCKETS],
    pub(super) sum: Duration,
}

impl Snapshot {
    pub(super) const fn count(&self) -> u64 {
        self.cumulative[BUCKETS - 1]
    }
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self((0..*SHARDS).map(|_| Shard::default()).collect())
    }

    pub(super) fn record(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|(bound, _)| nanoseconds <= *bound);
        // A thread that ends has no number any more.
        let thread = THREAD.try_with(|thread| *thread).unwrap_or_default();
        let shard = &self.0[thread % self.0.len()];
        shard.buckets[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for shard in &self.0 {
            for (total, bucket) in snapshot.cumulative.iter_mut().zip(&shard.buckets) {
                *total += bucket.load(Ordering::Relaxed);
            }
            let nanoseconds = shard.nanoseconds.load(Ordering::Relaxed);
            snapshot.sum += Duration::from_nanos(nanoseconds);
        }
        let mut sum = 0;
        for total in &mut snapshot.cumulative {
            sum += *total;
            *total = sum;
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_buckets_of_the_convention() {
        let histogram = Histogram::new();
        std::thread::scope(|scope| {
            for millis in [5, 6, 100, 10_000, 10_001] {
                let (histogram, duration) = (&histogram, Duration::from_millis(millis));
                scope.spawn(move || histogram.record(duration));
            }
        });
        let snapshot = histogram.snapshot();
        assert_eq!(
            snapshot.cumulative,
            [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5]
        );
        assert_eq!(snapshot.count(), 5);
        assert_eq!(snapshot.sum, Duration::from_millis(20_112));
        for (nanoseconds, text) in BOUNDS {
            let seconds: f64 = text.parse().unwrap();
            assert_eq!(
                Duration::from_secs_f64(seconds),
                Duration::from_nanos(nanoseconds)
            );
        }
    }
}
