//! Shares out 10,000 jobs over hosts: each is done once, and moves to another host only if it
//! cannot have run. The hosts are demo servers (`demo-server`); a job adds two numbers.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use examples::{hosts, report};
use farcall::Execution;
use farcall::cluster::{ConnectOptions, Fleet};
use farcall::protocol::output::{Causes, Foreign};

const JOBS: i64 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report("fleet-jobs", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("expected a file of hosts")?;
    let fleet = Fleet::new(hosts(&file, ConnectOptions::default()).await?)
        .jobs_per_host(8)
        .timeout(Some(Duration::from_secs(10)));
    let (mut total, mut done, mut open) = (0, BTreeMap::<String, u32>::new(), Vec::new());
    let mut jobs = fleet.map::<i64, _>("add", (0..JOBS).map(|n| (n, 1)));
    while let Some(job) = jobs.next().await {
        match (&job.outcome.result, &job.host) {
            (Ok(sum), Some(host)) => {
                total += sum;
                *done.entry(host.to_string()).or_default() += 1;
            }
            (Err(error), _) if job.outcome.execution() == Execution::Maybe => {
                println!(
                    "job {} may have run: {}",
                    job.index,
                    Foreign::line(Causes(error))
                );
                open.push(job.index);
            }
            _ => open.push(job.index),
        }
    }
    for (host, jobs) in &done {
        println!("{host}: {jobs} jobs");
    }
    println!("the sum of all results is {total}");
    match open.len() {
        0 => Ok(()),
        open => Err(format!("{open} jobs have no result").into()),
    }
}
