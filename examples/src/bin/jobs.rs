//! A queue of jobs. A client that submits a job receives its progress as a stream, and cancels the
//! job by dropping the stream. The number of concurrent jobs is the number of workers.
//!
//! `jobs` alone shows three jobs for two workers. `jobs serve ADDRESS` runs the jobs of clients,
//! and `jobs submit ADDRESS LIMIT` submits a job that counts the primes below a limit.

use std::error::Error;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Parser, Subcommand};
use examples::report;
use farcall::rpc::{Client, Server, Stream, StreamError, StreamSender};
use farcall::{CallError, RegisterError, client, service};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// The shared authkey. A real program reads its key from a file: see `AuthKey::from_file`.
const KEY: &str = "a secret of the workers";

const WORKERS: usize = 2;

#[derive(Serialize, Deserialize)]
enum Progress {
    Percent(u64),
    Done { primes: usize },
}

#[client]
trait JobsApi {
    async fn count_primes(&self, limit: u64) -> Result<Stream<Progress>, CallError>;
}

struct Jobs {
    workers: Arc<Semaphore>,
    last: AtomicU64,
}

#[service]
impl Jobs {
    /// Counts the primes below `limit`, as soon as a worker is free.
    pub fn count_primes(&self, limit: u64) -> Stream<Progress> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let workers = Arc::clone(&self.workers);
        let (progress, stream) = Stream::channel(1);
        tokio::spawn(async move {
            // The semaphore is never closed, so this cannot fail.
            let work = async {
                let _worker = workers.acquire().await;
                println!("  job {number} has a worker");
                count_primes(limit, &progress).await
            };
            tokio::select! {
                _ = work => {}
                () = progress.closed() => println!("  job {number} is cancelled"),
            }
        });
        stream
    }
}

async fn count_primes(limit: u64, progress: &StreamSender<Progress>) -> Result<(), Box<dyn Error>> {
    let mut primes = 0;
    for quarter in 0..4 {
        let part = limit * quarter / 4..limit * (quarter + 1) / 4;
        primes += tokio::task::spawn_blocking(|| primes_in(part)).await?;
        progress.send(Progress::Percent((quarter + 1) * 25)).await?;
    }
    progress.send(Progress::Done { primes }).await?;
    Ok(())
}

fn primes_in(numbers: Range<u64>) -> usize {
    let is_prime = |n: &u64| {
        let mut divisors = (2..).take_while(|divisor| divisor * divisor <= *n);
        *n >= 2 && divisors.all(|divisor| !n.is_multiple_of(divisor))
    };
    numbers.filter(is_prime).count()
}

#[derive(Parser)]
#[command(about = "A queue of jobs; without a command, it shows one with two workers")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the jobs of clients
    Serve { address: String },
    /// Submit a job that counts the primes below a limit
    Submit { address: String, limit: u64 },
}

#[tokio::main]
async fn main() -> ExitCode {
    report("jobs", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().command {
        None => show().await?,
        Some(Command::Serve { address }) => {
            let bound = queue()?.bind(address).authkey(KEY).await?;
            println!("{WORKERS} workers wait at {}.", bound.local_address());
            bound.serve().await;
        }
        Some(Command::Submit { address, limit }) => {
            let jobs = Client::connect(address).authkey(KEY).await?;
            watch("the job", jobs.count_primes(limit).await?).await?;
        }
    }
    Ok(())
}

fn queue() -> Result<Server, RegisterError> {
    let server = Server::new();
    server.register_instance(Jobs {
        workers: Arc::new(Semaphore::new(WORKERS)),
        last: AtomicU64::new(0),
    })?;
    Ok(server)
}

/// Prints the progress of a job until it completes.
async fn watch(job: &str, mut stream: Stream<Progress>) -> Result<(), StreamError> {
    while let Some(progress) = stream.next().await {
        match progress? {
            Progress::Percent(percent) => println!("  {job}: {percent} %"),
            Progress::Done { primes } => println!("  {job}: {primes} primes"),
        }
    }
    Ok(())
}

/// Shows three jobs for two workers: the third waits until the second is cancelled.
async fn show() -> Result<(), Box<dyn Error>> {
    let bound = queue()?.bind("127.0.0.1:0").authkey(KEY).await?;
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());

    println!("Three jobs for two workers:");
    let jobs = Client::connect(address).authkey(KEY).await?;
    let first = jobs.count_primes(2_000_000).await?;
    let mut second = jobs.count_primes(2_000_000).await?;
    let third = jobs.count_primes(10_000).await?;
    let first = tokio::spawn(watch("job 1", first));
    let third = tokio::spawn(watch("job 3", third));
    if let Some(Ok(Progress::Percent(percent))) = second.next().await {
        println!("  job 2: {percent} %, which is enough");
    }
    drop(second);
    first.await??;
    third.await??;
    Ok(())
}
