//! Keeps jobs and results for Python: the queue over the network of the documentation of
//! `multiprocessing` ("Using a remote manager"), without a manager process in Python.
//!
//! ```sh
//! cargo run -p examples --bin job-queue &
//! python3 examples/python/job_worker.py &
//! python3 examples/python/job_producer.py
//! ```

use clap::Parser;
use farcall::conn::managers::{Queue, Server};

#[derive(Parser)]
#[command(about = "Keeps jobs and results for programs in Python")]
struct Arguments {
    /// Address to serve at
    #[arg(long, default_value = "127.0.0.1:50000")]
    address: String,
    /// The key that clients must know
    #[arg(long, default_value = "abracadabra")]
    authkey: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { address, authkey } = Arguments::parse();
    let (jobs, results, done) = (Queue::new(0), Queue::new(1000), Queue::new(0));
    let server = Server::new();
    server.share("jobs", jobs)?;
    server.share("results", results)?;
    server.share("done", done.clone())?;
    // CPython up to 3.11 authenticates with MD5 and nothing else.
    let bound = server
        .bind(address)
        .authkey(authkey)
        .legacy_md5(true)
        .await?;
    println!("listening on {}", bound.local_address());
    tokio::spawn(bound.serve());
    loop {
        // Rust uses the same queues.
        let count: u64 = done.get().await?;
        println!("{count} jobs were done");
    }
}
