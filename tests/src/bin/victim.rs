//! The server that the tests attack: XML-RPC, RPC and plain connections, with default limits except
//! for those set on the command line.
//!
//! It prints the address of each, and stops gracefully on SIGTERM.

use std::alloc::System;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use demo::{Demo, connections};
use farcall::conn::{Listener, ListenerBuilder};
use farcall::pickle::{self, Pickle};
use farcall::rpc;
use farcall::transport::tls::{ServerTls, TlsError};
use farcall::{Budget, Value, service};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tests::victim::KEY;
use tests::victim::objects::Objects;
use tests::victim::visits::Visits;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Counts the bytes that are allocated, which the memory of the process does not tell: an allocator
/// keeps freed memory.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Parser)]
struct Arguments {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Serve XML-RPC on this Unix socket as well
    #[arg(long)]
    unix: Option<PathBuf>,
    /// Maximum connections of each server
    #[arg(long)]
    max_connections: Option<usize>,
    /// Memory budget of the XML-RPC server in MiB
    #[arg(long)]
    budget_mib: Option<usize>,
    /// Timeout of heads, bodies and replies of HTTP, and of handshakes
    #[arg(long)]
    timeout_ms: Option<u64>,
    /// Time for which the objects of a client outlive its connection
    #[arg(long)]
    lease_ms: Option<u64>,
    /// Also serve RPC and plain connections over TLS by the authkey alone
    #[arg(long)]
    encrypted: bool,
    /// Serve XML-RPC and plain connections over TLS, too, with server.pem and server.key of this
    /// folder
    #[arg(long)]
    tls: Option<PathBuf>,
    /// Write the recorded calls to this file, as JSON, after the last call
    #[arg(long)]
    ledger: Option<PathBuf>,
}

/// A record of the calls that ran, so that tests can count them from outside.
#[derive(Default)]
struct Ledger {
    runs: Mutex<HashMap<String, u64>>,
    /// The calls of `work` that completed, by name.
    completions: Mutex<HashMap<String, u64>>,
    /// Memory that is never freed.
    leaked: Mutex<Vec<Vec<u8>>>,
}

fn count(names: &Mutex<HashMap<String, u64>>, name: &str) {
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    *names.entry(name.to_owned()).or_default() += 1;
}

#[service]
impl Ledger {
    /// Records the call, and returns the name.
    pub fn run(&self, name: String) -> String {
        count(&self.runs, &name);
        name
    }

    /// Records the call, works for this number of milliseconds, and returns the name.
    pub async fn work(&self, name: String, milliseconds: u64) -> String {
        count(&self.runs, &name);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        count(&self.completions, &name);
        name
    }

    /// The number of calls of `run` with this name.
    pub fn runs(&self, name: &str) -> u64 {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(name).copied().unwrap_or_default()
    }

    /// The number of calls of `run` with this name, which is removed from the record.
    pub fn take(&self, name: &str) -> u64 {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.remove(name).unwrap_or_default()
    }

    /// The number of calls of `run` with each name.
    pub fn all(&self) -> HashMap<String, u64> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.clone()
    }

    /// Clears the record.
    pub fn forget(&self) -> bool {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs = HashMap::new();
        true
    }

    /// Returns `n` bytes, at most 64 MiB, in one piece. The demo's `blob` is written byte by byte,
    /// which takes seconds in a debug build.
    pub fn bytes(&self, n: usize) -> Value {
        Value::from(vec![b'x'; n.min(64 << 20)])
    }

    /// Allocates this number of bytes for good.
    pub fn leak(&self, n: usize) -> usize {
        let mut leaked = self.leaked.lock().unwrap_or_else(PoisonError::into_inner);
        leaked.push(vec![b'x'; n]);
        n
    }

    /// The number of bytes that are allocated.
    pub fn allocated(&self) -> usize {
        let stats = ALLOCATOR.stats();
        stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
    }

    /// The number of live tasks.
    pub async fn tasks(&self) -> usize {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    // The first blocking object starts a runtime that stays: its descriptors are no leak.
    tokio::task::spawn_blocking(|| farcall::protocol::blocking::wait(async {})).await??;
    let demo = Arc::new(Demo::default());
    let ledger = Arc::new(Ledger::default());

    let over_http = farcall::xmlrpc::Server::with_options(arguments.http());
    over_http.register_instance(Arc::clone(&demo))?;
    over_http.register_instance_at("ledger", Arc::clone(&ledger))?;
    let tls = arguments.tls()?;
    let over_tls = farcall::xmlrpc::Server::with_options(match &tls {
        Some(tls) => arguments.http().tls(tls.clone()),
        None => arguments.http(),
    });
    over_tls.register_instance(Arc::clone(&demo))?;
    over_tls.register_instance_at("ledger", Arc::clone(&ledger))?;
    let over_connections = rpc::Server::with_options(arguments.sessions());
    over_connections.register_instance(demo)?;
    over_connections.register_instance_at("ledger", Arc::clone(&ledger))?;
    over_connections.register_instance_at("objects", Objects)?;
    over_connections.register_instance_at("visits", Visits)?;

    let stop = CancellationToken::new();
    let http = over_http.bind((arguments.host.as_str(), 0)).await?;
    println!("xmlrpc {}", http.url());
    let mut servers = tokio::task::JoinSet::new();
    if let Some(path) = &arguments.unix {
        let http = over_http.bind(path).await?;
        let stop = stop.clone().cancelled_owned();
        servers.spawn(stopped(http.serve_until(stop)));
    }
    let until = stop.clone().cancelled_owned();
    servers.spawn(stopped(http.serve_until(until)));
    let bound = over_connections.listen(arguments.listener()).await?;
    println!("rpc {}", bound.local_address());
    let until = stop.clone().cancelled_owned();
    servers.spawn(stopped(bound.serve_until(until)));
    let listener = arguments.listener().await?;
    println!("connections {}", listener.local_address());
    servers.spawn(connections::serve::<Pickle, pickle::Value>(
        listener,
        stop.clone(),
    ));
    if arguments.encrypted {
        let bound = over_connections
            .listen(arguments.listener().encrypted())
            .await?;
        println!("encrypted-rpc {}", bound.local_address());
        servers.spawn(stopped(bound.serve_until(stop.clone().cancelled_owned())));
        let listener = arguments.listener().encrypted().await?;
        println!("encrypted-connections {}", listener.local_address());
        servers.spawn(connections::serve::<Pickle, pickle::Value>(
            listener,
            stop.clone(),
        ));
    }
    if let Some(tls) = tls {
        let http = over_tls.bind((arguments.host.as_str(), 0)).await?;
        println!("https {}", http.url());
        servers.spawn(stopped(http.serve_until(stop.clone().cancelled_owned())));
        let listener = arguments.listener().tls(tls).await?;
        println!("tls-connections {}", listener.local_address());
        servers.spawn(connections::serve::<Pickle, pickle::Value>(
            listener,
            stop.clone(),
        ));
    }
    println!("ready");

    signal(SignalKind::terminate())?.recv().await;
    stop.cancel();
    servers.join_all().await;
    if let Some(path) = arguments.ledger {
        let file = std::fs::File::create(path)?;
        serde_json::to_writer(file, &(&ledger.runs, &ledger.completions))?;
    }
    Ok(())
}

/// Runs a server, and logs its result.
async fn stopped<T: Debug>(server: impl Future<Output = T>) {
    let end = server.await;
    tracing::info!(?end, "stopped");
}

impl Arguments {
    fn tls(&self) -> Result<Option<ServerTls>, TlsError> {
        let folder = self.tls.as_ref();
        let read = |folder: &PathBuf| {
            let [certificate, key] = ["server.pem", "server.key"].map(|name| folder.join(name));
            ServerTls::from_files(certificate, key)
        };
        folder.map(read).transpose()
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }

    fn http(&self) -> farcall::http::ServerOptions {
        // The host name that the attacks send, so that they are not refused for it.
        let mut options = farcall::http::ServerOptions::default().hosts(["victim"]);
        if let Some(connections) = self.max_connections {
            options = options.max_connections(connections);
        }
        if let Some(budget) = self.budget_mib {
            options = options.budget(Budget::new(budget << 20));
        }
        if let Some(timeout) = self.timeout() {
            options = options
                .header_timeout(timeout)
                .body_timeout(timeout)
                .write_timeout(timeout);
        }
        options
    }

    fn sessions(&self) -> rpc::ServerOptions {
        let mut options = rpc::ServerOptions::default();
        if let Some(connections) = self.max_connections {
            options = options.max_connections(connections);
        }
        if let Some(lease) = self.lease_ms {
            options = options.lease(Duration::from_millis(lease));
        }
        options
    }

    fn listener(&self) -> ListenerBuilder {
        let mut listener = Listener::bind((self.host.as_str(), 0)).authkey(KEY);
        if let Some(timeout) = self.timeout() {
            listener = listener.timeout(timeout);
        }
        listener
    }
}
