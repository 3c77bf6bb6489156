//! Messages of 64 bytes, echoed over one connection.

use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Case, Contestant, Unit};
use crate::peers::{Transport, bare_std, bare_tokio, cpython, farcall};

const MESSAGE: usize = 64;

/// Bytes of the header of a message.
const HEADER: usize = 4;

pub(super) fn cases() -> impl Iterator<Item = Case> {
    Transport::BOTH.map(case).into_iter()
}

fn case(transport: Transport) -> Case {
    let name = match transport {
        Transport::Tcp => "echo-tcp",
        Transport::Unix => "echo-unix",
    };
    let bytes = HEADER + MESSAGE;
    let title = format!("64 bytes echoed over one connection, {}", transport.name());
    Case::new(name, title, Unit::CallsPerSecond)
        .with(
            Contestant::served(
                "bare tokio",
                move || bare_tokio::serve_echo(transport, 1, bytes),
                move |task| bare_tokio::load_echo(task, 1, bytes),
            )
            .limit(),
        )
        .with(Contestant::served(
            "bare std sockets",
            move || bare_std::serve_echo(transport, bytes),
            move |task| bare_std::load_echo(task, bytes),
        ))
        .with(
            Contestant::served(
                "Farcall, async",
                move || farcall::echo::serve(transport, 1, MESSAGE),
                |task| farcall::echo::load(task, 1, MESSAGE),
            )
            .bar(AtLeast(0.95)),
        )
        .with(
            Contestant::served(
                "Farcall, blocking",
                move || farcall::echo::serve_blocking(transport, MESSAGE),
                |task| farcall::echo::load_blocking(task, MESSAGE),
            )
            .bar(AtLeastOf(0.97, "bare std sockets")),
        )
        .with(cpython::connection(
            "CPython, bytes",
            "bytes",
            transport,
            MESSAGE,
        ))
        .with(cpython::connection(
            "CPython, tuple",
            "tuple",
            transport,
            MESSAGE,
        ))
}
