//! The local server, which the clients of the peers call.

use std::net::SocketAddr;

use anyhow::Result;
use farcall::Context;
use farcall::xmlrpc::Server;
use tokio::task::JoinHandle;

/// A server with the demo methods on a free port, which stops on drop.
pub(crate) struct LocalServer {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl LocalServer {
    pub(crate) async fn start() -> Result<Self> {
        let server = Server::new();
        server.register_instance(demo::Demo::default())?;
        server.register_function("interop.connection", |cx: Context| cx.peer().to_string())?;
        server.register_function("interop.header", |cx: Context, name: String| {
            cx.header(&name).unwrap_or_default().to_owned()
        })?;
        let listening = server.bind("127.0.0.1:0").await?;
        let address = listening.local_address().to_string().parse()?;
        let task = tokio::spawn(listening.serve());
        Ok(Self { address, task })
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
