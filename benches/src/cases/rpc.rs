//! Calls of `add(i64, i64)` over one connection: one at a time, and many in flight.

use crate::case::Bar::AtLeast;
use crate::case::{Case, Contestant, Unit};
use crate::peers::{Transport, bare_tokio, farcall, multiplexer};

/// About what a call and its answer take on the wire.
const MESSAGE: usize = 32;

const IN_FLIGHT: usize = 64;

pub(super) fn cases() -> impl Iterator<Item = Case> {
    [
        one_at_a_time("rpc-one-thread", 1, 0.90),
        one_at_a_time("rpc-two-workers", 2, 0.85),
        in_flight("rpc-in-flight-one-thread", 1, 0.65),
        in_flight("rpc-in-flight-two-workers", 2, 0.90),
    ]
    .into_iter()
}

fn one_at_a_time(name: &'static str, workers: usize, bar: f64) -> Case {
    let limit = Contestant::served(
        "bare tokio echo",
        move || bare_tokio::serve_echo(Transport::Tcp, workers, MESSAGE),
        move |task| bare_tokio::load_echo(task, workers, MESSAGE),
    );
    let title = format!("`add(i64, i64)`, one call at a time, {}", of(workers));
    contestants(
        Case::new(name, title, Unit::CallsPerSecond).with(limit.limit()),
        workers,
        1,
        bar,
    )
}

fn in_flight(name: &'static str, workers: usize, bar: f64) -> Case {
    let limit = Contestant::served(
        "bare multiplexer on tokio",
        move || multiplexer::serve_add(workers),
        move |task| multiplexer::load_add(task, workers, IN_FLIGHT),
    );
    let title = format!("`add(i64, i64)`, 64 calls in flight, {}", of(workers));
    contestants(
        Case::new(name, title, Unit::CallsPerSecond).with(limit.limit()),
        workers,
        IN_FLIGHT,
        bar,
    )
}

fn contestants(case: Case, workers: usize, in_flight: usize, bar: f64) -> Case {
    let farcall = Contestant::served(
        "Farcall",
        move || farcall::rpc::serve(workers),
        move |task| farcall::rpc::load(task, workers, in_flight),
    );
    case.cpus(workers).with(farcall.bar(AtLeast(bar)))
}

const fn of(workers: usize) -> &'static str {
    match workers {
        1 => "one thread each on one CPU",
        _ => "two workers each on two CPUs",
    }
}
