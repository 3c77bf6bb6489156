//! Hosts that are called through agents.

use std::collections::BTreeMap;

use farcall::cluster::agent::{Agent, AgentError, AgentOptions, Allow, FanOutOptions};
use farcall::cluster::{Fleet, Host, Retries, Via};
use farcall::{CallError, Caller as _, Execution, FaultKind, Value};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{Fate, Ledger, MS, address, client, fated, host, refusing, rpc_at, xmlrpc_at};

/// An agent that calls these hosts, until it is dropped.
struct Relay {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(hosts: impl IntoIterator<Item = Host>) -> Relay {
    relay_with(
        FanOutOptions::default()
            .allow(Allow::everyone())
            .hosts(hosts),
    )
    .await
}

async fn relay_with(options: FanOutOptions) -> Relay {
    let agent = Agent::with_options(AgentOptions::none().fanout(options)).unwrap();
    let bound = agent.bind(address()).await.unwrap();
    let url = bound.url();
    let task = tokio::spawn(async move {
        bound.serve().await;
    });
    Relay { url, task }
}

fn via(relays: &[&Relay]) -> Via {
    Via::new(relays.iter().map(|relay| client(&relay.url)))
}

#[tokio::test]
async fn calls_and_their_failures_are_as_without_agents() {
    let ledger = Ledger::default();
    let http = xmlrpc_at(address(), &ledger).await;
    let session = rpc_at(address(), &ledger).await;
    let hung = fated(&[Fate::Hang], &ledger).await;
    let cut = fated(&[Fate::CutAfter], &ledger).await;
    let garbage = fated(&[Fate::Garbage], &ledger).await;
    let relay = relay([
        host("http", &http.url),
        host("session", &session.url),
        host("hung", &hung.url),
        host("cut", &cut.url),
        host("garbage", &garbage.url),
        host("down", &refusing()),
    ])
    .await;
    let via = via(&[&relay]);
    for name in ["http", "session"] {
        let client = via.client(name);
        assert_eq!(
            client.call::<i64>("add", (3, 5)).await.unwrap(),
            8,
            "{name}"
        );
        let failed = client.call::<()>("fail", (7,)).await.unwrap_err();
        let fault = failed.fault().unwrap();
        assert_eq!((fault.code(), fault.message()), (7, "on purpose"), "{name}");
        let unknown = client.call::<()>("none", ()).await.unwrap_err();
        let kind = unknown.fault().unwrap().kind();
        assert_eq!(kind, FaultKind::UnknownMethod, "{name}");
        let blob: Value = client.call("blob", (3,)).await.unwrap();
        assert_eq!(blob.as_str(), Some("xxx"), "{name}");
        let wrong = client.call::<i64>("blob", (3,)).await.unwrap_err();
        assert_eq!(wrong.execution(), Execution::Completed, "{name}: {wrong:?}");
    }
    assert_eq!(ledger.runs(), 4);
    let stream = via.client("session").call::<Value>("lines", (3,)).await;
    assert_eq!(stream.unwrap_err().execution(), Execution::Completed);
    for (name, execution) in [
        ("down", Execution::Never),
        ("hung", Execution::Maybe),
        ("cut", Execution::Maybe),
        ("garbage", Execution::Maybe),
        ("nobody", Execution::Never),
    ] {
        let client = via.client(name);
        let call = client.within(300 * MS);
        let error = call.call::<()>("add", (3, 5)).await.unwrap_err();
        assert_eq!(error.execution(), execution, "{name}: {error:?}");
        assert!(error.fault().is_none(), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_lost_agent_leaves_in_doubt_only_what_was_under_way() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let names: Vec<String> = (0..60).map(|number| format!("node{number}")).collect();
    let hosts = || names.iter().map(|name| host(name, &server.url));
    let (first, second) = (relay(hosts()).await, relay(hosts()).await);
    let via = via(&[&first, &second]);
    let behind = names
        .iter()
        .map(|name| Host::new(&**name, via.client(name)));
    let fleet = Fleet::new(behind)
        .window(10)
        .timeout(Some(5000 * MS))
        .retries(Retries::new(6).first_pause(20 * MS));
    let mut outcomes = fleet.call_all::<u64>("run", (100,));
    let mut results: BTreeMap<String, Result<u64, CallError>> = BTreeMap::new();
    let mut first = Some(first);
    while let Some((host, outcome)) = outcomes.next().await {
        results.insert(host.name().to_owned(), outcome.result);
        if results.len() == 20 {
            sleep(30 * MS).await;
            drop(first.take());
        }
    }
    let failed: Vec<_> = results
        .values()
        .filter_map(|result| result.as_ref().err())
        .collect();
    // Half of the window.
    assert!((1..=5).contains(&failed.len()), "{failed:?}");
    assert!(
        failed
            .iter()
            .all(|error| error.execution() == Execution::Maybe),
        "{failed:?}"
    );
    // Each ran once, those in doubt at most once.
    assert!(ledger.runs() <= 60 && ledger.runs() >= 60 - failed.len());
}

#[tokio::test]
async fn an_agent_that_is_not_reached_is_passed_over() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let relay = relay([host("node", &server.url)]).await;
    let down = client(&format!("conn+rpc://{}", address()));
    let via = Via::new([down.clone(), client(&relay.url)]);
    for _ in 0..4 {
        let sum: i64 = via.client("node").call("add", (3, 5)).await.unwrap();
        assert_eq!(sum, 8);
    }
    for via in [Via::new([down]), Via::new([])] {
        let failed = via
            .client("node")
            .call::<i64>("add", (3, 5))
            .await
            .unwrap_err();
        assert!(matches!(failed, CallError::NotSent(_)), "{failed:?}");
    }
    assert_eq!(ledger.runs(), 4);
}

#[tokio::test]
async fn agents_call_only_for_callers_with_the_right_and_in_their_limits() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let options = || FanOutOptions::default().hosts([host("node", &server.url)]);
    let strict = relay_with(options().allow(Allow::nobody().key("deploy"))).await;
    let small = relay_with(options().allow(Allow::everyone()).max_calls(1)).await;
    let other = rpc_at(address(), &ledger).await;
    for (url, expected) in [(&strict.url, "may not call"), (&other.url, "no method")] {
        let via = Via::new([client(url)]);
        let failed = via
            .client("node")
            .call::<i64>("add", (3, 5))
            .await
            .unwrap_err();
        assert!(matches!(failed, CallError::Refused(_)), "{failed:?}");
        assert!(format!("{failed:?}").contains(expected), "{failed:?}");
    }
    let via = via(&[&small]);
    let node = via.client("node");
    let (first, second) = tokio::join!(node.call::<u64>("run", (200,)), async {
        sleep(50 * MS).await;
        node.call::<u64>("run", (1,)).await
    });
    assert_eq!(first.unwrap(), 200);
    let refused = second.unwrap_err();
    assert!(matches!(refused, CallError::NotSent(_)), "{refused:?}");
    assert_eq!(ledger.runs(), 1);
    let nothing = AgentOptions::none().fanout(FanOutOptions::default());
    assert!(matches!(
        Agent::with_options(nothing),
        Err(AgentError::NoHosts)
    ));
}

#[tokio::test]
async fn a_call_that_its_caller_drops_ends_behind_the_agent() {
    let ledger = Ledger::default();
    let server = rpc_at(address(), &ledger).await;
    let relay = relay([host("node", &server.url)]).await;
    let node = via(&[&relay]).client("node");
    let call = node.call::<u64>("run", (60_000,));
    assert!(tokio::time::timeout(200 * MS, call).await.is_err());
    for _ in 0..200 {
        if ledger.cancelled.load(std::sync::atomic::Ordering::SeqCst) == 1 {
            return;
        }
        sleep(10 * MS).await;
    }
    panic!("the call goes on");
}
