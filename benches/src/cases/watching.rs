//! The cost of watching a server: calls with and without figures, spans and the access log.

use anyhow::Result;

use crate::case::Bar::AtLeast;
use crate::case::{Case, Contestant, Part, Scale, Unit};
use crate::cases::xmlrpc_server::load;
use crate::peers::farcall::watching::Watching;
use crate::peers::farcall::{http, rpc};
use crate::peers::http::xml;

/// The share of the calls that are left with figures: they may cost 3 % of a call.
const WITH_FIGURES: f64 = 0.97;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let xmlrpc = "XML-RPC server that is watched, `add(3, 5)`, 1 connection";
    let one = "`add(i64, i64)` with a server that is watched, one call at a time";
    let many = "`add(i64, i64)` with a server that is watched, 64 calls in flight";
    let rpc =
        |in_flight| move || Part::Load(Box::new(move |task: &_| rpc::load(task, 1, in_flight)));
    [
        case(
            "watching-xmlrpc",
            xmlrpc,
            || http::serve(1, None),
            || load(1, xml, scale),
        ),
        case("watching-rpc", one, || rpc::serve(1), rpc(1)),
        case("watching-rpc-in-flight", many, || rpc::serve(1), rpc(64)),
    ]
    .into_iter()
}

fn case(
    name: &'static str,
    title: &str,
    serve: fn() -> Result<()>,
    load: impl Fn() -> Part,
) -> Case {
    let of = |name, watching: Watching| {
        let server = Part::Serve(Box::new(move || watching.serve(serve)));
        Contestant::of_parts(name, Some(server), load())
    };
    Case::new(name, title, Unit::CallsPerSecond)
        .with(of("Farcall, not watched", Watching::Nothing).limit())
        .with(of("Farcall, figures", Watching::Figures).bar(AtLeast(WITH_FIGURES)))
        .with(of("Farcall, figures, spans, access log", Watching::All))
}
