//! A factory of objects: each client creates counters of its own, which are dropped as soon as the
//! client disconnects.
//!
//! `counters` alone shows this, and the time that pipelining saves. `counters serve ADDRESS`
//! creates counters for clients, and `counters count ADDRESS NAME` adds up the numbers that are
//! typed. With a lease, the server keeps the counters of a client whose connection broke until it
//! reconnects.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use examples::{report, slow_link};
use farcall::rpc::{Client, Pipelined, Reconnect, Remote, Server, ServerOptions};
use farcall::transport::Address;
use farcall::{CallError, RegisterError, client, service};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The shared authkey. A real program reads its key from a file: see `AuthKey::from_file`.
const KEY: &str = "a secret of those who count";

#[client]
trait FactoryApi {
    async fn create(&self, name: &str) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn count(&self) -> Result<usize, CallError>;
}

#[client]
trait CounterApi {
    async fn increment(&self, n: i64) -> Result<i64, CallError>;
}

#[derive(Default)]
struct Factory {
    /// Each counter holds a clone, so that the clones are counted.
    tokens: Arc<()>,
}

#[service]
impl Factory {
    /// Creates a counter. It is dropped with its last reference: at the latest when its client
    /// disconnects.
    pub fn create(&self, name: String) -> Remote<dyn CounterApi> {
        Remote::new(Counter {
            name,
            value: AtomicI64::new(0),
            _token: Arc::clone(&self.tokens),
        })
    }

    /// Returns the number of counters.
    pub fn count(&self) -> usize {
        Arc::strong_count(&self.tokens) - 1
    }
}

struct Counter {
    name: String,
    value: AtomicI64,
    _token: Arc<()>,
}

#[service]
impl Counter {
    /// Adds `n` to the counter and returns its new value.
    pub fn increment(&self, n: i64) -> i64 {
        self.value.fetch_add(n, Ordering::Relaxed) + n
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        println!("  {}'s counter is dropped", self.name);
    }
}

#[derive(Parser)]
#[command(about = "A factory of counters; without a command, it shows their lifetime")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Create counters for clients
    Serve {
        address: String,
        /// Keep the counters of a client for this long after its connection broke
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        lease: u64,
    },
    /// Create a counter, and add up the numbers that are typed
    Count { address: String, name: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    report("counters", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().command {
        None => show().await?,
        Some(Command::Serve { address, lease }) => {
            let server = server(Duration::from_secs(lease))?;
            let bound = server.bind(address).authkey(KEY).await?;
            println!("Counters are made at {}.", bound.local_address());
            bound.serve().await;
        }
        Some(Command::Count { address, name }) => {
            let factory = Client::connect(address).authkey(KEY);
            let factory = factory.reconnect(Reconnect::default()).await?;
            let counter = factory.create(&name).await?;
            println!("Counters in all: {}", factory.count().await?);
            let mut typed = BufReader::new(tokio::io::stdin()).lines();
            while let Some(number) = typed.next_line().await? {
                println!("{}", counter.increment(number.trim().parse()?).await?);
            }
        }
    }
    Ok(())
}

fn server(lease: Duration) -> Result<Server, RegisterError> {
    let server = Server::with_options(ServerOptions::default().lease(lease));
    server.register_instance(Factory::default())?;
    Ok(server)
}

async fn show() -> Result<(), Box<dyn Error>> {
    let server = server(Duration::ZERO)?;
    let bound = server.bind("127.0.0.1:0").authkey(KEY).await?;
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());

    println!("Two clients, and a counter for each:");
    let ada = Client::connect(&address).authkey(KEY).await?;
    let adas = ada.create("Ada").await?;
    let grace = Client::connect(&address).authkey(KEY).await?;
    let graces = grace.create("Grace").await?;
    println!(
        "  Ada counts    {}, {}",
        adas.increment(1).await?,
        adas.increment(1).await?
    );
    println!("  Grace counts  {}", graces.increment(10).await?);
    println!("  The server has {} counters.", ada.count().await?);
    println!("Grace's connection closes:");
    grace.close().await;
    while ada.count().await? > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("  The server has 1 counter.");
    println!("Ada drops hers:");
    drop(adas);
    while ada.count().await? > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("  The server has no counter.");
    pipelining(server).await
}

/// Makes the same calls over a link with a latency of 50 milliseconds each way: one after the
/// other, and then pipelined on a counter that is not created yet.
async fn pipelining(server: Server) -> Result<(), Box<dyn Error>> {
    // Without a key, since a handshake of a process with itself through a relay is refused as an
    // attack.
    let bound = server.bind("127.0.0.1:0").await?;
    let Address::Tcp(near) = bound.local_address().clone() else {
        return Err("it listens on TCP".into());
    };
    tokio::spawn(bound.serve());
    let far = slow_link::to(near, Duration::from_millis(50)).await?;
    let factory = Client::connect(far).await?;

    println!("A counter made and incremented, 100 ms away:");
    let begin = Instant::now();
    let counter = factory.create("Barbara").await?;
    let value = counter.increment(1).await?;
    println!(
        "  one call after the other:  {value} after {} ms",
        begin.elapsed().as_millis()
    );
    let begin = Instant::now();
    let value = factory.create("Donald").pipelined().increment(1).await?;
    println!(
        "  pipelined:                 {value} after {} ms",
        begin.elapsed().as_millis()
    );
    Ok(())
}
