//! Runs of many seeds. Each seed is a different run, and always the same one.

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::trace::Text;

/// The result of a run.
pub(crate) struct Report {
    pub(crate) violations: Vec<String>,
    pub(crate) hash: u64,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) lines: Vec<String>,
}

/// A simulation.
pub(crate) struct Simulation {
    /// Performs the run of a seed.
    pub(crate) run: fn(u64, Text) -> Report,
    /// The arguments of `cargo` that replay a seed.
    pub(crate) command: &'static str,
    /// Events that must have happened in a full run: a check of something that never happens proves
    /// nothing.
    pub(crate) expected: &'static [&'static str],
}

/// The number of failed runs after which no more are started.
const ENOUGH: usize = 5;

/// The number of seeds of a full run.
const SEEDS: u64 = 2000;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number of seeds, or of one"))
}

impl Simulation {
    /// Checks that no run violates an invariant.
    pub(crate) fn check_invariants(&self) {
        if let Some(seed) = number("FARCALL_SEED") {
            let report = (self.run)(seed, Text::Printed);
            let violations = self.describe(seed, &report);
            assert!(report.violations.is_empty(), "{violations}");
            return;
        }
        let seeds = number("FARCALL_SEEDS").unwrap_or(SEEDS);
        let next = AtomicU64::new(0);
        let failed = Mutex::new(BTreeMap::new());
        let counts = Mutex::new(BTreeMap::<String, u64>::new());
        let work = || {
            while let seed = next.fetch_add(1, Ordering::Relaxed)
                && seed < seeds
                && failed.lock().unwrap().len() < ENOUGH
            {
                let report = (self.run)(seed, Text::Dropped);
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
        let counts = counts.into_inner().unwrap();
        for (what, count) in &counts {
            println!("{count:>8}  {what}");
        }
        let failed: Vec<_> = failed
            .into_inner()
            .unwrap()
            .iter()
            .map(|(seed, report)| self.describe(*seed, report))
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        if seeds >= SEEDS {
            for what in self.expected {
                assert!(counts.contains_key(*what), "this never happened: {what}");
            }
        }
    }

    fn describe(&self, seed: u64, report: &Report) -> String {
        format!(
            "seed {seed} breaks invariants:\n  {}\nReplay it: FARCALL_SEED={seed} cargo {}",
            report.violations.join("\n  "),
            self.command
        )
    }

    /// Checks that a seed gives the same run each time.
    pub(crate) fn check_traces(&self) {
        for seed in 0..100 {
            let hash = || (self.run)(seed, Text::Dropped).hash;
            if hash() != hash() {
                panic!(
                    "seed {seed} is not reproducible:\n{}",
                    self.difference(seed)
                );
            }
        }
    }

    /// Returns the first events in which two runs of a seed differ.
    fn difference(&self, seed: u64) -> String {
        let first = (self.run)(seed, Text::Kept).lines;
        let second = (self.run)(seed, Text::Kept).lines;
        let same = first.iter().zip(&second).take_while(|(a, b)| a == b);
        let same = same.count();
        let then = |lines: &[String]| lines.get(same).cloned().unwrap_or_default();
        format!(
            "{}\nthe first run continued with\n{}\nthe second run with\n{}",
            first[same.saturating_sub(20)..same].join("\n"),
            then(&first),
            then(&second),
        )
    }
}
