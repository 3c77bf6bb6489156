//! XML-RPC clients, with bare hyper and a constant reply as server.

use anyhow::Result;

use crate::case::Bar::AtLeast;
use crate::case::{Case, Contestant, Part, Unit};
use crate::peers::{bare_hyper, cpython, dxr, farcall, http, xmlrpc_crate};
use crate::task::Task;

pub(super) fn case() -> Case {
    let server = || Part::Serve(Box::new(|| bare_hyper::serve(1)));
    let of = |name, load: fn(&Task) -> Result<f64>| {
        Contestant::of_parts(name, Some(server()), Part::Load(Box::new(load)))
    };
    let title = "XML-RPC client, `add(3, 5)`, one call after the other";
    Case::new("xmlrpc-client", title, Unit::CallsPerSecond)
        .with(of("bare hyper", bare_hyper::load).limit())
        .with(of("std sockets by hand", |task| {
            http::load(task, &http::xml())
        }))
        .with(of("Farcall, async", farcall::http::load).bar(AtLeast(0.95)))
        .with(of("Farcall, blocking", farcall::http::load_blocking).bar(AtLeast(1.05)))
        .with(of("dxr", dxr::load))
        .with(of("the crate xmlrpc", xmlrpc_crate::load))
        .with(Contestant::of_parts(
            "CPython",
            Some(server()),
            cpython::http_client(),
        ))
}
