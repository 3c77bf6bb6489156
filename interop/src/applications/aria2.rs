//! aria2, a download program that is controlled over XML-RPC.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::routing::get;
use farcall::xmlrpc::Client;
use farcall::{CallError, Fault, Value};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::Url;

use super::process::{Process, until};
use super::{Application, Findings};
use crate::http;
use crate::peer::Start;
use crate::relay::Relay;

const SECRET: &str = "s\u{e9}cret <&>";
pub(super) const TOKEN: &str = "token:s\u{e9}cret <&>";

pub(super) fn application() -> Application {
    Application {
        name: "aria2",
        title: "aria2",
        packages: "aria2",
        version: version_command(),
        checks: || Box::pin(findings()),
    }
}

/// Returns the command that prints the version.
pub(super) fn version_command() -> Start {
    Start::program("sh", &["-c", "aria2c --version | sed -n '1s/.* //p'"])
}

async fn findings() -> Result<Findings> {
    let process = Process::start(command).await?;
    let connections = Relay::new((Ipv4Addr::LOCALHOST, process.port).into())?;
    let url = format!("http://127.0.0.1:{}/rpc", connections.port);
    let client = &Client::new(&url)?;

    let mut findings = Findings::default();
    findings
        .check(
            "`system.listMethods` and `system.listNotifications`",
            introspection(client),
        )
        .await;
    findings
        .check("structs with arrays (`getVersion`)", version(client))
        .await;
    findings
        .check(
            "options are set and read, with unicode",
            options_are_kept(client),
        )
        .await;
    findings
        .peculiar(
            "a missing, a wrong and a correct token",
            "the code of every fault is 1",
            tokens(client),
        )
        .await;
    findings
        .check(
            "faults: unknown method, unknown download, wrong type",
            faults(client),
        )
        .await;
    findings
        .check(
            "`system.multicall` with faults among its results",
            multicall(client),
        )
        .await;
    findings
        .check(
            "a download: added paused, resumed, completed, and the file equals the one served",
            download(client, process.folder()),
        )
        .await;
    findings
        .check(
            "a download from a Metalink document sent as base64",
            metalink(client, process.folder()),
        )
        .await;
    findings
        .check("compressed replies", compressed(url.clone()))
        .await;
    findings
        .check(
            "1,000 calls over one connection",
            thousand_calls(client, &connections),
        )
        .await;
    findings
        .check("our blocking client", blocking(url.clone()))
        .await;
    findings
        .check("`aria2.shutdown` stops it", shutdown(client, process))
        .await;
    Ok(findings)
}

pub(super) fn command(folder: &Path, port: u16) -> Result<Command> {
    let mut command = Command::new("aria2c");
    command
        .args(["--no-conf", "--quiet", "--enable-rpc", "--enable-dht=false"])
        .arg(format!("--rpc-listen-port={port}"))
        .arg(format!("--rpc-secret={SECRET}"))
        .arg(format!("--dir={}", folder.display()))
        .env_remove("http_proxy")
        .env_remove("all_proxy");
    Ok(command)
}

async fn introspection(client: &Client) -> Result<()> {
    let methods: Vec<String> = client.call("system.listMethods", ()).await?;
    for wanted in ["aria2.addUri", "aria2.tellStatus", "system.multicall"] {
        ensure!(methods.iter().any(|method| method == wanted), "{methods:?}");
    }
    let notifications: Vec<String> = client.call("system.listNotifications", ()).await?;
    ensure!(notifications.len() >= 5, "{notifications:?}");
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) version: String,
    enabled_features: Vec<String>,
}

async fn version(client: &Client) -> Result<()> {
    let version: Version = client.call("aria2.getVersion", (TOKEN,)).await?;
    ensure!(version.version.starts_with("1."), "{}", version.version);
    let features = version.enabled_features;
    ensure!(
        features.iter().any(|feature| feature == "XML-RPC"),
        "{features:?}"
    );
    Ok(())
}

async fn options_are_kept(client: &Client) -> Result<()> {
    let agent = "\u{e9}\u{4e2d}\u{1f600} <&>";
    let wanted = HashMap::from([("user-agent", agent), ("max-concurrent-downloads", "7")]);
    let done: String = client
        .call("aria2.changeGlobalOption", (TOKEN, &wanted))
        .await?;
    ensure!(done == "OK", "{done}");
    let options: HashMap<String, String> = client.call("aria2.getGlobalOption", (TOKEN,)).await?;
    for (name, value) in wanted {
        ensure!(
            options.get(name).is_some_and(|got| got == value),
            "{name}: {:?}",
            options.get(name)
        );
    }
    Ok(())
}

fn expect_fault<T>(result: Result<T, CallError>, wanted: &str) -> Result<()> {
    let error = result.err().context("there is no fault")?;
    let CallError::Fault(fault) = error else {
        return Err(error.into());
    };
    fault_is(&fault, wanted)
}

fn fault_is(fault: &Fault, wanted: &str) -> Result<()> {
    ensure!((fault.code(), fault.message()) == (1, wanted), "{fault:?}");
    Ok(())
}

async fn tokens(client: &Client) -> Result<()> {
    let method = "aria2.getGlobalStat";
    expect_fault(client.call::<Value>(method, ()).await, "Unauthorized")?;
    expect_fault(
        client.call::<Value>(method, ("token:wrong",)).await,
        "Unauthorized",
    )?;
    client
        .call::<HashMap<String, String>>(method, (TOKEN,))
        .await?;
    Ok(())
}

async fn faults(client: &Client) -> Result<()> {
    let method = "aria2.noSuchMethod";
    let result = client.call::<Value>(method, (TOKEN,)).await;
    expect_fault(result, "No such method: aria2.noSuchMethod")?;
    let status = "aria2.tellStatus";
    let result = client
        .call::<Value>(status, (TOKEN, "0123456789abcdef"))
        .await;
    expect_fault(result, "GID 0123456789abcdef is not found")?;
    let result = client.call::<Value>(status, (TOKEN, 3)).await;
    expect_fault(result, "The parameter at 0 has wrong type.")
}

async fn multicall(client: &Client) -> Result<()> {
    let mut batch = client.batch();
    let version = batch.call::<Version>("aria2.getVersion", (TOKEN,));
    let refused = batch.call::<Value>("aria2.getVersion", ("token:wrong",));
    let active = batch.call::<Vec<Value>>("aria2.tellActive", (TOKEN,));
    let notifications = batch.call::<Vec<String>>("system.listNotifications", ());
    let mut results = batch.send().await?;
    ensure!(results.take(version)?.version.starts_with("1."));
    expect_fault(results.take(refused), "Unauthorized")?;
    ensure!(results.take(active)?.is_empty());
    ensure!(results.take(notifications)?.len() >= 5);
    Ok(())
}

/// Returns the content that is served for downloads.
fn content() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(1 << 20).collect()
}

/// Serves the content until the runtime is dropped.
pub(super) async fn serve_content() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/content", listener.local_addr()?);
    let service = Router::new().route("/content", get(async || content()));
    tokio::spawn(async { axum::serve(listener, service).await });
    Ok(url)
}

/// The progress of a download. All numbers are strings, since they may exceed 32 bits.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: String,
    total_length: String,
    completed_length: String,
}

async fn status(client: &Client, gid: &str) -> Result<Status> {
    let keys = ["status", "totalLength", "completedLength"];
    Ok(client.call("aria2.tellStatus", (TOKEN, gid, keys)).await?)
}

async fn completed(client: &Client, gid: &str, file: &Path) -> Result<()> {
    let done = until(async || {
        let status = status(client, gid).await?;
        ensure!(status.status != "error", "{status:?}");
        Ok((status.status == "complete").then_some(status))
    });
    let done = done.await?;
    let length = content().len().to_string();
    ensure!(
        (&done.total_length, &done.completed_length) == (&length, &length),
        "{done:?}"
    );
    completed_file(file)
}

/// Checks that a file is what was served.
pub(super) fn completed_file(file: &Path) -> Result<()> {
    ensure!(
        std::fs::read(file)? == content(),
        "the file is not what was served"
    );
    Ok(())
}

async fn download(client: &Client, folder: &Path) -> Result<()> {
    let name = "\u{e9}\u{4e2d}\u{1f600} <&>.bin";
    let options = HashMap::from([("out", name), ("pause", "true")]);
    let uris = [serve_content().await?];
    let gid: String = client.call("aria2.addUri", (TOKEN, &uris, options)).await?;
    let paused = status(client, &gid).await?;
    ensure!(paused.status == "paused", "{paused:?}");
    let resumed: String = client.call("aria2.unpause", (TOKEN, &gid)).await?;
    ensure!(resumed == gid, "{resumed}");
    completed(client, &gid, &folder.join(name)).await?;
    let done: String = client
        .call("aria2.removeDownloadResult", (TOKEN, &gid))
        .await?;
    ensure!(done == "OK", "{done}");
    let result = client
        .call::<Value>("aria2.tellStatus", (TOKEN, &gid))
        .await;
    expect_fault(result, &format!("GID {gid} is not found"))
}

async fn metalink(client: &Client, folder: &Path) -> Result<()> {
    let uri = serve_content().await?;
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\
         <file name=\"metalink.bin\"><url>{uri}</url></file></metalink>"
    );
    let gids: Vec<String> = client
        .call(
            "aria2.addMetalink",
            (TOKEN, Value::from(document.into_bytes())),
        )
        .await?;
    let [gid] = &*gids else {
        anyhow::bail!("{gids:?}");
    };
    completed(client, gid, &folder.join("metalink.bin")).await
}

async fn compressed(url: String) -> Result<()> {
    let document = "<?xml version=\"1.0\"?><methodCall><methodName>system.listMethods</methodName></methodCall>";
    let post = move || http::post(&Url::parse(&url)?, "Accept-Encoding: gzip\r\n", document);
    let reply = tokio::task::spawn_blocking(post).await??;
    ensure!(
        reply.header("content-encoding") == Some("gzip"),
        "{}",
        reply.head
    );
    Ok(())
}

async fn thousand_calls(client: &Client, connections: &Relay) -> Result<()> {
    let before = connections.count();
    for _ in 0..1000 {
        client
            .call::<HashMap<String, String>>("aria2.getGlobalStat", (TOKEN,))
            .await?;
    }
    let count = connections.count() - before;
    ensure!(count == 0, "{count} more connections");
    Ok(())
}

async fn blocking(url: String) -> Result<()> {
    let calls = move || {
        let client = farcall::xmlrpc::blocking::Client::new(&url)?;
        let version: Version = client.call("aria2.getVersion", (TOKEN,))?;
        ensure!(version.version.starts_with("1."));
        expect_fault(client.call::<Value>("aria2.getVersion", ()), "Unauthorized")
    };
    tokio::task::spawn_blocking(calls).await?
}

async fn shutdown(client: &Client, process: Process) -> Result<()> {
    let done: String = client.call("aria2.shutdown", (TOKEN,)).await?;
    ensure!(done == "OK", "{done}");
    process.exits().await
}
