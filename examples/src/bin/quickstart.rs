//! A tour of the main features: an XML-RPC server on a free port, with calls from Rust and, if
//! Python is installed, from Python's own client; then a listener, with connections from both; then
//! calls over a connection. Each call is printed with its result.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, bail};
use farcall::conn::{ConnectError, Connection, Listener, RecvError};
use farcall::pickle::Pickle;
use farcall::protocol::Args;
use farcall::rpc::{self, Remote, Stream};
use farcall::xmlrpc::{Client, Server};
use farcall::{CallError, Fault, client, service};
use serde::de::DeserializeOwned;

fn divide(a: f64, b: f64) -> Result<f64, Fault> {
    if b == 0.0 {
        Err(Fault::new(1, "division by zero"))
    } else {
        Ok(a / b)
    }
}

#[derive(Default)]
struct Counter(AtomicI64);

#[service(prefix = "counter")]
impl Counter {
    /// Adds `n` to the counter and returns its new value.
    pub fn increment(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}

#[client(prefix = "counter")]
trait CounterApi {
    async fn increment(&self, n: i64) -> Result<i64, CallError>;
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = Server::new();
    server.register_function("add", |a: i64, b: i64| a + b)?;
    server.register_function("greet", async |name: String| format!("Hello, {name}!"))?;
    server.register_function("divide", divide)?;
    let counter = Arc::new(Counter::default());
    server.register_instance(Arc::clone(&counter))?;
    let listening = server.bind("127.0.0.1:0").await?;
    let url = listening.url();
    let serving = tokio::spawn(listening.serve());
    println!("An XML-RPC server listens on {url}.\n");

    println!("Rust calls it:");
    let client = Client::new(&url)?;
    show::<i64>(&client, "add", (3, 5)).await?;
    show::<String>(&client, "greet", ("Ada",)).await?;
    show::<f64>(&client, "divide", (1, 8)).await?;
    show::<f64>(&client, "divide", (1, 0)).await?;
    println!(
        "  client.increment(2)  →  {}   (a typed client)",
        client.increment(2).await?
    );
    show::<Vec<String>>(&client, "system.listMethods", ()).await?;
    let mut batch = client.batch();
    let sum = batch.call::<i64>("add", (20, 22));
    let greeting = batch.call::<String>("greet", ("Grace",));
    let mut results = batch.send().await?;
    let (sum, greeting) = (results.take(sum)?, results.take(greeting)?);
    println!("  two calls in one request  →  {sum}, {greeting:?}\n");

    python("Python's own xmlrpc.client calls it:", CALLS, &[&url]).await?;
    serving.abort();
    connections().await?;
    calls_over_connections(counter).await?;
    println!("\nThat was all. Change this program: it is examples/src/bin/quickstart.rs.");
    Ok(())
}

/// Makes a call and prints it with its result or fault.
async fn show<R: DeserializeOwned + Debug>(
    client: &Client,
    method: &str,
    args: impl Args + Debug,
) -> Result<(), CallError> {
    let shown = format!("{args:?}");
    match client.call::<R>(method, args).await {
        Ok(result) => println!("  {method}{shown}  →  {result:?}"),
        Err(CallError::Fault(fault)) => println!("  {method}{shown}  →  {fault}"),
        Err(error) => return Err(error),
    }
    Ok(())
}

const CALLS: &str = r#"
import sys, xmlrpc.client
server = xmlrpc.client.ServerProxy(sys.argv[1])
print("  >>> server.add(3, 5)\n ", server.add(3, 5))
print("  >>> server.greet('Guido')\n ", repr(server.greet("Guido")))
print("  >>> server.counter.increment(40)\n ", server.counter.increment(40))
print("  >>> server.system.methodHelp('counter.increment')\n ",
      repr(server.system.methodHelp("counter.increment")))
try:
    server.divide(1.0, 0.0)
except xmlrpc.client.Fault as fault:
    print("  >>> server.divide(1.0, 0.0)\n ", fault)
"#;

/// Exchanges values over connections, for which both sides must know the same key.
async fn connections() -> anyhow::Result<()> {
    let listener = Listener::bind("127.0.0.1:0")
        .authkey("a secret")
        .legacy_md5(true) // CPython up to 3.11 supports MD5 only
        .await?;
    let address = listener.local_address().clone();
    println!("\nA listener for connections is on {address}. It adds what it receives.\n");
    tokio::spawn(serve(listener));

    println!("Rust connects to it:");
    let mut adder: Connection<Vec<i64>, i64, Pickle> =
        Connection::connect(&address).authkey("a secret").await?;
    adder.send(&vec![3, 5]).await?;
    println!("  [3, 5]  →  {}", adder.recv().await?);
    let stranger: Result<Connection, _> = Connection::connect(&address).authkey("a guess").await;
    if let Err(ConnectError::Auth { source, .. }) = stranger {
        println!("  with another key  →  {source}\n");
    }
    let text = address.to_string();
    let (host, port) = text.rsplit_once(':').context("it has a port")?;
    let title = "Python's own multiprocessing.connection connects to it:";
    python(title, CONNECTIONS, &[host, port]).await
}

async fn serve(mut listener: Listener) -> anyhow::Result<()> {
    loop {
        let peer = listener.accept().await?;
        tokio::spawn(async {
            if let Err(error) = add(peer).await {
                eprintln!("{error:?}");
            }
        });
    }
}

/// Answers a peer until it closes the connection.
async fn add(mut peer: Connection<i64, Vec<i64>, Pickle>) -> anyhow::Result<()> {
    loop {
        match peer.recv().await {
            Ok(numbers) => peer.send(&numbers.iter().sum()).await?,
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

const CONNECTIONS: &str = r#"
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
address = (sys.argv[1], int(sys.argv[2]))
c = Client(address, authkey=b"a secret")
c.send([20, 22])
print("  >>> c.send([20, 22]); c.recv()\n ", c.recv())
try:
    Client(address, authkey=b"a guess")
except AuthenticationError as error:
    print("  >>> Client(address, authkey=b'a guess')\n ", repr(error))
"#;

struct Workshop;

#[service]
impl Workshop {
    /// Counts down, at the pace at which the caller reads the stream.
    pub fn countdown(&self, from: u32) -> Stream<u32> {
        let (numbers, stream) = Stream::channel(1);
        tokio::spawn(async move {
            for number in (0..=from).rev() {
                if numbers.send(number).await.is_err() {
                    return; // The caller dropped the stream.
                }
            }
        });
        stream
    }

    /// Creates a counter for this caller, which is dropped when the caller disconnects.
    pub fn new_counter(&self) -> Remote<dyn CounterApi> {
        Remote::new(Counter::default())
    }
}

#[client]
trait WorkshopApi {
    async fn countdown(&self, from: u32) -> Result<Stream<u32>, CallError>;
    async fn new_counter(&self) -> Result<Remote<dyn CounterApi>, CallError>;
}

/// Calls the same object over a connection, where methods can also return streams and objects.
async fn calls_over_connections(counter: Arc<Counter>) -> anyhow::Result<()> {
    let server = rpc::Server::new();
    server.register_instance(counter)?;
    server.register_instance(Workshop)?;
    let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
    let address = bound.local_address().clone();
    println!("\nAn RPC server listens for connections on {address}.\n");
    tokio::spawn(bound.serve());

    println!("Rust calls it, over one connection:");
    let client = rpc::Client::connect(address).authkey("a secret").await?;
    println!(
        "  client.increment(1)  →  {}   (the counter that XML-RPC calls)",
        client.increment(1).await?
    );
    let mut numbers = client.countdown(3).await?;
    print!("  client.countdown(3)  → ");
    while let Some(number) = numbers.next().await {
        print!(" {}", number?);
    }
    println!("   (a stream)");
    let own = client.new_counter().await?;
    println!(
        "  client.new_counter()  →  an object of the server; own.increment(5)  →  {}",
        own.increment(5).await?
    );
    Ok(())
}

/// Runs a Python program and prints its output.
async fn python(title: &str, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let run = tokio::process::Command::new("python3")
        .args(["-c", program])
        .args(arguments)
        .output()
        .await;
    let output = match run {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("There is no python3 here, or it would do the same.");
            return Ok(());
        }
        output => output?,
    };
    println!("{title}");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
