//! Tests of each peer as client of our server and as server for our client.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use interop::applications::{self, Application};
use interop::{Cells, Peer, peers, run};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let peers = peers::all().into_iter().map(Arc::new);
    let peers = peers.flat_map(|peer| [client(Arc::clone(&peer))].into_iter().chain(server(peer)));
    let applications = applications::all().into_iter();
    let applications = applications
        .chain(applications::libraries())
        .map(application);
    libtest_mimic::run(&arguments, peers.chain(applications).collect()).exit_code()
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

fn application(application: Application) -> Trial {
    Trial::test(application.name, move || {
        let findings = Runtime::new()?.block_on(run::application(&application));
        reported(findings.map(|(_, findings)| findings.failures()))
    })
}

fn passed(cells: impl Future<Output = Result<Cells>>) -> Result<(), Failed> {
    let cells = Runtime::new()?.block_on(cells);
    reported(cells.map(|cells| cells.failures()))
}

fn reported(failures: Result<Vec<String>>) -> Result<(), Failed> {
    let failures = failures.map_err(|error| format!("{error:#}"))?;
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n").into())
    }
}
