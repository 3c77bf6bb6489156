//! Collects facts of many hosts into CSV: one line for each, also for those that gave none.
//!
//! The hosts are demo servers (`demo-server`), over any protocol: the facts are their clock, and
//! their number of methods.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use examples::{hosts, report};
use farcall::cluster::{ConnectOptions, Fleet, Host};
use farcall::protocol::output::Causes;
use farcall::{CallError, DateTime, client};

#[client]
trait Facts {
    #[client(idempotent)]
    async fn now(&self) -> Result<DateTime, CallError>;
    #[client(idempotent, name = "system.listMethods")]
    async fn methods(&self) -> Result<Vec<String>, CallError>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report("fleet-facts", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("expected a file of hosts")?;
    let fleet = Fleet::new(hosts(&file, ConnectOptions::default()).await?)
        .window(128)
        .timeout(Some(Duration::from_secs(5)));
    let mut facts = fleet.each(async |host: Host| Ok((host.now().await?, host.methods().await?)));
    println!("host,url,time,methods,error");
    while let Some((host, outcome)) = facts.next().await {
        let (time, methods, error) = match &outcome.result {
            Ok((time, methods)) => (time.to_string(), methods.len().to_string(), String::new()),
            Err(error) => (String::new(), String::new(), Causes(error).to_string()),
        };
        let fields = [host.name(), host.client().url(), &time, &methods, &error];
        println!("{}", fields.map(field).join(","));
    }
    Ok(())
}

/// Quotes a field of CSV. A peer wrote some of it, so control characters are left out.
fn field(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
