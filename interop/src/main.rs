//! Runs the peers in both directions, and writes `docs/INTEROP.md` where all of them are run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use futures_util::{StreamExt as _, stream};
use interop::document::{self, Column};
use interop::{Cells, Peer, peers, run};

/// Holds Farcall's XML-RPC against the libraries of other languages
#[derive(Parser)]
struct Arguments {
    /// Run only the peers whose names begin so, and write no document
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
    let chosen = |peer: &Peer| {
        names.is_empty()
            || names
                .iter()
                .any(|name| peer.name.starts_with(name.as_str()))
    };
    let peers: Vec<Peer> = peers::all().into_iter().filter(chosen).collect();
    if peers.is_empty() {
        bail!("no peer is named so: --list lists them");
    }
    if arguments.list {
        for peer in &peers {
            println!("{:16} {}", peer.name, peer.title);
        }
        return Ok(());
    }
    let at_once = std::thread::available_parallelism()?.get();
    let columns: Vec<Option<Column>> = stream::iter(&peers)
        .map(column)
        .buffered(at_once)
        .collect()
        .await;
    let Some(columns) = columns.into_iter().collect::<Option<Vec<Column>>>() else {
        bail!("what failed has to be mended, or to be said of the peer in interop/src/peers");
    };
    if names.is_empty() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        std::fs::write(docs.join("INTEROP.md"), document::document(&columns))?;
        println!("docs/INTEROP.md is written");
    }
    Ok(())
}

/// Runs a peer in both directions. Nothing comes of one that fails.
async fn column(peer: &Peer) -> Option<Column> {
    let version = run::version(peer).await;
    let version = version.inspect_err(|error| println!("{error:#}")).ok()?;
    let client = told(peer, "client", run::as_client(peer).await);
    let server = match &peer.server {
        Some(server) => Some(told(peer, "server", run::as_server(peer, server).await)?),
        None => None,
    };
    Some(Column {
        title: format!("{} {version}", peer.title),
        client: client?,
        server,
    })
}

/// Says how a direction went, and gives its cells where nothing failed.
fn told(peer: &Peer, direction: &str, cells: Result<Cells>) -> Option<Cells> {
    let failures = match &cells {
        Ok(cells) => cells.failures(),
        Err(error) => vec![format!("{error:#}")],
    };
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    println!("{} as {direction}: {verdict}", peer.name);
    for failure in &failures {
        println!("    {failure}");
    }
    cells.ok().filter(|_| failures.is_empty())
}
