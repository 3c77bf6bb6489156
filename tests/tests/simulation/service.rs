//! The server's methods. All executions are recorded in the ledger.

use std::future::pending;
use std::sync::Mutex;

use farcall::rpc::{Client, Remote, Stream};
use farcall::{CallError, Context, Fault, FaultKind, client, service};
use futures_util::stream;

use super::ledger::{Alive, Ledger};
use super::objects::{Counter, CounterApi, ListenerApi};
use super::pause;
use super::streams::{self, AS_ASKED, Source};

/// The maximum number of callbacks on the board.
const BOARD: usize = 3;

/// The service of the server.
pub(crate) struct Workshop {
    ledger: Ledger,
    /// Objects of clients, which other clients can call.
    board: Mutex<Vec<Remote<dyn ListenerApi>>>,
    _alive: Alive,
}

impl Workshop {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            board: Mutex::default(),
            _alive: ledger.alive("workshops"),
        }
    }
}

#[service]
impl Workshop {
    pub async fn work(&self, number: u64, millis: u64, load: Vec<u8>) -> Vec<u8> {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
        load
    }

    pub async fn hang(&self, number: u64) {
        let _running = self.ledger.run(number);
        pending::<()>().await;
    }

    pub fn fail(&self, number: u64) -> Result<(), Fault> {
        self.ledger.run(number).complete();
        Err(Fault::new(AS_ASKED, "as asked"))
    }

    pub async fn create(&self, number: u64, millis: u64) -> Remote<dyn CounterApi> {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
        Remote::new(Counter::new(&self.ledger))
    }

    /// Returns a stream of objects.
    pub fn counters(&self, number: u64, count: u64) -> Stream<Remote<dyn CounterApi>> {
        self.ledger.run(number).complete();
        let alive = self.ledger.alive("stream sources");
        let ledger = self.ledger.clone();
        Stream::new(stream::unfold((0, alive), move |(next, alive)| {
            let counter = (next < count).then(|| Remote::new(Counter::new(&ledger)));
            async move { counter.map(|counter| (Ok(counter), (next + 1, alive))) }
        }))
    }

    /// Increments an object of the server that the caller passes back.
    pub async fn count_on(
        &self,
        number: u64,
        counter: Remote<dyn CounterApi>,
    ) -> Result<u64, Fault> {
        let running = self.ledger.run(number);
        let local = counter.local::<Counter>();
        self.ledger
            .check(local.is_some(), "a returned object is not the local object");
        running.complete();
        let counter = local.ok_or_else(|| Fault::new(AS_ASKED, "not from here"))?;
        Ok(counter.count())
    }

    pub fn numbers(&self, number: u64, source: Source) -> Stream<u64> {
        self.ledger.run(number).complete();
        source.stream(&self.ledger)
    }

    pub async fn read(
        &self,
        number: u64,
        source: Source,
        millis: u64,
        numbers: Stream<u64>,
    ) -> Result<u64, Fault> {
        let running = self.ledger.run(number);
        let _alive = self.ledger.alive("stream readers");
        let read = streams::read(numbers, source, &self.ledger, || pause(millis)).await?;
        running.complete();
        Ok(read)
    }

    pub async fn call_back(
        &self,
        number: u64,
        listener: Remote<dyn ListenerApi>,
        times: u64,
        millis: u64,
    ) -> Result<(), Fault> {
        let running = self.ledger.run(number);
        for _ in 0..times {
            let entry = self.ledger.call("hear");
            let result = listener.hear(entry.number(), millis).await;
            entry.ended(&result);
            if let Err(CallError::Fault(fault)) = &result {
                self.ledger.check(
                    fault.kind() != FaultKind::Gone,
                    "an object with references was dropped",
                );
            }
            result?;
        }
        running.complete();
        Ok(())
    }

    /// Calls a method that the caller does not offer, and returns the fault.
    pub async fn call_missing(&self, cx: Context, number: u64) -> Result<(), Fault> {
        let _running = self.ledger.run(number);
        let caller = Client::of(&cx).ok_or_else(|| Fault::new(AS_ASKED, "no caller"))?;
        Ok(caller.call("missing", ()).await?)
    }

    /// Calls a method that the caller offers.
    pub async fn call_caller(&self, cx: Context, number: u64, millis: u64) -> Result<(), Fault> {
        let running = self.ledger.run(number);
        let caller = Client::of(&cx).ok_or_else(|| Fault::new(AS_ASKED, "no caller"))?;
        let entry = self.ledger.call("hear");
        let result = caller.hear(entry.number(), millis).await;
        entry.ended(&result);
        result?;
        running.complete();
        Ok(())
    }

    /// Keeps an object of the caller for this time, but not longer than the session.
    pub fn subscribe(&self, number: u64, listener: Remote<dyn ListenerApi>, millis: u64) {
        self.ledger.run(number).complete();
        let alive = self.ledger.alive("subscriptions");
        tokio::spawn(async move {
            let _alive = alive;
            tokio::select! {
                biased;
                () = listener.closed() => {}
                () = pause(millis) => {}
            }
        });
    }

    pub fn return_object(
        &self,
        number: u64,
        listener: Remote<dyn ListenerApi>,
    ) -> Remote<dyn ListenerApi> {
        self.ledger.run(number).complete();
        listener
    }

    pub fn post(&self, number: u64, listener: Remote<dyn ListenerApi>) {
        self.ledger.run(number).complete();
        let mut board = self.board.lock().unwrap();
        board.insert(0, listener);
        let dropped = (board.len() > BOARD).then(|| board.pop());
        drop(board);
        drop(dropped);
    }

    /// Returns an object of a client, possibly of another one.
    pub fn pick(&self, number: u64) -> Option<Remote<dyn ListenerApi>> {
        self.ledger.run(number).complete();
        self.board.lock().unwrap().last().cloned()
    }

    pub fn clear(&self, number: u64) {
        self.ledger.run(number).complete();
        let board = std::mem::take(&mut *self.board.lock().unwrap());
        drop(board);
    }

    /// Checks that the server's side of the session holds nothing but this call.
    pub fn check_load(&self, cx: &Context, number: u64) {
        self.ledger.run(number).complete();
        if let Some(caller) = Client::of(cx) {
            let stats = caller.stats();
            let nothing = farcall::rpc::SessionStats {
                incoming_calls: 1,
                ..Default::default()
            };
            self.ledger.check(
                stats == nothing,
                format_args!("the server still holds {stats:?}"),
            );
        }
    }
}

#[client]
pub(crate) trait WorkshopApi {
    async fn work(&self, number: u64, millis: u64, load: &[u8]) -> Result<Vec<u8>, CallError>;
    #[client(name = "work", idempotent)]
    async fn work_again(&self, number: u64, millis: u64, load: &[u8])
    -> Result<Vec<u8>, CallError>;
    #[client(name = "work", one_way)]
    async fn work_unheard(&self, number: u64, millis: u64, load: &[u8]) -> Result<(), CallError>;
    async fn hang(&self, number: u64) -> Result<(), CallError>;
    async fn fail(&self, number: u64) -> Result<(), CallError>;
    async fn create(&self, number: u64, millis: u64) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn counters(
        &self,
        number: u64,
        count: u64,
    ) -> Result<Stream<Remote<dyn CounterApi>>, CallError>;
    async fn count_on(
        &self,
        number: u64,
        counter: Remote<dyn CounterApi>,
    ) -> Result<u64, CallError>;
    async fn numbers(&self, number: u64, source: Source) -> Result<Stream<u64>, CallError>;
    async fn read(
        &self,
        number: u64,
        source: Source,
        millis: u64,
        numbers: Stream<u64>,
    ) -> Result<u64, CallError>;
    async fn call_back(
        &self,
        number: u64,
        listener: Remote<dyn ListenerApi>,
        times: u64,
        millis: u64,
    ) -> Result<(), CallError>;
    async fn call_missing(&self, number: u64) -> Result<(), CallError>;
    async fn call_caller(&self, number: u64, millis: u64) -> Result<(), CallError>;
    async fn subscribe(
        &self,
        number: u64,
        listener: Remote<dyn ListenerApi>,
        millis: u64,
    ) -> Result<(), CallError>;
    async fn return_object(
        &self,
        number: u64,
        listener: Remote<dyn ListenerApi>,
    ) -> Result<Remote<dyn ListenerApi>, CallError>;
    async fn post(&self, number: u64, listener: Remote<dyn ListenerApi>) -> Result<(), CallError>;
    async fn pick(&self, number: u64) -> Result<Option<Remote<dyn ListenerApi>>, CallError>;
    #[client(idempotent)]
    async fn clear(&self, number: u64) -> Result<(), CallError>;
    async fn check_load(&self, number: u64) -> Result<(), CallError>;
}
