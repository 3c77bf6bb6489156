//! More calls than a server runs at once: those beyond the limit are refused at once, and their
//! callers know that they did not run.

use std::time::{Duration, Instant};

use bytes::Bytes;
use farcall::http::ServerOptions;
use farcall::rpc;
use farcall::{CallError, Caller, Execution, FaultKind};
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tests::limits::allow_descriptors;
use tests::victim::{KEY, Victim};
use tokio::task::JoinSet;

/// The duration in seconds of the calls that fill the server.
const LONG: f64 = 600.0;

/// The number of calls beyond those.
const BEYOND: usize = 2000;

/// The time within which a call is refused on a busy machine, far below [`LONG`].
const PROMPT: Duration = Duration::from_secs(20);

/// Checks that a call was refused for overload and did not run.
fn assert_refused(result: &Result<i64, CallError>) {
    let error = result.as_ref().unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    let fault = error.fault().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(fault.kind(), FaultKind::Overloaded, "{error:?}");
}

/// Waits until a call is accepted again: the server takes a moment to notice that callers
/// disconnected.
async fn wait_for_room(client: &impl Caller) {
    let begin = Instant::now();
    loop {
        match client.call::<i64>("add", (3, 5)).await {
            Ok(sum) => return assert_eq!(sum, 8),
            refused => assert_refused(&refused),
        }
        assert!(begin.elapsed() < PROMPT, "calls are still refused");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the server is full, and makes [`BEYOND`] further calls, `at_once` concurrently, on
/// these clients in turn.
async fn assert_all_refused(clients: &[impl Caller], at_once: usize) {
    let client = &clients[0];
    // The last of the calls that fill the server may still be in flight.
    let begin = Instant::now();
    while client.call::<i64>("add", (3, 5)).await.is_ok() {
        assert!(begin.elapsed() < PROMPT, "the server is not full");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let calls = clients
        .iter()
        .cycle()
        .take(BEYOND)
        .map(|client| async move {
            let begin = Instant::now();
            assert_refused(&client.call("add", (3, 5)).await);
            begin.elapsed()
        });
    let times: Vec<Duration> = stream::iter(calls)
        .buffer_unordered(at_once)
        .collect()
        .await;
    let slowest = times.into_iter().max().unwrap();
    println!("{BEYOND} calls refused, the slowest in {slowest:?}");
    assert!(slowest < PROMPT, "{slowest:?}");
}

#[tokio::test]
async fn a_refusal_for_overload_has_status_and_fault() {
    let options = ServerOptions::default().max_calls(0);
    let server = farcall::xmlrpc::Server::with_options(options);
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let call = "<methodCall><methodName>add</methodName></methodCall>";
    let request = Request::post("/RPC2").body(Full::new(Bytes::from(call)));
    let response = server.respond(request.unwrap()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["connection"], "close");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let document = std::str::from_utf8(&body).unwrap();
    assert!(document.contains("-32400"), "{document}");
    assert!(
        document.contains("the server already runs its maximum of 0 calls"),
        "{document}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_http_beyond_the_limit_are_refused_at_once() {
    allow_descriptors(3000);
    let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &[]).await;
    let client = farcall::xmlrpc::Client::new(&victim.url()).unwrap();
    let mut long = JoinSet::new();
    for _ in 0..512 {
        let client = client.clone();
        long.spawn(async move { client.call::<bool>("sleep", (LONG,)).await });
    }
    // More clients than there are connections left, each with its own.
    let clients: Vec<_> = (0..1000)
        .map(|_| farcall::xmlrpc::Client::new(&victim.url()).unwrap())
        .collect();
    assert_all_refused(&clients, 1000).await;
    assert!(long.try_join_next().is_none(), "a long call was dropped");
    victim.assert_unharmed("an overload");
    long.shutdown().await;
    wait_for_room(&client).await;
    drop((client, clients));
    victim.assert_well("an overload").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_connections_beyond_the_limit_are_refused_at_once() {
    let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &[]).await;
    let mut long = JoinSet::new();
    for _ in 0..16 {
        let client = rpc::Client::connect(victim.rpc).authkey(KEY).await.unwrap();
        for _ in 0..1024 {
            let client = client.clone();
            long.spawn(async move { client.call::<bool>("sleep", (LONG,)).await });
        }
    }
    let client = [rpc::Client::connect(victim.rpc).authkey(KEY).await.unwrap()];
    assert_all_refused(&client, 1000).await;
    assert!(long.try_join_next().is_none(), "a long call was dropped");
    println!("{} KiB of memory", victim.memory() >> 10);
    victim.assert_unharmed("an overload");
    long.shutdown().await;
    wait_for_room(&client[0]).await;
    drop(client);
    victim.assert_well("an overload").await;
}
