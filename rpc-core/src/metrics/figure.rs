//! All figures at one moment.

#[cfg(feature = "_tls")]
use std::time::UNIX_EPOCH;

use super::histogram::Distribution;
use super::series::{Side, System};
use crate::budget::Budget;
use crate::counts::{Refusal, connections, refusals};
#[cfg(feature = "_tls")]
use crate::transport::tls::ServerTls;

/// A figure with all of its series, as [`Metrics::figures`](super::Metrics::figures) returns it:
/// for formats other than that of [`Metrics::text`](super::Metrics::text).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Figure {
    /// The name by the rules of OpenTelemetry, such as `rpc.server.call.duration`.
    pub name: &'static str,
    /// The unit as UCUM writes it: `s`, `By`, or what is counted, such as `{call}`.
    pub unit: &'static str,
    /// A sentence about it.
    pub description: &'static str,
    /// Its kind, and its values.
    pub values: Values,
}

/// The values of a [`Figure`], by its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Numbers at this moment.
    Gauge(Vec<Sample<u64>>),
    /// Numbers since the process started. They only grow.
    Counter(Vec<Sample<u64>>),
    /// Durations since calls are counted. Their numbers only grow.
    Histogram(Vec<Sample<Distribution>>),
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample<T> {
    /// The labels that tell the series apart from others of the figure: names as OpenTelemetry has
    /// them, such as `rpc.method`, with their values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: T,
}

impl<T> Sample<T> {
    fn new<const N: usize>(labels: [(&'static str, &str); N], value: T) -> Self {
        let labels = labels.map(|(name, value)| (name, value.to_owned()));
        let labels = labels.into();
        Self { labels, value }
    }
}

/// The names of labels, by the conventions of OpenTelemetry for RPC (1.45).
const SYSTEM: &str = "rpc.system.name";
const METHOD: &str = "rpc.method";
const ERROR: &str = "error.type";

/// Returns all figures.
pub(super) fn all() -> Vec<Figure> {
    let mut figures = vec![
        Figure {
            name: "rpc.server.call.duration",
            unit: "s",
            description: "Duration of the calls of peers.",
            values: durations(Side::Server),
        },
        Figure {
            name: "rpc.client.call.duration",
            unit: "s",
            description: "Duration of the calls of this process.",
            values: durations(Side::Client),
        },
        Figure {
            name: "farcall.calls_in_flight",
            unit: "{call}",
            description: "Calls of peers that wait for something.",
            values: Values::Gauge(in_flight()),
        },
        gauge(
            "farcall.connections",
            "{connection}",
            "Open connections of all servers.",
            connections() as u64,
        ),
        Figure {
            name: "farcall.refused",
            unit: "{refusal}",
            description: "Peers, requests and calls that were refused, and limits that had an effect.",
            values: Values::Counter(all_refusals()),
        },
    ];
    figures.extend(budgets());
    #[cfg(feature = "_tls")]
    figures.extend(certificates());
    figures
}

fn gauge(name: &'static str, unit: &'static str, description: &'static str, value: u64) -> Figure {
    Figure {
        name,
        unit,
        description,
        values: Values::Gauge(vec![Sample::new([], value)]),
    }
}

fn durations(side: Side) -> Values {
    let mut samples = Vec::new();
    for system in System::all(side) {
        for (method, series) in system.methods() {
            for (error, durations) in series.durations() {
                let labels = [(SYSTEM, system.name), (METHOD, &*method)];
                let mut sample = Sample::new(labels, durations);
                let error = error.map(|error| (ERROR, error.name().to_owned()));
                sample.labels.extend(error);
                samples.push(sample);
            }
        }
    }
    Values::Histogram(samples)
}

fn in_flight() -> Vec<Sample<u64>> {
    let systems = System::all(Side::Server).into_iter();
    let samples =
        systems.map(|system| Sample::new([(SYSTEM, system.name)], system.in_flight() as u64));
    samples.collect()
}

fn all_refusals() -> Vec<Sample<u64>> {
    let samples = Refusal::ALL
        .into_iter()
        .map(|reason| Sample::new([("reason", reason.name())], refusals(reason)));
    samples.collect()
}

fn budgets() -> [Figure; 2] {
    let (mut held, mut max) = (0, 0);
    for budget in Budget::all() {
        held += budget.held() as u64;
        max += budget.bytes() as u64;
    }
    [
        gauge(
            "farcall.budget.held",
            "By",
            "Bytes held for peers, over all budgets.",
            held,
        ),
        gauge(
            "farcall.budget",
            "By",
            "Maximum bytes held for peers, over all budgets.",
            max,
        ),
    ]
}

#[cfg(feature = "_tls")]
fn certificates() -> Option<Figure> {
    let first = ServerTls::all().filter_map(|tls| tls.expires()).min()?;
    let since = first.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(gauge(
        "farcall.tls.certificate_expiry_timestamp",
        "s",
        "End of the certificate that expires first.",
        since.as_secs(),
    ))
}
