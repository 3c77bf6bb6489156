//! Outcomes of calls to all hosts: one for each, and true.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use farcall::cluster::{Client, ConnectOptions, Credentials, Fleet, Host, Outcome, Retries};
use farcall::{CallError, Caller as _, Context, Execution, client as typed};
use serde::{Serialize, Serializer};
use tokio::time::sleep;

use crate::support::{Fate, Ledger, MS, address, fated, fleet, host, refusing, rpc_at, xmlrpc_at};

#[typed(crate = "farcall")]
trait Runner {
    #[client(idempotent, name = "run")]
    async fn read(&self, ms: u64) -> Result<u64, CallError>;
    async fn run(&self, ms: u64) -> Result<u64, CallError>;
}

/// Calls all hosts, and returns the outcomes by name.
async fn all<R>(
    fleet: &Fleet,
    method: &str,
    args: impl farcall::protocol::Args,
) -> BTreeMap<String, Outcome<R>>
where
    R: serde::de::DeserializeOwned + Send + 'static,
{
    let outcomes = fleet.call_all::<R>(method, args).into_vec().await;
    let count = outcomes.len();
    let named = |(host, outcome): (Host, _)| (host.name().to_owned(), outcome);
    let by_name: BTreeMap<_, _> = outcomes.into_iter().map(named).collect();
    assert_eq!(by_name.len(), count, "no host has two outcomes");
    assert_eq!(count, fleet.hosts().len(), "no host has none");
    by_name
}

#[tokio::test]
async fn every_outcome_is_true() {
    let ledger = Ledger::default();
    let books: Vec<Ledger> = (0..4).map(|_| Ledger::default()).collect();
    let http = xmlrpc_at(address(), &books[0]).await;
    let session = rpc_at(address(), &books[1]).await;
    let cut = fated(&[Fate::CutAfter], &books[2]).await;
    let garbage = fated(&[Fate::Garbage], &books[3]).await;
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let hosts = [
        host("http", &http.url),
        host("session", &session.url),
        host("cut", &cut.url),
        host("garbage", &garbage.url),
        host("hanging", &hanging.url),
        host("refusing", &refusing()),
        host("refusing-session", &format!("conn+rpc://{}", address())),
    ];
    let fleet = Fleet::new(hosts)
        .timeout(Some(MS * 300))
        .retries(Retries::new(2).first_pause(MS * 10));

    let sums = all::<i64>(&fleet, "add", (3, 5)).await;
    let claims: Vec<_> = sums
        .iter()
        .map(|(name, outcome)| (name.as_str(), outcome.execution(), outcome.attempts))
        .collect();
    let expected = [
        ("cut", Execution::Maybe, 1),
        ("garbage", Execution::Maybe, 1),
        ("hanging", Execution::Maybe, 1),
        ("http", Execution::Completed, 1),
        ("refusing", Execution::Never, 3),
        ("refusing-session", Execution::Never, 3),
        ("session", Execution::Completed, 1),
    ];
    assert_eq!(claims, expected);
    for book in &books {
        assert_eq!(book.runs(), 1, "each ran once");
    }
    assert_eq!(ledger.runs(), 0);

    let only = fleet.with_hosts(fleet.hosts()[..2].iter().cloned());
    for (method, execution, attempts) in [
        ("fail", Execution::Maybe, 1),
        ("none", Execution::Never, 1),
        ("full", Execution::Never, 3),
    ] {
        let context = Context::new(method);
        let outcomes = match method {
            "fail" => only.call_all_in::<()>(context, (7,)),
            // In XML-RPC, a method cannot say that it did not run.
            "full" => only
                .with_hosts([only.hosts()[1].clone()])
                .call_all_in(context, ()),
            _ => only.call_all_in(context, ()),
        };
        for (host, outcome) in outcomes.into_vec().await {
            let claim = (outcome.execution(), outcome.attempts);
            assert_eq!(claim, (execution, attempts), "{host}: {method}");
        }
    }
    for (name, outcome) in all::<String>(&only, "add", (3, 5)).await {
        assert_eq!(outcome.execution(), Execution::Completed, "{name}");
        assert!(
            matches!(outcome.result, Err(CallError::Decode(_))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_window_limits_calls_and_connections() {
    let ledger = Ledger::default();
    let mut servers = Vec::new();
    for number in 0..40 {
        servers.push(match number % 2 {
            0 => xmlrpc_at(address(), &ledger).await,
            _ => rpc_at(address(), &ledger).await,
        });
    }
    let fleet = fleet(servers.iter().map(|server| server.url.as_str())).window(6);
    let begin = Instant::now();
    let outcomes = all::<u64>(&fleet, "run", (50,)).await;
    assert!(outcomes.values().all(Outcome::is_ok), "{outcomes:?}");
    assert_eq!(ledger.runs(), 40);
    assert_eq!(ledger.most_under_way.load(Ordering::SeqCst), 6);
    assert!(begin.elapsed() >= MS * 50 * 6);
}

/// Counts how often it is serialized.
struct Counted<'a>(&'a AtomicUsize);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_i64(3)
    }
}

#[tokio::test]
async fn arguments_are_encoded_once_for_each_format() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let urls = [http.url.as_str(), session.url.as_str()];
    let fleet = fleet(urls.into_iter().cycle().take(20));
    let count = AtomicUsize::new(0);
    let outcomes = all::<i64>(&fleet, "add", (Counted(&count), 5)).await;
    assert!(outcomes.values().all(Outcome::is_ok), "{outcomes:?}");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_host_that_waits_for_its_retry_has_no_place_in_the_window() {
    let ledger = Ledger::default();
    let server = xmlrpc_at(address(), &ledger).await;
    let refusing = refusing();
    let urls = [refusing.as_str(), &server.url, &server.url];
    let fleet = fleet(urls)
        .window(1)
        .retries(Retries::new(2).first_pause(MS * 300).jitter(0.0));
    let outcomes = fleet.call_all::<u64>("run", (10,)).into_vec().await;
    let order: Vec<_> = outcomes.iter().map(|(host, _)| host.name()).collect();
    assert_eq!(order, ["1", "2", "0"]);
    let (_, refused) = &outcomes[2];
    assert_eq!(
        (refused.execution(), refused.attempts),
        (Execution::Never, 3)
    );
    assert!(refused.elapsed >= MS * 900, "{refused:?}");
}

#[tokio::test]
async fn a_call_that_may_still_be_running_keeps_its_place_for_a_while() {
    let ledger = Ledger::default();
    let hanging = fated(&[Fate::Hang], &ledger).await;
    let server = xmlrpc_at(address(), &ledger).await;
    let urls = [hanging.url.as_str(), &server.url];
    let fleet = fleet(urls).window(1).timeout(Some(MS * 300));
    let begin = Instant::now();
    let mut outcomes = fleet.call_all::<u64>("run", (10,));
    let (first, lost) = outcomes.next().await.unwrap();
    assert_eq!((first.name(), lost.execution()), ("0", Execution::Maybe));
    // Its outcome does not wait.
    assert!(begin.elapsed() < MS * 590, "{lost:?}");
    let (second, outcome) = outcomes.next().await.unwrap();
    assert!(second.name() == "1" && outcome.is_ok(), "{outcome:?}");
    assert!(begin.elapsed() >= MS * 600, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_host_that_comes_back_is_called_once() {
    let (ledger, address) = (Ledger::default(), address());
    let url = format!("http://{address}/RPC2");
    let fleet = fleet([url.as_str()]);
    let book = ledger.clone();
    let back = tokio::spawn(async move {
        sleep(MS * 150).await;
        xmlrpc_at(address, &book).await
    });
    let outcomes = all::<i64>(&fleet, "add", (3, 5)).await;
    assert!(
        outcomes["0"].is_ok() && outcomes["0"].attempts > 1,
        "{outcomes:?}"
    );
    assert_eq!(ledger.runs(), 1);
    drop(back);
}

#[tokio::test]
async fn only_idempotent_calls_are_repeated_if_they_may_have_run() {
    for (idempotent, runs, attempts) in [(false, 1, 1), (true, 3, 3)] {
        let ledger = Ledger::default();
        let cut = fated(&[Fate::CutAfter], &ledger).await;
        let fleet = fleet([cut.url.as_str()])
            .retries(Retries::new(2).first_pause(MS))
            .idempotent(idempotent);
        let outcomes = all::<i64>(&fleet, "add", (3, 5)).await;
        let claim = (outcomes["0"].execution(), outcomes["0"].attempts);
        assert_eq!(claim, (Execution::Maybe, attempts));
        assert_eq!(ledger.runs(), runs);
    }
    let ledger = Ledger::default();
    let cut = fated(&[Fate::CutAfter], &ledger).await;
    let fleet = fleet([cut.url.as_str()]).retries(Retries::new(2).first_pause(MS));
    let context = Context::new("add").idempotent();
    fleet.call_all_in::<i64>(context, (3, 5)).into_vec().await;
    assert_eq!(ledger.runs(), 3, "the context says it, too");
}

#[tokio::test]
async fn a_host_that_vanishes_after_a_lost_call_may_have_run_it() {
    let ledger = Ledger::default();
    let cut = fated(&[Fate::CutAfter], &ledger).await;
    let fleet = fleet([cut.url.as_str()])
        .retries(Retries::new(3).first_pause(MS * 100).jitter(0.0))
        .idempotent(true);
    let mut outcomes = fleet.call_all::<i64>("add", (3, 5));
    let vanish = async {
        while ledger.runs() == 0 {
            sleep(MS).await;
        }
        cut.end().await;
    };
    let (outcome, ()) = tokio::join!(outcomes.next(), vanish);
    let (_, outcome) = outcome.unwrap();
    assert_eq!(outcome.attempts, 4);
    assert_eq!(outcome.execution(), Execution::Maybe, "{outcome:?}");
    let source = format!("{:?}", outcome.result.unwrap_err());
    assert!(
        source.contains("cannot connect"),
        "the last error is kept: {source}"
    );
}

#[tokio::test]
async fn an_attempt_with_several_calls_is_repeated_only_if_all_of_them_may() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let fleet = fleet([server.url.as_str()]).retries(Retries::new(2).first_pause(MS));

    let outcomes = fleet.each(async |host| {
        host.run(1).await?;
        host.call::<()>("full", ()).await
    });
    let (_, outcome) = &outcomes.into_vec().await[0];
    let claim = (outcome.execution(), outcome.attempts, ledger.runs());
    assert_eq!(claim, (Execution::Maybe, 1, 1));

    let outcomes = fleet.each(async |host| {
        host.read(1).await?;
        host.call::<()>("full", ()).await
    });
    let (_, outcome) = &outcomes.into_vec().await[0];
    let claim = (outcome.execution(), outcome.attempts, ledger.runs());
    assert_eq!(claim, (Execution::Maybe, 3, 4));

    let outcomes = fleet.each(async |host| {
        host.call::<()>("full", ()).await?;
        host.run(1).await
    });
    let (_, outcome) = &outcomes.into_vec().await[0];
    let claim = (outcome.execution(), outcome.attempts, ledger.runs());
    assert_eq!(claim, (Execution::Never, 3, 4));
}

#[tokio::test]
async fn an_attempt_is_limited_whatever_its_function_does() {
    let server = rpc_at(address(), &Ledger::default()).await;
    let fleet = fleet([server.url.as_str()]).timeout(Some(MS * 50));
    let begin = Instant::now();
    let outcomes = fleet.each(async |_| {
        sleep(Duration::from_secs(60)).await;
        Ok(())
    });
    let (_, outcome) = &outcomes.into_vec().await[0];
    assert_eq!(outcome.execution(), Execution::Maybe, "{outcome:?}");
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_timeout_of_the_fleet_replaces_that_of_the_client() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let options = ConnectOptions::default().timeout(Some(MS * 50));
    let client = |url| Client::with_options(url, &Credentials::new(), options).unwrap();
    let hosts = [&http.url, &session.url].map(|url| Host::new(url.as_str(), client(url)));
    for timeout in [None, Some(Duration::from_secs(5))] {
        let fleet = Fleet::new(hosts.clone()).timeout(timeout);
        let outcomes = all::<u64>(&fleet, "run", (200,)).await;
        assert!(outcomes.values().all(Outcome::is_ok), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_slow_idempotent_call_is_made_a_second_time() {
    let ledger = Ledger::default();
    let slow_first = fated(&[Fate::Hang, Fate::Garbage], &ledger).await;
    let fleet = fleet([slow_first.url.as_str()])
        .hedge(Some(MS * 50))
        .retries(Retries::NONE);
    let begin = Instant::now();
    let outcomes = all::<i64>(&fleet.clone().idempotent(true), "add", (3, 5)).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{outcomes:?}");
    assert_eq!((outcomes["0"].attempts, ledger.runs()), (1, 1));

    let slow_first = fated(&[Fate::Hang, Fate::Garbage], &ledger).await;
    let fleet = fleet
        .with_hosts([host("0", &slow_first.url)])
        .timeout(Some(MS * 300));
    all::<i64>(&fleet, "add", (3, 5)).await;
    assert_eq!(ledger.runs(), 1, "other calls are made once");
}
