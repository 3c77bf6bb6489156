//! Keeps values in `python3 examples/python/key_value_server.py`, over TLS. The certificate of that
//! server signs itself and has its name in the wrong place, so it is pinned: exactly this one is
//! accepted.

use farcall::transport::tls::ClientTls;
use farcall::xmlrpc::{ClientOptions, blocking::Client};
use farcall::{CallError, client};

#[client]
trait KeyValues {
    fn set(&self, name: &str, value: &str) -> Result<(), CallError>;
    fn get(&self, name: &str) -> Result<String, CallError>;
    fn keys(&self) -> Result<Vec<String>, CallError>;
    fn exists(&self, name: &str) -> Result<bool, CallError>;
    fn delete(&self, name: &str) -> Result<(), CallError>;
}

fn main() -> anyhow::Result<()> {
    let certificate = std::env::args().nth(1);
    let certificate = certificate.as_deref().unwrap_or("server_cert.pem");
    let tls = ClientTls::new().pin(certificate)?;
    let options = ClientOptions::default().tls(tls);
    let values = Client::with_options("https://localhost:15000", options)?;
    values.set("foo", "bar")?;
    println!("foo is {}", values.get("foo")?);
    println!("the keys are {:?}", values.keys()?);
    values.delete("foo")?;
    println!("foo exists: {}", values.exists("foo")?);
    Ok(())
}
