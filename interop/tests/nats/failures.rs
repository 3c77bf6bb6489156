//! NATS servers that die, stop and come back: what ran must be what the errors say.

use std::time::{Duration, Instant};

use farcall::cluster::nats::{Client, Connection, Server, ServerOptions};
use farcall::{CallError, Caller as _, Execution};

use crate::server::NatsServer;
use crate::{Ledger, register, start};

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_fails_calls_at_once_and_queues_none() {
    let mut nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let client = Client::new(&called, "demo").unwrap();
    assert!(client.call::<bool>("run", ("before",)).await.unwrap());

    let sleeping: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<u64>("sleep", (60_000,)).await })
        })
        .collect();
    until("the calls are sent", async || called.waiting() == 20).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    nats.kill();
    for call in sleeping {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );

    // A call that is made now fails now, and never runs.
    until("the connection is lost", async || !called.is_connected()).await;
    for number in 0..500 {
        let error = client
            .call::<bool>("run", (format!("down{number}"),))
            .await
            .unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        let error = client
            .notify("run", (format!("down{number}"),))
            .await
            .unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    nats.restart();
    until("a call runs again", async || {
        client.call::<bool>("run", ("after",)).await.is_ok()
    })
    .await;
    let runs = running.ledger.runs();
    assert!(
        runs.iter().all(|run| run == "before" || run == "after"),
        "{runs:?}"
    );
    assert_eq!(called.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_held_back_does_not_run_late() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let client = Client::new(&called, "demo").unwrap();
    for _ in 0..10 {
        assert!(client.call::<bool>("run", ("before",)).await.unwrap());
    }
    // The calls wait in sockets.
    nats.signal("STOP");
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let client = client.within(Duration::from_millis(200));
                client.call::<bool>("run", (format!("late{number}"),)).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(
            call.await.unwrap().unwrap_err().execution(),
            Execution::Maybe
        );
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    nats.signal("CONT");
    until("a call runs again", async || {
        client.call::<bool>("run", ("after",)).await.is_ok()
    })
    .await;
    let runs = running.ledger.runs();
    assert!(runs.iter().all(|run| !run.starts_with("late")), "{runs:?}");
    assert_eq!(called.waiting(), 0);
}

/// Makes calls until it is told to stop, and returns each token with what its caller knows.
async fn call_on(client: Client, name: String, stop: Instant) -> Vec<(String, Option<Execution>)> {
    let mut outcomes = Vec::new();
    let mut number = 0;
    while Instant::now() < stop {
        let token = format!("{name}-{number}");
        number += 1;
        let call = client.within(Duration::from_secs(1));
        let result = call.call::<bool>("run", (&token,)).await;
        let failure = result.err().map(|error| error.execution());
        if failure.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        outcomes.push((token, failure));
    }
    outcomes
}

/// Compares what callers know with the ledger. Returns the number of calls by outcome: good, never,
/// maybe.
pub(crate) fn judge(
    outcomes: &[(String, Option<Execution>)],
    ledgers: &[Ledger],
) -> (usize, usize, usize) {
    let runs: Vec<String> = ledgers.iter().flat_map(Ledger::runs).collect();
    let mut ran = std::collections::HashMap::new();
    for run in &runs {
        *ran.entry(run.as_str()).or_insert(0) += 1;
    }
    let (mut good, mut never, mut maybe) = (0, 0, 0);
    for (token, failure) in outcomes {
        let ran = ran.get(token.as_str()).copied().unwrap_or(0);
        match failure {
            None => {
                good += 1;
                assert_eq!(ran, 1, "{token} was answered");
            }
            Some(Execution::Never) => {
                never += 1;
                assert_eq!(ran, 0, "{token} never ran, it was said");
            }
            Some(_) => {
                maybe += 1;
                assert!(ran <= 1, "{token}");
            }
        }
    }
    (good, never, maybe)
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_true_while_servers_of_a_cluster_die() {
    let mut servers = crate::server::cluster();
    let urls: Vec<String> = servers.iter().map(NatsServer::url).collect();
    let mut running = Vec::new();
    for number in 0..3 {
        // Each prefers another server, and knows all.
        let mut order = urls.clone();
        order.rotate_left(number);
        let options = async_nats::ConnectOptions::new().retain_servers_order();
        let connection = Connection::open_with(&order.join(","), options)
            .await
            .unwrap();
        running.push(start(&connection, "demo", ServerOptions::default()).await);
    }
    let mut callers = Vec::new();
    for number in 0..3 {
        let mut order = urls.clone();
        order.rotate_left(number);
        let options = async_nats::ConnectOptions::new().retain_servers_order();
        let connection = Connection::open_with(&order.join(","), options)
            .await
            .unwrap();
        callers.push(Client::new(&connection, "demo").unwrap());
    }
    for caller in &callers {
        until("the cluster is complete", async || {
            let gather = farcall::cluster::nats::Gather::default().quorum(3);
            caller
                .instances(gather)
                .await
                .is_ok_and(|found| found.len() == 3)
        })
        .await;
    }
    let stop = Instant::now() + Duration::from_secs(6);
    let calls: Vec<_> = (0..24)
        .map(|number| {
            let caller = callers[number % 3].clone();
            tokio::spawn(call_on(caller, format!("caller{number}"), stop))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    servers[0].kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    servers[1].kill();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.extend(call.await.unwrap());
    }
    let ledgers: Vec<Ledger> = running
        .iter()
        .map(|running| running.ledger.clone())
        .collect();
    let (good, never, maybe) = judge(&outcomes, &ledgers);
    println!("{good} good, {never} never ran, {maybe} may have run");
    assert!(good > 1000 && maybe < 500, "{good} {never} {maybe}");
    for caller in callers {
        until("calls go on", async || {
            caller.call::<i64>("add", (1, 2)).await.is_ok()
        })
        .await;
        assert_eq!(caller.connection().waiting(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_leaves_without_losing_calls() {
    let nats = NatsServer::start();
    let called = nats.connect().await;
    let staying = start(&nats.connect().await, "demo", ServerOptions::default()).await;
    let leaving = Server::new("demo");
    let ledger = Ledger::default();
    register(&leaving, "leaving", &ledger);
    let bound = leaving.bind(&nats.connect().await).await.unwrap();
    let one = Client::new(&called, "demo")
        .unwrap()
        .to_instance(bound.id())
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));

    let client = Client::new(&called, "demo").unwrap();
    let end = Instant::now() + Duration::from_secs(2);
    let calls: Vec<_> = (0..8)
        .map(|number| tokio::spawn(call_on(client.clone(), format!("caller{number}"), end)))
        .collect();
    let sleeping = tokio::spawn(async move { one.call::<u64>("sleep", (1500,)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(stop);
    let report = serving.await.unwrap();
    assert_eq!((report.finished, report.aborted), (1, 0));
    assert_eq!(sleeping.await.unwrap().unwrap(), 1500);
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.extend(call.await.unwrap());
    }
    let (good, never, maybe) = judge(&outcomes, &[staying.ledger.clone(), ledger.clone()]);
    println!("{good} good, {never} never ran, {maybe} may have run");
    assert!(!ledger.runs().is_empty() && good > 500);
    // Only a call that arrived within the round trip of its leave may be lost.
    assert!(never == 0 && maybe <= 8, "{never} {maybe}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_takes_too_long_aborts_calls() {
    let nats = NatsServer::start();
    let called = nats.connect().await;
    let server = Server::with_options(
        "demo",
        ServerOptions::default().drain_timeout(Duration::from_millis(300)),
    );
    register(&server, "one", &Ledger::default());
    let bound = server.bind(&nats.connect().await).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));
    let client = Client::new(&called, "demo").unwrap();
    let sleeping = tokio::spawn(async move { client.call::<u64>("sleep", (60_000,)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(stop);
    assert_eq!(serving.await.unwrap().aborted, 1);
    let error = sleeping.await.unwrap().unwrap_err();
    assert_eq!(
        error.fault().unwrap().kind(),
        farcall::FaultKind::Cancelled,
        "{error:?}"
    );
}
