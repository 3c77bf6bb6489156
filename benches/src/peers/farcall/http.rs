//! XML-RPC over HTTP.

use anyhow::{Result, ensure};
use farcall::transport::Address;
use farcall::workers::Workers;
use farcall::xmlrpc::{Client, Server, ServerOptions, blocking};

use crate::messages::announce;
use crate::peers::{Transport, run_on};
use crate::task::Task;

/// Serves with one runtime. `connections` is the maximum number of connections, if more than the
/// default.
pub(crate) fn serve(workers: usize, connections: Option<usize>) -> Result<()> {
    run_on(workers, async move {
        let mut options = ServerOptions::default();
        if let Some(connections) = connections {
            options = options.max_connections(connections);
        }
        let server = Server::with_options(options);
        server.register_function("add", |a: i64, b: i64| a + b)?;
        let listening = server.bind(Transport::Tcp.address().to_string()).await?;
        announce(listening.local_address())?;
        listening.serve().await;
        Ok(())
    })
}

/// Serves with an event loop for each worker.
pub(crate) fn serve_workers(workers: usize) -> Result<()> {
    let workers =
        Workers::new()
            .count(workers)
            .threads(&Transport::Tcp.address(), async |worker| {
                let server = Server::new();
                server.register_function("add", |a: i64, b: i64| a + b)?;
                server.serve_worker(worker).await
            })?;
    announce(workers.local_address())?;
    workers.run()?;
    Ok(())
}

pub(crate) fn load(task: &Task) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let client = Client::new(&url(task.address()?))?;
        let mut pace = task.pace();
        while pace.should_continue() {
            let sum: i64 = client.call("add", (3, 5)).await?;
            ensure!(sum == 8);
        }
        Ok(pace.rate())
    })
}

pub(crate) fn load_blocking(task: &Task) -> Result<f64> {
    let client = blocking::Client::new(&url(task.address()?))?;
    task.rate(|| {
        let sum: i64 = client.call("add", (3, 5))?;
        ensure!(sum == 8);
        Ok(())
    })
}

fn url(address: &Address) -> String {
    format!("http://{address}/RPC2")
}
