//! A graceful stop while calls go on: what ran was answered, and whoever was not answered is told the truth.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conn::rpc;
use rpc_core::{Caller, Execution};
use tests::victim::{KEY, Victim};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many clients of each protocol call one call after the other.
const CLIENTS: usize = 40;

/// How many times a client tries on after its first failure.
const TRIES: usize = 20;

/// What a client was told of a call.
type Told = (String, Result<String, Execution>);

/// Calls until the server is gone.
async fn call_on(client: impl Caller, number: usize, answered: Arc<AtomicUsize>) -> Vec<Told> {
    let mut told = Vec::new();
    let mut failures = 0;
    while failures < TRIES {
        let name = format!("{number}-{}", told.len());
        let work = client.call("ledger.work", (&name, fastrand::u64(0..20)));
        let result: Result<String, _> = work.await;
        match &result {
            Ok(_) => _ = answered.fetch_add(1, Ordering::Relaxed),
            Err(_) => {
                failures += 1;
                sleep(Duration::from_millis(5)).await;
            }
        }
        told.push((name, result.map_err(|error| error.execution())));
    }
    told
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
        let client = xmlrpc::Client::new(&victim.url()).unwrap();
        clients.spawn(call_on(client, number, Arc::clone(&answered)));
        let client = rpc::Client::connect(victim.rpc).authkey(KEY).await.unwrap();
        clients.spawn(call_on(client, CLIENTS + number, Arc::clone(&answered)));
    }
    while answered.load(Ordering::Relaxed) < 20 * CLIENTS {
        sleep(Duration::from_millis(1)).await;
    }
    victim.terminate();
    let told = clients.join_all().await.concat();
    let is_orderly = tokio::task::spawn_blocking(move || victim.wait())
        .await
        .unwrap();
    assert!(is_orderly, "it stops by itself");

    let ledger = std::fs::read(path).unwrap();
    let (runs, ends): (HashMap<String, u64>, HashMap<String, u64>) =
        serde_json::from_slice(&ledger).unwrap();
    assert_eq!(runs, ends, "what began came to its end");
    assert!(runs.values().all(|runs| *runs == 1));
    let (mut never, mut maybe) = (0, 0);
    for (name, result) in &told {
        match result {
            Ok(answer) => assert!(answer == name && runs.contains_key(name), "{name}"),
            Err(told) => {
                assert!(
                    !runs.contains_key(name),
                    "{name} ran, and was not answered: {told:?}"
                );
                assert_ne!(*told, Execution::Completed, "{name}");
                never += usize::from(*told == Execution::Never);
                maybe += usize::from(*told == Execution::Maybe);
            }
        }
    }
    let answered = answered.load(Ordering::Relaxed);
    assert_eq!(runs.len(), answered, "every call that ran was answered");
    println!(
        "{answered} calls answered, {never} known not to have run, {maybe} needlessly in doubt"
    );
}
