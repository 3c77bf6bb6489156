use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use farcall_conn::rpc::{Client, Server};
use farcall_core::service;

use crate::support::{serve, until};

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
    /// Counts.
    pub fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[tokio::test]
async fn an_object_is_one_for_all_or_one_per_connection_or_one_per_call() {
    let server = Server::new();
    server.register_instance_at("all", Counter::new()).unwrap();
    let shared = ALIVE.load(Ordering::Relaxed);

    server.register_per_connection(|_| Counter::new()).unwrap();
    let connector = serve(&server).await;
    let first = Client::over(connector.clone()).await.unwrap();
    let second = Client::over(connector.clone()).await.unwrap();
    for (client, shared) in [(&first, 1), (&second, 2)] {
        for count in 1..=3 {
            assert_eq!(client.call::<i64>("next", ()).await.unwrap(), count);
        }
        assert_eq!(client.call::<i64>("all.next", ()).await.unwrap(), shared);
    }
    assert_eq!(ALIVE.load(Ordering::Relaxed), shared + 2);
    first.close().await;
    until(|| ALIVE.load(Ordering::Relaxed) == shared + 1).await;

    server.registry().unregister("next");
    server.register_per_call(|_| Counter::new()).unwrap();
    for _ in 0..3 {
        assert_eq!(second.call::<i64>("next", ()).await.unwrap(), 1);
    }
    let help: String = second.call("system.methodHelp", ("next",)).await.unwrap();
    assert_eq!(help, "Counts.");
    second.close().await;
    until(|| ALIVE.load(Ordering::Relaxed) == shared).await;
}
