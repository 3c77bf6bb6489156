//! Runs that stop, wait, are watched and are cancelled.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use farcall::cluster::{Batches, Event, Retries, StopRule, Stopped, Update};
use farcall::{CallError, Execution};
use tokio::time::{sleep, timeout};

use crate::support::{Fate, Ledger, MS, address, fated, fleet, host, refusing, rpc_at, xmlrpc_at};

#[tokio::test]
async fn a_stopped_run_has_an_outcome_for_each_host() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let refusing = refusing();
    let urls = [refusing.as_str()].into_iter();
    let fleet = fleet(urls.chain([server.url.as_str(); 9]))
        .window(2)
        .retries(Retries::new(2).first_pause(Duration::from_secs(60)));
    let mut outcomes = fleet.call_all::<u64>("run", (30,));
    let (first, outcome) = outcomes.next().await.unwrap();
    assert!(outcome.is_ok() && first.name() == "1");
    assert_eq!(outcomes.progress().waiting, 1);
    outcomes.stop();
    let running = outcomes.running().count();
    let rest = outcomes.into_vec().await;
    assert_eq!(rest.len(), 9);
    assert_eq!(
        ledger.runs(),
        1 + running,
        "those under way were waited for"
    );
    for (host, outcome) in &rest {
        let claim = (outcome.execution(), outcome.attempts);
        match &outcome.result {
            Ok(_) => assert_eq!(claim, (Execution::Completed, 1)),
            Err(_) if host.name() == "0" => assert_eq!(claim, (Execution::Never, 1)),
            Err(error) => {
                assert_eq!(claim, (Execution::Never, 0));
                assert_eq!(Stopped::of(error), Some(Stopped::Requested));
                assert_eq!(outcome.elapsed, Duration::ZERO);
            }
        }
    }
}

#[tokio::test]
async fn a_cancelled_run_says_what_may_have_run() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let fleet = fleet([server.url.as_str(); 3]).window(2);
    let mut events = fleet.call_all::<u64>("run", (60_000,)).events();
    while ledger.runs() < 2 {
        let _ = timeout(MS * 5, events.next()).await;
    }
    events.cancel();
    let mut claims = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Finished(host, outcome) = event {
            let reason = outcome.result.as_ref().err().and_then(Stopped::of);
            assert_eq!(reason, Some(Stopped::Requested), "{host}");
            claims.push((outcome.execution(), outcome.attempts));
        }
    }
    claims.sort_by_key(|claim| claim.1);
    let cancelled = (Execution::Maybe, 1);
    assert_eq!(claims, [(Execution::Never, 0), cancelled, cancelled]);
    until(|| ledger.cancelled.load(Ordering::SeqCst) == 2).await;
}

/// Waits until a condition holds.
async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            sleep(MS).await;
        }
    };
    timeout(Duration::from_secs(10), holds)
        .await
        .expect("it holds at last");
}

#[tokio::test]
async fn dropping_the_outcomes_cancels_the_calls() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let fleet = fleet([http.url.as_str(), &session.url]);
    let mut outcomes = fleet.call_all::<u64>("run", (60_000,));
    while ledger.runs() < 2 {
        let _ = timeout(MS * 5, outcomes.next()).await;
    }
    drop(outcomes);
    until(|| ledger.cancelled.load(Ordering::SeqCst) == 2).await;
}

#[tokio::test]
async fn a_rule_stops_the_run_and_cancels_if_it_says_so() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let refusing = refusing();
    let urls = [hanging.url.as_str(), &refusing, &server.url, &server.url];
    let fleet = fleet(urls)
        .window(2)
        .retries(Retries::NONE)
        .stop_after(StopRule::failures(0).cancelling());
    let begin = Instant::now();
    let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    assert!(begin.elapsed() < Duration::from_secs(2));
    let mut claims: Vec<_> = outcomes
        .iter()
        .map(|(host, outcome)| (host.name(), outcome.execution(), outcome.attempts))
        .collect();
    claims.sort_by_key(|claim| claim.0);
    let expected = [
        ("0", Execution::Maybe, 1),
        ("1", Execution::Never, 1),
        ("2", Execution::Never, 0),
        ("3", Execution::Never, 0),
    ];
    assert_eq!(claims, expected);
    assert_eq!(ledger.runs(), 0);
}

#[tokio::test]
async fn percentages_of_failures_are_those_of_the_batch() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let refusing = refusing();
    // One of four fails in each of the first two batches, and two in the third.
    let (up, down) = (server.url.as_str(), refusing.as_str());
    let urls = [
        up, up, up, down, up, up, up, down, up, up, down, down, up, up, up, up,
    ];
    let fleet = fleet(urls)
        .retries(Retries::NONE)
        .serial("4".parse().unwrap())
        .stop_after(StopRule::default().percent(25.0));
    let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    let not_called = outcomes.iter().filter(|(_, outcome)| outcome.attempts == 0);
    let mut not_called: Vec<_> = not_called.map(|(host, _)| host.name()).collect();
    not_called.sort_unstable();
    assert_eq!(not_called, ["12", "13", "14", "15"]);
    assert_eq!(outcomes.len(), 16);
}

#[tokio::test]
async fn the_first_failures_are_a_share_of_all_hosts() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let refusing = refusing();
    for (failing, percent, called) in [(2, 20.0, 10), (3, 20.0, 3), (1, 5.0, 1), (1, 0.0, 1)] {
        let urls = (0..10).map(|host| {
            if host < failing {
                refusing.as_str()
            } else {
                server.url.as_str()
            }
        });
        let fleet = fleet(urls)
            .window(1)
            .retries(Retries::NONE)
            .stop_after(StopRule::default().percent(percent));
        let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
        let begun = outcomes.iter().filter(|(_, outcome)| outcome.attempts > 0);
        assert_eq!(begun.count(), called, "{failing} of 10, {percent} %");
    }
}

#[tokio::test]
async fn a_batch_begins_when_the_one_before_has_ended() {
    let ledger = Ledger::default();
    let (server, late) = (xmlrpc_at(address(), &ledger).await, address());
    let url = format!("http://{late}/RPC2");
    let urls = [url.as_str()].into_iter();
    let fleet = fleet(urls.chain([server.url.as_str(); 9]));
    let batches: Batches = "1,20%,rest".parse().unwrap();
    let book = ledger.clone();
    let _late = tokio::spawn(async move {
        sleep(MS * 100).await;
        let _server = xmlrpc_at(late, &book).await;
        sleep(Duration::from_secs(60)).await;
    });
    let mut finished = 0;
    let mut events = fleet
        .clone()
        .serial(batches.clone())
        .call_all::<u64>("run", (5,))
        .events();
    while let Some(event) = events.next().await {
        match event {
            Event::Started { host, .. } => {
                let number: usize = host.name().parse().unwrap();
                let before = match number {
                    0 => 0,
                    1 | 2 => 1,
                    _ => 3,
                };
                assert!(finished >= before, "{host} began when {finished} had ended");
            }
            Event::Finished(host, outcome) => {
                assert!(outcome.is_ok(), "{host}: {outcome:?}");
                finished += 1;
            }
            _ => {}
        }
    }
    assert_eq!(finished, 10);
    let sizes: Vec<_> = fleet
        .batches(&batches)
        .map(|batch| batch.hosts().len())
        .collect();
    assert_eq!(sizes, [1, 2, 7]);
}

#[tokio::test]
async fn the_whole_run_has_a_limit() {
    let ledger = Ledger::default();
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let refusing = refusing();
    let urls = [refusing.as_str()].into_iter();
    let fleet = fleet(urls.chain([hanging.url.as_str(); 8]))
        .window(3)
        .timeout(None)
        .total_timeout(Some(MS * 200));
    let begin = Instant::now();
    let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(outcomes.len(), 9);
    let maybe = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.execution() == Execution::Maybe);
    assert_eq!(maybe.count(), 3);
    for (host, outcome) in &outcomes {
        if outcome.attempts == 0 {
            let reason = outcome.result.as_ref().err().and_then(Stopped::of);
            assert_eq!(reason, Some(Stopped::TotalTimeout), "{host}");
        }
    }
}

#[tokio::test]
async fn events_tell_what_happens() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let refusing = refusing();
    let fleet = fleet([refusing.as_str(), &server.url]).retries(Retries::new(1).first_pause(MS));
    let mut events = fleet.call_all::<i64>("add", (3, 5)).events();
    let (mut told, mut waited) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        match event {
            Event::Started { host, attempt } => told.push((host.to_string(), attempt)),
            Event::Waiting { host, pause, error } => {
                assert!(
                    pause <= MS && error.contains("cannot connect"),
                    "{host}: {error}"
                );
                waited += 1;
            }
            _ => {}
        }
    }
    told.sort();
    let expected = [("0", 1), ("0", 2), ("1", 1)].map(|(host, n)| (host.to_owned(), n));
    assert_eq!((told, waited), (expected.to_vec(), 1));
    let progress = events.progress();
    assert_eq!(
        (progress.finished, progress.failed, progress.running),
        (2, 1, 0)
    );
}

#[tokio::test]
async fn hosts_without_an_answer_can_be_left_out() {
    let ledger = Ledger::default();
    let (server, back) = (xmlrpc_at(address(), &ledger).await, address());
    let back_url = format!("http://{back}/RPC2");
    let fleet = fleet([server.url.as_str(), &back_url]).retries(Retries::NONE);
    fleet.call_all::<()>("fail", (7,)).into_vec().await;
    let names = |fleet: &farcall::cluster::Fleet| -> Vec<String> {
        fleet.hosts().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        names(&fleet.without_failed()),
        ["0"],
        "a fault is an answer"
    );
    let _back = xmlrpc_at(back, &ledger).await;
    fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    assert_eq!(names(&fleet.without_failed()), ["0", "1"]);
}

#[tokio::test]
async fn a_broadcast_waits_for_no_result_over_connections() {
    let ledger = Ledger::default();
    let session = rpc_at(address(), &ledger).await;
    let http = xmlrpc_at(address(), &ledger).await;
    let begin = Instant::now();
    let outcomes = fleet([session.url.as_str(); 3]).broadcast("run", (60_000,));
    for (host, outcome) in outcomes.into_vec().await {
        assert!(outcome.is_ok(), "{host}: {outcome:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
    until(|| ledger.runs() == 3).await;
    let outcomes = fleet([http.url.as_str()])
        .broadcast("run", (100,))
        .into_vec()
        .await;
    assert!(
        outcomes[0].1.elapsed >= MS * 100,
        "XML-RPC has no one-way calls"
    );
}

#[tokio::test]
async fn streams_of_all_hosts_are_merged() {
    let ledger = Ledger::default();
    let mut servers = Vec::new();
    for _ in 0..5 {
        servers.push(rpc_at(address(), &ledger).await);
    }
    let http = xmlrpc_at(address(), &ledger).await;
    let urls = servers.iter().map(|server| server.url.as_str());
    // Streams hold connections beyond the window.
    let fleet = fleet(urls.chain([http.url.as_str()])).window(2);
    let mut lines = fleet.subscribe::<u32>("lines", (100,));
    let (mut items, mut ended) = ([0; 6], Vec::new());
    while let Some((host, update)) = lines.next().await {
        let number: usize = host.name().parse().unwrap();
        match update {
            Update::Item(item) => {
                assert_eq!(item, items[number], "in order");
                items[number] += 1;
            }
            Update::Ended(result) => ended.push((number, result.is_ok())),
            Update::Undecodable(error) => panic!("{error}"),
            _ => {}
        }
    }
    ended.sort_unstable();
    assert_eq!(items, [100, 100, 100, 100, 100, 0]);
    let expected: Vec<_> = (0..6).map(|number| (number, number < 5)).collect();
    assert_eq!(ended, expected);
    assert_eq!(ledger.runs(), 0, "the host of XML-RPC was not called");
}

#[tokio::test]
async fn a_stream_whose_host_goes_ends_with_an_error() {
    let server = rpc_at(address(), &Ledger::default()).await;
    let fleet = fleet([]).with_hosts([host("0", &server.url)]);
    let mut lines = fleet.subscribe::<u32>("lines", (u32::MAX,));
    let first = lines.next().await.unwrap().1;
    assert!(matches!(first, Update::Item(0)), "{first:?}");
    server.end().await;
    let mut last = None;
    while let Some((_, update)) = lines.next().await {
        last = Some(update);
    }
    assert!(
        matches!(last, Some(Update::Ended(Err(CallError::Lost(_))))),
        "{last:?}"
    );
}
