//! Writes the figures of a run into `docs/RELIABILITY.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use super::{Report, Sample};

/// The markers around the figures in the document.
const BEGIN: &str = "<!-- The figures of the endurance run, which writes them. -->\n";
const END: &str = "<!-- The end of the figures. -->\n";

/// Replaces the figures in the document.
///
/// # Errors
/// If the document cannot be read or written, or lacks the markers.
pub fn write(report: &Report, document: &Path) -> io::Result<()> {
    let text = fs::read_to_string(document)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other(
            "the document lacks the markers of the figures",
        ));
    };
    fs::write(
        document,
        format!("{before}{BEGIN}{}{END}{after}", figures(report)),
    )
}

fn figures(report: &Report) -> String {
    let samples = &report.samples;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return String::new();
    };
    let columns = [first, &samples[samples.len() / 2], last];
    let minutes = report.options.duration.as_secs() / 60;
    let mut out = format!(
        "{minutes} minutes, seed {}, at most {:.1} MiB of memory:\n\n\
         | | start | middle | end |\n|---|--:|--:|--:|\n",
        report.options.seed,
        mebibytes(report.peak),
    );
    let mut row = |what: &str, of: fn(&Sample) -> String| {
        let [first, middle, last] = columns.map(of);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {what} | {first} | {middle} | {last} |");
    };
    row("honest calls", |sample| sample.honest.to_string());
    row("calls through the relay", |sample| {
        sample.faulty.to_string()
    });
    row("faults in them", |sample| sample.faults.to_string());
    row("hostile peers", |sample| sample.hostile.to_string());
    row("memory, MiB", |sample| {
        format!("{:.1}", mebibytes(sample.memory))
    });
    row("descriptors", |sample| sample.descriptors.to_string());
    row("tasks", |sample| sample.tasks.to_string());
    out
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
