//! The cost of watching a server: calls with and without figures, spans and the access log.

use anyhow::Result;

use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Bar, Case, Contestant, Part, Scale, Unit};
use crate::cases::xmlrpc_server::load;
use crate::peers::farcall::watching::Watching;
use crate::peers::farcall::{http, rpc};
use crate::peers::http::xml;

/// The share of the calls that are left with figures: they may cost 3 % of a call.
const WITH_FIGURES: f64 = 0.97;

/// The limit of calls so short that the clock alone costs more than that.
const CLOCK: &str = "Farcall, not watched, a method that reads the clock twice";

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let xmlrpc = "XML-RPC server that is watched, `add(3, 5)`, 1 connection";
    let one = "`add(i64, i64)` with a server that is watched, one call at a time";
    let many = "`add(i64, i64)` with a server that is watched, 64 calls in flight";
    let rpc =
        |in_flight| move || Part::Load(Box::new(move |task: &_| rpc::load(task, 1, in_flight)));
    let clock = Part::Serve(Box::new(rpc::serve_clock));
    let clock = Contestant::of_parts(CLOCK, Some(clock), rpc(64)());
    let in_flight = case(
        "watching-rpc-in-flight",
        many,
        || rpc::serve(1),
        rpc(64),
        AtLeastOf(WITH_FIGURES, CLOCK),
    );
    [
        case(
            "watching-xmlrpc",
            xmlrpc,
            || http::serve(1, None),
            || load(1, xml, scale),
            AtLeast(WITH_FIGURES),
        ),
        case(
            "watching-rpc",
            one,
            || rpc::serve(1),
            rpc(1),
            AtLeast(WITH_FIGURES),
        ),
        in_flight.with(clock),
    ]
    .into_iter()
}

fn case(
    name: &'static str,
    title: &str,
    serve: fn() -> Result<()>,
    load: impl Fn() -> Part,
    bar: Bar,
) -> Case {
    let of = |name, watching: Watching| {
        let server = Part::Serve(Box::new(move || watching.serve(serve)));
        Contestant::of_parts(name, Some(server), load())
    };
    Case::new(name, title, Unit::CallsPerSecond)
        .with(of("Farcall, not watched", Watching::Nothing).limit())
        .with(of("Farcall, figures", Watching::Figures).bar(bar))
        .with(of("Farcall, figures, spans, access log", Watching::All))
}
