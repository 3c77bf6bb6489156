//! The main job in one go: a server on a free port, and calls to it from Rust and, where there is
//! one, from Python's own XML-RPC client. Each call is printed with its result.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use rpc_core::{Args, CallError, Fault, client, service};
use serde::de::DeserializeOwned;
use xmlrpc::{Client, Server};

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
    /// Adds `n` to the counter and gives its new value.
    fn increment(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}

#[client(prefix = "counter")]
trait CounterApi {
    async fn increment(&self, n: i64) -> Result<i64, CallError>;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new();
    server.register_function("add", |a: i64, b: i64| a + b)?;
    server.register_function("greet", async |name: String| format!("Hello, {name}!"))?;
    server.register_function("divide", divide)?;
    server.register_instance(Counter::default())?;
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

    call_from_python(&url).await?;
    serving.abort();
    println!("\nThat was all. Change this program: it is examples/src/bin/quickstart.rs.");
    Ok(())
}

/// Makes a call and prints it with its result, or with its fault.
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

const PYTHON: &str = r#"
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

async fn call_from_python(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let run = tokio::process::Command::new("python3")
        .args(["-c", PYTHON, url])
        .output()
        .await;
    let output = match run {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("There is no python3 here, or Python's own client would call it too.");
            return Ok(());
        }
        output => output?,
    };
    println!("Python's own xmlrpc.client calls it:");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(())
}
