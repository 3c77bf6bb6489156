//! Bar charts of the figures of a case, as SVG for light and dark pages.

use std::fmt::Write as _;

use anyhow::Result;

use super::table::{figure, limits};
use crate::case::Case;
use crate::results::Results;

const WIDTH: f64 = 800.0;
const LABELS: f64 = 270.0;
const FIGURES: f64 = 150.0;
const ROW: f64 = 24.0;
const MARGIN: f64 = 10.0;

/// Colours of medium lightness, which are readable on light and dark pages.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#6e7781}\
.limit{fill:#9aa3ad}.farcall{fill:#d9622b}.peer{fill:#5b8dc9}.range{stroke:#57606a;stroke-width:1.5}";

pub(super) fn chart(case: &Case, results: &Results) -> Result<String> {
    let limits = limits(case);
    let names = case
        .contestants
        .iter()
        .map(|contestant| contestant.name.as_str());
    let rows: Vec<_> = names
        .filter_map(|name| Some((name, results.values(case, name)?)))
        .collect();
    let longest = rows
        .iter()
        .map(|(_, values)| values.max)
        .fold(0.0, f64::max);
    let length = |value: f64| value / longest * (WIDTH - LABELS - FIGURES);
    let height = MARGIN.mul_add(2.0, ROW * (rows.len() + 1) as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" role=\"img\">\n\
         <style>{STYLE}</style>\n<text x=\"{LABELS}\" y=\"{}\">{}, {}</text>\n",
        MARGIN + 12.0,
        case.unit.name(),
        if case.unit.more_is_better() {
            "more is better"
        } else {
            "less is better"
        },
    );
    for (row, (name, values)) in rows.iter().enumerate() {
        let top = ROW.mul_add((row + 1) as f64, MARGIN);
        let middle = top + ROW / 2.0;
        let class = match name {
            name if limits.contains(name) => "limit",
            name if name.starts_with("Farcall") => "farcall",
            _ => "peer",
        };
        let ratio = results.ratio(case, name, &limits);
        let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({:.2})", ratio.median));
        writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" rx=\"2\"/>\
             <line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.0}\" y2=\"{middle:.0}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}{ratio}</text>",
            LABELS - 8.0,
            middle + 4.5,
            escaped(name),
            top + 3.0,
            length(values.median),
            ROW - 6.0,
            LABELS + length(values.min),
            LABELS + length(values.max),
            LABELS + length(values.max) + 6.0,
            middle + 4.5,
            figure(values.median),
        )?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
