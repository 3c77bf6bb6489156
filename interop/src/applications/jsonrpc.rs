//! Libraries for JSON-RPC: each calls our server, and our clients call its server.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use farcall::jsonrpc::{Client, Server, blocking};
use farcall::{CallError, Value};
use serde::Serialize;

use super::{Application, Findings};
use crate::peer::{Start, programs};
use crate::process::{self, ServerProcess};

/// The checks of a client, by the names that its program prints.
const OF_CLIENT: [(&str, &str); 7] = [
    ("positional parameters", "calls us: positional parameters"),
    ("named parameters", "calls us: named parameters"),
    ("notifications", "calls us: notifications"),
    ("batches", "calls us: batches"),
    (
        "errors",
        "calls us: unknown method, wrong parameters, fault",
    ),
    ("values", "calls us: unicode, nested values, booleans, null"),
    (
        "numbers",
        "calls us: doubles, and integers to 64 bits (of JavaScript: to 53)",
    ),
];

/// A library with programs in `peers/jsonrpc`.
struct Library {
    interpreter: fn() -> Command,
    client: &'static str,
    server: &'static str,
    /// Defects of the client: the check, what shows it, and its description.
    defects: &'static [(&'static str, &'static str, &'static str)],
    /// The largest integer that its language reads exactly.
    largest: u64,
}

const PELIX: Library = Library {
    interpreter: python,
    client: "pelix_client.py",
    server: "pelix_server.py",
    defects: &[(
        "notifications",
        "TransportError for 127.0.0.1:",
        "status 204 is an error for its client (`single_request` accepts 200 only), though the \
         notification ran",
    )],
    largest: u64::MAX,
};

const JSONRPCSERVER: Library = Library {
    interpreter: python,
    client: "jsonrpcclient_client.py",
    server: "jsonrpcserver_server.py",
    defects: &[],
    largest: u64::MAX,
};

const JSON_RPC_2_0: Library = Library {
    interpreter: node,
    client: "json-rpc-2.0_client.mjs",
    server: "json-rpc-2.0_server.mjs",
    defects: &[],
    largest: (1 << 53) - 1,
};

const JAYSON: Library = Library {
    interpreter: node,
    client: "jayson_client.mjs",
    server: "jayson_server.mjs",
    defects: &[],
    largest: (1 << 53) - 1,
};

/// Returns all libraries.
pub(super) fn libraries() -> Vec<Application> {
    vec![
        Application {
            name: "jsonrpclib-pelix",
            title: "jsonrpclib-pelix",
            packages: "jsonrpclib-pelix",
            version: version_in_python("jsonrpclib-pelix"),
            checks: || Box::pin(findings(&PELIX)),
        },
        Application {
            name: "jsonrpcserver",
            title: "jsonrpcclient, jsonrpcserver",
            packages: "jsonrpcclient, jsonrpcserver",
            version: version_in_python("jsonrpcserver"),
            checks: || Box::pin(findings(&JSONRPCSERVER)),
        },
        Application {
            name: "json-rpc-2.0",
            title: "json-rpc-2.0",
            packages: "json-rpc-2.0",
            version: version_in_node("json-rpc-2.0"),
            checks: || Box::pin(findings(&JSON_RPC_2_0)),
        },
        Application {
            name: "jayson",
            title: "jayson",
            packages: "jayson",
            version: version_in_node("jayson"),
            checks: || Box::pin(findings(&JAYSON)),
        },
    ]
}

fn python() -> Command {
    let mut python = Command::new(programs().join("venv/bin/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

fn node() -> Command {
    Command::new("node")
}

fn version_in_python(package: &'static str) -> Start {
    Start::new(move || {
        let mut python = python();
        let program = format!("import importlib.metadata as m; print(m.version('{package}'))");
        python.arg("-c").arg(program);
        Ok(python)
    })
}

fn version_in_node(package: &'static str) -> Start {
    Start::new(move || {
        let file = format!("jsonrpc/node_modules/{package}/package.json");
        let mut node = node();
        let program = "console.log(JSON.parse(fs.readFileSync(process.argv[1])).version)";
        node.args(["-e", program, "--"]).arg(programs().join(file));
        Ok(node)
    })
}

impl Library {
    fn command(&self, program: &str) -> Command {
        let mut command = (self.interpreter)();
        command.arg(programs().join("jsonrpc").join(program));
        command
    }
}

async fn findings(library: &Library) -> Result<Findings> {
    let mut findings = Findings::default();
    as_client(library, &mut findings).await?;
    let process = ServerProcess::start(library.command(library.server)).await?;
    let client = &Client::new(&process.url)?;
    findings
        .check("we call it: positional parameters", positional(client))
        .await;
    findings
        .check("we call it: named parameters", named(client))
        .await;
    findings
        .check("we call it: notifications", notifications(client))
        .await;
    findings.check("we call it: batches", batches(client)).await;
    findings
        .check("we call it: unknown method, fault", errors(client))
        .await;
    findings
        .check(
            "we call it: unicode, nested values, booleans, null",
            values(client),
        )
        .await;
    findings
        .check(
            "we call it: doubles, and integers to 64 bits (of JavaScript: to 53)",
            numbers(client, library.largest),
        )
        .await;
    findings
        .check("we call it: 1,000 calls", thousand_calls(client))
        .await;
    findings
        .check(
            "we call it: our blocking client",
            from_blocking_code(process.url.clone()),
        )
        .await;
    Ok(findings)
}

/// Runs the client of the library with our server.
async fn as_client(library: &Library, findings: &mut Findings) -> Result<()> {
    let server = Server::new();
    server.register_instance(std::sync::Arc::new(demo::Demo::default()))?;
    server.register_instance(demo::Specification)?;
    let bound = server.bind("127.0.0.1:0").await?;
    let mut command = library.command(library.client);
    command.arg(bound.url());
    let serving = tokio::spawn(bound.serve());
    let ran = process::run(command).await;
    serving.abort();
    let (output, stderr) = ran?;
    ensure!(
        output.trim_end().ends_with("end"),
        "the output lacks `end`:\n{output}{stderr}"
    );
    for (name, action) in OF_CLIENT {
        let line = output.lines().find_map(|line| line.strip_prefix(name));
        let outcome = line.and_then(|line| line.strip_prefix(": "));
        let outcome = outcome.with_context(|| format!("there is no check `{name}`"))?;
        let defect = library.defects.iter().find(|(check, ..)| *check == name);
        match defect {
            None => findings.check(action, async { is_ok(outcome) }).await,
            Some((_, shows, about)) => {
                let shown = async {
                    ensure!(outcome.contains(shows), "it has another outcome: {outcome}");
                    Ok(())
                };
                findings.defect(action, about, shown).await;
            }
        }
    }
    Ok(())
}

fn is_ok(outcome: &str) -> Result<()> {
    ensure!(outcome == "ok", "{outcome}");
    Ok(())
}

#[derive(Serialize)]
struct Difference {
    minuend: i64,
    subtrahend: i64,
}

const DIFFERENCE: Difference = Difference {
    minuend: 42,
    subtrahend: 23,
};

async fn positional(client: &Client) -> Result<()> {
    let difference: i64 = client.call("subtract", (42, 23)).await?;
    ensure!(difference == 19, "{difference}");
    Ok(())
}

async fn named(client: &Client) -> Result<()> {
    let difference: i64 = client.call_named("subtract", &DIFFERENCE).await?;
    ensure!(difference == 19, "{difference}");
    Ok(())
}

async fn notifications(client: &Client) -> Result<()> {
    client.notify("update", (1, 2)).await?;
    Ok(client.notify("no such method", ()).await?)
}

async fn batches(client: &Client) -> Result<()> {
    let mut batch = client.batch();
    let difference = batch.call::<i64>("subtract", (42, 23));
    batch.notify("update", (1,))?;
    let missing = batch.call::<Value>("no such method", ((),));
    let text = batch.call::<String>("echo", ("\u{e9}",));
    let mut results = batch.send().await?;
    ensure!(results.take(difference)? == 19);
    has_code(results.take(missing), -32601)?;
    ensure!(results.take(text)? == "\u{e9}");
    Ok(())
}

fn has_code<T>(result: Result<T, CallError>, code: i64) -> Result<()> {
    match result {
        Ok(_) => bail!("there is no error"),
        Err(CallError::Fault(fault)) if fault.code() == code => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn errors(client: &Client) -> Result<()> {
    let missing = client.call::<Value>("no such method", ((),)).await;
    has_code(missing, -32601)?;
    has_code(client.call::<Value>("fail", (42, "no")).await, 42)
}

async fn values(client: &Client) -> Result<()> {
    let nested: Value = [("a", Value::from(vec![Value::from(1), Value::Nil]))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<farcall::Struct>()
        .into();
    let text = "\u{e9}\u{4e2d}\u{1f600}\0\"\\/\u{2028}";
    for value in [nested, text.into(), true.into(), Value::Nil] {
        let echo: Value = client.call("echo", (&value,)).await?;
        ensure!(echo == value, "{echo}");
    }
    Ok(())
}

async fn numbers(client: &Client, largest: u64) -> Result<()> {
    let echo: u64 = client.call("echo", (largest,)).await?;
    ensure!(echo == largest, "{echo}");
    for number in [0.1, 1e300, -1.5] {
        let echo: f64 = client.call("echo", (number,)).await?;
        ensure!(echo.to_bits() == f64::to_bits(number), "{echo}");
    }
    Ok(())
}

async fn thousand_calls(client: &Client) -> Result<()> {
    for number in 0..1000 {
        let difference: i64 = client.call("subtract", (number, 1)).await?;
        ensure!(difference == number - 1, "{difference}");
    }
    Ok(())
}

async fn from_blocking_code(url: String) -> Result<()> {
    let calls = move || {
        let client = blocking::Client::new(&url)?;
        let difference: i64 = client.call("subtract", (42, 23))?;
        ensure!(difference == 19, "{difference}");
        let named: i64 = client.call_named("subtract", &DIFFERENCE)?;
        ensure!(named == 19, "{named}");
        client.notify("update", (1,))?;
        has_code(client.call::<Value>("no such method", ((),)), -32601)
    };
    tokio::task::spawn_blocking(calls).await?
}
