//! The same work over TLS, with one certificate and the same cipher suites for all contestants.

use anyhow::Result;

use super::xmlrpc_server::load;
use crate::case::Bar::{AtLeast, AtLeastOf, AtMost};
use crate::case::{Case, Contestant, Part, Scale, Unit};
use crate::peers::{
    Transport, bare_hyper, bare_std, bare_tokio, bare_tokio_http, cpython, farcall, http, idle,
    multiplexer, tonic,
};
use crate::task::Task;

/// The share of the bare stack that Farcall must reach.
const BAR: f64 = 0.95;

/// The same server as the limit, but one that reads the document.
const BY_HAND: &str = "hyper, tokio-rustls and quick-xml by hand";

/// Maximum memory of an idle connection in KiB.
const MAX_IDLE: f64 = 20.0;

/// Calls in flight over one connection.
const IN_FLIGHT: usize = 64;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let one = "XML-RPC server over TLS, `add(3, 5)`, 1 connection";
    let many = "XML-RPC server over TLS, `add(3, 5)`, 64 connections, two CPUs";
    let large = "A message of 64 MiB and its acknowledgement, TLS over TCP";
    let small = "A message of 1 MiB and its acknowledgement, TLS over TCP";
    let full = "A TLS connection with one call of `add(3, 5)`, full handshakes";
    let resumed = "A TLS connection with one call of `add(3, 5)`, resumed sessions";
    [
        handshakes("tls-handshake", full, false),
        handshakes("tls-handshake-resumed", resumed, true),
        server("tls-xmlrpc-server-1", one, 1, 1, scale),
        server("tls-xmlrpc-server-64", many, 64, 2, scale),
        client(),
        in_flight(),
        bulk("tls-bulk-64", large, scale.of(64, 1)),
        bulk("tls-bulk-1", small, 1),
        idle(scale),
    ]
    .map(Case::over_tls)
    .into_iter()
}

type Serve = fn() -> Result<()>;
type Load = fn(&Task) -> Result<f64>;

/// Both sides of a handshake work on one CPU. Each contestant has one side of its own, and the
/// bare one at the other, except those that have both.
fn handshakes(name: &'static str, title: &str, resume: bool) -> Case {
    let of = |name, serve: Serve, load: fn(&Task, bool) -> Result<f64>| {
        Contestant::served(name, serve, move |task| load(task, resume))
    };
    let bare: Serve = || bare_hyper::serve(1);
    let load = bare_hyper::load_handshakes;
    let case = Case::new(name, title, Unit::ConnectionsPerSecond)
        .with(of("bare hyper and tokio-rustls", bare, load).limit())
        .with(of(BY_HAND, || bare_hyper::serve_by_hand(1), load))
        .with(
            of("Farcall, server", || farcall::http::serve(1, None), load)
                .bar(AtLeast(BAR))
                .bar(AtLeastOf(BAR, BY_HAND)),
        )
        .with(
            of(
                "Farcall, async client",
                bare,
                farcall::http::load_handshakes,
            )
            .bar(AtLeast(BAR)),
        )
        .with(
            of(
                "Farcall, blocking client",
                bare,
                farcall::http::load_handshakes_blocking,
            )
            .bar(AtLeast(BAR)),
        )
        .with(of(
            "tonic, both sides",
            || tonic::serve(1),
            tonic::load_handshakes,
        ))
        .with(Contestant::of_parts(
            "CPython, server",
            Some(cpython::http_server()),
            Part::Load(Box::new(move |task| load(task, resume))),
        ));
    if resume {
        // CPython's client does not resume sessions.
        return case;
    }
    case.with(Contestant::of_parts(
        "CPython, client",
        Some(Part::Serve(Box::new(bare))),
        cpython::http_handshakes(),
    ))
}

fn server(
    name: &'static str,
    title: &str,
    connections: usize,
    workers: usize,
    scale: Scale,
) -> Case {
    let of = |name, serve: fn(usize) -> Result<()>| {
        let server = Part::Serve(Box::new(move || serve(workers)));
        Contestant::of_parts(name, Some(server), load(connections, http::xml, scale))
    };
    let cpython = Contestant::of_parts(
        "CPython",
        Some(cpython::http_server()),
        load(connections, http::xml, scale),
    );
    let tonic = Contestant::served(
        "tonic, with its client",
        move || tonic::serve(workers),
        move |task| tonic::load_connections(task, workers, connections),
    );
    let case = Case::new(name, title, Unit::CallsPerSecond)
        .cpus(workers)
        .with(of("bare hyper and tokio-rustls, a constant", bare_hyper::serve).limit())
        .with(of("bare tokio-rustls, a constant", bare_tokio_http::serve))
        .with(of(BY_HAND, bare_hyper::serve_by_hand))
        .with(
            of("Farcall", |workers| farcall::http::serve(workers, None))
                .bar(AtLeast(BAR))
                .bar(AtLeastOf(BAR, BY_HAND)),
        )
        .with(tonic)
        .with(cpython);
    match workers {
        1 => case,
        _ => case.with(of("Farcall, 2 workers", farcall::http::serve_workers).bar(AtLeast(BAR))),
    }
}

fn client() -> Case {
    let server = || Part::Serve(Box::new(|| bare_hyper::serve(1)));
    let of =
        |name, load: Load| Contestant::of_parts(name, Some(server()), Part::Load(Box::new(load)));
    let title = "XML-RPC client over TLS, `add(3, 5)`, one call after the other";
    Case::new("tls-xmlrpc-client", title, Unit::CallsPerSecond)
        .with(of("bare hyper and tokio-rustls", bare_hyper::load).limit())
        .with(of("rustls on std sockets by hand", |task| {
            http::load(task, &http::xml())
        }))
        .with(of("Farcall, async", farcall::http::load).bar(AtLeast(BAR)))
        .with(of("Farcall, blocking", farcall::http::load_blocking).bar(AtLeast(BAR)))
        .with(Contestant::of_parts(
            "CPython",
            Some(server()),
            cpython::http_client(),
        ))
}

fn in_flight() -> Case {
    let of = |name, serve: Serve, load: fn(&Task, usize, usize) -> Result<f64>| {
        Contestant::served(name, serve, move |task| load(task, 2, IN_FLIGHT))
    };
    let title = "`add(i64, i64)` over TLS, 64 calls in flight, two workers each on two CPUs";
    Case::new("tls-rpc-in-flight", title, Unit::CallsPerSecond)
        .cpus(2)
        .with(
            of(
                "bare multiplexer on tokio-rustls",
                || multiplexer::serve_add(2),
                multiplexer::load_add,
            )
            .limit(),
        )
        .with(of("Farcall", || farcall::rpc::serve(2), farcall::rpc::load).bar(AtLeast(BAR)))
        .with(of("tonic", || tonic::serve(2), tonic::load))
}

fn bulk(name: &'static str, title: &str, mebibytes: usize) -> Case {
    const UNIT: Unit = Unit::GigabytesPerSecond;
    let size = mebibytes * 1024 * 1024;
    let of =
        |name, serve: fn(Transport, usize) -> Result<()>, load: fn(&Task, usize) -> Result<f64>| {
            Contestant::served(
                name,
                move || serve(Transport::Tcp, size),
                move |task| Ok(UNIT.of_rate(load(task, size)?, size)),
            )
        };
    Case::new(name, title, UNIT)
        .with(
            of(
                "bare rustls on std sockets",
                bare_std::serve_bulk,
                bare_std::load_bulk,
            )
            .limit(),
        )
        .with(
            of(
                "bare tokio-rustls",
                bare_tokio::serve_bulk,
                bare_tokio::load_bulk,
            )
            .limit(),
        )
        .with(
            of(
                "Farcall, bytes",
                farcall::bulk::serve_bytes,
                farcall::bulk::load_bytes,
            )
            .bar(AtLeast(BAR)),
        )
        .with(
            of(
                "Farcall, bytes, blocking",
                farcall::bulk::serve_blocking,
                farcall::bulk::load_blocking,
            )
            .bar(AtLeast(BAR)),
        )
        .with(cpython::tls_bulk("CPython, ssl sockets", size))
}

fn idle(scale: Scale) -> Case {
    let count = scale.of(2000, 20);
    let of = |name, serve: Serve, hold: fn(&Task, usize) -> Result<f64>| {
        Contestant::served(name, serve, move |task| hold(task, count))
    };
    let echo: Serve = || bare_tokio::serve_echo(Transport::Tcp, 1, 68);
    let cpython = Contestant::of_parts(
        "CPython XML-RPC, a thread each",
        Some(cpython::http_server()),
        Part::Load(Box::new(move |task| idle::hold_http(task, count))),
    );
    let title = "Memory of a server for each of 2,000 idle TLS connections, all used once";
    Case::new("tls-idle", title, Unit::KibibytesEach)
        .max_rounds(3)
        .with(of("bare tokio-rustls", echo, idle::hold_echo).limit())
        .with(of(
            "bare hyper and tokio-rustls",
            || bare_hyper::serve(1),
            idle::hold_http,
        ))
        .with(
            of(
                "Farcall connection",
                || farcall::echo::serve(Transport::Tcp, 1, 64),
                farcall::echo::hold,
            )
            .bar(AtMost(MAX_IDLE)),
        )
        .with(
            of(
                "Farcall RPC",
                || farcall::rpc::serve_many(1),
                farcall::rpc::hold,
            )
            .bar(AtMost(MAX_IDLE)),
        )
        .with(
            of(
                "Farcall XML-RPC",
                || farcall::http::serve(1, Some(4096)),
                idle::hold_http,
            )
            .bar(AtMost(MAX_IDLE)),
        )
        .with(of("tonic", || tonic::serve(1), tonic::hold))
        .with(cpython)
}
