//! Each peer as client of our server and as server for our client, a test for each.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use interop::{Cells, Peer, peers, run};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let peers = peers::all().into_iter().map(Arc::new);
    let trials = peers.flat_map(|peer| [client(Arc::clone(&peer))].into_iter().chain(server(peer)));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn client(peer: Arc<Peer>) -> Trial {
    let name = format!("{}::as_client", peer.name);
    Trial::test(name, move || passed(run::as_client(&peer)))
}

fn server(peer: Arc<Peer>) -> Option<Trial> {
    peer.server.as_ref()?;
    let name = format!("{}::as_server", peer.name);
    Some(Trial::test(name, move || match &peer.server {
        Some(server) => passed(run::as_server(&peer, server)),
        None => Ok(()),
    }))
}

fn passed(cells: impl Future<Output = Result<Cells>>) -> Result<(), Failed> {
    let cells = Runtime::new()?.block_on(cells);
    let failures = cells.map_err(|error| format!("{error:#}"))?.failures();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n").into())
    }
}
