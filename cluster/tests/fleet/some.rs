//! Calls of which some answers are enough.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use farcall::cluster::{Fleet, Retries};
use farcall::{CallError, Execution, client as typed};

use crate::support::{Fate, Ledger, MS, address, fated, fleet, refusing, rpc_at, xmlrpc_at};

#[typed(crate = "farcall")]
trait Methods {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
    #[client(idempotent)]
    async fn run(&self, ms: u64) -> Result<u64, CallError>;
    async fn none(&self) -> Result<(), CallError>;
}

#[tokio::test]
async fn any_good_answer_is_enough() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let refusing = refusing();
    for good in [&http.url, &session.url] {
        let fleet = fleet([refusing.as_str(), &hanging.url, good]);
        let begin = Instant::now();
        let (host, sum) = fleet.call_any::<i64>("add", (3, 5)).await.unwrap();
        assert_eq!((host.name(), sum), ("2", 8));
        assert_eq!(fleet.any().add(3, 5).await.unwrap(), 8, "typed");
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(ledger.runs(), 4);
}

#[tokio::test]
async fn without_a_good_answer_the_error_is_true_for_all_hosts() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let cut = fated(&[Fate::CutAfter], &ledger).await;
    let refusing = refusing();
    let none = |fleet: Fleet| async move { fleet.any().none().await.unwrap_err() };
    let few = |urls: &[&str]| fleet(urls.iter().copied()).retries(Retries::NONE);
    let never = none(few(&[&refusing, &server.url])).await;
    assert_eq!(never.execution(), Execution::Never);
    let maybe = none(few(&[&refusing, &cut.url, &server.url])).await;
    assert_eq!(maybe.execution(), Execution::Maybe);
    let empty = none(Fleet::new([])).await;
    assert_eq!(empty.execution(), Execution::Never);
}

#[tokio::test]
async fn a_hedged_call_asks_one_more_host_at_a_time() {
    let ledger = Ledger::default();
    let mut servers = Vec::new();
    for _ in 0..6 {
        servers.push(rpc_at(address(), &ledger).await);
    }
    let fleet = fleet(servers.iter().map(|server| server.url.as_str()));
    let patient = fleet.clone().hedge(Some(Duration::from_secs(10)));
    assert_eq!(patient.any().run(10).await.unwrap(), 10);
    assert_eq!(ledger.runs(), 1, "the first was quick enough");
    let hasty = fleet.hedge(Some(MS * 50));
    assert_eq!(hasty.any().run(500).await.unwrap(), 500);
    let runs = ledger.runs();
    assert!((3..=7).contains(&runs), "{runs} runs");

    let refusing = refusing();
    let fleet = patient.with_hosts(
        [refusing.as_str(), &refusing, &servers[0].url].map(|url| crate::support::host(url, url)),
    );
    let begin = Instant::now();
    assert_eq!(fleet.any().run(1).await.unwrap(), 1);
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "a failure is no silence"
    );
}

#[tokio::test]
async fn a_quorum_waits_for_so_many_results() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let refusing = refusing();
    let urls = [refusing.as_str(), &hanging.url, &server.url, &server.url];
    let fleet = fleet(urls).retries(Retries::NONE);
    let begin = Instant::now();
    let answers = fleet.call_quorum::<i64>(2, "add", (3, 5)).await.unwrap();
    assert!(answers.iter().all(|(_, sum)| *sum == 8) && answers.len() == 2);
    assert!(
        fleet
            .call_quorum::<i64>(0, "add", (3, 5))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "the hanging host is not waited for"
    );

    let two = fleet
        .with_hosts(fleet.hosts()[1..3].iter().cloned())
        .timeout(Some(MS * 100));
    let none = two.call_quorum::<i64>(2, "add", (3, 5)).await.unwrap_err();
    assert_eq!((none.answers.len(), none.failures.len()), (1, 1));
    assert_eq!(none.execution(), Execution::Completed);
    let all = fleet.call_quorum::<i64>(5, "run", (1,)).await.unwrap_err();
    assert_eq!(all.execution(), Execution::Never, "nobody was called");
    assert_eq!(ledger.most_under_way.load(Ordering::SeqCst), 0);
}
