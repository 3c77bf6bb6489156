//! Clients by URL.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use farcall::cluster::{Client, ConnectOptions, Credentials, Protocol, SessionFailed};
use farcall::conn::auth::AuthKey;
use farcall::{CallError, Caller as _, Context, Execution, client as typed, rpc};
use futures_util::future::join_all;

use crate::support::{
    Fate, Ledger, MS, address, client, fated, jsonrpc_at, refusing, rpc_at, xmlrpc_at,
};

#[typed(crate = "farcall")]
trait Adder {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

#[tokio::test]
async fn typed_calls_work_over_every_protocol() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let json = jsonrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    for (url, protocol) in [
        (&http.url, Protocol::XmlRpc),
        (&json.url, Protocol::JsonRpc),
        (&session.url, Protocol::Connection),
    ] {
        let client = client(url);
        assert_eq!(client.protocol(), protocol);
        assert_eq!(client.add(3, 5).await.unwrap(), 8);
    }
    assert_eq!(ledger.runs(), 3);
}

#[tokio::test]
async fn concurrent_calls_share_one_attempt_to_connect() {
    let server = rpc_at(address(), &Ledger::default()).await;
    let client = client(&server.url);
    let calls = (0..20).map(|_| client.call::<String>("peer", ()));
    let peers: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(peers.iter().all(|peer| *peer == peers[0]), "{peers:?}");
    let later: String = client.call("peer", ()).await.unwrap();
    assert_eq!(later, peers[0]);
    client.disconnect();
    let anew: String = client.call("peer", ()).await.unwrap();
    assert_ne!(anew, peers[0]);
}

#[tokio::test]
async fn concurrent_calls_share_a_failure_to_connect_and_later_ones_try_again() {
    let address = address();
    let url = format!("conn+rpc://{address}");
    let client = client(&url);
    for failed in join_all((0..5).map(|_| client.add(3, 5))).await {
        let error = failed.unwrap_err();
        assert_eq!(error.execution(), Execution::Never);
        let cause = SessionFailed::of(&error).unwrap();
        assert!(matches!(cause, rpc::OpenError::Connect(_)), "{cause:?}");
    }
    let _server = rpc_at(address, &Ledger::default()).await;
    assert_eq!(client.add(3, 5).await.unwrap(), 8);
}

#[tokio::test]
async fn an_abandoned_attempt_does_not_harm_the_calls_that_wait_for_it() {
    let server = rpc_at(address(), &Ledger::default()).await;
    let client = client(&server.url);
    for _ in 0..50 {
        client.disconnect();
        let mut first = Box::pin(client.add(1, 1));
        // Polled once: the attempt has begun.
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        let second = client.add(3, 5);
        drop(first);
        assert_eq!(second.await.unwrap(), 8);
    }
}

#[tokio::test]
async fn a_client_connects_again_after_a_loss() {
    let (ledger, address) = (Ledger::default(), address());
    let server = rpc_at(address, &ledger).await;
    let client = client(&server.url);
    assert_eq!(client.add(3, 5).await.unwrap(), 8);
    server.end().await;
    // Until the end of the connection is seen, a call counts as sent.
    tokio::time::sleep(MS * 50).await;
    let error = client.add(3, 5).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    let _server = rpc_at(address, &ledger).await;
    assert_eq!(client.add(3, 5).await.unwrap(), 8);
    assert_eq!(ledger.runs(), 2);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let server = rpc::Server::new();
    let bound = server.bind(address()).authkey("right").await.unwrap();
    let url = bound.url();
    tokio::spawn(bound.serve());
    let wrong = Credentials::new().authkey(AuthKey::new("s3cr3t").unwrap());
    for credentials in [Credentials::new(), wrong] {
        let client = Client::open(&url, &credentials).unwrap();
        let error = client.call::<i64>("add", (3, 5)).await.unwrap_err();
        assert!(matches!(error, CallError::Refused(_)), "{error:?}");
        assert_eq!(error.execution(), Execution::Never);
        let shown = format!("{error:?} {client:?} {credentials:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn secrets_of_a_url_are_not_shown() {
    let url = refusing().replace("http://", "http://user:s3cr3t@") + "?key=s3cr3t";
    let credentials = Credentials::new().bearer_auth("t0ken").unwrap();
    let client = Client::open(&url, &credentials).unwrap();
    assert!(client.url().ends_with("/RPC2"), "{}", client.url());
    let error = client.add(3, 5).await.unwrap_err();
    let shown = format!("{error:?} {client:?} {credentials:?} {}", client.url());
    assert!(
        !shown.contains("s3cr3t") && !shown.contains("t0ken"),
        "{shown}"
    );
    let error = Client::open("htp://user:s3cr3t@h/", &credentials).unwrap_err();
    assert!(!format!("{error:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn replies_are_limited() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let options = ConnectOptions::default().max_reply(10_000);
    for url in [&http.url, &session.url] {
        let client = Client::with_options(url, &Credentials::new(), options).unwrap();
        let small: String = client.call("blob", (5_000,)).await.unwrap();
        assert_eq!(small.len(), 5_000);
        let error = client.call::<String>("blob", (50_000,)).await.unwrap_err();
        assert_ne!(error.execution(), Execution::Never, "{error:?}");
        assert_eq!(client.add(3, 5).await.unwrap(), 8, "the client still works");
    }
}

#[tokio::test]
async fn the_default_timeout_is_for_calls_without_a_deadline() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let options = ConnectOptions::default().timeout(Some(MS * 100));
    for url in [&http.url, &session.url] {
        let client = Client::with_options(url, &Credentials::new(), options).unwrap();
        let begin = Instant::now();
        let error = client.call::<u64>("run", (60_000,)).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
        assert!(begin.elapsed() < Duration::from_secs(10));
        let later = Some(Instant::now() + Duration::from_secs(10));
        let context = Context::new("run").with_deadline(later);
        assert_eq!(client.call_in::<u64>(context, (300,)).await.unwrap(), 300);
    }
    assert_eq!(ledger.runs.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn connecting_is_limited_by_the_deadline_of_the_call() {
    let hanging = fated(&[Fate::Hang], &Ledger::default()).await;
    // A peer of connections that says nothing: the greeting waits.
    let url = hanging
        .url
        .replace("http://", "conn+rpc://")
        .replace("/RPC2", "");
    let client = client(&url);
    let begin = Instant::now();
    let error = client.within(MS * 100).add(3, 5).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(2));
}
