//! Servers and clients of `farcall::rpc` in a simulated network, in simulated time. Whatever
//! happens to bytes, connections and machines, calls complete once, run at most once, and leave
//! nothing behind.
//!
//! Each seed is a different run, and always the same one. `FARCALL_SEED=123` replays a run and
//! prints its events; `FARCALL_SEEDS=100000` tries more seeds.
#![allow(clippy::unwrap_used, reason = "tests")]

mod activity;
mod host;
mod network;
mod objects;
mod record;
mod service;
mod streams;
mod visitor;
mod world;

use std::time::Duration;

use record::seeds::Simulation;
use record::{ledger, trace};
use tokio::time::sleep;
use world::{record_panics, run};

/// The simulated time after which an operation counts as hung: more than a client spends on
/// reconnecting, and than all other timeouts together.
const HANG_TIMEOUT: Duration = Duration::from_secs(90);

/// The time by which everything that is no longer referred to must be released: above the longest
/// partition and the time to detect a silent peer.
const CLEANUP_TIME: Duration = Duration::from_secs(40);

const SIMULATION: Simulation = Simulation {
    run,
    command: "test -p tests --test simulation invariants",
    expected: &[
        "work: succeeded",
        "work: ran again",
        "work: cancelled",
        "work: the call was not sent",
        "work: the call was sent, but no reply arrived",
        "hang: DeadlineExceeded",
        "hang: cancelled",
        "create ahead: succeeded",
        "next: the call was not sent",
        "stream: ended",
        "stream: failed as asked",
        "stream: dropped",
        "stream: the connection closed before the stream ended",
        "check_load: succeeded",
        "count_on: succeeded",
        "return_object: succeeded",
        "call_caller: succeeded",
        "call_back: succeeded",
        "counters: succeeded",
        "pick: succeeded",
        "hear: succeeded",
        "read: succeeded",
    ],
};

async fn pause(millis: u64) {
    if millis > 0 {
        sleep(Duration::from_millis(millis)).await;
    }
}

#[test]
fn invariants_hold_whatever_the_network_does() {
    record_panics();
    SIMULATION.check_invariants();
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    SIMULATION.check_traces();
}
