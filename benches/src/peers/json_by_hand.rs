//! The limit of JSON-RPC: the two methods by hand, on axum or bare WebSockets, with serde_json.

use anyhow::{Result, bail, ensure};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, any, post};
use bytes::Bytes;
use farcall::transport::Address;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::{Transport, run_on};
use crate::messages::announce;

#[derive(Deserialize)]
struct Call<'a> {
    jsonrpc: &'a str,
    method: &'a str,
    #[serde(borrow)]
    params: &'a RawValue,
    #[serde(borrow)]
    id: &'a RawValue,
}

#[derive(Serialize)]
struct Reply<'a, T> {
    jsonrpc: &'a str,
    result: T,
    id: &'a RawValue,
}

/// Answers a request or a batch.
fn answer(document: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    if document.first() == Some(&b'[') {
        let calls: Vec<Call<'_>> = serde_json::from_slice(document)?;
        for call in &calls {
            out.push(if out.is_empty() { b'[' } else { b',' });
            answer_call(call, &mut out)?;
        }
        out.push(b']');
    } else {
        answer_call(&serde_json::from_slice(document)?, &mut out)?;
    }
    Ok(out)
}

fn answer_call(call: &Call<'_>, out: &mut Vec<u8>) -> Result<()> {
    ensure!(call.jsonrpc == "2.0", "another version");
    let params = call.params.get();
    match call.method {
        "add" => {
            let (a, b): (i64, i64) = serde_json::from_str(params)?;
            write(call, a + b, out)
        }
        "echo" => {
            let (items,): (Vec<i64>,) = serde_json::from_str(params)?;
            write(call, items, out)
        }
        method => bail!("no such method: {method}"),
    }
}

fn write(call: &Call<'_>, result: impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    let reply = Reply {
        jsonrpc: "2.0",
        result,
        id: call.id,
    };
    Ok(serde_json::to_writer(out, &reply)?)
}

/// Serves HTTP.
pub(crate) fn serve_axum(workers: usize) -> Result<()> {
    serve_route(workers, || {
        let handler = async move |call: Bytes| match answer(&call) {
            Ok(reply) => ([(CONTENT_TYPE, "application/json")], reply),
            Err(error) => ([(CONTENT_TYPE, "text/plain")], error.to_string().into()),
        };
        post(handler).layer(DefaultBodyLimit::max(16 * 1024 * 1024))
    })
}

/// Serves WebSockets by axum.
pub(crate) fn serve_axum_websocket(workers: usize) -> Result<()> {
    serve_route(workers, || {
        any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(serve_upgraded))
    })
}

async fn serve_upgraded(mut socket: WebSocket) {
    while let Some(Ok(ws::Message::Text(call))) = socket.recv().await {
        let reply = answer(call.as_bytes()).map(String::from_utf8);
        let Ok(Ok(reply)) = reply else { return };
        if socket.send(ws::Message::text(reply)).await.is_err() {
            return;
        }
    }
}

fn serve_route(workers: usize, route: fn() -> MethodRouter) -> Result<()> {
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        Ok(axum::serve(listener, Router::new().route("/", route())).await?)
    })
}

/// Serves WebSockets without axum.
pub(crate) fn serve_websocket(workers: usize) -> Result<()> {
    run_on(workers, async move {
        let listener = TcpListener::bind(Transport::Tcp.address().to_string()).await?;
        announce(&Address::Tcp(listener.local_addr()?))?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve_messages(stream));
        }
    })
}

async fn serve_messages(stream: TcpStream) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(call) = message? {
            let reply = String::from_utf8(answer(call.as_bytes())?)?;
            socket.send(Message::text(reply)).await?;
        }
    }
    Ok(())
}
