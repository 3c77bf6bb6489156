//! Passing objects to the peer, and calling them.

use farcall::CallError;
use farcall::rpc::{Pipelined as _, Remote};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::Activity;
use crate::HANG_TIMEOUT;
use crate::objects::{CounterApi, Listener, ListenerApi};
use crate::service::WorkshopApi;

impl Activity {
    /// Concurrent calls on one object begin in order.
    pub(super) async fn counter(&mut self) {
        let Some(counter) = self.create().await else {
            return;
        };
        let mut least = 0;
        for _ in 0..self.random.u8(..3) {
            let burst = self.random.usize(1..6);
            least = self.count_in_order(&counter, least, burst).await;
        }
        if self.random.bool() {
            let entry = self.ledger.call("count_on");
            let client = self.client.clone();
            let call = client.count_on(entry.number(), counter.clone());
            let counted = self.outcome(entry, None, call).await;
            if let Some(Ok(value)) = counted {
                self.ledger
                    .check(value >= least, "a returned object lost its count");
            }
        }
        let kept = self.millis(&[0, 0, 500, 5000]);
        sleep(kept).await;
    }

    async fn create(&mut self) -> Option<Remote<dyn CounterApi>> {
        let entry = self.ledger.call("create");
        let client = self.client.clone();
        let millis = self.choose(&[0, 30]);
        let call = client.create(entry.number(), millis);
        self.outcome(entry, None, call).await?.ok()
    }

    /// Makes concurrent calls, and returns the minimum of the next count.
    async fn count_in_order(
        &mut self,
        counter: &Remote<dyn CounterApi>,
        mut least: u64,
        burst: usize,
    ) -> u64 {
        let calls = (0..burst).map(|_| async {
            let entry = self.ledger.call("next");
            let result = timeout(HANG_TIMEOUT, counter.next(entry.number())).await;
            match result {
                Ok(result) => {
                    entry.ended(&result);
                    result.ok()
                }
                Err(_) => {
                    self.ledger.violation("a call on a counter hangs");
                    None
                }
            }
        });
        let counts: Vec<_> = join_all(calls).await;
        for count in counts {
            let Some(count) = count else {
                self.ledger
                    .check(!self.healthy, "a call on a counter failed");
                continue;
            };
            self.ledger.check(
                count >= least,
                format_args!("a counter counts {count} where at least {least} was to come"),
            );
            least = count + 1;
        }
        least
    }

    pub(super) async fn pipeline(&mut self) {
        let client = self.client.clone();
        let create = self.ledger.call("create ahead");
        let millis = self.choose(&[0, 30]);
        let counter = client.create(create.number(), millis).pipelined();
        let burst = self.random.usize(..4);
        self.count_in_order(&counter, 0, burst).await;
        match self.random.u8(..3) {
            // Dropping the last handle cancels the first call.
            0 => drop(counter),
            _ => match timeout(HANG_TIMEOUT, counter.ready()).await {
                Ok(result) => {
                    create.ended(&result);
                }
                Err(_) => self.ledger.violation("a promise hangs"),
            },
        }
    }

    /// Reads a stream whose items are objects.
    pub(super) async fn counters(&mut self) {
        let entry = self.ledger.call("counters");
        let client = self.client.clone();
        let count = self.choose(&[0, 3, 20]);
        let call = client.counters(entry.number(), count);
        let Some(Ok(mut counters)) = self.outcome(entry, None, call).await else {
            return;
        };
        let enough = self.choose(&[0, 2, 100]);
        let mut held = Vec::new();
        while held.len() < enough {
            match timeout(HANG_TIMEOUT, counters.next()).await {
                Ok(Some(Ok(counter))) => held.push(counter),
                Ok(Some(Err(_))) => {
                    self.ledger
                        .check(!self.healthy, "a stream of objects failed");
                    return;
                }
                Ok(None) => {
                    self.ledger.check(
                        held.len() as u64 == count,
                        format_args!("a stream brought {} of {count} objects", held.len()),
                    );
                    break;
                }
                Err(_) => return self.ledger.violation("a stream of objects hangs"),
            }
        }
        drop(counters);
        if let Some(last) = held.pop() {
            drop(held);
            self.count_in_order(&last, 0, 2).await;
        }
    }

    pub(super) async fn call_back(&mut self) {
        let client = self.client.clone();
        let millis = self.choose(&[0, 20]);
        if self.random.bool() {
            let entry = self.ledger.call("call_caller");
            let call = client.call_caller(entry.number(), millis);
            self.outcome(entry, None, call).await;
            return;
        }
        let entry = self.ledger.call("call_back");
        let number = entry.number();
        let listener = Remote::new(Listener::new(&self.ledger));
        let times = self.choose(&[1, 4]);
        let deadline = self.deadline();
        let call = async {
            match deadline {
                None => client.call_back(number, listener, times, millis).await,
                Some(time) => {
                    let client = client.within(time);
                    client.call_back(number, listener, times, millis).await
                }
            }
        };
        self.outcome(entry, deadline, call).await;
    }

    pub(super) async fn subscribe(&mut self) {
        let entry = self.ledger.call("subscribe");
        let client = self.client.clone();
        let listener = Remote::new(Listener::new(&self.ledger));
        let millis = self.choose(&[0, 200, 10_000]);
        let call = client.subscribe(entry.number(), listener, millis);
        self.outcome(entry, None, call).await;
    }

    pub(super) async fn pass_and_return(&mut self) {
        let entry = self.ledger.call("return_object");
        let client = self.client.clone();
        let listener = Remote::new(Listener::new(&self.ledger));
        let call = client.return_object(entry.number(), listener.clone());
        match self.outcome(entry, None, call).await {
            Some(Ok(back)) => self
                .ledger
                .check(back == listener, "another object was returned"),
            Some(Err(CallError::Decode(error))) => self
                .ledger
                .violation(format_args!("an object was not returned: {error}")),
            _ => {}
        }
    }

    /// Calls objects of other clients, through the server.
    pub(super) async fn meet_others(&mut self) {
        let client = self.client.clone();
        let entry = self.ledger.call("post");
        let listener = Remote::new(Listener::new(&self.ledger));
        let call = client.post(entry.number(), listener);
        self.outcome(entry, None, call).await;

        let entry = self.ledger.call("pick");
        let call = client.pick(entry.number());
        let Some(Ok(Some(other))) = self.outcome(entry, None, call).await else {
            return;
        };
        let entry = self.ledger.call("hear");
        // The other client may disconnect at any time.
        let result = timeout(HANG_TIMEOUT, other.hear(entry.number(), 5)).await;
        match result {
            Ok(result) => {
                entry.ended(&result);
            }
            Err(_) => self.ledger.violation("a call on another client hangs"),
        }
    }
}
