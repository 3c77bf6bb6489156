//! The text format of Prometheus, version 0.0.4.
//!
//! Written here and not by a library: it is lines of text, and the libraries come with counters of
//! their own, which all threads share.

use std::fmt::{self, Display, Write as _};

use super::figure::{Figure, Sample, Values};
use super::histogram::Distribution;

/// Returns figures as a text.
pub(super) fn write(figures: &[Figure]) -> String {
    let mut out = String::new();
    for figure in figures {
        let name = name(figure);
        let kind = match &figure.values {
            Values::Gauge(_) => "gauge",
            Values::Counter(_) => "counter",
            Values::Histogram(_) => "histogram",
        };
        let help = figure.description;
        line(&mut out, format_args!("# HELP {name} {help}"));
        line(&mut out, format_args!("# TYPE {name} {kind}"));
        match &figure.values {
            Values::Gauge(samples) | Values::Counter(samples) => {
                for Sample { labels, value } in samples {
                    sample(&mut out, &name, &Labels::of(labels), value);
                }
            }
            Values::Histogram(samples) => {
                for Sample { labels, value } in samples {
                    histogram(&mut out, &name, &Labels::of(labels), value);
                }
            }
        }
    }
    out
}

/// Returns the name of a figure, by OpenTelemetry's rules for names in Prometheus: with its unit,
/// and `total` if it is a counter.
fn name(figure: &Figure) -> String {
    let mut name = figure.name.replace('.', "_");
    name += match figure.unit {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
    if let Values::Counter(_) = figure.values {
        name += "_total";
    }
    name
}

fn histogram(out: &mut String, name: &str, labels: &Labels, durations: &Distribution) {
    let bucket = format!("{name}_bucket");
    let mut count = 0;
    for (place, more) in durations.buckets.iter().enumerate() {
        count += more;
        let bound = Distribution::BOUNDS.get(place);
        let bound = bound.map_or_else(|| "+Inf".to_owned(), f64::to_string);
        sample(out, &bucket, &labels.with("le", &bound), count);
    }
    let sum = durations.sum.as_secs_f64();
    sample(out, &format!("{name}_sum"), labels, sum);
    sample(out, &format!("{name}_count"), labels, count);
}

fn sample(out: &mut String, name: &str, Labels(labels): &Labels, value: impl Display) {
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
    fn of(labels: &[(&str, String)]) -> Self {
        let none = Self::default();
        labels
            .iter()
            .fold(none, |labels, (name, value)| labels.with(name, value))
    }

    /// Returns these labels with one more.
    fn with(&self, name: &str, value: &str) -> Self {
        let mut all = self.0.clone();
        if !all.is_empty() {
            all.push(',');
        }
        all += &name.replace('.', "_");
        all += "=\"";
        for c in value.chars() {
            match c {
                '\n' => all += "\\n",
                '"' | '\\' => all.extend(['\\', c]),
                _ => all.push(c),
            }
        }
        all.push('"');
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let labels = [
            ("one", "a\"b\\c\nd".to_owned()),
            ("two.three", "é".to_owned()),
        ];
        assert_eq!(Labels::of(&labels).0, r#"one="a\"b\\c\nd",two_three="é""#);
    }

    #[test]
    fn names_have_units() {
        let of = |name_of, unit, values| {
            name(&Figure {
                name: name_of,
                unit,
                description: "",
                values,
            })
        };
        let durations = Values::Histogram(Vec::new());
        assert_eq!(
            of("a.call.duration", "s", durations),
            "a_call_duration_seconds"
        );
        assert_eq!(
            of("a.held", "By", Values::Gauge(Vec::new())),
            "a_held_bytes"
        );
        let refused = of("a.refused", "{refusal}", Values::Counter(Vec::new()));
        assert_eq!(refused, "a_refused_total");
    }
}
