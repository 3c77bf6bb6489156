//! The server of recipe 11.10 of the Python Cookbook (Beazley, Jones), in Rust: a key-value store
//! over XML-RPC and TLS, for the book's client in Python (`examples/python/keyvalue_client.py`).
//!
//! As in the book, the certificate is self-signed, and the client trusts exactly this one:
//!
//! ```sh
//! openssl req -new -x509 -days 365 -nodes -subj /CN=localhost \
//!     -out server_cert.pem -keyout server_key.pem
//! cargo run -p examples --bin keyvalue-tls -- server_cert.pem server_key.pem &
//! python3 examples/python/keyvalue_client.py server_cert.pem
//! ```
//!
//! With a third argument, a certificate, clients need one that it has signed, such as itself:
//! `keyvalue_client.py server_cert.pem client_cert.pem client_key.pem`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use farcall::transport::tls::{ClientCertificates, ServerTls};
use farcall::xmlrpc::{Server, ServerOptions};
use farcall::{Fault, Value, service};

#[derive(Default)]
struct KeyValueStore(Mutex<BTreeMap<String, Value>>);

#[service]
impl KeyValueStore {
    /// Returns the value of a key.
    pub fn get(&self, name: &str) -> Result<Value, Fault> {
        let found = self.data().get(name).cloned();
        found.ok_or_else(|| Fault::new(1, format!("no such key: {name}")))
    }

    /// Sets the value of a key.
    pub fn set(&self, name: String, value: Value) {
        self.data().insert(name, value);
    }

    /// Removes a key.
    pub fn delete(&self, name: &str) -> Result<(), Fault> {
        let removed = self.data().remove(name);
        let removed = removed.ok_or_else(|| Fault::new(1, format!("no such key: {name}")))?;
        drop(removed);
        Ok(())
    }

    /// Returns whether a key has a value.
    pub fn exists(&self, name: &str) -> bool {
        self.data().contains_key(name)
    }

    /// Returns all keys.
    pub fn keys(&self) -> Vec<String> {
        self.data().keys().cloned().collect()
    }
}

impl KeyValueStore {
    fn data(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut file = |what| arguments.next().context(what);
    let certificate = file("the first argument is the file of the certificate")?;
    let key = file("the second argument is the file of its key")?;
    let mut tls = ServerTls::from_files(certificate, key)?;
    if let Ok(roots) = file("") {
        tls = tls.client_roots(roots, ClientCertificates::Required)?;
    }

    let server = Server::with_options(ServerOptions::default().tls(tls));
    server.register_instance(KeyValueStore::default())?;
    let bound = server.bind("localhost:15000").await?;
    println!("listening on {}", bound.url());
    bound.serve().await;
    Ok(())
}
