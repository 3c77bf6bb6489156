//! What a client does with its connection, chosen at random.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use conn::rpc::{Client, Pipelined as _, Remote};
use fastrand::Rng;
use futures_util::future::join_all;
use rpc_core::{CallError, Caller as _, Fault};
use tokio::time::{Instant, sleep, timeout};

use super::ledger::{Entry, Ledger};
use super::service::{AS_ASKED, CounterApi, Listener, ListenerApi, WorkshopApi};
use super::streams::{self, Source};
use super::{GONE, HANGS};

/// One of the tasks of a client.
pub(crate) struct Activity {
    ledger: Ledger,
    client: Client,
    random: Rng,
    /// Nothing goes wrong in the network, so calls succeed.
    healthy: bool,
}

impl Activity {
    pub(crate) const fn new(ledger: Ledger, client: Client, random: Rng, healthy: bool) -> Self {
        Self {
            ledger,
            client,
            random,
            healthy,
        }
    }

    pub(crate) async fn run(mut self, until: Instant) {
        while Instant::now() < until && !self.client.is_closed() {
            match self.random.u8(..16) {
                0..=3 => self.work().await,
                4 => self.work_unheard().await,
                5 => self.hang().await,
                6 => self.fail().await,
                7 => self.counter().await,
                8 => self.pipeline().await,
                9 => self.counters().await,
                10 => self.numbers().await,
                11 => self.read().await,
                12 => self.call_back().await,
                13 => self.subscribe().await,
                14 => self.come_home().await,
                _ => self.meet_others().await,
            }
            let pause = self.millis(&[0, 1, 20, 300]);
            sleep(pause).await;
        }
    }

    async fn work(&mut self) {
        let millis = self.choose(&[0, 0, 5, 50, 1000]);
        let load = vec![7; self.choose(&[0, 10, 1000, 20_000])];
        let deadline = self.deadline();
        let idempotent = self.random.u8(..3) == 0;
        let client = self.client.clone();
        let entry = match idempotent {
            true => self.ledger.idempotent_call("work"),
            false => self.ledger.call("work"),
        };
        let number = entry.number();
        let call = async {
            match (deadline, idempotent) {
                (None, true) => client.work_again(number, millis, &load).await,
                (None, false) => client.work(number, millis, &load).await,
                (Some(time), true) => client.within(time).work_again(number, millis, &load).await,
                (Some(time), false) => client.within(time).work(number, millis, &load).await,
            }
        };
        if let Some(Ok(back)) = self.outcome(entry, deadline, call).await {
            self.ledger.check(
                back == load,
                format_args!("call {number} has another result"),
            );
        }
    }

    async fn work_unheard(&mut self) {
        let entry = self.ledger.one_way_call("work unheard");
        let client = self.client.clone();
        let call = client.work_unheard(entry.number(), 5, b"load");
        self.outcome(entry, None, call).await;
    }

    /// Ends by its deadline, or because it is given up.
    async fn hang(&mut self) {
        let client = self.client.clone();
        let entry = self.ledger.call("hang");
        let number = entry.number();
        if let Some(time) = self.deadline() {
            let call = async { client.within(time).hang(number).await };
            self.outcome(entry, Some(time), call).await;
        } else {
            let patience = self.millis(&[0, 1, 50, 500]);
            if timeout(patience, client.hang(number)).await.is_err() {
                self.expect_gone(number);
            }
        }
    }

    async fn fail(&mut self) {
        let entry = self.ledger.call("fail");
        let client = self.client.clone();
        let call = client.fail(entry.number());
        if let Some(Ok(())) = self.outcome(entry, None, call).await {
            self.ledger.violation("a failure came as a success");
        }
    }

    /// Calls on one object begin in order, however many are under way.
    async fn counter(&mut self) {
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
                    .check(value >= least, "an object that came home lost count");
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

    /// Returns what the next count is at least.
    async fn count_in_order(
        &mut self,
        counter: &Remote<dyn CounterApi>,
        mut least: u64,
        burst: usize,
    ) -> u64 {
        let calls = (0..burst).map(|_| async {
            let entry = self.ledger.call("next");
            let result = timeout(HANGS, counter.next(entry.number())).await;
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

    async fn pipeline(&mut self) {
        let client = self.client.clone();
        let create = self.ledger.call("create ahead");
        let millis = self.choose(&[0, 30]);
        let counter = client.create(create.number(), millis).pipelined();
        let burst = self.random.usize(..4);
        self.count_in_order(&counter, 0, burst).await;
        match self.random.u8(..3) {
            // Dropping the last handle gives the first call up.
            0 => drop(counter),
            _ => match timeout(HANGS, counter.ready()).await {
                Ok(result) => {
                    create.ended(&result);
                }
                Err(_) => self.ledger.violation("a promise hangs"),
            },
        }
    }

    /// Objects as items of a stream.
    async fn counters(&mut self) {
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
            match timeout(HANGS, counters.next()).await {
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

    async fn numbers(&mut self) {
        let source = Source::new(&mut self.random);
        let entry = self.ledger.call("numbers");
        let client = self.client.clone();
        let call = client.numbers(entry.number(), source);
        let Some(Ok(numbers)) = self.outcome(entry, None, call).await else {
            return;
        };
        let slowness = self.millis(&[0, 0, 40]);
        let read = streams::read(numbers, source, &self.ledger, || sleep(slowness));
        if self.random.bool() {
            let result = read.await;
            self.check_stream(result.map_err(Fault::from));
        } else {
            // Dropping the stream in the middle stops its source.
            let enough = Duration::from_millis(self.random.u64(..500));
            if timeout(enough, read).await.is_err() {
                self.ledger.count("stream: dropped");
            }
        }
    }

    fn check_stream(&self, result: Result<u64, Fault>) {
        if let Err(fault) = result {
            self.ledger.check(
                !self.healthy || fault.code() == AS_ASKED,
                format_args!("a stream failed: {fault}"),
            );
        }
    }

    async fn read(&mut self) {
        let source = Source::new(&mut self.random);
        let entry = self.ledger.call("read");
        let client = self.client.clone();
        let slowness = self.choose(&[0, 0, 40]);
        let numbers = source.stream(&self.ledger);
        let call = client.read(entry.number(), source, slowness, numbers);
        self.outcome(entry, None, call).await;
    }

    async fn call_back(&mut self) {
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

    async fn subscribe(&mut self) {
        let entry = self.ledger.call("subscribe");
        let client = self.client.clone();
        let listener = Remote::new(Listener::new(&self.ledger));
        let millis = self.choose(&[0, 200, 10_000]);
        let call = client.subscribe(entry.number(), listener, millis);
        self.outcome(entry, None, call).await;
    }

    async fn come_home(&mut self) {
        let entry = self.ledger.call("return_home");
        let client = self.client.clone();
        let listener = Remote::new(Listener::new(&self.ledger));
        let call = client.return_home(entry.number(), listener.clone());
        if let Some(Ok(back)) = self.outcome(entry, None, call).await {
            self.ledger
                .check(back == listener, "another object came home");
        }
    }

    /// Calls on objects of other clients, through the server.
    async fn meet_others(&mut self) {
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
        // The other client may leave at any time.
        let result = timeout(HANGS, other.hear(entry.number(), 5)).await;
        match result {
            Ok(result) => {
                entry.ended(&result);
            }
            Err(_) => self.ledger.violation("a call on another client hangs"),
        }
    }

    /// Waits for the end of a call, or gives it up after a while.
    async fn outcome<T>(
        &mut self,
        entry: Entry,
        deadline: Option<Duration>,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Option<Result<T, CallError>> {
        let number = entry.number();
        let call = Late {
            call: Box::pin(call),
            random: self.random.fork(),
        };
        let longest = deadline.map_or(HANGS, |deadline| deadline + Duration::from_millis(2));
        let patience = match self.random.u8(..6) {
            0 => self.millis(&[0, 1, 20, 200]),
            _ => longest,
        };
        let Ok(result) = timeout(patience.min(longest), call).await else {
            self.ledger
                .check(patience < longest, format_args!("call {number} hangs"));
            self.expect_gone(number);
            return None;
        };
        if deadline.is_some() {
            self.expect_gone(number);
        } else if let Err(error) = &result {
            let as_asked = error.fault().is_some_and(|fault| fault.code() == AS_ASKED);
            self.ledger.check(
                !self.healthy || as_asked,
                format_args!("call {number} failed: {error:?}"),
            );
        }
        entry.ended(&result);
        Some(result)
    }

    /// Nobody waits for the call any more: its method is dropped.
    fn expect_gone(&self, number: u64) {
        let ledger = self.ledger.clone();
        tokio::spawn(async move {
            sleep(GONE).await;
            ledger.check(
                !ledger.runs(number),
                format_args!("call {number} runs, and nobody waits for it"),
            );
        });
    }

    fn deadline(&mut self) -> Option<Duration> {
        let time = self.random.u64(1..1500);
        (self.random.u8(..3) == 0).then(|| Duration::from_millis(time))
    }

    fn millis(&mut self, choices: &[u64]) -> Duration {
        Duration::from_millis(self.choose(choices))
    }

    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.usize(..choices.len())]
    }
}

/// A call that is polled without need, and late.
struct Late<F> {
    call: Pin<Box<F>>,
    random: Rng,
}

impl<F: Future> Future for Late<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.random.u8(..4) == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.call.as_mut().poll(cx)
    }
}
