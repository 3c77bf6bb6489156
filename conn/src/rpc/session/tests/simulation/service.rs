//! The methods that each side offers to the other. All executions are recorded in the ledger.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use farcall::{CallError, Fault, client, service};
use futures_util::stream;

use super::record::ledger::{Alive, Ledger};
use super::tasks::sleep;
use crate::rpc::{Remote, Stream};

/// The code of the faults that callers ask for.
pub(super) const AS_ASKED: i64 = 7;

pub(super) struct Workshop {
    pub(super) ledger: Ledger,
}

#[service]
impl Workshop {
    pub async fn work(&self, number: u64, millis: u64, load: Vec<u8>) -> Vec<u8> {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
        load
    }

    /// Takes longer than its caller waits, perhaps.
    pub async fn hang(&self, number: u64, millis: u64) {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
    }

    pub async fn create(&self, number: u64, millis: u64) -> Remote<dyn CounterApi> {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
        Remote::new(Counter::new(&self.ledger))
    }

    pub fn numbers(&self, number: u64, count: u64, fails: bool, millis: u64) -> Stream<u64> {
        self.ledger.run(number).complete();
        numbers(&self.ledger, count, fails, millis)
    }

    /// Reads a stream, and returns the number of its items.
    pub async fn read(&self, number: u64, mut numbers: Stream<u64>) -> Result<u64, Fault> {
        let running = self.ledger.run(number);
        let mut next = 0;
        while let Some(item) = numbers.next().await {
            self.ledger.check(item? == next, "a stream lost an item");
            next += 1;
        }
        running.complete();
        Ok(next)
    }

    /// Calls an object of the caller, and returns it.
    pub async fn call_back(
        &self,
        number: u64,
        counter: Remote<dyn CounterApi>,
    ) -> Result<Remote<dyn CounterApi>, Fault> {
        let running = self.ledger.run(number);
        let entry = self.ledger.call("next");
        let result = counter.next(entry.number()).await;
        entry.ended(&result);
        result?;
        running.complete();
        Ok(counter)
    }
}

#[client]
pub(super) trait WorkshopApi {
    async fn work(&self, number: u64, millis: u64, load: &[u8]) -> Result<Vec<u8>, CallError>;
    #[client(name = "work", idempotent)]
    async fn work_again(&self, number: u64, millis: u64, load: &[u8])
    -> Result<Vec<u8>, CallError>;
    #[client(name = "work", one_way)]
    async fn work_unheard(&self, number: u64, millis: u64, load: &[u8]) -> Result<(), CallError>;
    async fn create(&self, number: u64, millis: u64) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn numbers(
        &self,
        number: u64,
        count: u64,
        fails: bool,
        millis: u64,
    ) -> Result<Stream<u64>, CallError>;
    async fn read(&self, number: u64, numbers: Stream<u64>) -> Result<u64, CallError>;
    async fn call_back(
        &self,
        number: u64,
        counter: Remote<dyn CounterApi>,
    ) -> Result<Remote<dyn CounterApi>, CallError>;
}

/// An object of either side.
pub(super) struct Counter {
    ledger: Ledger,
    value: AtomicU64,
    _alive: Alive,
}

impl Counter {
    pub(super) fn new(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            value: AtomicU64::new(0),
            _alive: ledger.alive("counters"),
        }
    }
}

#[service]
impl Counter {
    pub fn next(&self, number: u64) -> u64 {
        self.ledger.run(number).complete();
        self.value.fetch_add(1, Ordering::Relaxed)
    }
}

#[client]
pub(super) trait CounterApi {
    async fn next(&self, number: u64) -> Result<u64, CallError>;
}

/// Returns a stream of the numbers from zero.
pub(super) fn numbers(ledger: &Ledger, count: u64, fails: bool, millis: u64) -> Stream<u64> {
    let alive = ledger.alive("stream sources");
    let items = stream::unfold((0, alive), move |(number, alive)| async move {
        pause(millis).await;
        let item = if number < count {
            Ok(number)
        } else if fails && number == count {
            Err(Fault::new(AS_ASKED, "as asked"))
        } else {
            return None;
        };
        Some((item, (number + 1, alive)))
    });
    Stream::new(items)
}

pub(super) async fn pause(millis: u64) {
    if millis > 0 {
        sleep(Duration::from_millis(millis)).await;
    }
}
