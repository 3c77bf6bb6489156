//! Two states of sessions without a runtime, a connection or a clock: a run moves the bytes between
//! them in pieces, loses some of them, and polls the tasks of both, in an order that one seed
//! determines. What must hold is the same as in the simulation of servers and clients
//! (`tests/tests/simulation`), and so is the record of it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod activity;
#[path = "../../../../../../tests/tests/simulation/record/mod.rs"]
#[allow(dead_code, reason = "the other simulation uses all of it")]
mod record;
mod service;
mod side;
mod tasks;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use farcall_core::Registry;
use fastrand::Rng;

use self::activity::{Activity, Place};
use self::record::ledger::Ledger;
use self::record::seeds::{Report, Simulation};
use self::record::trace::{Text, Trace};
use self::service::Workshop;
use self::side::Side;
use crate::rpc::error::Disconnected;
use crate::rpc::message::SessionStart;
use crate::rpc::{SessionOptions, SessionStats};

const SIMULATION: Simulation = Simulation {
    run,
    command: "test -p farcall-conn --all-features --lib session::tests::simulation::invariants",
    expected: &[
        "work: succeeded",
        "work: ran again",
        "work: cancelled",
        "work: the call was not sent",
        "work: the call was sent, but no reply arrived",
        "hang: DeadlineExceeded",
        "hang: cancelled",
        "hang: succeeded",
        "create: succeeded",
        "create: cancelled",
        "next: succeeded",
        "next: Gone",
        "stream: ended",
        "stream: failed as asked",
        "stream: dropped",
        "stream: the connection closed before the stream ended",
        "read: succeeded",
        "call_back: succeeded",
        "connection: resumed",
        "connection: to a new session",
        "connection: left",
    ],
};

/// Bytes on their way to a side above which its peer cannot write.
const CAPACITY: usize = 4096;

fn run(seed: u64, text: Text) -> Report {
    let trace = Trace::new(text, tasks::time);
    let ledger = Ledger::new(trace.clone());
    let world = World::new(Rng::with_seed(seed), &trace, &ledger);
    let finished = catch_unwind(AssertUnwindSafe(|| world.run()));
    ledger.check(finished.is_ok(), "it panicked");
    for name in tasks::end() {
        ledger.violation(format_args!("{name} has not ended"));
    }
    ledger.check_nothing_is_alive(&[]);
    ledger.check_calls();
    Report {
        violations: ledger.violations(),
        hash: trace.hash(),
        counts: ledger.counts(),
        lines: trace.lines(),
    }
}

/// A client, which reconnects, its server, and the connection between them.
struct World {
    random: Rng,
    trace: Trace,
    ledger: Ledger,
    is_healthy: bool,
    sides: [Place; 2],
    /// Bytes on their way to each side.
    pipes: [VecDeque<u8>; 2],
    link: Link,
    /// Number of failures that are still to come.
    failures: u8,
}

/// The state of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Up,
    /// The server leaves, and its last calls complete.
    Leaving,
    /// The next connection begins like this.
    Down(SessionStart),
}

/// A step of a run.
#[derive(Clone, Copy)]
enum Step {
    Poll,
    /// This side writes.
    Write(usize),
    /// This side reads.
    Read(usize),
    Fail,
    Connect,
}

impl World {
    fn new(mut random: Rng, trace: &Trace, ledger: &Ledger) -> Self {
        let is_healthy = random.u8(..5) == 0;
        let sides = [0, 1].map(|side| new_side(side, is_healthy, &mut random, ledger));
        Self {
            is_healthy,
            sides: sides.map(Place::new),
            trace: trace.clone(),
            ledger: ledger.clone(),
            pipes: Default::default(),
            link: Link::Down(SessionStart::New),
            failures: if is_healthy { 0 } else { random.u8(..5) },
            random,
        }
    }

    fn run(mut self) {
        for peer in &self.sides {
            for _ in 0..self.random.u8(..6) {
                let activity = Activity {
                    peer: peer.clone(),
                    ledger: self.ledger.clone(),
                    random: self.random.fork(),
                    is_healthy: self.is_healthy,
                };
                tasks::spawn("an activity", activity.run());
            }
        }
        self.run_steps();
        for place in &self.sides {
            let stats = place.side().update(|state| state.stats());
            self.ledger.check(
                stats == SessionStats::default(),
                format_args!("a side still holds {stats:?}"),
            );
        }
        self.failures = 0;
        self.sides[0].side().update(|state| state.close("the end"));
        self.run_steps();
        for place in &self.sides {
            let is_closed = place.side().update(|state| state.is_closed(false));
            self.ledger.check(is_closed, "a side does not close");
            place
                .side()
                .update(|state| state.end(&Disconnected::Closed));
        }
    }

    /// Goes on until nothing is left to do.
    fn run_steps(&mut self) {
        loop {
            while let steps = self.steps()
                && let Some(step) = self.random.choice(steps)
            {
                self.step(step);
            }
            let server = self.sides[1].side();
            if self.link == Link::Leaving && server.update(|state| state.is_closed(false)) {
                self.ledger.count("connection: left");
                self.disconnect(SessionStart::New);
            } else if !tasks::advance() {
                let hangs = self.link == Link::Leaving;
                return self
                    .ledger
                    .check(!hangs, "a server that leaves does not close");
            }
            for place in &self.sides {
                place.side().update(|state| state.tick(tasks::now()));
            }
        }
    }

    /// Returns the possible steps.
    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if tasks::is_any_woken() {
            steps.push(Step::Poll);
        }
        if let Link::Down(_) = self.link {
            // Some things happen without a connection.
            if steps.is_empty() || self.random.u8(..20) == 0 {
                steps.push(Step::Connect);
            }
            return steps;
        }
        for (number, place) in self.sides.iter().enumerate() {
            let side = place.side();
            if side.can_write() && self.pipes[1 - number].len() < CAPACITY {
                steps.push(Step::Write(number));
            }
            if !self.pipes[number].is_empty() && side.can_read() {
                steps.push(Step::Read(number));
            }
        }
        if !steps.is_empty() && self.failures > 0 && self.random.u8(..100) == 0 {
            steps.push(Step::Fail);
        }
        steps
    }

    fn step(&mut self, step: Step) {
        let max = [1, 10, 100, 10_000][self.random.usize(..4)];
        match step {
            Step::Poll => tasks::poll_one(&mut self.random),
            Step::Write(side) => {
                let bytes = self.sides[side].side().write(max);
                self.pipes[1 - side].extend(bytes);
            }
            Step::Read(number) => {
                let pipe = &mut self.pipes[number];
                let bytes: Vec<u8> = pipe.drain(..max.min(pipe.len())).collect();
                self.trace
                    .event(|| format!("{} bytes reach side {number}", bytes.len()));
                let side = self.sides[number].side();
                if let Err(violation) = side.receive(&bytes, &mut self.random) {
                    self.ledger.violation(violation);
                }
            }
            Step::Fail => {
                self.failures -= 1;
                match self.random.u8(..4) {
                    0 if self.link == Link::Up => {
                        self.link = Link::Leaving;
                        self.sides[1].side().update(|state| state.close("leaving"));
                    }
                    _ if self.link == Link::Leaving => self.disconnect(SessionStart::New),
                    1 => self.disconnect(SessionStart::New),
                    _ => self.disconnect(SessionStart::Resumed),
                }
            }
            Step::Connect => self.connect(),
        }
    }

    fn connect(&mut self) {
        let Link::Down(start) = self.link else {
            return;
        };
        self.link = Link::Up;
        let what = match start {
            SessionStart::Resumed => "connection: resumed",
            SessionStart::New => "connection: to a new session",
        };
        self.trace.event(|| what.to_owned());
        self.ledger.count(what);
        let [client, server] = &self.sides;
        let hellos = (client.side().hello(), server.side().hello());
        client.side().connect(&hellos.1, start);
        server.side().connect(&hellos.0, start);
    }

    /// Breaks the connection. Unless the session is to be resumed, there is a new server.
    fn disconnect(&mut self, start: SessionStart) {
        self.trace.event(|| "the connection breaks".to_owned());
        self.link = Link::Down(start);
        self.pipes = Default::default();
        let reason = Disconnected::Silent(Duration::ZERO);
        for place in &self.sides {
            place.side().update(|state| state.on_disconnected(&reason));
        }
        if start == SessionStart::New {
            let server = new_side(1, self.is_healthy, &mut self.random, &self.ledger);
            let gone = self.sides[1].replace(server);
            gone.update(|state| state.end(&reason));
        }
    }
}

fn new_side(number: usize, is_healthy: bool, random: &mut Rng, ledger: &Ledger) -> Arc<Side> {
    let mut settings = SessionOptions::default().settings(1 << 20);
    if number == 0 {
        settings.reconnects = true;
    } else {
        settings.lease = Duration::from_secs(1);
    }
    if !is_healthy {
        let mut choose = |choices: &[u64]| choices[random.usize(..choices.len())];
        let limits = &mut settings.limits;
        limits.max_calls = choose(&[1, 3, 1000, 1000]);
        limits.max_streams = choose(&[1, 1000, 1000]);
        limits.max_objects = choose(&[1, 1000, 1000]);
        limits.window = choose(&[1, 1000, 100_000]);
        settings.max_backlog = choose(&[0, 1000, 1_000_000, 1_000_000]);
    }
    let root = Registry::new();
    let ledger = ledger.clone();
    root.register_instance(Workshop { ledger }).unwrap();
    Side::new(settings, root)
}

#[test]
fn invariants_hold_however_the_bytes_arrive() {
    SIMULATION.check_invariants();
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    SIMULATION.check_traces();
}
