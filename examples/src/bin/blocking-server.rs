//! One object offered over two protocols, without async code. `blocking-client` calls it.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use farcall::{rpc, service, xmlrpc};

struct Counter(AtomicI64);
#[service]
impl Counter {
    /// Adds `n` to the counter and returns its new value.
    pub fn increment(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counter = Arc::new(Counter(AtomicI64::new(0)));
    let (http, connections) = (xmlrpc::Server::new(), rpc::Server::new());
    http.register_instance(Arc::clone(&counter))?;
    connections.register_instance(counter)?;
    let connections = connections.bind("127.0.0.1:16003").authkey("a secret");
    let (http, connections) = (http.bind("127.0.0.1:16002").wait()?, connections.wait()?);
    println!("listening on {} and {}", http.url(), connections.url());
    std::thread::spawn(|| connections.serve());
    Ok(http.serve().map(drop)?)
}
