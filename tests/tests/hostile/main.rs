//! Hostile peers against a server with default limits in a process of its own. After each attack
//! the server answers an honest call, and has no more memory and descriptors than before.

#![allow(clippy::unwrap_used, reason = "tests")]

mod connections;
mod host;
mod http;
mod log;
mod peer;
mod rpc;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tests::victim::Victim;
use tokio::time::timeout;

async fn victim() -> Victim {
    Victim::start(env!("CARGO_BIN_EXE_victim"), &[]).await
}

/// Runs an attack, and checks that it did no harm.
async fn endure(victim: &Victim, name: &str, attack: impl Future<Output = ()>) {
    let begin = Instant::now();
    let attack = timeout(Duration::from_secs(120), attack).await;
    attack.unwrap_or_else(|_| panic!("{name}: the attack does not finish"));
    victim.assert_well(name).await;
    let (time, peak) = (begin.elapsed(), victim.peak() >> 20);
    println!("{name}: {time:.1?}, at most {peak} MiB");
}

#[tokio::test]
async fn honest_peers_do_no_harm() {
    let victim = victim().await;
    for _ in 0..20 {
        victim.assert_serves().await;
    }
    victim.assert_well("honest calls").await;
}

/// The check after each attack notices what it is there for.
#[tokio::test]
async fn a_leak_is_noticed() {
    let victim = victim().await;
    let leak = async |bytes: usize| {
        // Its connection closes with it: an idle one would count as a leaked descriptor.
        let client = farcall::xmlrpc::Client::new(&victim.url()).unwrap();
        let leaked: usize = client.call("ledger.leak", (bytes,)).await.unwrap();
        assert_eq!(leaked, bytes);
    };
    leak(1 << 20).await;
    victim.assert_well("a leak within the limit").await;
    leak(3 << 19).await;
    let check = AssertUnwindSafe(victim.assert_well("a leak"));
    let panic = check.catch_unwind().await.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(
        text.starts_with("after a leak: ") && text.contains(" bytes, "),
        "{text}"
    );
}
