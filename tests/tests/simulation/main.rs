//! Servers and clients of `conn::rpc` in a simulated network, in simulated time: whatever happens to bytes,
//! connections and machines, calls end once, run at most once, and leave nothing behind.
//!
//! Each seed is another run, and always the same one. `FARCALL_SEED=123` replays a run and prints what
//! happens in it; `FARCALL_SEEDS=100000` tries more of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

mod activity;
mod direction;
mod host;
mod ledger;
mod network;
mod service;
mod socket;
mod streams;
mod trace;
mod world;

use world::{Report, notice_panics, run};

/// What takes longer, in simulated time, never ends: more than a client tries to reconnect, and all other
/// limits of time together.
const HANGS: Duration = Duration::from_secs(90);

/// When whatever nobody waits for any more is gone, at the latest: after the longest partition, and the time
/// in which a silent peer is found out.
const GONE: Duration = Duration::from_secs(40);

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number of seeds, or of one"))
}

#[test]
fn invariants_hold_whatever_the_network_does() {
    notice_panics();
    if let Some(seed) = number("FARCALL_SEED") {
        let report = run(seed, true);
        report.lines.iter().for_each(|line| println!("{line}"));
        assert!(report.violations.is_empty(), "{}", describe(seed, &report));
        return;
    }
    let seeds = number("FARCALL_SEEDS").unwrap_or(2000);
    let next = AtomicU64::new(0);
    let failed = Mutex::new(BTreeMap::new());
    let counts = Mutex::new(BTreeMap::<String, u64>::new());
    let work = || {
        while let seed = next.fetch_add(1, Ordering::Relaxed)
            && seed < seeds
            && failed.lock().unwrap().len() < 12
        {
            let report = run(seed, false);
            let mut counts = counts.lock().unwrap();
            for (what, count) in &report.counts {
                *counts.entry(what.clone()).or_default() += count;
            }
            if !report.violations.is_empty() {
                failed.lock().unwrap().insert(seed, report);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    for (what, count) in counts.into_inner().unwrap() {
        println!("{count:>8}  {what}");
    }
    let failed: Vec<_> = failed
        .into_inner()
        .unwrap()
        .iter()
        .map(|(seed, report)| describe(*seed, report))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn describe(seed: u64, report: &Report) -> String {
    format!(
        "seed {seed} breaks invariants:\n  {}\nReplay it: FARCALL_SEED={seed} cargo test -p tests --test \
         simulation invariants",
        report.violations.join("\n  ")
    )
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..40 {
        let first = run(seed, true);
        let second = run(seed, true);
        let differs = first
            .lines
            .iter()
            .zip(&second.lines)
            .position(|(a, b)| a != b);
        if let Some(line) = differs {
            let begin = line.saturating_sub(20);
            panic!(
                "seed {seed} is not replayed:\n{}\nonce it went on with\n{}\nand once with\n{}",
                first.lines[begin..line].join("\n"),
                first.lines[line],
                second.lines[line],
            );
        }
        assert_eq!(first.hash, second.hash, "seed {seed} is not replayed");
    }
}
