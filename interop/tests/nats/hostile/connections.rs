//! Messages at which connections break.

use std::collections::HashSet;
use std::time::Duration;

use farcall::cluster::nats::{Gather, ServerOptions, StreamConnector, StreamListener};
use farcall::conn::Listener;
use farcall::{CallError, Caller as _, Execution};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{BREAKS, SOON, client, odd_headers, serves};
use crate::failures::until;
use crate::raw::{Raw, Received};
use crate::server::NatsServer;
use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_serves_on_after_headers_of_any_kind() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let client = client(&called, "demo");
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("answers.*").await;
    let subjects = [
        "demo.add".to_owned(),
        "demo.nope".to_owned(),
        format!("farcall.one.demo.{}.add", running.id),
        "farcall.all.demo.add".to_owned(),
        "farcall.cancel.demo".to_owned(),
        "farcall.session.demo".to_owned(),
        "$SRV.INFO".to_owned(),
    ];
    for headers in odd_headers() {
        let shown = String::from_utf8_lossy(&headers[..headers.len().min(60)]).into_owned();
        for subject in &subjects {
            raw.publish_with(subject, "answers.1", &headers, "[3,5]")
                .await;
        }
        raw.settle().await;
        serves(&client, &shown).await;
    }
    for answer in raw.all().await {
        let evil = answer.header("Evil");
        assert!(
            evil.is_none() && !answer.headers.contains(&0x0b),
            "{answer:?}"
        );
    }
    assert!(!running.task.is_finished());
    assert!(running.ledger.runs().is_empty());
    assert_eq!(called.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_under_way_are_answered_over_the_next_connection() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let client = client(&called, "demo");
    let sleeping = {
        let client = client.clone();
        tokio::spawn(async move { client.call::<u64>("sleep", (3000,)).await })
    };
    let mut raw = Raw::connect(&nats).await;
    until("the call runs", async || called.waiting() == 1).await;
    serves(&client, "the call has arrived").await;
    let broken = served.client();
    for _ in 0..5 {
        raw.publish_with("demo.add", "", BREAKS, "[]").await;
        raw.settle().await;
        serves(&client, "the client of the service breaks").await;
    }
    // The cause is what this test is about.
    assert!(
        broken.flush().await.is_err(),
        "async-nats reads these headers now"
    );
    assert!(served.client().flush().await.is_ok());
    // A method that came later is offered, too.
    let late = || "late";
    running.server.register_function("late", late).unwrap();
    until("a method is new", async || {
        client.call::<String>("late", ()).await.is_ok()
    })
    .await;
    let found = client.instances(Gather::default().quorum(1)).await.unwrap();
    assert_eq!(found[0].instance(), Some(running.id.as_str()));
    assert_eq!(sleeping.await.unwrap().unwrap(), 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_client_that_breaks_fail_at_once_and_truly() {
    let nats = NatsServer::start();
    let called = nats.connect().await;
    let client = client(&called, "demo");
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("demo.run").await;
    let mut received = HashSet::new();
    let mut outcomes = Vec::new();
    for round in 0..10 {
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (client, token) = (client.clone(), format!("{round}-{number}"));
                tokio::spawn(async move {
                    let result = client.call::<bool>("run", (&token,)).await;
                    (token, result.unwrap_err())
                })
            })
            .collect();
        let mut calls = std::pin::pin!(timeout(SOON, join_all(calls)));
        let mut arrived = Vec::new();
        let ended = loop {
            tokio::select! {
                ended = &mut calls => break ended.expect("no call waits"),
                call = raw.next() => arrived.push(call),
            }
            // Some are made before it breaks, some after it.
            if arrived.len() >= 5 {
                let reply = arrived.last().and_then(|call| call.reply.as_ref());
                raw.publish_with(reply.unwrap(), "", BREAKS, "true").await;
            }
        };
        for call in ended {
            let (token, error) = call.unwrap();
            let is_lost = matches!(error, CallError::Lost(_) | CallError::NotSent(_));
            assert!(is_lost, "{error:?}");
            outcomes.push((token, error.execution()));
        }
        arrived.extend(raw.all().await);
        received.extend(arrived.iter().map(token));
        until("the client connects again", async || called.is_connected()).await;
        assert_eq!(called.waiting(), 0);
    }
    for (token, execution) in &outcomes {
        let is_true = *execution == Execution::Maybe || !received.contains(token);
        assert!(is_true, "{token} never ran, it was said");
    }
    let maybe = outcomes
        .iter()
        .filter(|(_, execution)| *execution == Execution::Maybe);
    assert!(maybe.count() >= 50);
}

/// The argument of a call of `run`.
fn token(call: &Received) -> String {
    let arguments: Vec<String> = serde_json::from_slice(&call.body).unwrap();
    arguments[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_any_kind_end_a_call() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let _running = start(&served, "other", ServerOptions::default()).await;
    let other = client(&called, "other");
    let client = client(&called, "demo");
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("demo.run").await;
    for headers in odd_headers() {
        let call = {
            let client = client.clone();
            tokio::spawn(async move { client.call::<bool>("run", ("a",)).await })
        };
        let reply = raw.next().await.reply.unwrap();
        raw.publish_with(&reply, "", &headers, "true").await;
        // Without headers at last, for those that async-nats leaves out.
        raw.publish(&reply, "", "true").await;
        let shown = String::from_utf8_lossy(&headers[..headers.len().min(60)]).into_owned();
        drop(timeout(SOON, call).await.expect(&shown).unwrap());
        serves(&other, &shown).await;
        assert_eq!(called.waiting(), 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_the_client_that_breaks_and_others_begin() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let listener = StreamListener::new(&served, "files", "node1")
        .await
        .unwrap();
    let server = farcall::rpc::Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.listen(Listener::over(listener)).await.unwrap();
    let serving = tokio::spawn(bound.serve());
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("farcall.session.files").await;
    for breaks_listener in [true, false, true, false] {
        let connector = StreamConnector::new(&called, "files").unwrap();
        let mut session = None;
        until("a session begins", async || {
            // The other subscription keeps the NATS server from saying that nobody listens.
            let connecting = farcall::rpc::Client::over(connector.clone()).into_future();
            let connected = timeout(Duration::from_secs(2), connecting).await;
            session = connected.ok().and_then(Result::ok);
            session.is_some()
        })
        .await;
        let session = session.unwrap();
        assert_eq!(session.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        let inbox = raw.all().await.pop().unwrap().reply.unwrap();
        let broken = if breaks_listener {
            "farcall.session.files".to_owned()
        } else {
            inbox
        };
        raw.publish_with(&broken, "", BREAKS, "").await;
        timeout(SOON, session.closed())
            .await
            .expect("the session ends");
        let error = session.call::<i64>("add", (3, 5)).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        raw.all().await;
    }
    assert!(!serving.is_finished());
    // A message that is none of a stream opens none, wherever its answers are to go.
    let long = format!("a.{}", "b".repeat(4000));
    for reply in [
        "farcall.session.files",
        "farcall.session.files.node1",
        "x",
        &long,
    ] {
        for body in [
            &b""[..],
            b"\x02\0\0\0\0\0\x04\0\0",
            b"\x01\0\0\0\0\0\x04\0\0",
            b"\x01",
            &[3; 70],
        ] {
            raw.publish("farcall.session.files", reply, body).await;
        }
    }
    raw.settle().await;
    until("the client connects again", async || called.is_connected()).await;
    let connector = StreamConnector::new(&called, "files").unwrap();
    let session = farcall::rpc::Client::over(connector).await.unwrap();
    assert_eq!(session.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    drop(session);
    until("all streams end", async || {
        served.waiting() + called.waiting() == 0
    })
    .await;
    serving.abort();
}
