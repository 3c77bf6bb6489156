//! Restarts a service on many hosts: first on one, then on a tenth of them, then on the rest. A
//! host counts as restarted once it answers that it is healthy; if one does not, no further batch
//! begins.
//!
//! The hosts offer `restart()`, and `is_healthy()`, which may be asked at any time.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use examples::{hosts, report};
use farcall::cluster::{Batches, ConnectOptions, Fleet, StopRule};
use farcall::protocol::output::{Causes, Foreign};
use farcall::{CallError, Fault, client};

#[client]
trait Service {
    async fn restart(&self) -> Result<(), CallError>;
    #[client(idempotent)]
    async fn is_healthy(&self) -> Result<bool, CallError>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report("fleet-restart", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("expected a file of hosts")?;
    let fleet = Fleet::new(hosts(&file, ConnectOptions::default()).await?)
        .timeout(Some(Duration::from_secs(30)))
        .stop_after(StopRule::failures(0));
    let batches: Batches = "1,10%,rest".parse()?;
    for (number, batch) in (1..).zip(fleet.batches(&batches)) {
        println!("batch {number}: {} hosts", batch.hosts().len());
        let mut restarts = batch.each(async |host| {
            host.restart().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if host.is_healthy().await? {
                Ok(())
            } else {
                Err(Fault::new(1, "restarted, but not healthy").into())
            }
        });
        while let Some((host, outcome)) = restarts.next().await {
            match &outcome.result {
                Ok(()) => println!("  {host}: restarted"),
                Err(error) => println!("  {host}: {}", Foreign::line(Causes(error))),
            }
        }
        if restarts.progress().failed > 0 {
            return Err(format!("batch {number} failed, so the others were not begun").into());
        }
    }
    Ok(())
}
