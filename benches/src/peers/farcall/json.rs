//! JSON-RPC over HTTP and WebSocket.

use anyhow::Result;
use farcall::jsonrpc::Server;

use crate::messages::announce;
use crate::peers::{Transport, run_on};

pub(crate) fn serve(workers: usize) -> Result<()> {
    run_on(workers, async move {
        let server = Server::new();
        server.register_function("add", |a: i64, b: i64| a + b)?;
        server.register_function("echo", |items: Vec<i64>| items)?;
        let listening = server.bind(Transport::Tcp.address().to_string()).await?;
        announce(listening.local_address())?;
        listening.serve().await;
        Ok(())
    })
}
