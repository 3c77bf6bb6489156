//! Supervisor, a process manager.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use farcall::http::HttpError;
use farcall::xmlrpc::Client;
use farcall::{CallError, Value};
use serde::Deserialize;

use super::process::{Process, until};
use super::{Application, Findings};
use crate::peer::Start;
use crate::relay::Relay;

pub(super) fn application() -> Application {
    Application {
        name: "supervisor",
        title: "Supervisor",
        packages: "supervisor",
        version: Start::program("supervisord", &["--version"]),
        checks: || Box::pin(findings()),
    }
}

async fn findings() -> Result<Findings> {
    let process = Process::start(command).await?;
    let connections = Relay::new((Ipv4Addr::LOCALHOST, process.port).into())?;
    let address = format!("127.0.0.1:{}/RPC2", connections.port);
    let socket = process.folder().join("socket");
    let url = format!("http://user:pass%20word@{address}");
    let client = &Client::new(&url)?;
    let over_socket = &Client::new(&format!(
        "http+unix://user:pass%20word@{}:/RPC2",
        socket.display()
    ))?;

    let mut findings = Findings::default();
    findings
        .check("HTTP with basic authentication", state(client))
        .await;
    findings
        .check(
            "wrong and missing credentials are refused",
            refused(&address),
        )
        .await;
    findings
        .check(
            "a Unix socket with basic authentication",
            state(over_socket),
        )
        .await;
    findings
        .check(
            "`system.listMethods` and `system.methodHelp`",
            introspection(client),
        )
        .await;
    findings
        .defect(
            "`system.methodSignature`",
            "one signature is returned instead of a list of signatures",
            signature(client),
        )
        .await;
    findings
        .peculiar(
            "faults",
            "the fault codes are its own: 1 for an unknown method, 2 for wrong parameters",
            faults(client),
        )
        .await;
    findings
        .peculiar(
            "`system.multicall` with a fault among its results",
            "the results are not wrapped in arrays",
            multicall(client),
        )
        .await;
    findings
        .check("a multicall over the Unix socket", multicall(over_socket))
        .await;
    findings
        .check(
            "a process is started, given unicode to read, read from and stopped",
            start_and_stop(client),
        )
        .await;
    findings
        .check("a string of 1 MiB, in both directions", large(client))
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
        .check(
            "`supervisor.shutdown` stops it",
            shutdown(over_socket, process),
        )
        .await;
    Ok(findings)
}

fn command(folder: &Path, port: u16) -> Result<Command> {
    let configuration = folder.join("supervisord.conf");
    let folder = folder.display();
    let text = format!(
        "[supervisord]\nnodaemon = true\nlogfile = {folder}/log\npidfile = {folder}/pid\nchildlogdir = {folder}\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [inet_http_server]\nport = 127.0.0.1:{port}\nusername = user\npassword = pass word\n\
         [unix_http_server]\nfile = {folder}/socket\nusername = user\npassword = pass word\n\
         [program:cat]\ncommand = cat\nautostart = false\nstartsecs = 0\n"
    );
    std::fs::write(&configuration, text)?;
    let mut command = Command::new("supervisord");
    command
        .arg("--configuration")
        .arg(configuration)
        .stderr(std::process::Stdio::null());
    Ok(command)
}

#[derive(Debug, Deserialize)]
struct State {
    statecode: i64,
    statename: String,
}

async fn state(client: &Client) -> Result<()> {
    let state: State = client.call("supervisor.getState", ()).await?;
    ensure!(
        (state.statecode, state.statename.as_str()) == (1, "RUNNING"),
        "{state:?}"
    );
    Ok(())
}

async fn refused(address: &str) -> Result<()> {
    for url in [
        format!("http://user:wrong@{address}"),
        format!("http://{address}"),
    ] {
        let result = Client::new(&url)?
            .call::<Value>("supervisor.getState", ())
            .await;
        let error = result.err().context("it is not refused")?;
        let status = HttpError::of(&error).map(HttpError::status);
        ensure!(
            matches!(error, CallError::Refused(_)) && status == Some(401),
            "{error:?}"
        );
    }
    Ok(())
}

async fn introspection(client: &Client) -> Result<()> {
    let methods: Vec<String> = client.call("system.listMethods", ()).await?;
    for wanted in ["supervisor.getState", "system.multicall"] {
        ensure!(methods.iter().any(|method| method == wanted), "{methods:?}");
    }
    let help: String = client
        .call("system.methodHelp", ("supervisor.getState",))
        .await?;
    ensure!(
        help.contains("Return current state of supervisord as a struct"),
        "{help}"
    );
    Ok(())
}

async fn signature(client: &Client) -> Result<()> {
    let method = "supervisor.startProcess";
    let signature: Vec<String> = client.call("system.methodSignature", (method,)).await?;
    ensure!(
        signature == ["boolean", "string", "boolean"],
        "{signature:?}"
    );
    Ok(())
}

fn expect_fault<T>(result: Result<T, CallError>, code: i64, message: &str) -> Result<()> {
    match result {
        Ok(_) => bail!("there is no fault"),
        Err(CallError::Fault(fault)) => {
            ensure!(
                (fault.code(), fault.message()) == (code, message),
                "{fault:?}"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn faults(client: &Client) -> Result<()> {
    let unknown = client.call::<Value>("supervisor.noSuchMethod", ()).await;
    expect_fault(unknown, 1, "UNKNOWN_METHOD")?;
    let wrong = client.call::<Value>("supervisor.getState", (1, 2)).await;
    expect_fault(wrong, 2, "INCORRECT_PARAMETERS")?;
    let name = "n\u{f6} <&> \u{1f600}";
    let nowhere = client
        .call::<Value>("supervisor.getProcessInfo", (name,))
        .await;
    expect_fault(nowhere, 10, &format!("BAD_NAME: {name}"))?;
    let stopped = client
        .call::<Value>("supervisor.stopProcess", ("cat",))
        .await;
    expect_fault(stopped, 70, "NOT_RUNNING: cat")
}

#[derive(Debug, Deserialize)]
struct ProcessInfo {
    name: String,
    statename: String,
    pid: i64,
}

async fn multicall(client: &Client) -> Result<()> {
    let mut batch = client.batch();
    let state = batch.call::<State>("supervisor.getState", ());
    let nowhere = batch.call::<Value>("supervisor.getProcessInfo", ("nowhere",));
    // A bare array of one element, which must not be taken for a wrapped result.
    let all = batch.call::<Vec<ProcessInfo>>("supervisor.getAllProcessInfo", ());
    let mut results = batch.send().await?;
    ensure!(results.take(state)?.statename == "RUNNING");
    expect_fault(results.take(nowhere), 10, "BAD_NAME: nowhere")?;
    let all = results.take(all)?;
    ensure!(matches!(&*all, [info] if info.name == "cat"), "{all:?}");

    // The batch returns the same results as an explicit multicall.
    let calls = [Value::Struct(
        [(
            "methodName".to_owned(),
            Value::from("supervisor.getAPIVersion"),
        )]
        .into_iter()
        .collect(),
    )];
    let bare: Vec<String> = client.call("system.multicall", (calls,)).await?;
    ensure!(
        matches!(&*bare, [version] if version.starts_with("3.")),
        "{bare:?}"
    );
    Ok(())
}

async fn start_and_stop(client: &Client) -> Result<()> {
    ensure!(
        client
            .call::<bool>("supervisor.startProcess", ("cat", true))
            .await?
    );
    let info: ProcessInfo = client.call("supervisor.getProcessInfo", ("cat",)).await?;
    ensure!(info.statename == "RUNNING" && info.pid > 1, "{info:?}");
    echo_through_cat(client, "\u{e9}\u{4e2d}\u{1f600} <&>\n").await?;
    ensure!(
        client
            .call::<bool>("supervisor.stopProcess", ("cat", true))
            .await?
    );
    let info: ProcessInfo = client.call("supervisor.getProcessInfo", ("cat",)).await?;
    ensure!(info.statename == "STOPPED" && info.pid == 0, "{info:?}");
    Ok(())
}

/// Sends a text to `cat`, and waits until its log contains exactly that text.
async fn echo_through_cat(client: &Client, text: &str) -> Result<()> {
    ensure!(
        client
            .call::<bool>("supervisor.clearProcessLogs", ("cat",))
            .await?
    );
    ensure!(
        client
            .call::<bool>("supervisor.sendProcessStdin", ("cat", text))
            .await?
    );
    until(async || {
        let log: String = client
            .call("supervisor.readProcessStdoutLog", ("cat", 0, 0))
            .await?;
        ensure!(text.starts_with(&log), "{:.200}", log);
        Ok((log == text).then_some(()))
    })
    .await
}

async fn large(client: &Client) -> Result<()> {
    ensure!(
        client
            .call::<bool>("supervisor.startProcess", ("cat", true))
            .await?
    );
    echo_through_cat(client, &"large & <long>\n".repeat(70_000)).await?;
    ensure!(
        client
            .call::<bool>("supervisor.stopProcess", ("cat", true))
            .await?
    );
    Ok(())
}

async fn thousand_calls(client: &Client, connections: &Relay) -> Result<()> {
    let before = connections.count();
    for _ in 0..1000 {
        client.call::<State>("supervisor.getState", ()).await?;
    }
    let count = connections.count() - before;
    ensure!(count == 0, "{count} more connections");
    Ok(())
}

async fn blocking(url: String) -> Result<()> {
    let calls = move || {
        let client = farcall::xmlrpc::blocking::Client::new(&url)?;
        let version: String = client.call("supervisor.getAPIVersion", ())?;
        ensure!(version.starts_with("3."), "{version}");
        let unknown = client.call::<Value>("supervisor.noSuchMethod", ());
        expect_fault(unknown, 1, "UNKNOWN_METHOD")
    };
    tokio::task::spawn_blocking(calls).await?
}

async fn shutdown(client: &Client, process: Process) -> Result<()> {
    ensure!(client.call::<bool>("supervisor.shutdown", ()).await?);
    process.exits().await
}
