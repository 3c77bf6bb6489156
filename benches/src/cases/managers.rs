//! Objects that processes share, beside the managers of CPython.

use anyhow::Result;

use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Case, Contestant, Part, Scale, Unit};
use crate::peers::farcall::echo;
use crate::peers::farcall::managers::{self, Work};
use crate::peers::{Transport, cpython, fixed_reply};

/// The manager that the bars refer to, with clients of the same version.
const CPYTHON: &str = "CPython 3.11";

/// The interpreters.
const OLD: &str = "python3.11";
const NEW: &str = "python3.13";

/// The limit of a manager on Farcall's connections, in tasks of an event loop.
const TASKS: &str = "a fixed reply, on our connections";

/// The limit of clients in Rust: what they and a server take to exchange messages as short.
const ECHO: &str = "64 bytes echoed, Rust clients";

/// The limit of clients in Rust that wait for each other.
const LOCK: &str = "a lock by hand, Rust clients";

/// The limit of a client in Rust that moves many bytes.
const BULK_ECHO: &str = "64 MiB echoed, Rust client";

const UNIT: Unit = Unit::GigabytesPerSecond;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let mut cases = Vec::new();
    for (work, names, title) in [
        (
            Work::Dict,
            ["managers-dict-1", "managers-dict-4", "managers-dict-16"],
            "Entries of a manager's dict, set and read",
        ),
        (
            Work::Queue,
            ["managers-queue-1", "managers-queue-4", "managers-queue-16"],
            "Items of a manager's queue, put and taken",
        ),
        (
            Work::Lock,
            ["managers-lock-1", "managers-lock-4", "managers-lock-16"],
            "A manager's lock, acquired and released",
        ),
    ] {
        for (name, clients) in names.into_iter().zip([1, 4, 16]) {
            cases.push(calls(name, title, work, clients));
        }
    }
    cases.push(bulk(scale));
    cases
}

fn calls(name: &'static str, title: &str, work: Work, clients: usize) -> Case {
    let title = match clients {
        1 => format!("{title}, one client"),
        clients => format!("{title}, {clients} clients"),
    };
    let least = if clients < 16 { 2.0 } else { 3.0 };
    let python = |version| cpython::manager_load(version, work, clients);
    let rust = || Part::Load(Box::new(move |task| managers::load(task, work, clients)));
    let case = Case::new(name, title, Unit::CallsPerSecond)
        .cpus(clients.min(2))
        .max_rounds(3);
    // With one reply for all, all clients would have the lock at once.
    let (name, serve): (_, fn() -> Result<()>) = match (work, clients) {
        (Work::Lock, 2..) => ("a lock by hand", fixed_reply::serve_lock),
        _ => ("a fixed reply", || fixed_reply::serve(0)),
    };
    let limit = of(name, Part::Serve(Box::new(serve)), python(OLD)).limit();
    let tasks = Part::Serve(Box::new(fixed_reply::serve_tasks));
    let tasks = of(TASKS, tasks, python(OLD));
    let (case, bar) = match (work, clients) {
        (Work::Lock, 2..) => (case, AtLeast(0.9)),
        _ => (case.with(tasks), AtLeastOf(0.9, TASKS)),
    };
    let farcall = of("Farcall", server(), python(OLD))
        .bar(AtLeastOf(least, CPYTHON))
        .bar(bar);
    let (rust_limit, bar) = match (work, clients) {
        (Work::Lock, 2..) => {
            let limit = of(LOCK, Part::Serve(Box::new(serve)), rust());
            (limit, AtLeastOf(0.9, LOCK))
        }
        _ => (echo_of(clients), AtLeastOf(0.6, ECHO)),
    };
    case.with(limit)
        .with(of(CPYTHON, cpython::manager(OLD), python(OLD)))
        .with(of("CPython 3.13", cpython::manager(NEW), python(NEW)))
        .with(farcall)
        .with(of(
            "CPython 3.11, Rust clients",
            cpython::manager(OLD),
            rust(),
        ))
        .with(
            of("Farcall, Rust clients", server(), rust())
                .bar(AtLeastOf(20.0, CPYTHON))
                .bar(bar),
        )
        .with(rust_limit)
}

fn echo_of(clients: usize) -> Contestant {
    of(
        ECHO,
        Part::Serve(Box::new(move || {
            echo::serve(Transport::Tcp, clients.min(2), 64)
        })),
        Part::Load(Box::new(move |task| echo::load_many(task, clients, 64))),
    )
}

fn bulk(scale: Scale) -> Case {
    let size = scale.of(64 * 1024 * 1024, 1024 * 1024);
    let python = |version| cpython::manager_load(version, Work::Bulk(size), 1);
    let rust = || {
        Part::Load(Box::new(move |task| {
            let calls = managers::load(task, Work::Bulk(size), 1)?;
            Ok(UNIT.of_rate(calls, size))
        }))
    };
    let limit = Part::Serve(Box::new(move || fixed_reply::serve(size)));
    let limit = of("a fixed reply", limit, python(OLD));
    let echo = Part::Serve(Box::new(move || fixed_reply::serve_echo(size)));
    let rust_echo = of(
        BULK_ECHO,
        Part::Serve(Box::new(move || echo::serve(Transport::Tcp, 1, size))),
        Part::Load(Box::new(move |task| {
            let echoes = echo::load(task, 1, size)?;
            Ok(UNIT.of_rate(echoes * 2.0, size))
        })),
    );
    let title = "64 MiB put into a manager's queue, and taken";
    Case::new("managers-bulk", title, UNIT)
        .cpus(2)
        .max_rounds(3)
        .payload(size)
        .with(limit.limit())
        .with(of(CPYTHON, cpython::manager(OLD), python(OLD)))
        .with(of("CPython 3.13", cpython::manager(NEW), python(NEW)))
        .with(
            of("Farcall", server(), python(OLD))
                .bar(AtLeastOf(2.0, CPYTHON))
                .bar(AtLeast(0.9)),
        )
        .with(of(
            "64 MiB echoed, a connection of CPython 3.11",
            echo,
            cpython::echo_load(size),
        ))
        .with(of(
            "CPython 3.11, Rust client, put_bytes",
            cpython::manager(OLD),
            rust(),
        ))
        .with(
            of("Farcall, Rust client, put_bytes", server(), rust())
                .bar(AtLeastOf(2.0, CPYTHON))
                .bar(AtLeastOf(0.5, BULK_ECHO)),
        )
        .with(rust_echo)
}

fn of(name: &str, server: Part, load: Part) -> Contestant {
    Contestant::of_parts(name, Some(server), load)
}

fn server() -> Part {
    Part::Serve(Box::new(managers::serve))
}
