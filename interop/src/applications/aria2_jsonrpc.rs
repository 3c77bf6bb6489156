//! The same download program, controlled over JSON-RPC: HTTP and WebSocket.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use farcall::jsonrpc::{Client, Service, SocketClient, SocketClientOptions, blocking};
use farcall::{CallError, Caller as _, Registry, Value};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::aria2::{TOKEN, Version, command, completed_file, serve_content, version_command};
use super::process::{Process, until};
use super::{Application, Findings};

pub(super) fn application() -> Application {
    Application {
        name: "aria2-jsonrpc",
        title: "aria2 over JSON-RPC",
        packages: "aria2",
        version: version_command(),
        checks: || Box::pin(findings()),
    }
}

async fn findings() -> Result<Findings> {
    let process = Process::start(command).await?;
    let url = format!("http://127.0.0.1:{}/jsonrpc", process.port);
    let client = &Client::new(&url)?;
    let mut findings = Findings::default();
    findings
        .check("`system.listMethods`", introspection(client))
        .await;
    findings
        .peculiar(
            "faults: a wrong token, an unknown method, a wrong type",
            "HTTP has the status 400, and every code is 1",
            faults(client),
        )
        .await;
    findings
        .check("a batch, with a fault among its results", batch(client))
        .await;
    findings
        .check("`system.multicall`", multicall(client))
        .await;
    findings
        .check("our blocking client", blocking_client(url.clone()))
        .await;
    let websocket = url.replace("http://", "ws://");
    findings
        .check(
            "a download over WebSocket: added, completed, with notifications of both",
            download(&websocket, &process),
        )
        .await;
    findings
        .check("`aria2.shutdown` stops it", shutdown(client, process))
        .await;
    Ok(findings)
}

async fn introspection(client: &Client) -> Result<()> {
    let methods: Vec<String> = client.call("system.listMethods", ()).await?;
    for wanted in ["aria2.addUri", "aria2.tellStatus", "system.multicall"] {
        ensure!(methods.iter().any(|method| method == wanted), "{methods:?}");
    }
    Ok(())
}

fn expect_fault<T>(result: Result<T, CallError>, code: i64, text: &str) -> Result<()> {
    let error = result.err().context("there is no fault")?;
    let CallError::Fault(fault) = &error else {
        return Err(error.into());
    };
    ensure!(
        fault.code() == code && fault.message().contains(text),
        "{fault:?}"
    );
    Ok(())
}

async fn faults(client: &Client) -> Result<()> {
    let wrong = client
        .call::<Value>("aria2.getVersion", ("token:wrong",))
        .await;
    expect_fault(wrong, 1, "Unauthorized")?;
    let unknown = client.call::<Value>("aria2.noSuchMethod", (TOKEN,)).await;
    expect_fault(unknown, 1, "No such method")?;
    let mistyped = client.call::<Value>("aria2.tellStatus", (TOKEN, 3)).await;
    expect_fault(mistyped, 1, "wrong type")
}

async fn batch(client: &Client) -> Result<()> {
    let mut batch = client.batch();
    let version = batch.call::<Version>("aria2.getVersion", (TOKEN,));
    let refused = batch.call::<Value>("aria2.getVersion", ("token:wrong",));
    let active = batch.call::<Vec<Value>>("aria2.tellActive", (TOKEN,));
    let mut results = batch.send().await?;
    ensure!(results.take(version)?.version.starts_with("1."));
    expect_fault(results.take(refused), 1, "Unauthorized")?;
    ensure!(results.take(active)?.is_empty());
    Ok(())
}

async fn multicall(client: &Client) -> Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        method_name: &'static str,
        params: [&'static str; 1],
    }

    let entry = |params| Entry {
        method_name: "aria2.getVersion",
        params,
    };
    let calls = [entry([TOKEN]), entry(["token:wrong"])];
    let (version, refused): ((Version,), HashMap<String, Value>) =
        client.call("system.multicall", (&calls,)).await?;
    ensure!(version.0.version.starts_with("1."));
    ensure!(
        refused.get("code").and_then(Value::as_i64) == Some(1),
        "{refused:?}"
    );
    Ok(())
}

async fn blocking_client(url: String) -> Result<()> {
    let calls = move || {
        let client = blocking::Client::new(&url)?;
        let version: Version = client.call("aria2.getVersion", (TOKEN,))?;
        ensure!(version.version.starts_with("1."));
        let refused = client.call::<Value>("aria2.getVersion", ());
        expect_fault(refused, 1, "Unauthorized")
    };
    tokio::task::spawn_blocking(calls).await?
}

/// The only parameter of a notification.
#[derive(Debug, Deserialize)]
struct Event {
    gid: String,
}

async fn download(url: &str, process: &Process) -> Result<()> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let sender = Arc::new(sender);
    let registry = Registry::new();
    for event in ["aria2.onDownloadStart", "aria2.onDownloadComplete"] {
        let sender = Arc::clone(&sender);
        registry.register_function(event, move |about: Event| {
            let _ = sender.send((event, about.gid));
        })?;
    }
    let options = SocketClientOptions::default().service(Service::new(registry));
    let client = SocketClient::with_options(url, options)?;
    let options = HashMap::from([("out", "websocket.bin")]);
    let uris = [serve_content().await?];
    let gid: String = client.call("aria2.addUri", (TOKEN, &uris, options)).await?;
    for expected in ["aria2.onDownloadStart", "aria2.onDownloadComplete"] {
        let received = timeout(Duration::from_secs(60), events.recv()).await?;
        let received = received.context("the connection ended")?;
        ensure!(received == (expected, gid.clone()), "{received:?}");
    }
    completed_file(&process.folder().join("websocket.bin"))?;
    until(async || {
        let keys = ["status"];
        let status: HashMap<String, String> =
            client.call("aria2.tellStatus", (TOKEN, &gid, keys)).await?;
        Ok((status
            .get("status")
            .is_some_and(|status| status == "complete"))
        .then_some(()))
    })
    .await
}

async fn shutdown(client: &Client, process: Process) -> Result<()> {
    let done: String = client.call("aria2.shutdown", (TOKEN,)).await?;
    ensure!(done == "OK", "{done}");
    process.exits().await
}
