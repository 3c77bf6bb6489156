//! Services over NATS: with real nats-servers, and with nats-py and the NATS project's JavaScript
//! client as peers. `interop/install` installs them.

#![allow(
    clippy::unwrap_used,
    reason = "a failure of a helper is one of its test"
)]

mod calls;
mod failures;
mod fleet;
mod hostile;
mod micro;
mod proofs;
mod raw;
mod server;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall::cluster::nats::{Connection, Server, ServerOptions};
use farcall::{Context, Fault};
use tokio::task::JoinHandle;

/// The calls that a service ran.
#[derive(Clone, Default)]
struct Ledger {
    runs: Arc<std::sync::Mutex<Vec<String>>>,
    cancelled: Arc<AtomicUsize>,
}

impl Ledger {
    fn runs(&self) -> Vec<String> {
        self.runs.lock().unwrap().clone()
    }

    fn count(&self, token: &str) -> usize {
        let runs = self.runs.lock().unwrap();
        runs.iter().filter(|run| *run == token).count()
    }
}

/// Counts a call that was dropped before it completed.
struct Unfinished(Option<Arc<AtomicUsize>>);

impl Unfinished {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Registers the methods that the judges know, and writes down what runs.
fn register(server: &Server, host: &str, ledger: &Ledger) {
    let host = host.to_owned();
    let offer = || {
        let log = ledger.clone();
        let cancelled = ledger.clone();
        server
            .register_function("add", |a: i64, b: i64| a + b)?
            .register_function("echo", |value: serde_json::Value| value)?
            .register_function("fail", |code: i64, text: String| {
                Err::<(), _>(Fault::new(code, text))
            })?
            .register_function("sleep", move |millis: u64| {
                let unfinished = Unfinished(Some(Arc::clone(&cancelled.cancelled)));
                async move {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    unfinished.finish();
                    millis
                }
            })?
            .register_function("big", |bytes: usize| "x".repeat(bytes))?
            .register_function("length", |text: String| text.len())?
            .register_function("hostname", move || host.clone())?
            .register_function("header", |cx: Context, name: String| {
                cx.header(&name).unwrap_or_default().to_owned()
            })?
            .register_function("idempotent", |cx: Context| cx.is_idempotent())?
            .register_function("run", {
                let log = log.clone();
                move |token: String| {
                    log.runs.lock().unwrap().push(token);
                    true
                }
            })?
            .register_function("ran", move |token: String| log.count(&token))?;
        Ok::<_, farcall::RegisterError>(())
    };
    offer().expect("the names are free");
}

/// An instance of a service, which is aborted when this is dropped.
struct Running {
    id: String,
    server: Server,
    ledger: Ledger,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn start(connection: &Connection, service: &str, options: ServerOptions) -> Running {
    start_with(connection, service, options, "one", Ledger::default()).await
}

async fn start_with(
    connection: &Connection,
    service: &str,
    options: ServerOptions,
    host: &str,
    ledger: Ledger,
) -> Running {
    let server = Server::with_options(service, options);
    register(&server, host, &ledger);
    let bound = server.bind(connection).await.expect("the names are valid");
    Running {
        id: bound.id().to_owned(),
        server,
        ledger,
        task: tokio::spawn(bound.serve()),
    }
}
