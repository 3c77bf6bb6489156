//! One object offered over two protocols: Python calls it over XML-RPC, Rust over a connection.
use farcall::rpc;
use farcall::{CallError, client, service};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Default)]
struct Calculator(AtomicI64);
#[service]
impl Calculator {
    /// Adds `n` to the total, and returns the total.
    pub fn add(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}
#[client]
trait CalculatorApi {
    async fn add(&self, n: i64) -> Result<i64, CallError>;
}
const PYTHON: &str = "import sys, xmlrpc.client
print('Python adds 3:', xmlrpc.client.ServerProxy(sys.argv[1]).add(3))";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let calculator = Arc::new(Calculator::default());
    let (http, connections) = (farcall::xmlrpc::Server::new(), rpc::Server::new());
    http.register_instance(Arc::clone(&calculator))?;
    connections.register_instance(calculator)?;
    let listening = http.bind("127.0.0.1:0").await?;
    let url = listening.url();
    tokio::spawn(listening.serve());
    let bound = connections.bind("127.0.0.1:0").authkey("a secret").await?;
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let mut python = tokio::process::Command::new("python3");
    python.args(["-c", PYTHON, &url]).status().await?;
    let client = rpc::Client::connect(address).authkey("a secret");
    println!("Rust adds 5: {}", client.await?.add(5).await?);
    Ok(())
}
