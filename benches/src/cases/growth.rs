//! Scaling with the number of connections, the size of documents, and the contents of a session.

use crate::case::Bar::{AtLeast, FallsNoMoreThan};
use crate::case::{Case, Contestant, Part, Scale, Unit};
use crate::cases::documents::decoding;
use crate::cases::xmlrpc_server::load;
use crate::document::{items, of_items};
use crate::peers::bare_hyper;
use crate::peers::farcall::{documents, growth, http};
use crate::peers::http::xml;

/// The share of a figure that must be left at 100,000 times the number: caches and page faults may
/// cost something, but nothing may be proportional to the number.
const MIN_SHARE: f64 = 0.8;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    [
        connections(scale),
        decoded(scale),
        objects(scale),
        in_flight(scale),
    ]
    .into_iter()
}

/// The bar is that the figure falls by no more than hyper's. Both rise until they use both CPUs,
/// and may fall after that.
fn connections(scale: Scale) -> Case {
    const COUNTS: [(usize, &str, &str); 5] = [
        (1, "bare hyper, 1", "Farcall, 1"),
        (8, "bare hyper, 8", "Farcall, 8"),
        (64, "bare hyper, 64", "Farcall, 64"),
        (512, "bare hyper, 512", "Farcall, 512"),
        (4096, "bare hyper, 4096", "Farcall, 4096"),
    ];
    let best = COUNTS[2];
    let title = "XML-RPC server, `add(3, 5)`, on more and more connections, two CPUs";
    let mut case = Case::new("growth-connections", title, Unit::CallsPerSecond)
        .cpus(2)
        .max_rounds(3);
    for (count, hyper, farcall) in COUNTS {
        let of = |name, server: fn() -> anyhow::Result<()>| {
            let server = Part::Serve(Box::new(server));
            Contestant::of_parts(name, Some(server), load(count, xml, scale))
        };
        let limit = of(hyper, || bare_hyper::serve(2));
        let served = of(farcall, || http::serve(2, Some(8192)));
        let falls = FallsNoMoreThan {
            other: hyper,
            best: best.2,
            best_other: best.1,
        };
        case = match count {
            1 => case.with(limit.limit()).with(served),
            _ if count <= best.0 => case.with(limit).with(served),
            _ => case.with(limit).with(served.bar(falls)),
        };
    }
    case
}

fn decoded(scale: Scale) -> Case {
    let sizes: &[_] = match scale {
        Scale::Full => &["1 KiB", "10 KiB", "100 KiB", "1 MiB", "10 MiB", "100 MiB"],
        Scale::Smoke => &["1 KiB", "10 KiB"],
    };
    let of_one = of_items(&items(1).unwrap_or_default()).map_or(1, |document| document.len());
    let title = "XML-RPC, an array of more and more structs decoded";
    let mut case = Case::new("growth-decode", title, Unit::MegabytesPerSecond).max_rounds(3);
    let mut bytes = 1024;
    for size in sizes {
        let count = (bytes / of_one).max(1);
        let farcall = decoding(format!("Farcall, {size}"), count, documents::decode_typed);
        case = case.with(match bytes {
            1024 => farcall.limit(),
            _ => farcall.bar(AtLeast(MIN_SHARE)),
        });
        bytes *= 10;
    }
    case
}

fn objects(scale: Scale) -> Case {
    let most = scale.of(100_000, 2000) as u32;
    let title = "`add(i64, i64)` in a session that refers to more and more objects";
    let mut case = Case::new("growth-objects", title, Unit::CallsPerSecond).max_rounds(3);
    for count in [0, 1000, most] {
        let farcall = Contestant::served(
            format!("Farcall, {count} objects"),
            move || growth::serve(count),
            move |task| growth::load_objects(task, count),
        );
        case = case.with(match count {
            0 => farcall.limit(),
            _ => farcall.bar(AtLeast(MIN_SHARE)),
        });
    }
    case
}

fn in_flight(scale: Scale) -> Case {
    let most = scale.of(100_000, 2000) as u32;
    let title = "`add(i64, i64)` with other calls in flight";
    let mut case = Case::new("growth-in-flight", title, Unit::CallsPerSecond).max_rounds(3);
    for count in [0, most] {
        let farcall = Contestant::served(
            format!("Farcall, {count} other calls"),
            move || growth::serve(count),
            move |task| growth::load_in_flight(task, count),
        );
        case = case.with(match count {
            0 => farcall.limit(),
            _ => farcall.bar(AtLeast(MIN_SHARE)),
        });
    }
    case
}
