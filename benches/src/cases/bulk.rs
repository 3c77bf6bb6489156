//! Large messages, each with an acknowledgement of one byte.

use anyhow::Result;

use crate::case::Bar::{AtLeast, AtLeastOf, Peak};
use crate::case::{Case, Contestant, Scale, Unit};
use crate::peers::farcall::bulk;
use crate::peers::{Transport, bare_bincode, bare_std, bare_tokio, cpython};
use crate::task::Task;

const UNIT: Unit = Unit::GigabytesPerSecond;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let size = scale.of(256 * 1024 * 1024, 1024 * 1024);
    Transport::BOTH
        .map(|transport| case(transport, size))
        .into_iter()
}

type Serve = fn(Transport, usize) -> Result<()>;
type Load = fn(&Task, usize) -> Result<f64>;

fn case(transport: Transport, size: usize) -> Case {
    let name = match transport {
        Transport::Tcp => "bulk-tcp",
        Transport::Unix => "bulk-unix",
    };
    let of = |name, serve: Serve, load: Load| {
        Contestant::served(
            name,
            move || serve(transport, size),
            move |task| Ok(UNIT.of_rate(load(task, size)?, size)),
        )
    };
    let bytes = of("Farcall, bytes", bulk::serve_bytes, bulk::load_bytes);
    let blocking = of(
        "Farcall, bytes, blocking",
        bulk::serve_blocking,
        bulk::load_blocking,
    );
    let array = of("Farcall, slice of f64", bulk::serve_array, bulk::load_array);
    let values = of("Farcall, Vec<f64>", bulk::serve_values, bulk::load_values);
    let title = format!(
        "A message of 256 MiB and its acknowledgement, {}",
        transport.name()
    );
    Case::new(name, title, UNIT)
        .payload(size)
        .with(
            of(
                "bare std sockets",
                bare_std::serve_bulk,
                bare_std::load_bulk,
            )
            .limit(),
        )
        .with(of("bare tokio", bare_tokio::serve_bulk, bare_tokio::load_bulk).limit())
        .with(bytes.bar(AtLeast(0.95)).bar(Peak(1.05)))
        .with(blocking.bar(AtLeast(0.95)).bar(Peak(1.05)))
        .with(array.bar(AtLeast(0.95)).bar(Peak(1.05)))
        .with(values.bar(AtLeastOf(1.2, BINCODE)).bar(Peak(2.0)))
        .with(of(BINCODE, bare_bincode::serve, bare_bincode::load))
        .with(cpython::connection(
            "CPython, bytes",
            "bulk",
            transport,
            size,
        ))
}

const BINCODE: &str = "bincode of Vec<f64>, std sockets";
