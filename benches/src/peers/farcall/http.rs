//! XML-RPC over HTTP.

use std::time::Duration;

use anyhow::{Result, ensure};
use farcall::http::ServerOptions;
use farcall::transport::tls::{ClientTls, ServerTls};
use farcall::workers::Workers;
use farcall::xmlrpc::{Client, ClientOptions, Server, blocking};

use super::{client_tls, server_tls};
use crate::messages::announce;
use crate::peers::{Transport, run_on};
use crate::task::Task;

/// Serves with one runtime. `connections` is the maximum number of connections, if more than the
/// default.
pub(crate) fn serve(workers: usize, connections: Option<usize>) -> Result<()> {
    run_on(workers, async move {
        let mut options = server_options(server_tls()?);
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
    let tls = server_tls()?;
    let workers =
        Workers::new()
            .count(workers)
            .threads(&Transport::Tcp.address(), async move |worker| {
                let server = Server::with_options(server_options(tls.clone()));
                server.register_function("add", |a: i64, b: i64| a + b)?;
                server.serve_worker(worker).await
            })?;
    announce(workers.local_address())?;
    workers.run()?;
    Ok(())
}

fn server_options(tls: Option<ServerTls>) -> ServerOptions {
    let options = ServerOptions::default();
    match tls {
        Some(tls) => options.tls(tls),
        None => options,
    }
}

pub(crate) fn load(task: &Task) -> Result<f64> {
    call(task, client_options(client_tls(task)?))
}

pub(crate) fn load_blocking(task: &Task) -> Result<f64> {
    call_blocking(task, client_options(client_tls(task)?))
}

/// Makes each call over a new connection, with a full handshake unless `resume`.
pub(crate) fn load_handshakes(task: &Task, resume: bool) -> Result<f64> {
    call(task, keeping_none(task, resume)?)
}

pub(crate) fn load_handshakes_blocking(task: &Task, resume: bool) -> Result<f64> {
    call_blocking(task, keeping_none(task, resume)?)
}

fn call(task: &Task, options: ClientOptions) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let client = Client::with_options(&url(&task)?, options)?;
        let mut pace = task.pace();
        while pace.should_continue() {
            let sum: i64 = client.call("add", (3, 5)).await?;
            ensure!(sum == 8);
        }
        Ok(pace.rate())
    })
}

fn call_blocking(task: &Task, options: ClientOptions) -> Result<f64> {
    let client = blocking::Client::with_options(&url(task)?, options)?;
    task.rate(|| {
        let sum: i64 = client.call("add", (3, 5))?;
        ensure!(sum == 8);
        Ok(())
    })
}

/// Returns the options of a client that keeps no connections.
fn keeping_none(task: &Task, resume: bool) -> Result<ClientOptions> {
    let tls = if resume {
        client_tls(task)?
    } else {
        let config = task.certificate()?.client_of_many(resume)?;
        Some(ClientTls::from_config(config))
    };
    Ok(client_options(tls).idle_timeout(Duration::ZERO))
}

fn client_options(tls: Option<ClientTls>) -> ClientOptions {
    let options = ClientOptions::default();
    match tls {
        Some(tls) => options.tls(tls),
        None => options,
    }
}

fn url(task: &Task) -> Result<String> {
    let scheme = match task.certificate {
        Some(_) => "https",
        None => "http",
    };
    Ok(format!("{scheme}://{}/RPC2", task.address()?))
}
