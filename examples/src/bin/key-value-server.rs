//! Keeps values for `python3 examples/python/key_value_client.py`, over TLS: the server of the
//! Python Cookbook's recipe 11.10, in Rust.
//!
//! As in the book, the certificate signs itself, and the client trusts exactly this one. Make it in
//! the current folder:
//!
//! ```sh
//! openssl req -newkey rsa:2048 -nodes -x509 -subj /CN=localhost -days 365 \
//!     -keyout server_key.pem -out server_cert.pem
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::Parser;
use farcall::http::ServerOptions;
use farcall::transport::tls::{ClientCertificates, ServerTls};
use farcall::xmlrpc::Server;
use farcall::{Fault, Value, service};

#[derive(Parser)]
#[command(about = "Keeps values for clients over TLS")]
struct Arguments {
    /// File of the certificate
    #[arg(default_value = "server_cert.pem")]
    certificate: PathBuf,
    /// File of its key
    #[arg(default_value = "server_key.pem")]
    key: PathBuf,
    /// Demand certificates of clients, signed by one in this file; a certificate that signs itself
    /// cannot be one of a client
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Address to serve at
    #[arg(long, default_value = "localhost:15000")]
    address: String,
}

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
    fn data(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut tls = ServerTls::from_files(&arguments.certificate, &arguments.key)?;
    if let Some(roots) = &arguments.tls_client_ca {
        tls = tls.client_roots(roots, ClientCertificates::Required)?;
    }

    let server = Server::with_options(ServerOptions::default().tls(tls));
    server.register_instance(KeyValueStore::default())?;
    let bound = server.bind(&arguments.address).await?;
    println!("listening on {}", bound.url());
    bound.serve().await;
    Ok(())
}
