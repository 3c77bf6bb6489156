//! Two states of sessions, driven against each other: without a runtime, sockets, tasks or a
//! clock. Bytes travel in pieces, time is virtual, and either end calls, cancels, closes, breaks
//! the protocol or loses the connection at random moments. A [model](ledger) says what may happen.
//!
//! Each seed is a different run, and always the same one. `FARCALL_SEED=123` replays a run and
//! prints its events; `FARCALL_SEEDS=100000` tries more seeds.

mod calling;
mod end;
mod host;
mod ledger;
mod run;
mod serving;
mod streams;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use self::run::Run;
use self::world::World;

/// The number of seeds of a full run.
const SEEDS: u64 = 2000;

/// Events that must have happened in a full run: a check of something that never happens proves
/// nothing.
const EXPECTED_EVENTS: [&str; 16] = [
    "call: returned",
    "call: sent one-way",
    "call: dropped",
    "call: not sent",
    "call: lost",
    "call: promised nothing",
    "call: Application",
    "call: Internal",
    "call: DeadlineExceeded",
    "call: Overloaded",
    "call: Gone",
    "object came home",
    "stream: ended",
    "stream: Application",
    "stream: disconnected",
    "violation",
];

type Counts = BTreeMap<String, u64>;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number of seeds, or of one"))
}

/// Runs a seed, and returns the numbers of its events.
fn run(seed: u64, is_printed: bool) -> Counts {
    let run = Run::new(seed, is_printed);
    let outcome = catch_unwind(AssertUnwindSafe(|| World::new(&run).run()));
    if let Err(panic) = outcome {
        eprintln!("the run of FARCALL_SEED={seed} failed");
        resume_unwind(panic);
    }
    std::mem::take(&mut run.ledger().counts)
}

#[test]
fn two_states_keep_their_promises_whatever_happens_between_them() {
    if let Some(seed) = number("FARCALL_SEED") {
        run(seed, true);
        return;
    }
    let seeds = number("FARCALL_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let total = Mutex::new(Counts::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::Relaxed)
                    && seed < seeds
                {
                    let counts = run(seed, false);
                    let mut total = total.lock().unwrap();
                    for (event, count) in counts {
                        *total.entry(event).or_default() += count;
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    for (event, count) in &total {
        println!("{count:>8}  {event}");
    }
    if seeds >= SEEDS {
        for event in EXPECTED_EVENTS {
            assert!(
                total.contains_key(event),
                "nothing happened as {event:?}: {total:?}"
            );
        }
    }
}
