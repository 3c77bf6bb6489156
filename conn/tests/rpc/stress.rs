//! Many threads at once, over TCP. The simulation has only one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall_conn::rpc::{
    Client, Pipelined as _, Remote, Server, ServerOptions, SessionOptions, SessionStats, Stream,
};
use farcall_core::{CallError, client, service};
use futures_util::stream;
use tokio::time::{sleep, timeout};

use crate::support::{Counter, CounterApi, until};

#[derive(Clone, Default)]
struct Work {
    alive: Arc<AtomicUsize>,
}

#[service]
impl Work {
    pub fn sum(&self, a: u64, b: u64) -> u64 {
        a + b
    }

    pub async fn nap(&self, micros: u64) -> u64 {
        sleep(Duration::from_micros(micros)).await;
        micros
    }

    pub fn create(&self) -> Remote<dyn CounterApi> {
        Remote::new(Counter::new(0, &self.alive))
    }

    pub async fn create_later(&self) -> Remote<dyn CounterApi> {
        tokio::task::yield_now().await;
        self.create()
    }

    pub fn numbers(&self, count: u64) -> Stream<u64> {
        Stream::new(stream::iter((0..count).map(Ok)))
    }

    pub async fn call_back(&self, counter: Remote<dyn CounterApi>) -> Result<i64, CallError> {
        counter.add(1).await
    }
}

#[client]
trait WorkApi {
    async fn sum(&self, a: u64, b: u64) -> Result<u64, CallError>;
    async fn nap(&self, micros: u64) -> Result<u64, CallError>;
    async fn create(&self) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn create_later(&self) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn numbers(&self, count: u64) -> Result<Stream<u64>, CallError>;
    async fn call_back(&self, counter: &Remote<dyn CounterApi>) -> Result<i64, CallError>;
}

/// Performs one of several operations, and may cancel it half way.
async fn one(client: &Client, alive: &Arc<AtomicUsize>, number: u64) {
    match number % 7 {
        0 => assert_eq!(client.sum(number, 1).await.unwrap(), number + 1),
        1 => {
            let nap = timeout(
                Duration::from_micros(number % 300),
                client.nap(number % 500),
            );
            if let Ok(slept) = nap.await {
                assert_eq!(slept.unwrap(), number % 500);
            }
        }
        2 => {
            let counter = client.create().await.unwrap();
            assert_eq!(counter.add(5).await.unwrap(), 5);
        }
        3 => {
            let counter = client.create_later().pipelined();
            let add = timeout(Duration::from_micros(number % 400), counter.add(7));
            if let Ok(value) = add.await {
                assert_eq!(value.unwrap(), 7);
            }
        }
        4 => {
            let mut numbers = client.numbers(200).await.unwrap();
            for expected in 0..number % 250 {
                match numbers.next().await {
                    Some(item) => assert_eq!(item.unwrap(), expected),
                    None => assert_eq!(expected, 200),
                }
                if expected == 200 {
                    break;
                }
            }
        }
        5 => {
            let own = Remote::new(Counter::new(0, alive));
            assert_eq!(client.call_back(&own).await.unwrap(), 1);
        }
        _ => drop(timeout(Duration::from_micros(number % 200), client.create()).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_threads() {
    // Small limits, so that everything that can wait does wait.
    let limits = SessionOptions::default()
        .max_calls_per_session(5)
        .window(500);
    let server = Server::with_options(ServerOptions::default().session(limits));
    let work = Work::default();
    server.register_instance(work.clone()).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());

    let alive = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    let mut tasks = Vec::new();
    for seed in 0..4u64 {
        let options = SessionOptions::default().window(300);
        let client = Client::connect(&address).session(options).await.unwrap();
        for task in 0..8 {
            let (client, alive) = (client.clone(), Arc::clone(&alive));
            tasks.push(tokio::spawn(async move {
                let mut random = seed * 8 + task + 1;
                for _ in 0..300 {
                    // Knuth's linear congruential generator; any other would do.
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    one(&client, &alive, random >> 33).await;
                }
            }));
        }
        clients.push(client);
    }
    for task in tasks {
        timeout(Duration::from_secs(60), task)
            .await
            .unwrap()
            .unwrap();
    }
    until(|| {
        clients
            .iter()
            .all(|client| client.stats() == SessionStats::default())
    })
    .await;
    until(|| work.alive.load(Ordering::Relaxed) + alive.load(Ordering::Relaxed) == 0).await;
}
