//! Runs the endurance run: `cargo run --release -p tests --bin soak -- --minutes 30`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use tests::soak::{Options, report, run};

#[derive(Parser)]
struct Arguments {
    /// Duration of the run in minutes
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Seed of the faults, to repeat a run; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// Write the figures into docs/RELIABILITY.md
    #[arg(long)]
    write: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let options = Options {
        victim: victim()?,
        duration: Duration::from_secs(60 * arguments.minutes),
        interval: Duration::from_secs(10),
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..)),
    };
    let results = run(&options).await?;
    results.check_flat()?;
    println!(
        "a peak of {} KiB: nothing grew, and all honest calls succeeded",
        results.peak >> 10
    );
    if arguments.write {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        report::write(&results, &root.join("docs/RELIABILITY.md"))?;
    }
    Ok(())
}

/// Builds the victim, which `cargo run` does not build along with this program, and returns its
/// path.
fn victim() -> Result<PathBuf, Box<dyn Error>> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "-p", "tests", "--bin", "victim"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if !build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?
        .success()
    {
        return Err("cannot build the victim".into());
    }
    Ok(std::env::current_exe()?.with_file_name("victim"))
}
