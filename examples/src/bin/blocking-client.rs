//! Calls `blocking-server` over both protocols, without async code.
use farcall::{CallError, client, rpc, xmlrpc};

#[client]
trait CounterApi {
    fn increment(&self, n: i64) -> Result<i64, CallError>;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = xmlrpc::blocking::Client::new("http://127.0.0.1:16002")?;
    println!("over HTTP: {}", http.increment(3)?);
    let connection = rpc::Client::connect("127.0.0.1:16003")
        .authkey("a secret")
        .wait()?;
    println!("over a connection: {}", connection.increment(5)?);
    Ok(())
}
