//! Generates `docs/PERFORMANCE.md` and its charts from the results and the notes.

mod chart;
mod notes;
mod table;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::case::Case;
use crate::machine::Machine;
use crate::results::Results;
use notes::Notes;
use table::Verdict;

/// Writes the report into the directory.
pub(crate) fn write(cases: &[Case], results: &Results, docs: &Path) -> Result<()> {
    let notes = Notes::read()?;
    let measured: Vec<&Case> = cases
        .iter()
        .filter(|case| is_measured(case, results))
        .collect();
    let charts = docs.join("performance");
    std::fs::create_dir_all(&charts)?;
    let mut out = format!("{}\n", notes.introduction());
    write_machine(&results.machine, &mut out)?;
    write_bars(&measured, results, &mut out)?;
    for case in measured {
        let name = case.name;
        std::fs::write(
            charts.join(format!("{name}.svg")),
            chart::chart(case, results)?,
        )?;
        writeln!(out, "\n## {}\n", case.title)?;
        writeln!(out, "![{name}](performance/{name}.svg)\n")?;
        table::write(case, results, &mut out)?;
        match notes.of(name) {
            Some(note) => writeln!(out, "\n{note}")?,
            None if misses_a_bar(case, results) => {
                writeln!(out, "\nWhat limits this is not known yet.")?;
            }
            None => {}
        }
    }
    // A script measures it, since the others of this table are no servers.
    if let Some(note) = notes.of("fleets") {
        writeln!(
            out,
            "\n## 500 hosts, beside pdsh, clush and Ansible\n\n{note}"
        )?;
    }
    Ok(std::fs::write(docs.join("PERFORMANCE.md"), out)?)
}

fn is_measured(case: &Case, results: &Results) -> bool {
    let mut contestants = case.contestants.iter();
    contestants.any(|contestant| results.values(case, &contestant.name).is_some())
}

fn misses_a_bar(case: &Case, results: &Results) -> bool {
    case.contestants.iter().any(|contestant| {
        let bars = contestant.bars.iter();
        let mut verdicts = bars.filter_map(|bar| table::verdict(case, contestant, *bar, results));
        verdicts.any(|verdict| !verdict.met)
    })
}

fn write_machine(machine: &Machine, out: &mut String) -> Result<()> {
    let Machine {
        cpu,
        cores,
        kernel,
        versions,
    } = machine;
    writeln!(out, "\n## The machine, and the measured versions\n")?;
    writeln!(out, "{cpu}, {cores} cores, {kernel}.\n")?;
    writeln!(out, "| program | version |\n|---|---|")?;
    for (name, version) in versions {
        writeln!(out, "| {name} | {version} |")?;
    }
    Ok(())
}

/// Writes the overview of all bars.
fn write_bars(cases: &[&Case], results: &Results, out: &mut String) -> Result<()> {
    writeln!(out, "\n## The bars\n")?;
    writeln!(
        out,
        "| work | contestant | bar | reached | met |\n|---|---|---|---|---|"
    )?;
    for case in cases {
        for contestant in &case.contestants {
            for bar in &contestant.bars {
                let Some(Verdict { text, reached, met }) =
                    table::verdict(case, contestant, *bar, results)
                else {
                    continue;
                };
                let met = if met { "yes" } else { "**no**" };
                writeln!(
                    out,
                    "| {} | {} | {text} | {reached} | {met} |",
                    case.title,
                    table::cell(&contestant.name)
                )?;
            }
        }
    }
    Ok(())
}
