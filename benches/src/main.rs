//! Measures Farcall against its peers and against the limit, all in one run, and writes
//! `docs/PERFORMANCE.md`.
//!
//! `cargo run --release -p benches` takes about 25 minutes. The contestants of a [case] run in
//! turn, round after round. Server and load are separate processes, for which this program starts
//! itself again.

mod case;
mod cases;
mod document;
mod machine;
mod memory;
mod messages;
mod peers;
mod report;
mod results;
mod run;
mod task;
mod tls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use case::{Plan, Scale};
use results::Results;

/// Measures Farcall against its peers and against the limit
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run only the cases whose name contains this, and keep the results of the others
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// Runs of each contestant
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Measured duration of each run
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Run 3 rounds of 0.2 seconds, for a first look
    #[arg(long)]
    quick: bool,
    /// Run every contestant in Rust once, briefly, to check that it works; write no report
    #[arg(long)]
    smoke: bool,
    /// Measure nothing, and write the report again from the last results
    #[arg(long)]
    report_only: bool,
    /// List the names of the cases
    #[arg(long)]
    list: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run as server or load for the harness
    #[command(hide = true, name = run::PART)]
    Part(run::PartArguments),
    /// Print a document with this number of items or bytes, for a script
    #[command(hide = true)]
    Document { kind: document::Kind, size: usize },
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    tls::install_provider()?;
    let scale = if arguments.smoke {
        Scale::Smoke
    } else {
        Scale::Full
    };
    let mut cases = cases::all(scale);
    match &arguments.command {
        None => {}
        Some(Command::Part(which)) => return run::run_part(which, &cases),
        Some(Command::Document { kind, size }) => {
            print!("{}", document::document(*kind, *size)?);
            return Ok(());
        }
    }
    if arguments.list {
        for case in &cases {
            println!("{:24} {}", case.name, case.title);
        }
        return Ok(());
    }
    if arguments.report_only {
        return report::write(&cases, &Results::read(&docs())?, &docs());
    }
    cases.retain(|case| case.name.contains(&arguments.only));
    if cases.is_empty() {
        bail!("no case has such a name: --list lists them");
    }
    run::allow_many_files()?;
    if arguments.smoke {
        return smoke(cases);
    }
    let plan = Plan {
        rounds: if arguments.quick { 3 } else { arguments.rounds },
        time: Duration::try_from_secs_f64(if arguments.quick {
            0.2
        } else {
            arguments.seconds
        })?,
        scale,
    };
    let mut results = match arguments.only.as_str() {
        "" => Results::new()?,
        _ => Results::read(&docs()).or_else(|_| Results::new())?,
    };
    let failed = run::run(&cases, &plan, &mut results);
    results.write(&docs())?;
    report::write(&cases::all(scale), &results, &docs())?;
    succeeded(&failed)
}

/// Runs every case once, briefly.
fn smoke(mut cases: Vec<case::Case>) -> Result<()> {
    for case in &mut cases {
        case.contestants.retain(peers::is_rust);
    }
    let plan = Plan {
        rounds: 1,
        time: Duration::from_millis(50),
        scale: Scale::Smoke,
    };
    succeeded(&run::run(&cases, &plan, &mut Results::default()))
}

fn succeeded(failed: &[String]) -> Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    bail!("these failed:\n  {}", failed.join("\n  "));
}

/// Returns the directory of the report.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}
