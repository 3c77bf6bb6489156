//! The victim's methods for objects and streams, served over connections.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use farcall::rpc::{Remote, Stream};
use farcall::{CallError, Fault, client, service};
use futures_util::stream;

/// A service that returns and accepts objects and streams.
#[derive(Debug)]
pub struct Objects;

/// The methods of the victim's counters, which it also calls on the counters it is passed.
#[client]
pub trait CounterApi {
    /// Adds to the counter and returns its value.
    async fn add(&self, n: i64) -> Result<i64, CallError>;
}

/// The number of live counters.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Counter(AtomicI64);

impl Counter {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(AtomicI64::new(0))
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[service]
impl Counter {
    pub fn add(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed).wrapping_add(n)
    }

    /// Returns another counter, so that promises can be chained.
    pub fn next(&self) -> Remote<dyn CounterApi> {
        Remote::new(Self::new())
    }
}

#[service]
impl Objects {
    /// Returns a new counter.
    pub fn counter(&self) -> Remote<dyn CounterApi> {
        Remote::new(Counter::new())
    }

    /// Returns a new counter after a delay.
    pub async fn later(&self, millis: u64) -> Remote<dyn CounterApi> {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.counter()
    }

    /// Returns `count` counters.
    pub fn counters(&self, count: u16) -> Vec<Remote<dyn CounterApi>> {
        (0..count).map(|_| self.counter()).collect()
    }

    /// Returns `true` if the counter is an object of this process.
    #[expect(clippy::needless_pass_by_value, reason = "arguments are owned")]
    pub fn is_ours(&self, counter: Remote<dyn CounterApi>) -> bool {
        counter.local::<Counter>().is_some()
    }

    /// Adds 1 to a counter of either side.
    pub async fn count(&self, counter: Remote<dyn CounterApi>) -> Result<i64, CallError> {
        counter.add(1).await
    }

    /// Sends `count` blocks of 1 KiB.
    pub fn blocks(&self, count: u64) -> Stream<Vec<u8>> {
        Stream::new(stream::iter((0..count).map(|_| Ok(vec![7; 1024]))))
    }

    /// Returns the sum of the numbers in the stream.
    pub async fn sum(&self, mut numbers: Stream<u64>) -> Result<u64, Fault> {
        let mut sum: u64 = 0;
        while let Some(number) = numbers.next().await {
            sum = sum.wrapping_add(number?);
        }
        Ok(sum)
    }

    /// Keeps the streams open without reading from them.
    pub async fn hold(&self, streams: Vec<Stream<u64>>) -> usize {
        std::future::pending::<()>().await;
        streams.len()
    }

    /// The number of live counters.
    pub fn alive(&self) -> usize {
        ALIVE.load(Ordering::Relaxed)
    }
}
