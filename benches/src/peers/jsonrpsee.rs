//! jsonrpsee: JSON-RPC over HTTP and WebSocket.

use anyhow::{Result, ensure};
use farcall::transport::Address;
use jsonrpsee::RpcModule;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::rpc_params;
use jsonrpsee::server::Server;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::ws_client::WsClientBuilder;

use super::{Transport, run_on};
use crate::messages::announce;
use crate::task::Task;

pub(crate) fn serve(workers: usize) -> Result<()> {
    run_on(workers, async move {
        let server = Server::builder()
            .build(Transport::Tcp.address().to_string())
            .await?;
        announce(&Address::Tcp(server.local_addr()?))?;
        let mut module = RpcModule::new(());
        module.register_method("add", |params, (), _| {
            let (a, b): (i64, i64) = params.parse()?;
            Ok::<_, ErrorObjectOwned>(a + b)
        })?;
        module.register_method("echo", |params, (), _| {
            let (items,): (Vec<i64>,) = params.parse()?;
            Ok::<_, ErrorObjectOwned>(items)
        })?;
        server.start(module).stopped().await;
        Ok(())
    })
}

pub(crate) fn load(task: &Task, workers: usize, in_flight: usize) -> Result<f64> {
    let task = task.clone();
    run_on(workers, async move {
        let url = format!("ws://{}", task.address()?);
        let client = std::sync::Arc::new(WsClientBuilder::default().build(url).await?);
        let sum: i64 = client.request("add", rpc_params![3, 5]).await?;
        ensure!(sum == 8);
        task.rate_of(in_flight, |mut pace| {
            let client = client.clone();
            tokio::spawn(async move {
                while pace.should_continue() {
                    let _: i64 = client.request("add", rpc_params![3, 5]).await?;
                }
                Ok(pace.rate())
            })
        })
        .await
    })
}
