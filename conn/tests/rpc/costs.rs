//! Costs of messages, and the limits that depend on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall_conn::Listener;
use farcall_conn::rpc::{
    Client, Remote, Server, ServerOptions, SessionOptions, Stream, StreamError,
};
use farcall_core::transport::memory::listener;
use farcall_core::{Budget, Caller as _, Context, Execution, FaultKind, service};
use futures_util::stream;
use tokio::time::sleep;

use crate::support::{client, connect, until};

#[tokio::test]
async fn a_name_has_at_most_1024_bytes() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let client = client(&server).await;
    let longest = client.call::<()>("x".repeat(1024), ()).await.unwrap_err();
    assert_eq!(longest.fault().unwrap().kind(), FaultKind::UnknownMethod);
    let error = client.call::<()>("x".repeat(1025), ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        "the method name has 1025 bytes, over the limit of 1024"
    );
    assert_eq!(client.stats().outgoing_calls, 0);
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
}

struct Thing;

#[service]
impl Thing {
    pub fn nothing(&self) {}
}

/// Both peers count the same costs: a stream of references completes with any window.
#[tokio::test]
async fn both_peers_count_the_same_cost_for_items_with_references() {
    let produced = Arc::new(AtomicUsize::new(0));
    let server = Server::new();
    let count = Arc::clone(&produced);
    server
        .register_function("things", move |items: usize, each: usize| {
            let count = Arc::clone(&count);
            let things = (0..items).map(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                Ok((0..each)
                    .map(|_| Remote::<Thing>::new(Thing))
                    .collect::<Vec<_>>())
            });
            Stream::new(stream::iter(things))
        })
        .unwrap();
    let window = 10_000;
    let options = SessionOptions::default().window(window);
    let client = connect(&server).await.session(options).await.unwrap();
    let mut things: Stream<Vec<Remote<Thing>>> = client.call("things", (200, 5)).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    // Each costs 128, 5 times 256, and about 100 bytes.
    let sent = produced.load(Ordering::Relaxed);
    assert!((6..=8).contains(&sent), "{sent} items in the window");
    for _ in 0..200 {
        assert_eq!(things.next().await.unwrap().unwrap().len(), 5);
    }
    assert!(things.next().await.is_none());
}

#[tokio::test]
async fn a_result_over_max_reply_is_a_fault() {
    let options = SessionOptions::default().max_reply(10_000);
    let server = Server::with_options(ServerOptions::default().session(options));
    server
        .register_function("bytes", |length: usize| vec![7u8; length])
        .unwrap();
    server
        .register_function("later", async |length: usize| {
            sleep(Duration::from_millis(1)).await;
            vec![7u8; length]
        })
        .unwrap();
    server
        .register_function("stream", |length: usize| {
            Stream::new(stream::iter([Ok(vec![7u8; length])]))
        })
        .unwrap();
    let client = client(&server).await;
    for method in ["bytes", "later"] {
        let short: Vec<u8> = client.call(method, (9_000,)).await.unwrap();
        assert_eq!(short.len(), 9_000);
        let error = client.call::<Vec<u8>>(method, (11_000,)).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert!(fault.message().contains("cannot be sent"), "{fault}");
    }
    let mut items: Stream<Vec<u8>> = client.call("stream", (11_000,)).await.unwrap();
    assert!(matches!(
        items.next().await,
        Some(Err(StreamError::Fault(_)))
    ));
}

/// Serves with a budget of 2 MiB. The first 64 KiB of each session are not counted.
async fn small(server: &Server) -> (farcall_core::transport::memory::MemoryConnector, Budget) {
    let (listening, connector) = listener("small");
    let budget = Budget::new(2 << 20);
    let listener = Listener::over(listening).budget(budget.clone());
    tokio::spawn(server.listen(listener).await.unwrap().serve());
    (connector, budget)
}

fn hangs() -> Server {
    let server = Server::new();
    server
        .register_function("hang", async |_bytes: Vec<u8>| {
            std::future::pending::<()>().await;
        })
        .unwrap();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
        .register_function("bytes", |length: usize| vec![7u8; length])
        .unwrap();
    server
}

/// Running calls hold their messages, and calls beyond the budget are refused.
#[tokio::test(start_paused = true)]
async fn calls_that_run_are_counted_in_the_budget() {
    let server = hangs();
    let (connector, budget) = small(&server).await;
    let client = Client::over(connector.clone()).await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..3 {
        let client = client.clone();
        calls.push(tokio::spawn(async move {
            let context = Context::new("hang").with_deadline(None);
            client.call_in::<()>(context, (vec![7u8; 600 << 10],)).await
        }));
        sleep(Duration::from_millis(10)).await;
    }
    assert!(
        (1 << 20..=2 << 20).contains(&budget.held()),
        "{}",
        budget.held()
    );
    // This session has held the most for the longest: no other is evicted for it.
    let small = || {
        let client = client.clone();
        let hurried = async move {
            let hurried = client.within(Duration::from_millis(1));
            hurried.call::<()>("hang", (vec![7u8; 60 << 10],)).await
        };
        tokio::spawn(hurried)
    };
    let mut kinds = Vec::new();
    for call in (0..20).map(|_| small()).collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        kinds.push(error.fault().unwrap().kind());
    }
    let refused = kinds.iter().filter(|kind| **kind == FaultKind::Overloaded);
    let refused = refused.count();
    assert!((10..20).contains(&refused), "{kinds:?}");
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    for call in calls {
        call.abort();
    }
    sleep(Duration::from_millis(10)).await;
    assert_eq!(budget.held(), 0);
}

/// A message waits for room in the budget, but not for ever.
#[tokio::test(start_paused = true)]
async fn a_message_waits_for_room_and_not_for_ever() {
    let server = hangs();
    let (connector, budget) = small(&server).await;
    let client = Client::over(connector).await.unwrap();
    let hang = |time: u64| {
        let hang = client.clone();
        tokio::spawn(async move {
            let hang = hang.within(Duration::from_secs(time));
            hang.call::<()>("hang", (vec![7u8; 1500 << 10],)).await
        })
    };
    let first = hang(5);
    sleep(Duration::from_secs(1)).await;
    // There is room once the first call has ended.
    let second = hang(1000);
    assert!(first.await.unwrap().is_err());
    sleep(Duration::from_secs(1)).await;
    assert!(!second.is_finished() && budget.held() > 1 << 20);
    let third = hang(1000);
    for call in [second, third] {
        let error = call.await.unwrap().unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("held too much memory"), "{cause}");
    }
    client.closed().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.held(), 0);
}

/// The session that has held the most for the longest is evicted when another needs the room.
#[tokio::test(start_paused = true)]
async fn the_session_that_held_the_most_for_the_longest_is_evicted() {
    let server = hangs();
    let (connector, budget) = small(&server).await;
    let greedy = Client::over(connector.clone()).await.unwrap();
    let hang = greedy.clone();
    let held = tokio::spawn(async move {
        let context = Context::new("hang").with_deadline(None);
        hang.call_in::<()>(context, (vec![7u8; 1500 << 10],)).await
    });
    sleep(Duration::from_secs(5)).await;
    assert!(budget.held() > 1 << 20);
    let other = Client::over(connector).await.unwrap();
    let bytes: Vec<u8> = other.call("bytes", (1200 << 10,)).await.unwrap();
    assert_eq!(bytes.len(), 1200 << 10);
    assert_eq!(
        held.await.unwrap().unwrap_err().execution(),
        Execution::Maybe
    );
    greedy.closed().await;
    assert_eq!(other.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.held(), 0);
}

/// Unread items of streams are counted as well.
#[tokio::test(start_paused = true)]
async fn items_that_wait_are_counted_in_the_budget() {
    let server = Server::with_options(
        ServerOptions::default().session(SessionOptions::default().window(4 << 20)),
    );
    server
        .register_function("hold", async |items: Stream<Vec<u8>>| {
            std::future::pending::<()>().await;
            drop(items);
        })
        .unwrap();
    let (connector, budget) = small(&server).await;
    let client = Client::over(connector).await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let items = std::iter::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(vec![7u8; 100_000])
    });
    let items = Stream::new(stream::iter(items.take(100)));
    let caller = client.clone();
    let call = tokio::spawn(async move {
        let context = Context::new("hold").with_deadline(None);
        caller.call_in::<()>(context, (items,)).await
    });
    sleep(Duration::from_secs(1)).await;
    let held = budget.held();
    assert!((1 << 20..=2 << 20).contains(&held), "{held} bytes");
    // Beyond the budget the stream was stopped, and its source dropped.
    assert!(sent.load(Ordering::Relaxed) < 100);
    until(|| client.stats().streams == 0).await;
    call.abort();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.held(), 0);
}

/// Replies that the peer does not read are counted as well.
#[tokio::test(start_paused = true)]
async fn unread_replies_are_counted_in_the_budget() {
    let server = Server::with_options(
        ServerOptions::default().session(SessionOptions::default().max_backlog(usize::MAX)),
    );
    server
        .register_function("bytes", |length: usize| vec![7u8; length])
        .unwrap();
    let (connector, budget) = small(&server).await;
    let io = farcall_core::transport::Connect::connect(&connector)
        .await
        .unwrap();
    let mut peer: farcall_conn::Connection = farcall_conn::Connection::new(io);
    let hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\xff\xff\x7f\x7f\x7f\x7f\x7f\0";
    peer.send_bytes(hello).await.unwrap();
    peer.recv_bytes(1000).await.unwrap();
    for id in 1..=40 {
        // Each reply has 100,000 bytes.
        let call = [
            &[1, id, 0, 0, 0, 5][..],
            b"bytes",
            &[0, 0x91, 0xce, 0, 1, 0x86, 0xa0],
        ];
        peer.send_bytes(&call.concat()).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    let held = budget.held();
    assert!((1 << 20..=2 << 20).contains(&held), "{held} bytes");
    let (mut results, mut refused) = (0, 0);
    for _ in 1..=40 {
        let answer = peer.recv_bytes(1 << 20).await.unwrap();
        match answer[0] {
            2 => results += 1,
            3 => refused += 1,
            other => panic!("a message of kind {other}"),
        }
    }
    assert!(
        results >= 15 && refused >= 15,
        "{results} results, {refused} refused"
    );
    sleep(Duration::from_millis(100)).await;
    assert_eq!(budget.held(), 0);
}
