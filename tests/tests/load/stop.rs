//! A graceful stop during calls: every call that ran is answered, and errors report truthfully
//! whether the call ran.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall::rpc;
use farcall::{Caller, Execution};
use tests::victim::{KEY, Victim};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The number of clients of each protocol, each making one call after the other.
const CLIENTS: usize = 40;

/// The number of failed calls after which a client gives up.
const TRIES: usize = 20;

/// The name of a call, and its result or whether it ran.
type CallOutcome = (String, Result<String, Execution>);

/// Makes calls until the server has stopped.
async fn call_on(
    client: impl Caller,
    number: usize,
    answered: Arc<AtomicUsize>,
) -> Vec<CallOutcome> {
    let mut outcomes = Vec::new();
    let mut failures = 0;
    while failures < TRIES {
        let name = format!("{number}-{}", outcomes.len());
        let work = client.call("ledger.work", (&name, fastrand::u64(0..20)));
        let result: Result<String, _> = work.await;
        match &result {
            Ok(_) => _ = answered.fetch_add(1, Ordering::Relaxed),
            Err(_) => {
                failures += 1;
                sleep(Duration::from_millis(5)).await;
            }
        }
        outcomes.push((name, result.map_err(|error| error.execution())));
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_loses_no_call_that_ran() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let arguments = ["--ledger", path.to_str().unwrap()];
    let mut victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &arguments).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = farcall::xmlrpc::Client::new(&victim.url()).unwrap();
        clients.spawn(call_on(client, number, Arc::clone(&answered)));
        let client = rpc::Client::connect(victim.rpc).authkey(KEY).await.unwrap();
        clients.spawn(call_on(client, CLIENTS + number, Arc::clone(&answered)));
    }
    while answered.load(Ordering::Relaxed) < 20 * CLIENTS {
        sleep(Duration::from_millis(1)).await;
    }
    victim.terminate();
    let outcomes = clients.join_all().await.concat();
    let is_success = tokio::task::spawn_blocking(move || victim.wait())
        .await
        .unwrap();
    assert!(is_success, "the exit code is 0");

    let ledger = std::fs::read(path).unwrap();
    let (runs, ends): (HashMap<String, u64>, HashMap<String, u64>) =
        serde_json::from_slice(&ledger).unwrap();
    assert_eq!(runs, ends, "every call that began completed");
    assert!(runs.values().all(|runs| *runs == 1));
    let (mut never, mut maybe) = (0, 0);
    for (name, result) in &outcomes {
        match result {
            Ok(answer) => assert!(answer == name && runs.contains_key(name), "{name}"),
            Err(execution) => {
                assert!(
                    !runs.contains_key(name),
                    "{name} ran but was not answered: {execution:?}"
                );
                assert_ne!(*execution, Execution::Completed, "{name}");
                never += usize::from(*execution == Execution::Never);
                maybe += usize::from(*execution == Execution::Maybe);
            }
        }
    }
    let answered = answered.load(Ordering::Relaxed);
    assert_eq!(runs.len(), answered, "every call that ran was answered");
    println!("{answered} calls answered, {never} reported as not run, {maybe} as possibly run");
}
