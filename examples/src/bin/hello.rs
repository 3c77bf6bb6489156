//! The README's first program: two functions and an object, offered to every language.

use farcall::service;
use farcall::xmlrpc::Server;
use std::sync::atomic::{AtomicI64, Ordering};

struct Counter(AtomicI64);

#[service(prefix = "counter")]
impl Counter {
    /// Adds `n` to the counter and returns its new value.
    pub fn increment(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new();
    server.register_function("add", |a: i64, b: i64| a + b)?;
    server.register_function("greet", async |name: String| format!("Hello, {name}!"))?;
    server.register_instance(Counter(AtomicI64::new(0)))?;
    server.bind("127.0.0.1:8000").await?.serve().await;
    Ok(())
}
