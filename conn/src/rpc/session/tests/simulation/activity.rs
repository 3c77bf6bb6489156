//! The program of a side: calls, objects and streams, several at once.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use farcall_core::protocol::{Call, Payload};
use farcall_core::{CallError, Caller, Context};
use fastrand::Rng;

use super::record::ledger::{Entry, Ledger};
use super::service::{AS_ASKED, Counter, CounterApi, WorkshopApi, numbers, pause};
use super::side::Side;
use super::tasks::{now, sleep, sleep_until};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{StreamError, TooLate};
use crate::rpc::session::call_future::CallFuture;
use crate::rpc::session::call_timeout::{CallTimeout, deadline_exceeded};
use crate::rpc::session::object::{CallRequest, SessionLink as _, StartedCall};
use crate::rpc::{Pipelined as _, Remote};

/// The place of a side, which another one can take.
#[derive(Clone)]
pub(super) struct Place(Arc<Mutex<Arc<Side>>>);

impl Place {
    pub(super) fn new(side: Arc<Side>) -> Self {
        Self(Arc::new(Mutex::new(side)))
    }

    pub(super) fn side(&self) -> Arc<Side> {
        Arc::clone(&self.0.lock().unwrap())
    }

    pub(super) fn replace(&self, side: Arc<Side>) -> Arc<Side> {
        std::mem::replace(&mut self.0.lock().unwrap(), side)
    }
}

/// Calls without a deadline are made by the futures of the library. Those with one would need its
/// timers.
impl Caller for Place {
    type Format = Encoding;

    fn format(&self) -> Encoding {
        Encoding::Bincode
    }

    async fn send(&self, call: Call<Encoding>) -> Result<Payload, CallError> {
        match call.context.deadline() {
            None => CallFuture::new(self.side(), None, call).await,
            Some(deadline) => send_until(self.side(), call, deadline).await,
        }
    }
}

async fn send_until(
    side: Arc<Side>,
    call: Call<Encoding>,
    deadline: Instant,
) -> Result<Payload, CallError> {
    /// Cancels the call, unless it has completed.
    struct Started(Arc<Side>, u64);

    impl Drop for Started {
        fn drop(&mut self) {
            self.0.cancel_call(self.1);
        }
    }

    let mut request = Some(CallRequest { object: None, call });
    let timeout = CallTimeout::Deadline(deadline);
    let started = poll_fn(|cx| side.start_call(&mut request, false, timeout, cx).into()).await?;
    let StartedCall::Call(id) = started else {
        unreachable!("no promise was requested");
    };
    let call = Started(side, id);
    tokio::select! {
        biased;
        result = poll_fn(|cx| call.0.poll_result(id, cx)) => result,
        () = sleep_until(deadline) => Err(if call.0.cancel_call(id) {
            CallError::Fault(deadline_exceeded())
        } else {
            CallError::NotSent(Box::new(TooLate))
        }),
    }
}

/// The program of a side.
pub(super) struct Activity {
    pub(super) peer: Place,
    pub(super) ledger: Ledger,
    pub(super) random: Rng,
    /// `true` if nothing fails.
    pub(super) is_healthy: bool,
}

impl Activity {
    pub(super) async fn run(mut self) {
        for _ in 0..self.random.u8(1..8) {
            match self.random.u8(..8) {
                0 | 1 => self.work().await,
                2 => self.work_unheard().await,
                3 => self.hang().await,
                4 => self.create().await,
                5 => self.numbers().await,
                6 => self.read().await,
                _ => self.call_back().await,
            }
            pause(self.choose(&[0, 0, 0, 7])).await;
        }
    }

    async fn work(&mut self) {
        let load = vec![1; self.choose(&[0, 20, 3000, 70_000])];
        let millis = self.choose(&[0, 0, 5, 50]);
        let again = self.random.bool();
        let entry = if again {
            self.ledger.idempotent_call("work")
        } else {
            self.ledger.call("work")
        };
        let (peer, number) = (self.peer.clone(), entry.number());
        let call = async {
            if again {
                peer.work_again(number, millis, &load).await
            } else {
                peer.work(number, millis, &load).await
            }
        };
        if let Some(Ok(back)) = self.outcome(entry, call).await {
            self.ledger.check(back == load, "a call has another result");
        }
    }

    async fn work_unheard(&mut self) {
        let entry = self.ledger.one_way_call("work unheard");
        let peer = self.peer.clone();
        let call = peer.work_unheard(entry.number(), 5, b"load");
        self.outcome(entry, call).await;
    }

    async fn hang(&mut self) {
        let entry = self.ledger.call("hang");
        let (peer, number) = (self.peer.clone(), entry.number());
        let (time, millis) = (
            self.choose(&[0, 1, 30, 300]),
            self.choose(&[1, 30, 1_000_000]),
        );
        let time = Duration::from_millis(time);
        let context = Context::new("hang");
        if self.random.bool() {
            let context = context.with_deadline(Some(now() + time));
            let result = peer.call_in::<()>(context, (number, millis)).await;
            entry.ended(&result);
        } else {
            tokio::select! {
                biased;
                result = peer.call_in::<()>(context, (number, millis)) => entry.ended(&result),
                () = sleep(time) => {}
            }
        }
    }

    async fn create(&mut self) {
        let entry = self.ledger.call("create");
        let peer = self.peer.clone();
        let call = peer.create(entry.number(), self.choose(&[0, 20]));
        if self.random.bool() {
            let counter = call.pipelined();
            self.count(&counter).await;
            if self.random.bool() {
                // A promise that is dropped cancels its call.
                entry.ended(&counter.ready().await);
            }
        } else if let Some(Ok(counter)) = self.outcome(entry, call).await {
            self.count(&counter).await;
            pause(self.choose(&[0, 0, 40])).await;
            self.count(&counter).await;
        }
    }

    /// Calls an object, which counts.
    async fn count(&mut self, counter: &Remote<dyn CounterApi>) {
        let mut least = 0;
        for _ in 0..self.random.u8(..3) {
            let entry = self.ledger.call("next");
            let call = counter.next(entry.number());
            if let Some(Ok(count)) = self.outcome(entry, call).await {
                self.ledger
                    .check(count >= least, "a counter lost its count");
                least = count + 1;
            }
        }
    }

    async fn numbers(&mut self) {
        let (count, fails) = (self.choose(&[0, 1, 10, 60]), self.random.bool());
        let entry = self.ledger.call("numbers");
        let peer = self.peer.clone();
        let call = peer.numbers(entry.number(), count, fails, self.choose(&[0, 0, 3]));
        let Some(Ok(mut numbers)) = self.outcome(entry, call).await else {
            return;
        };
        let enough = self.choose(&[0, 5, 100, 100]);
        for next in 0..enough {
            pause(self.choose(&[0, 0, 9])).await;
            match numbers.next().await {
                Some(Ok(item)) => self.ledger.check(item == next, "a stream lost an item"),
                Some(Err(StreamError::Fault(fault))) if fault.code() == AS_ASKED => {
                    self.ledger
                        .check(fails && next == count, "a stream failed early");
                    return self.ledger.count("stream: failed as asked");
                }
                Some(Err(error)) => {
                    self.ledger
                        .check(!self.is_healthy, format_args!("a stream failed: {error}"));
                    return self.ledger.count(format_args!("stream: {error}"));
                }
                None => {
                    self.ledger
                        .check(!fails && next == count, "a stream ended early");
                    return self.ledger.count("stream: ended");
                }
            }
        }
        self.ledger.count("stream: dropped");
    }

    async fn read(&mut self) {
        let (count, millis) = (self.choose(&[0, 1, 10, 60]), self.choose(&[0, 0, 3]));
        let entry = self.ledger.call("read");
        let numbers = numbers(&self.ledger, count, false, millis);
        let peer = self.peer.clone();
        let call = peer.read(entry.number(), numbers);
        if let Some(Ok(read)) = self.outcome(entry, call).await {
            self.ledger.check(read == count, "a stream ended early");
        }
    }

    async fn call_back(&mut self) {
        let entry = self.ledger.call("call_back");
        let counter = Remote::new(Counter::new(&self.ledger));
        let peer = self.peer.clone();
        let call = peer.call_back(entry.number(), counter.clone());
        if let Some(Ok(back)) = self.outcome(entry, call).await {
            self.ledger
                .check(back == counter, "another object was returned");
        }
    }

    /// Waits until a call completes, or cancels it after a while.
    async fn outcome<T>(
        &mut self,
        entry: Entry,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Option<Result<T, CallError>> {
        if self.random.u8(..5) > 0 {
            let result = call.await;
            if let Err(error) = &result {
                self.ledger
                    .check(!self.is_healthy, format_args!("a call failed: {error:?}"));
            }
            entry.ended(&result);
            return Some(result);
        }
        let time = Duration::from_millis(self.choose(&[0, 1, 15, 150]));
        tokio::select! {
            biased;
            result = call => {
                entry.ended(&result);
                Some(result)
            }
            () = sleep(time) => None,
        }
    }

    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.usize(..choices.len())]
    }
}
