//! Works on the jobs of a manager process in Python: the queue over the network of the
//! documentation of `multiprocessing` ("Using a remote manager"), with a worker in Rust.
//!
//! ```sh
//! python3 examples/python/job_server.py &
//! cargo run -p examples --bin job-worker
//! ```

use std::time::Duration;

use clap::Parser;
use farcall::conn::managers::{Client, QueueProxy};
use serde::Deserialize;

#[derive(Parser)]
#[command(about = "Works on jobs of a manager in Python, until there are none for a second")]
struct Arguments {
    /// Address of the manager
    #[arg(long, default_value = "127.0.0.1:50000")]
    address: String,
    /// Its key
    #[arg(long, default_value = "abracadabra")]
    authkey: String,
}

#[derive(Deserialize)]
struct Job {
    square: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { address, authkey } = Arguments::parse();
    // CPython up to 3.11 authenticates with MD5 and nothing else.
    let manager = Client::connect(&*address)
        .authkey(authkey)
        .legacy_md5(true)
        .await?;
    let jobs: QueueProxy = manager.create("jobs", ()).await?;
    let results: QueueProxy = manager.create("results", ()).await?;
    while let Some(job) = jobs.get_within::<Job>(Duration::from_secs(1)).await? {
        results.put(&job.square.pow(2)).await?;
    }
    Ok(())
}
