//! A load of JSON-RPC calls over WebSockets, each of which has one call under way.

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::run_on;
use crate::task::{Pace, Task};

const CALL: &str = r#"{"jsonrpc":"2.0","method":"add","params":[3,5],"id":1}"#;

/// Returns the calls per second of this number of connections.
pub(crate) fn load(task: &Task, connections: usize) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let address = task.address()?.to_string();
        task.rate_of(connections, |pace| {
            tokio::spawn(call(address.clone(), pace))
        })
        .await
    })
}

async fn call(address: String, mut pace: Pace) -> Result<f64> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/"), stream).await?;
    while pace.should_continue() {
        let message = Message::Text(Utf8Bytes::from_static(CALL));
        socket.send(message).await?;
        let reply = socket.next().await.context("the server closed")??;
        let reply = reply.to_text()?;
        ensure!(reply.contains("\"result\":8"), "wrong reply: {reply}");
    }
    Ok(pace.rate())
}
