//! Runs the peers in both directions, and writes `docs/INTEROP.md` if all of them were run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use futures_util::{StreamExt as _, stream};
use interop::applications::{self, Application, Findings};
use interop::document::{self, Column};
use interop::{Cells, Peer, peers, run};

/// Tests Farcall's XML-RPC and JSON-RPC with the libraries of other languages
#[derive(Parser)]
struct Arguments {
    /// Run only peers and applications whose names begin with one of these, and write no document
    names: Vec<String>,
    /// List the names of the peers
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(arguments: &Arguments) -> Result<()> {
    let names = &arguments.names;
    let chosen =
        |name: &str| names.is_empty() || names.iter().any(|begin| name.starts_with(&**begin));
    let peers = peers::all().into_iter().filter(|peer| chosen(&peer.name));
    let peers: Vec<Peer> = peers.collect();
    let chosen = |applications: Vec<Application>| -> Vec<Application> {
        let applications = applications.into_iter();
        applications
            .filter(|application| chosen(application.name))
            .collect()
    };
    let (applications, libraries) = (
        chosen(applications::all()),
        chosen(applications::libraries()),
    );
    if peers.is_empty() && applications.is_empty() && libraries.is_empty() {
        bail!("no peer has such a name: --list lists them");
    }
    if arguments.list {
        let peers = peers.iter().map(|peer| (&*peer.name, &*peer.title));
        let applications = applications
            .iter()
            .chain(&libraries)
            .map(|application| (application.name, application.title));
        for (name, title) in peers.chain(applications) {
            println!("{name:16} {title}");
        }
        return Ok(());
    }
    let at_once = std::thread::available_parallelism()?.get();
    let columns: Vec<Option<Column>> = stream::iter(&peers)
        .map(column)
        .buffered(at_once)
        .collect()
        .await;
    let all = stream::iter(applications.iter().chain(&libraries));
    let findings: Vec<Option<(String, Findings)>> =
        all.map(run_application).buffered(at_once).collect().await;
    let columns: Option<Vec<Column>> = columns.into_iter().collect();
    let findings: Option<Vec<(String, Findings)>> = findings.into_iter().collect();
    let (Some(columns), Some(mut findings)) = (columns, findings) else {
        bail!(
            "some checks failed: fix them, or describe the peer's behaviour in interop/src/peers"
        );
    };
    if names.is_empty() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let libraries = findings.split_off(applications.len());
        std::fs::write(
            docs.join("INTEROP.md"),
            document::document(&columns, &findings, &libraries),
        )?;
        println!("docs/INTEROP.md is written");
    }
    Ok(())
}

/// Runs the checks of an application. Returns `None` if one fails.
async fn run_application(application: &Application) -> Option<(String, Findings)> {
    let findings = run::application(application).await;
    let failures = match &findings {
        Ok((_, findings)) => findings.failures(),
        Err(error) => vec![format!("{error:#}")],
    };
    print_result(application.name, &failures);
    let (version, findings) = findings.ok().filter(|_| failures.is_empty())?;
    Some((format!("{} {version}", application.title), findings))
}

/// Runs a peer in both directions. Returns `None` if a check fails.
async fn column(peer: &Peer) -> Option<Column> {
    let version = run::version(peer).await;
    let version = version.inspect_err(|error| println!("{error:#}")).ok()?;
    let client = report(peer, "client", run::as_client(peer).await);
    let server = match &peer.server {
        Some(server) => Some(report(peer, "server", run::as_server(peer, server).await)?),
        None => None,
    };
    Some(Column {
        title: format!("{} {version}", peer.title),
        client: client?,
        server,
    })
}

/// Prints the result of one direction, and returns its cells if nothing failed.
fn report(peer: &Peer, direction: &str, cells: Result<Cells>) -> Option<Cells> {
    let failures = match &cells {
        Ok(cells) => cells.failures(),
        Err(error) => vec![format!("{error:#}")],
    };
    print_result(&format!("{} as {direction}", peer.name), &failures);
    cells.ok().filter(|_| failures.is_empty())
}

fn print_result(name: &str, failures: &[String]) {
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    println!("{name}: {verdict}");
    for failure in failures {
        println!("    {failure}");
    }
}
