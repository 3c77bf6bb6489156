//! Random activity of a client on its connection.

mod objects;
mod streams;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall::CallError;
use farcall::rpc::Client;
use fastrand::Rng;
use tokio::time::{Instant, sleep, timeout};

use super::ledger::{Entry, Ledger};
use super::service::WorkshopApi;
use super::streams::AS_ASKED;
use super::{CLEANUP_TIME, HANG_TIMEOUT};

/// One of the tasks of a client.
pub(crate) struct Activity {
    ledger: Ledger,
    client: Client,
    random: Rng,
    /// `true` if there are no network failures, so that calls must succeed.
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
            match self.random.u8(..17) {
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
                14 => self.pass_and_return().await,
                15 => self.fail_within().await,
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
        let entry = if idempotent {
            self.ledger.idempotent_call("work")
        } else {
            self.ledger.call("work")
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

    /// Makes a call that completes at its deadline or is cancelled.
    async fn hang(&mut self) {
        let client = self.client.clone();
        let entry = self.ledger.call("hang");
        let number = entry.number();
        if let Some(time) = self.deadline() {
            let call = async { client.within(time).hang(number).await };
            self.outcome(entry, Some(time), call).await;
        } else {
            let timeout_after = self.millis(&[0, 1, 50, 500]);
            if timeout(timeout_after, client.hang(number)).await.is_err() {
                self.expect_cancelled(number);
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

    /// The method's own call is refused, which must not count as a refusal of the outer call.
    async fn fail_within(&mut self) {
        let entry = self.ledger.call("call_missing");
        match timeout(HANG_TIMEOUT, self.client.call_missing(entry.number())).await {
            Ok(result) => {
                self.ledger
                    .check(result.is_err(), "a missing method was found");
                entry.ended(&result);
            }
            Err(_) => self.ledger.violation("a call that fails within hangs"),
        }
    }

    /// Waits until a call completes, or cancels it after a while.
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
        let longest = deadline.map_or(HANG_TIMEOUT, |deadline| deadline + Duration::from_millis(2));
        let timeout_after = match self.random.u8(..6) {
            0 => self.millis(&[0, 1, 20, 200]),
            _ => longest,
        };
        let Ok(result) = timeout(timeout_after.min(longest), call).await else {
            self.ledger
                .check(timeout_after < longest, format_args!("call {number} hangs"));
            self.expect_cancelled(number);
            return None;
        };
        if deadline.is_some() {
            self.expect_cancelled(number);
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

    /// Checks that the method of a cancelled call is dropped.
    fn expect_cancelled(&self, number: u64) {
        let ledger = self.ledger.clone();
        tokio::spawn(async move {
            sleep(CLEANUP_TIME).await;
            ledger.check(
                !ledger.runs(number),
                format_args!("call {number} still runs after its cancellation"),
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

/// A call that is polled late, and more often than needed.
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
