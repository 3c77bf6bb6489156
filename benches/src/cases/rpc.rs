//! Calls of `add(i64, i64)` over one connection: one at a time, and many in flight.

use anyhow::Result;

use crate::case::Bar::AtLeast;
use crate::case::{Case, Contestant, Unit};
use crate::peers::{Transport, bare_tokio, capnp, farcall, jsonrpsee, multiplexer, tarpc, tonic};
use crate::task::Task;

/// The approximate bytes of a call or its reply on the wire.
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

type Serve = fn(usize) -> Result<()>;
type Load = fn(&Task, usize, usize) -> Result<f64>;

fn contestants(case: Case, workers: usize, in_flight: usize, bar: f64) -> Case {
    let of = |name, serve: Serve, load: Load| {
        Contestant::served(
            name,
            move || serve(workers),
            move |task| load(task, workers, in_flight),
        )
    };
    let farcall = of("Farcall", farcall::rpc::serve, farcall::rpc::load);
    let case = case
        .cpus(workers)
        .with(farcall.bar(AtLeast(bar)))
        .with(of("tarpc", tarpc::serve, tarpc::load))
        .with(of("tonic", tonic::serve, tonic::load))
        .with(of("jsonrpsee", jsonrpsee::serve, jsonrpsee::load));
    match workers {
        // Cap'n Proto uses one thread only.
        1 => case.with(Contestant::served("capnp-rpc", capnp::serve, move |task| {
            capnp::load(task, in_flight)
        })),
        _ => case,
    }
}

const fn of(workers: usize) -> &'static str {
    match workers {
        1 => "one thread each on one CPU",
        _ => "two workers each on two CPUs",
    }
}
