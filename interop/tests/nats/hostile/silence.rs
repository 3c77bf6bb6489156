//! Calls that nobody answers.

use std::slice;
use std::time::{Duration, Instant};

use farcall::cluster::nats::{Client, ServerOptions};
use farcall::{Caller as _, Execution, FaultKind};

use super::{client, serves};
use crate::failures::{judge, until};
use crate::raw::Raw;
use crate::server::NatsServer;
use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_given_up_during_a_reconnect_runs_never_if_so_it_was_said() {
    let mut nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let client = client(&called, "demo");
    let mut outcomes = Vec::new();
    for round in 0..3 {
        let stop = Instant::now() + Duration::from_secs(1);
        let calls: Vec<_> = (0..64_u64)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move {
                    let mut outcomes = Vec::new();
                    let short = client.within(Duration::from_millis(number));
                    while Instant::now() < stop {
                        let token = format!("{round}-{number}-{}", outcomes.len());
                        let result = short.call::<bool>("run", (&token,)).await;
                        outcomes.push((token, result.err().map(|error| error.execution())));
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    outcomes
                })
            })
            .collect();
        until("calls are made", async || called.waiting() > 0).await;
        nats.kill();
        let over = Instant::now() + Duration::from_millis(200);
        for call in calls {
            outcomes.extend(call.await.unwrap());
        }
        // A call that was passed on in the moment of the break has a deadline of its own.
        tokio::time::sleep_until(over.into()).await;
        let mut ran = usize::MAX;
        until("what has arrived has run", async || {
            let before = std::mem::replace(&mut ran, running.ledger.runs().len());
            before == ran
        })
        .await;
        nats.restart();
        serves(&client, "the server is back").await;
        assert_eq!(running.ledger.runs().len(), ran, "a call ran late");
    }
    let (good, never, maybe) = judge(&outcomes, slice::from_ref(&running.ledger));
    println!("{good} good, {never} never ran, {maybe} may have run");
    assert!(never > 1000, "{good} {never} {maybe}");
    assert_eq!(called.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_an_answer_leave_nothing_behind() {
    let nats = NatsServer::start();
    let called = nats.connect().await;
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("silent.>").await;
    let client = Client::new(&called, "silent").unwrap();
    let calls: Vec<_> = (0..10_000)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let client = client.within(Duration::from_secs(5));
                client.call::<bool>("run", (number,)).await.unwrap_err()
            })
        })
        .collect();
    let (mut maybe, mut never) = (0, 0);
    for call in calls {
        let error = call.await.unwrap();
        match error.execution() {
            Execution::Maybe => {
                assert_eq!(error.fault().unwrap().kind(), FaultKind::DeadlineExceeded);
                maybe += 1;
            }
            // It was not passed on in time.
            Execution::Never => never += 1,
            Execution::Completed => panic!("{error:?}"),
        }
    }
    let arrived = raw.all().await.len();
    assert!(
        arrived <= maybe,
        "{arrived} arrived, {maybe} may have, {never} never"
    );
    assert!(maybe > 5000, "{maybe} may have run, {never} never");
    assert_eq!(called.waiting(), 0);
    // Nor does async-nats have something: there is one subscription, whatever was called.
    let error = client
        .within(Duration::from_millis(1))
        .call::<bool>("run", (1,))
        .await;
    assert!(error.is_err());
    assert_eq!(called.waiting(), 0);
}
