//! tarpc with bincode over TCP.

use anyhow::{Result, ensure};
use farcall::transport::Address;
use futures_util::StreamExt as _;
use tarpc::context;
use tarpc::serde_transport::tcp;
use tarpc::server::{BaseChannel, Channel as _};
use tarpc::tokio_serde::formats::Bincode;

use super::{Transport, idle, run_on, runtime};
use crate::messages::announce;
use crate::task::Task;

#[tarpc::service]
trait Adder {
    async fn add(a: i64, b: i64) -> i64;
}

#[derive(Clone)]
struct Server;

impl Adder for Server {
    async fn add(self, _: context::Context, a: i64, b: i64) -> i64 {
        a + b
    }
}

pub(crate) fn serve(workers: usize) -> Result<()> {
    run_on(workers, async move {
        let address = Transport::Tcp.address().to_string();
        let mut listener = tcp::listen(address, Bincode::default).await?;
        announce(&Address::Tcp(listener.local_addr()))?;
        while let Some(transport) = listener.next().await {
            let transport = transport?;
            transport.get_ref().set_nodelay(true)?;
            let requests = BaseChannel::with_defaults(transport).execute(Server.serve());
            tokio::spawn(requests.for_each(async |call| {
                tokio::spawn(call);
            }));
        }
        Ok(())
    })
}

async fn connect(address: &Address) -> Result<AdderClient> {
    let transport = tcp::connect(address.to_string(), Bincode::default).await?;
    transport.get_ref().set_nodelay(true)?;
    Ok(AdderClient::new(tarpc::client::Config::default(), transport).spawn())
}

pub(crate) fn load(task: &Task, workers: usize, in_flight: usize) -> Result<f64> {
    let task = task.clone();
    run_on(workers, async move {
        let client = connect(task.address()?).await?;
        ensure!(client.add(context::current(), 3, 5).await? == 8);
        task.rate_of(in_flight, |mut pace| {
            let client = client.clone();
            tokio::spawn(async move {
                while pace.should_continue() {
                    client.add(context::current(), 3, 5).await?;
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
    idle::hold(task, count, |address| {
        runtime.block_on(async {
            let client = connect(address).await?;
            ensure!(client.add(context::current(), 3, 5).await? == 8);
            Ok(client)
        })
    })
}
