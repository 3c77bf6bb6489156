//! Streams as subscriptions.

use std::time::Duration;

use farcall::jsonrpc::{Framing, SessionOptions, SocketClient, SocketClientOptions};
use farcall::jsonrpc::{SocketServer, SubscriptionError};
use farcall::{CallError, Caller as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::{sleep, timeout};

use super::{client, connected, exchange, service_with, websocket};

#[tokio::test]
async fn a_stream_is_a_subscription() {
    let mut io =
        BufReader::new(connected(service_with(SessionOptions::default()), Framing::Lines).await);
    let call =
        "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe_count\",\"params\":[2,true],\"id\":5}\n";
    io.write_all(call.as_bytes()).await.unwrap();
    for expected in [
        r#"{"jsonrpc":"2.0","result":"0x1","id":5}"#,
        r#"{"jsonrpc":"2.0","method":"subscribe_count","params":{"subscription":"0x1","result":0}}"#,
        r#"{"jsonrpc":"2.0","method":"subscribe_count","params":{"subscription":"0x1","result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"subscribe_count","params":{"subscription":"0x1","error":{"code":7,"message":"no more","data":{"kind":"application"}}}}"#,
    ] {
        let mut line = String::new();
        io.read_line(&mut line).await.unwrap();
        assert_eq!(line.trim_end(), expected);
    }
}

#[tokio::test]
async fn clients_receive_items_until_the_end() {
    let service = service_with(SessionOptions::default());
    for client in [
        client().await,
        SocketClient::new(&websocket(service).await).unwrap(),
    ] {
        for fails in [false, true] {
            let mut items = client
                .subscribe::<u64>("subscribe_count", (3, fails))
                .await
                .unwrap();
            for expected in 0..3 {
                assert_eq!(items.next().await.unwrap().unwrap(), expected);
            }
            match items.next().await {
                None => assert!(!fails),
                Some(Err(SubscriptionError::Fault(fault))) => assert_eq!(fault.code(), 7),
                other => panic!("{other:?}"),
            }
            assert!(items.next().await.is_none());
        }
        // A method without a stream is no subscription, whatever it returns.
        let error = client.subscribe::<u64>("missing", ()).await.unwrap_err();
        assert!(matches!(error, CallError::Fault(_)), "{error}");
    }
}

#[tokio::test]
async fn dropping_a_subscription_ends_it_at_the_server() {
    let options = SessionOptions::default().max_subscriptions(1);
    let server = SocketServer::new(service_with(options), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = SocketClient::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    let mut items = client
        .subscribe::<u64>("subscribe_count", (u64::MAX, false))
        .await
        .unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    let refused = client
        .subscribe::<u64>("subscribe_count", (1, false))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("fault"), "{refused}");
    drop(items);
    let again = async {
        while client
            .subscribe::<u64>("subscribe_count", (1, false))
            .await
            .is_err()
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), again).await.unwrap();
}

#[tokio::test]
async fn a_program_that_takes_no_items_loses_its_subscription_only() {
    let server = SocketServer::new(service_with(SessionOptions::default()), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let options = SocketClientOptions::default().subscription_window(10);
    let client = SocketClient::with_options(&bound.url(), options).unwrap();
    tokio::spawn(bound.serve());
    let mut items = client
        .subscribe::<u64>("subscribe_count", (u64::MAX, false))
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    for expected in 0..10 {
        assert_eq!(items.next().await.unwrap().unwrap(), expected);
    }
    let lagged = items.next().await.unwrap().unwrap_err();
    assert!(matches!(lagged, SubscriptionError::Lagged), "{lagged}");
}

#[tokio::test]
async fn streams_have_no_place_in_other_results_nor_over_post() {
    let call = r#"{"jsonrpc":"2.0","method":"nested","id":1}"#;
    let io = connected(service_with(SessionOptions::default()), Framing::Lines).await;
    let answer = exchange(io, call.as_bytes()).await;
    assert!(answer.contains("whole result"), "{answer}");
    let server = farcall::jsonrpc::Server::of(
        farcall::http::ServerOptions::default(),
        service_with(SessionOptions::default()),
    );
    let (_, answer) = crate::answer(&server, call).await;
    assert!(answer.contains("-32001"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_subscriptions_is_refused() {
    let options = SessionOptions::default()
        .max_subscriptions(3)
        .max_concurrent(4);
    let mut io = BufReader::new(connected(service_with(options), Framing::Lines).await);
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe_count\",\"params\":[1000000,false],\"id\":5}\n";
    io.write_all(call.repeat(20).as_bytes()).await.unwrap();
    let (mut begun, mut refused) = (0, 0);
    while begun + refused < 20 {
        let mut line = String::new();
        io.read_line(&mut line).await.unwrap();
        begun += usize::from(line.contains("\"result\":\"0x"));
        refused += usize::from(line.contains("at most 3 subscriptions"));
    }
    assert_eq!((begun, refused), (3, 17));
    // One that does not exist, and one that does.
    let unsubscribe = |id| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"unsubscribe_count\",\"params\":[\"{id}\"],\"id\":{}}}\n",
            9
        )
    };
    for (id, expected) in [
        ("0x99", "\"result\":false,\"id\":9"),
        ("0x2", "\"result\":true,\"id\":9"),
    ] {
        io.write_all(unsubscribe(id).as_bytes()).await.unwrap();
        loop {
            let mut line = String::new();
            io.read_line(&mut line).await.unwrap();
            if line.contains("\"id\":9") {
                assert!(line.contains(expected), "{line}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_stop_ends_subscriptions_and_says_so() {
    let server = SocketServer::new(service_with(SessionOptions::default()), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = SocketClient::new(&bound.url()).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async {
        let _ = stopped.await;
    }));
    let slow = client.clone();
    let slow = tokio::spawn(async move { slow.call::<u64>("sleep", (200,)).await });
    let mut items = client
        .subscribe::<u64>("subscribe_count", (u64::MAX, false))
        .await
        .unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    stop.send(()).unwrap();
    let end = loop {
        match items.next().await {
            Some(Ok(_)) => {}
            other => break other,
        }
    };
    assert!(
        matches!(end, Some(Err(SubscriptionError::Fault(_)))),
        "{end:?}"
    );
    assert_eq!(slow.await.unwrap().unwrap(), 200, "running calls complete");
    assert_eq!(serving.await.unwrap().aborted, 0);
}
