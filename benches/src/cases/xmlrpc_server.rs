//! XML-RPC servers that handle `add(3, 5)`.

use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Case, Contestant, Part, Post, Scale, Unit};
use crate::peers::{axum, bare_hyper, bare_tokio_http, cpython, dxr, farcall, http};

/// The same server as the limit, but one that reads the document.
const BY_HAND: &str = "hyper and quick-xml by hand";

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let one = "XML-RPC server, `add(3, 5)`, 1 connection";
    let many = "XML-RPC server, `add(3, 5)`, 64 connections, two CPUs";
    [
        case("xmlrpc-server-1", one, 1, 1, scale),
        case("xmlrpc-server-64", many, 64, 2, scale),
    ]
    .into_iter()
}

fn case(name: &'static str, title: &str, connections: usize, workers: usize, scale: Scale) -> Case {
    let of = |name, serve: fn(usize) -> anyhow::Result<()>| {
        let server = Part::Serve(Box::new(move || serve(workers)));
        Contestant::of_parts(name, Some(server), load(connections, http::xml, scale))
    };
    let cpython = Contestant::of_parts(
        "CPython",
        Some(cpython::http_server()),
        load(connections, http::xml, scale),
    );
    let case = Case::new(name, title, Unit::CallsPerSecond)
        .cpus(workers)
        .with(of("bare hyper, a constant", bare_hyper::serve).limit())
        .with(of("bare tokio, a constant", bare_tokio_http::serve))
        .with(of(BY_HAND, bare_hyper::serve_by_hand))
        .with(of("axum, a constant", axum::serve))
        .with(
            of("Farcall", |workers| farcall::http::serve(workers, None))
                .bar(AtLeast(0.97))
                .bar(AtLeastOf(0.97, BY_HAND)),
        )
        .with(of("dxr", dxr::serve))
        .with(cpython);
    match workers {
        1 => case,
        _ => case.with(of("Farcall, 2 workers", farcall::http::serve_workers).bar(AtLeast(1.15))),
    }
}

/// Returns a load of concurrent requests, or of sequential ones where nothing is measured.
pub(super) fn load(connections: usize, post: fn() -> Post, scale: Scale) -> Part {
    match scale {
        Scale::Full => Part::Wrk(connections, post),
        Scale::Smoke => Part::Load(Box::new(move |task| http::load(task, &post()))),
    }
}
