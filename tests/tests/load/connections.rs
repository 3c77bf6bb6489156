//! Ten thousand concurrent connections.

use std::time::Duration;

use farcall::Caller;
use farcall::rpc;
use farcall::xmlrpc::ClientOptions;
use futures_util::{StreamExt as _, stream};
use tests::limits::allow_descriptors;
use tests::victim::{KEY, MEMORY, Victim};

/// The number of connections of each protocol.
const CONNECTIONS: usize = 5000;

/// The number of connections that are opened, or called over, at the same time.
const AT_ONCE: usize = 64;

/// A timeout above the duration of the test, so that no connection is closed for being idle.
const TIMEOUT: Duration = Duration::from_secs(600);

async fn add(client: &impl Caller) {
    let sum: i64 = client.call("add", (3, 5)).await.unwrap();
    assert_eq!(sum, 8);
}

/// Opens [`CONNECTIONS`] clients.
async fn many<F: Future>(open: impl Fn() -> F) -> Vec<F::Output> {
    let opening = (0..CONNECTIONS).map(|_| open());
    stream::iter(opening)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// Opens all connections, makes calls over each, and returns the memory of the server while they
/// are open.
async fn hold(victim: &Victim) -> u64 {
    let before = victim.descriptors();
    let over_http = many(async || {
        let options = ClientOptions::default()
            .idle_timeout(TIMEOUT)
            .timeout(Some(TIMEOUT));
        let client = farcall::xmlrpc::Client::with_options(&victim.url(), options).unwrap();
        add(&client).await;
        client
    });
    let over_http = over_http.await;
    let over_connections = many(async || {
        let builder = rpc::Client::connect(victim.rpc);
        builder.authkey(KEY).timeout(TIMEOUT).await.unwrap()
    });
    let over_connections = over_connections.await;

    let held = victim.descriptors() - before;
    assert!(held >= 2 * CONNECTIONS, "{held} connections");
    let http = stream::iter(&over_http).for_each_concurrent(AT_ONCE, add);
    let connections = stream::iter(&over_connections).for_each_concurrent(AT_ONCE, add);
    tokio::join!(http, connections);
    // New connections are accepted as well.
    victim.assert_serves().await;
    let memory = victim.memory();
    println!("{held} connections held, {} KiB of memory", memory >> 10);
    memory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_are_held_while_calls_go_on() {
    allow_descriptors(2 * CONNECTIONS as u64 + 1000);
    let connections = (CONNECTIONS + 100).to_string();
    let timeout = TIMEOUT.as_millis().to_string();
    let arguments = ["--max-connections", &connections, "--timeout-ms", &timeout];
    let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &arguments).await;
    let mut memory = Vec::new();
    for _ in 0..3 {
        memory.push(hold(&victim).await);
        victim.assert_released("ten thousand connections").await;
    }
    // The allocator returns memory late, but reuses it for the next round.
    assert!(memory[2] <= memory[1] + memory[1] / 8, "{memory:?}");
    // Ten times the default number of connections justifies twice the memory.
    assert!(victim.peak() <= 2 * MEMORY, "{} bytes", victim.peak());
    assert!(!victim.log().contains("panicked at"), "{}", victim.log());
}
