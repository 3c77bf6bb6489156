//! The text format of Prometheus, version 0.0.4.
//!
//! Written here and not by a library: it is lines of text, and the libraries come with counters of
//! their own, which all threads share.

use std::fmt::{self, Display, Write as _};
#[cfg(feature = "_tls")]
use std::time::UNIX_EPOCH;

use super::histogram::{BOUNDS, Snapshot};
use super::series::System;
use crate::budget::Budget;
use crate::counts::{Refusal, connections, refusals};
#[cfg(feature = "_tls")]
use crate::transport::tls::ServerTls;

/// The name of the histogram of calls.
const DURATION: &str = "rpc_server_call_duration_seconds";

/// Returns all figures.
pub(super) fn write() -> String {
    let mut out = String::new();
    let systems = System::all();
    family(
        &mut out,
        DURATION,
        "histogram",
        "Duration of the calls of peers.",
    );
    for system in &systems {
        for (method, series) in system.methods() {
            for (fault, snapshot) in series.snapshots() {
                let mut labels = Labels::default();
                labels.add("rpc_system_name", system.name);
                labels.add("rpc_method", &method);
                if let Some(kind) = fault {
                    labels.add("error_type", kind.name());
                }
                histogram(&mut out, &labels.0, &snapshot);
            }
        }
    }
    let name = "farcall_calls_in_flight";
    family(
        &mut out,
        name,
        "gauge",
        "Calls of peers that wait for something.",
    );
    for system in &systems {
        let mut labels = Labels::default();
        labels.add("rpc_system_name", system.name);
        sample(&mut out, name, &labels.0, system.in_flight());
    }
    let name = "farcall_connections";
    family(&mut out, name, "gauge", "Open connections of all servers.");
    sample(&mut out, name, "", connections());
    let name = "farcall_refused_total";
    let help = "Peers, requests and calls that were refused, and limits that had an effect.";
    family(&mut out, name, "counter", help);
    for reason in Refusal::ALL {
        let mut labels = Labels::default();
        labels.add("reason", reason.name());
        sample(&mut out, name, &labels.0, refusals(reason));
    }
    budgets(&mut out);
    #[cfg(feature = "_tls")]
    certificates(&mut out);
    out
}

fn budgets(out: &mut String) {
    let (mut held, mut max) = (0, 0);
    for budget in Budget::all() {
        held += budget.held();
        max += budget.bytes();
    }
    let name = "farcall_budget_held_bytes";
    family(
        out,
        name,
        "gauge",
        "Bytes held for peers, over all budgets.",
    );
    sample(out, name, "", held);
    let name = "farcall_budget_bytes";
    family(
        out,
        name,
        "gauge",
        "Maximum bytes held for peers, over all budgets.",
    );
    sample(out, name, "", max);
}

#[cfg(feature = "_tls")]
fn certificates(out: &mut String) {
    let Some(first) = ServerTls::all().filter_map(|tls| tls.expires()).min() else {
        return;
    };
    let name = "farcall_tls_certificate_expiry_timestamp_seconds";
    family(
        out,
        name,
        "gauge",
        "End of the certificate that expires first.",
    );
    let since = first.duration_since(UNIX_EPOCH).unwrap_or_default();
    sample(out, name, "", since.as_secs());
}

fn histogram(out: &mut String, labels: &str, snapshot: &Snapshot) {
    let bounds = BOUNDS.into_iter().map(|(_, text)| text).chain(["+Inf"]);
    for (bound, count) in bounds.zip(snapshot.cumulative) {
        line(
            out,
            format_args!("{DURATION}_bucket{{{labels},le=\"{bound}\"}} {count}"),
        );
    }
    let sum = snapshot.sum.as_secs_f64();
    line(out, format_args!("{DURATION}_sum{{{labels}}} {sum}"));
    line(
        out,
        format_args!("{DURATION}_count{{{labels}}} {}", snapshot.count()),
    );
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    line(
        out,
        format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"),
    );
}

fn sample(out: &mut String, name: &str, labels: &str, value: impl Display) {
    if labels.is_empty() {
        line(out, format_args!("{name} {value}"));
    } else {
        line(out, format_args!("{name}{{{labels}}} {value}"));
    }
}

fn line(out: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{line}");
}

/// The labels of a series, without the braces.
#[derive(Default)]
struct Labels(String);

impl Labels {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(name);
        self.0.push_str("=\"");
        for c in value.chars() {
            match c {
                '\n' => self.0.push_str("\\n"),
                '"' | '\\' => self.0.extend(['\\', c]),
                _ => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let mut labels = Labels::default();
        labels.add("one", "a\"b\\c\nd");
        labels.add("two", "é");
        assert_eq!(labels.0, r#"one="a\"b\\c\nd",two="é""#);
    }
}
