//! Calls over connections.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use farcall::rpc::{Client, Server, ServerOptions};
use farcall::{CallError, client, service};

use super::{KEY, client_tls, server_tls, with_tls};
use crate::messages::announce;
use crate::peers::{Transport, idle, run_on, runtime};
use crate::task::Task;

struct Adder;

#[service]
impl Adder {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

#[client]
trait AdderApi {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

pub(crate) fn serve(workers: usize) -> Result<()> {
    serve_with(workers, ServerOptions::default())
}

/// Serves with a higher limit of connections than the default.
pub(crate) fn serve_many(workers: usize) -> Result<()> {
    serve_with(workers, ServerOptions::default().max_connections(16_384))
}

/// Serves a method that reads the clock twice, as whatever takes the time of a call must.
pub(crate) fn serve_clock() -> Result<()> {
    let server = Server::new();
    server.register_function("add", |a: i64, b: i64| {
        let begun = black_box(Instant::now());
        let sum = a + b;
        black_box(begun.elapsed());
        sum
    })?;
    serve_on(1, server)
}

fn serve_with(workers: usize, options: ServerOptions) -> Result<()> {
    let server = Server::with_options(options);
    server.register_instance(Adder)?;
    serve_on(workers, server)
}

fn serve_on(workers: usize, server: Server) -> Result<()> {
    run_on(workers, async move {
        let listener = server.bind(Transport::Tcp.address()).authkey(KEY);
        let bound = with_tls!(listener, server_tls()?).await?;
        announce(bound.local_address())?;
        bound.serve().await;
        Ok(())
    })
}

/// Measures calls over one connection, with `in_flight` of them in flight.
pub(crate) fn load(task: &Task, workers: usize, in_flight: usize) -> Result<f64> {
    let task = task.clone();
    run_on(workers, async move {
        let client = Client::connect(task.address()?).authkey(KEY);
        let client = with_tls!(client, client_tls(&task)?).await?;
        ensure!(client.add(3, 5).await? == 8);
        task.rate_of(in_flight, |mut pace| {
            let client = client.clone();
            tokio::spawn(async move {
                while pace.should_continue() {
                    client.add(3, 5).await?;
                }
                Ok(pace.rate())
            })
        })
        .await
    })
}

/// Holds connections that carried one call.
pub(crate) fn hold(task: &Task, count: usize) -> Result<f64> {
    let runtime = runtime(1)?;
    let tls = client_tls(task)?;
    idle::hold(task, count, |address| {
        runtime.block_on(async {
            let client = Client::connect(address).authkey(KEY);
            let client = with_tls!(client, tls.clone()).await?;
            ensure!(client.add(3, 5).await? == 8);
            Ok(client)
        })
    })
}
