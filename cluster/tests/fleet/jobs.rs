//! Jobs that are shared out over hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use farcall::cluster::{Jobs, Retries, StopRule, Stopped};
use farcall::{CallError, Caller as _, Execution};
use tokio::time::sleep;

use crate::support::{Fate, Ledger, MS, address, fated, fleet, refusing, rpc_at, xmlrpc_at};

/// Waits for all jobs. Returns their claims, and the number of results of each host.
async fn claims<'a, I: Send + Sync + 'a, R: Send + 'a>(
    mut jobs: Jobs<'a, I, R>,
) -> (Vec<(Execution, u32)>, BTreeMap<String, usize>) {
    let (mut claims, mut hosts) = (BTreeMap::new(), BTreeMap::new());
    while let Some(job) = jobs.next().await {
        let claim = (job.outcome.execution(), job.outcome.attempts);
        assert_eq!(claims.insert(job.index, claim), None, "one outcome each");
        if job.outcome.is_ok() {
            *hosts.entry(job.host.unwrap().to_string()).or_default() += 1;
        }
    }
    assert!(claims.keys().copied().eq(0..claims.len()));
    (claims.into_values().collect(), hosts)
}

const OK: (Execution, u32) = (Execution::Completed, 1);

#[tokio::test]
async fn each_input_is_done_once() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let fleet = fleet([http.url.as_str(), &session.url]).jobs_per_host(3);
    let mut sums = BTreeSet::new();
    let mut jobs = fleet.map::<i64, _>("add", (0..500).map(|n| (n, 1000)));
    while let Some(job) = jobs.next().await {
        assert_eq!(job.outcome.result.unwrap(), job.input.0 + 1000);
        sums.insert(job.input.0);
    }
    assert_eq!((sums.len(), ledger.runs()), (500, 500));
    let (claims, hosts) = claims(fleet.map::<u64, _>("run", (0..60).map(|_| (5,)))).await;
    assert_eq!(claims, [OK; 60]);
    assert!(hosts["0"] > 10 && hosts["1"] > 10, "{hosts:?}");
    assert!(ledger.most_under_way.load(Ordering::SeqCst) <= 6);
}

#[tokio::test]
async fn a_job_moves_from_a_host_that_is_down() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let down: Vec<String> = (0..5).map(|_| refusing()).collect();
    let urls = down.iter().map(String::as_str).chain([server.url.as_str()]);
    let fleet = fleet(urls).retries(Retries::new(2).first_pause(MS * 5));
    let (claims, hosts) = claims(fleet.map::<u64, _>("run", (0..50).map(|_| (1,)))).await;
    assert!(
        claims
            .iter()
            .all(|(execution, _)| *execution == Execution::Completed)
    );
    assert_eq!((ledger.runs(), hosts["5"]), (50, 50));
    let attempts: u32 = claims.iter().map(|(_, attempts)| attempts).sum();
    assert!(
        attempts < 200,
        "hosts that are down were tried {attempts} times"
    );
}

#[tokio::test]
async fn a_host_that_loses_jobs_gets_few_of_them() {
    let (ledger, lost) = (Ledger::default(), Ledger::default());
    let server = xmlrpc_at(address(), &ledger).await;
    let cut = fated(&[Fate::CutAfter], &lost).await;
    let urls = [cut.url.as_str(), &server.url];
    let few = fleet(urls).retries(Retries::new(2).first_pause(MS));
    let inputs = || (0..100).map(|_| (2,));
    let (outcomes, _) = claims(few.map::<u64, _>("run", inputs())).await;
    let maybe = outcomes
        .iter()
        .filter(|claim| **claim == (Execution::Maybe, 1))
        .count();
    assert_eq!((maybe, lost.runs()), (3, 3), "none of them was made again");
    assert_eq!(ledger.runs(), 97);

    let (outcomes, _) = claims(few.idempotent(true).map::<u64, _>("run", inputs())).await;
    assert!(
        outcomes
            .iter()
            .all(|(execution, _)| *execution == Execution::Completed)
    );
    assert_eq!((ledger.runs(), lost.runs()), (197, 6));
}

#[tokio::test]
async fn a_host_that_comes_back_gets_jobs_again() {
    let (ledger, back) = (Ledger::default(), Ledger::default());
    let (server, address) = (xmlrpc_at(address(), &ledger).await, address());
    let url = format!("http://{address}/RPC2");
    let few = fleet([url.as_str(), &server.url])
        .retries(Retries::new(1).first_pause(MS * 20).max_pause(MS * 20));
    let book = back.clone();
    let _back = tokio::spawn(async move {
        sleep(MS * 200).await;
        let _server = xmlrpc_at(address, &book).await;
        sleep(Duration::from_secs(60)).await;
    });
    let (outcomes, _) = claims(few.map::<u64, _>("run", (0..100).map(|_| (10,)))).await;
    assert!(
        outcomes
            .iter()
            .all(|(execution, _)| *execution == Execution::Completed)
    );
    assert!(back.runs() > 5, "{} jobs", back.runs());
}

#[tokio::test]
async fn without_a_host_all_inputs_have_an_outcome() {
    let url = refusing();
    let few = fleet([url.as_str(), &url]).retries(Retries::new(1).first_pause(MS));
    let (outcomes, _) = claims(few.map::<u64, _>("run", (0..20).map(|_| (1,)))).await;
    assert_eq!(outcomes.len(), 20);
    assert!(
        outcomes
            .iter()
            .all(|(execution, _)| *execution == Execution::Never)
    );
    let mut jobs = fleet([]).map::<u64, _>("run", [(1,)]);
    let job = jobs.next().await.unwrap();
    assert_eq!(
        Stopped::of(&job.outcome.result.unwrap_err()),
        Some(Stopped::NoHost)
    );
    assert!(job.host.is_none() && jobs.next().await.is_none());
}

#[tokio::test]
async fn a_method_that_hosts_lack_does_not_move_for_ever() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let few = fleet([server.url.as_str(); 3]).retries(Retries::new(2).first_pause(MS));
    let (outcomes, _) = claims(few.map::<(), _>("none", (0..10).map(|_| ()))).await;
    assert!(
        outcomes
            .iter()
            .all(|(execution, _)| *execution == Execution::Never)
    );
    let full = claims(few.map::<(), _>("full", (0..3).map(|_| ()))).await;
    assert!(
        full.0
            .iter()
            .all(|(execution, _)| *execution == Execution::Never)
    );
}

#[tokio::test]
async fn jobs_stop() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let few = fleet([server.url.as_str()]);
    let mut jobs = few.map::<u64, _>("run", (0..10).map(|_| (1,)));
    assert!(jobs.next().await.unwrap().outcome.is_ok());
    jobs.stop();
    let mut not_begun = 0;
    while let Some(job) = jobs.next().await {
        not_begun += usize::from(job.outcome.attempts == 0);
    }
    assert_eq!((jobs.finished(), not_begun + ledger.runs()), (10, 10));

    let failing = few.clone().stop_after(StopRule::failures(1));
    let (outcomes, _) = claims(failing.map::<(), _>("fail", (0..10).map(|_| (7,)))).await;
    let begun = outcomes
        .iter()
        .filter(|(_, attempts)| *attempts > 0)
        .count();
    assert_eq!(begun, 2);
    // Of ten jobs, whose number the iterator tells.
    let failing = few.clone().stop_after(StopRule::default().percent(20.0));
    let (outcomes, _) = claims(failing.map::<(), _>("fail", (0..10).map(|_| (7,)))).await;
    let begun = outcomes.iter().filter(|(_, attempts)| *attempts > 0);
    assert_eq!(begun.count(), 3);

    let hanging = fated(&[Fate::Hang], &ledger).await;
    let limited = fleet([hanging.url.as_str()]).total_timeout(Some(MS * 100));
    let begin = Instant::now();
    let (outcomes, _) = claims(limited.map::<i64, _>("add", (0..5).map(|n| (n, n)))).await;
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(outcomes[0], (Execution::Maybe, 1));
    assert_eq!(outcomes[1..], [(Execution::Never, 0); 4]);
}

#[tokio::test]
async fn a_job_can_be_a_function() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let few = fleet([server.url.as_str()]);
    let words = ["a", "bb", "ccc"];
    let mut jobs = few.map_each(words, async |host, word| {
        let text: String = host.call("blob", (word.len(),)).await?;
        if text.len() == 2 {
            return Err(CallError::Fault(farcall::Fault::new(1, "two")));
        }
        Ok(text.len())
    });
    let mut results = Vec::new();
    while let Some(job) = jobs.next().await {
        results.push((*job.input, job.outcome.result.ok()));
    }
    assert_eq!(results, [("a", Some(1)), ("bb", None), ("ccc", Some(3))]);
}
