//! Memory of a server per idle connection.

use anyhow::Result;

use crate::case::Bar::AtMost;
use crate::case::{Case, Contestant, Part, Scale, Unit};
use crate::peers::{Transport, bare_hyper, bare_tokio, cpython, dxr, farcall, idle, tarpc, tonic};
use crate::task::Task;

type Serve = fn(usize) -> Result<()>;
type Hold = fn(&Task, usize) -> Result<f64>;

pub(super) fn case(scale: Scale) -> Case {
    let count = scale.of(10_000, 20);
    let of = |name, serve: Serve, hold: Hold| {
        Contestant::served(name, move || serve(1), move |task| hold(task, count))
    };
    let echo: Serve = |workers| bare_tokio::serve_echo(Transport::Tcp, workers, 68);
    let connection: Serve = |workers| farcall::echo::serve(Transport::Tcp, workers, 64);
    let xmlrpc: Serve = |workers| farcall::http::serve(workers, Some(16_384));
    let hold: Hold = idle::hold_http;
    let cpython = Contestant::of_parts(
        "CPython XML-RPC, a thread each",
        Some(cpython::http_server()),
        Part::Load(Box::new(move |task| hold(task, count))),
    );
    let title = "Memory of a server for each of 10,000 idle connections, all used once";
    Case::new("idle", title, Unit::KibibytesEach)
        .max_rounds(3)
        .with(of("bare tokio", echo, idle::hold_echo).limit())
        .with(of("bare hyper", bare_hyper::serve, hold))
        .with(of("Farcall connection", connection, farcall::echo::hold).bar(AtMost(2.0)))
        .with(of("Farcall RPC", farcall::rpc::serve_many, farcall::rpc::hold).bar(AtMost(2.0)))
        .with(of("Farcall XML-RPC", xmlrpc, hold).bar(AtMost(12.0)))
        .with(of("dxr", dxr::serve, hold))
        .with(of("tarpc", tarpc::serve, tarpc::hold))
        .with(of("tonic", tonic::serve, tonic::hold))
        .with(cpython)
}
