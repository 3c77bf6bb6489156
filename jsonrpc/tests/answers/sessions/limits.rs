//! Each limit of a session strikes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall::jsonrpc::{Framing, Service, SessionOptions, SocketServer, SocketServerOptions};
use farcall::transport::{Connect as _, memory};
use farcall::{Budget, Registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, advance, sleep, timeout};

use super::{connected, exchange, service_with};

/// Returns how long the server keeps a connection after these bytes.
async fn kept(options: SessionOptions, bytes: &[u8]) -> Duration {
    let mut io = connected(service_with(options), Framing::Lines).await;
    let begin = Instant::now();
    io.write_all(bytes).await.unwrap();
    let _ = io.read_to_end(&mut Vec::new()).await;
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn time_is_limited() {
    let options = SessionOptions::default()
        .message_timeout(Duration::from_secs(4))
        .idle_timeout(Some(Duration::from_secs(40)));
    for (bytes, from, to) in [
        (&b""[..], 40, 52),
        (b"{\"jsonrpc\"", 4, 6),
        (b"\n\n", 40, 52),
    ] {
        let kept = kept(options, bytes).await;
        let expected = Duration::from_secs(from)..Duration::from_secs(to);
        assert!(expected.contains(&kept), "{bytes:?}: {kept:?}");
    }
    // A call is not idleness.
    let call = b"{\"jsonrpc\":\"2.0\",\"method\":\"sleep\",\"params\":[90000],\"id\":1}\n";
    assert!(kept(options, call).await > Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_keeps_sending_a_message_is_cut_off() {
    let options = SessionOptions::default().message_timeout(Duration::from_secs(4));
    let mut io = connected(service_with(options), Framing::Lines).await;
    for second in 0..10 {
        if io.write_all(b"x").await.is_err() {
            assert!((4..8).contains(&second), "{second}");
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("it was read for ever");
}

/// A service that counts the calls that run.
fn counting(options: SessionOptions) -> (Service, Arc<AtomicUsize>) {
    let running = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&running);
    let registry = Registry::new();
    registry
        .register_function("wait", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>()
        })
        .unwrap();
    (Service::new(registry).sessions(options), running)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_wait_for_a_place() {
    let (service, running) = counting(SessionOptions::default().max_concurrent(8));
    let mut io = connected(service, Framing::Lines).await;
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":1}\n".repeat(10_000);
    let written = timeout(Duration::from_secs(1), io.write_all(call.as_bytes())).await;
    assert!(written.is_err(), "the rest is not read");
    assert_eq!(running.load(Ordering::Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn calls_over_the_limit_of_the_server_are_refused() {
    let (service, running) = counting(SessionOptions::default());
    let options = SocketServerOptions::default().max_calls(1);
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(service, Framing::Lines, options);
    tokio::spawn(server.listen(listener).unwrap().serve());
    let call = b"{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":1}\n";
    let mut first = connector.connect().await.unwrap();
    first.write_all(call).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let mut second = connector.connect().await.unwrap();
    let batch = b"[{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":5},{\"jsonrpc\":\"2.0\",\"method\":\"wait\"}]\n";
    second.write_all(batch).await.unwrap();
    let mut answer = vec![0; 1000];
    let length = second.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(
        answer.starts_with('[') && answer.contains("overloaded"),
        "{answer}"
    );
    assert!(
        answer.contains("\"id\":5") && !answer.contains("\"id\":null"),
        "{answer}"
    );
    assert_eq!(running.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_stops_further_calls_and_is_cut_off() {
    let options = SessionOptions::default().write_timeout(Duration::from_secs(5));
    let budget = Budget::new(64 << 20);
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(
        service_with(options),
        Framing::Lines,
        SocketServerOptions::default().budget(budget.clone()),
    );
    tokio::spawn(server.listen(listener).unwrap().serve());
    let mut io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[1000000],\"id\":1}\n";
    let calls = call.repeat(5000);
    let written = timeout(Duration::from_secs(2), io.write_all(calls.as_bytes())).await;
    assert!(written.is_err(), "it reads no further calls");
    // 16 answers wait in the outbox, one is being written, and 64 calls have one each at most.
    assert!(budget.held() <= 64 << 20, "{}", budget.held());
    advance(Duration::from_secs(60)).await;
    sleep(Duration::from_secs(10)).await;
    assert!(io.write_all(b"x").await.is_err(), "it is cut off");
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn messages_beyond_the_budget_are_refused() {
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(
        service_with(SessionOptions::default()),
        Framing::Lines,
        SocketServerOptions::default().budget(Budget::new(200_000)),
    );
    tokio::spawn(server.listen(listener).unwrap().serve());
    let io = connector.connect().await.unwrap();
    let answer = exchange(io, "x".repeat(1_000_000).as_bytes()).await;
    assert!(answer.contains("memory budget"), "{answer}");
    // An answer that has no room is replaced, with its id.
    let io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[1000000],\"id\":77}\n";
    let answer = exchange(io, call.as_bytes()).await;
    assert!(
        answer.contains("-32603") && answer.contains("\"id\":77"),
        "{answer:.200}"
    );
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error() {
    let options = SessionOptions::default().max_reply(1000);
    let io = connected(service_with(options), Framing::Lines).await;
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[2000],\"id\":1}\n";
    let answer = exchange(io, call.as_bytes()).await;
    assert!(answer.contains("limit of 1000 bytes"), "{answer}");
}
