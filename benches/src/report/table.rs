//! The table of the figures of a case, and the verdicts on its bars.

use std::fmt::Write as _;

use anyhow::Result;

use crate::case::{Bar, Case, Contestant};
use crate::results::Results;

/// The result for a bar.
pub(super) struct Verdict {
    pub(super) text: String,
    pub(super) reached: String,
    pub(super) met: bool,
}

pub(super) fn write(case: &Case, results: &Results, out: &mut String) -> Result<()> {
    let limits = limits(case);
    let peak_columns = if case.payload.is_some() {
        " peak, server / client |"
    } else {
        ""
    };
    writeln!(
        out,
        "| | {} | min – max | × limit |{peak_columns} bar | met |",
        case.unit.name()
    )?;
    let peak_columns = if case.payload.is_some() { "--:|" } else { "" };
    writeln!(out, "|---|--:|--:|--:|{peak_columns}---|---|")?;
    for contestant in &case.contestants {
        let name = &contestant.name;
        let shown = cell(name);
        let Some(values) = results.values(case, name) else {
            writeln!(out, "| {shown} | not measured |")?;
            continue;
        };
        let ratio = results.ratio(case, name, &limits);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{:.2}", ratio.median));
        let is_limit = if contestant.is_limit { " (limit)" } else { "" };
        write!(
            out,
            "| {shown}{is_limit} | {} | {} – {} | {ratio} |",
            figure(values.median),
            figure(values.min),
            figure(values.max),
        )?;
        if case.payload.is_some() {
            write!(out, " {} |", peaks(case, name, results).unwrap_or_default())?;
        }
        let verdicts = contestant
            .bars
            .iter()
            .filter_map(|bar| verdict(case, contestant, *bar, results));
        let (texts, met): (Vec<_>, Vec<_>) = verdicts
            .map(|verdict| (verdict.text, if verdict.met { "yes" } else { "**no**" }))
            .unzip();
        writeln!(out, " {} | {} |", texts.join(", "), met.join(", "))?;
    }
    Ok(())
}

/// Returns the result of a contestant for a bar, if it was measured.
pub(super) fn verdict(
    case: &Case,
    contestant: &Contestant,
    bar: Bar,
    results: &Results,
) -> Option<Verdict> {
    let name = &contestant.name;
    let of = |least: f64, others: &[&str], text: String| {
        let ratio = results.ratio(case, name, others)?.median;
        Some(Verdict {
            text,
            reached: format!("{ratio:.3}"),
            met: ratio >= least,
        })
    };
    match bar {
        Bar::AtLeast(least) => of(least, &limits(case), format!("≥ {least}")),
        Bar::AtLeastOf(least, other) => of(least, &[other], format!("≥ {least} × {}", cell(other))),
        Bar::FallsNoMoreThan {
            other,
            best,
            best_other,
        } => {
            let share = results.ratio(case, name, &[other])?.median;
            let share_at_best = results.ratio(case, best, &[best_other])?.median;
            Some(Verdict {
                text: format!("≥ {share_at_best:.2} × {}, as at its best", cell(other)),
                reached: format!("{share:.3}"),
                met: share >= 0.97 * share_at_best,
            })
        }
        Bar::AtMost(most) => {
            let value = results.values(case, name)?.median;
            Some(Verdict {
                text: format!("≤ {most} {}", case.unit.name()),
                reached: figure(value),
                met: value <= most,
            })
        }
        Bar::Peak(most) => {
            let (server, load) = results.peak(case, name)?;
            let peak = server.max(load) as f64 / case.payload? as f64;
            Some(Verdict {
                text: format!("peak ≤ {most} payloads"),
                reached: format!("{peak:.2}"),
                met: peak <= most,
            })
        }
    }
}

/// Returns the names of the limits of a case.
pub(super) fn limits(case: &Case) -> Vec<&str> {
    let limits = case
        .contestants
        .iter()
        .filter(|contestant| contestant.is_limit);
    limits.map(|contestant| contestant.name.as_str()).collect()
}

/// Escapes a name for a table.
pub(super) fn cell(name: &str) -> String {
    name.replace('<', "&lt;")
}

/// Formats a figure with three digits or more, and with spaces if it is long.
pub(super) fn figure(value: f64) -> String {
    if value < 100.0 {
        let decimals = if value < 10.0 { 2 } else { 1 };
        return format!("{value:.decimals$}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// Formats the peak memory of both processes, in payloads.
fn peaks(case: &Case, contestant: &str, results: &Results) -> Option<String> {
    let (server, load) = results.peak(case, contestant)?;
    let payloads = |bytes: u64| Some(bytes as f64 / case.payload? as f64);
    Some(format!("{:.2} / {:.2}", payloads(server)?, payloads(load)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(figure(0.954), "0.95");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(figure(123.4), "123");
        assert_eq!(figure(1_234_567.0), "1\u{a0}234\u{a0}567");
    }
}
