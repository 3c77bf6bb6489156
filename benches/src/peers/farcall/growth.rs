//! Calls of a session that has many objects or many calls in flight.

use std::future::pending;

use anyhow::{Result, ensure};
use farcall::rpc::{Client, Remote, Server, ServerOptions, SessionOptions};
use farcall::{CallError, client, service};
use futures_util::future::join_all;
use tokio::task::yield_now;

use super::KEY;
use crate::messages::announce;
use crate::peers::{Transport, run_on};
use crate::task::Task;

struct Host;

#[service]
impl Host {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// Returns an object, which lives as long as the client holds it.
    pub fn object(&self) -> Remote<dyn HostApi> {
        Remote::new(Self)
    }

    /// Never completes.
    pub async fn wait(&self) {
        pending::<()>().await;
    }
}

#[client]
trait HostApi {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
    async fn object(&self) -> Result<Remote<dyn HostApi>, CallError>;
}

/// Serves with limits that allow the measured number of calls and objects.
pub(crate) fn serve(count: u32) -> Result<()> {
    run_on(1, async move {
        let limit = count as usize + 1000;
        let session = SessionOptions::default()
            .max_calls_per_session(limit)
            .max_objects(limit);
        let options = ServerOptions::default().max_calls(limit).session(session);
        let server = Server::with_options(options);
        server.register_instance(Host)?;
        let bound = server.bind(Transport::Tcp.address()).authkey(KEY).await?;
        announce(bound.local_address())?;
        bound.serve().await;
        Ok(())
    })
}

/// Measures calls while the client holds `count` objects of the server.
pub(crate) fn load_objects(task: &Task, count: u32) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let session = SessionOptions::default().max_objects(count as usize + 1000);
        let client = Client::connect(task.address()?)
            .authkey(KEY)
            .session(session)
            .await?;
        let objects = join_all((0..count).map(|_| client.object())).await;
        let objects = objects.into_iter().collect::<Result<Vec<_>, _>>()?;
        let rate = measure(&task, &client).await?;
        drop(objects);
        Ok(rate)
    })
}

/// Measures calls with `count` others in flight.
pub(crate) fn load_in_flight(task: &Task, count: u32) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let client = Client::connect(task.address()?).authkey(KEY).await?;
        let waiting: Vec<_> = (0..count)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.call::<()>("wait", ()).await })
            })
            .collect();
        while client.stats().outgoing_calls < waiting.len() {
            yield_now().await;
        }
        // The server replies to this call after it has received all the others.
        ensure!(client.add(3, 5).await? == 8);
        let rate = measure(&task, &client).await?;
        ensure!(
            waiting.iter().all(|call| !call.is_finished()),
            "a waiting call completed"
        );
        Ok(rate)
    })
}

async fn measure(task: &Task, client: &Client) -> Result<f64> {
    let mut pace = task.pace();
    while pace.should_continue() {
        ensure!(client.add(3, 5).await? == 8);
    }
    Ok(pace.rate())
}
