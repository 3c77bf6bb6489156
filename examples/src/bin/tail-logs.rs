//! The lines of a log of many hosts, as they are written: `tail-logs PATH HOST:PORT…` follows the
//! file through the agent of each host, which has the module `tail` on:
//!
//! ```sh
//! farcall agent --listen conn+rpc+encrypted://0.0.0.0:7000 --authkey-file key \
//!     --enable tail --read /var/log
//! ```
//!
//! A host that is not reached, or whose connection breaks, is told and tried again; the others go
//! on. The reader may be slow: the agents wait for it.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::report;
use farcall::cluster::agent::AgentApi;
use farcall::conn::auth::AuthKey;
use farcall::protocol::output::{Causes, Foreign};
use farcall::rpc::Client;
use tokio::sync::mpsc::Sender;

#[derive(Parser)]
#[command(about = "Follows a log of many hosts through their agents")]
struct Arguments {
    /// File to follow, such as /var/log/syslog
    path: String,
    /// Addresses of the agents
    #[arg(required = true, value_name = "HOST:PORT")]
    hosts: Vec<String>,
    /// File with the authkey of the agents
    #[arg(long, value_name = "FILE")]
    authkey_file: PathBuf,
    /// Begin with so many of the lines that are there already
    #[arg(long, value_name = "LINES", default_value_t = 10)]
    last: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    report("tail-logs", run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let key = AuthKey::from_file(&arguments.authkey_file)?;
    let (sender, mut lines) = tokio::sync::mpsc::channel(64);
    for host in arguments.hosts {
        let (key, path, sender) = (key.clone(), arguments.path.clone(), sender.clone());
        tokio::spawn(async move {
            // The lines that are there already are shown once.
            let mut last = arguments.last;
            while !sender.is_closed() {
                if let Err(error) = follow(&host, &key, &path, last, &sender).await {
                    eprintln!("{host}: {}", Foreign::line(Causes(&*error)));
                }
                last = 0;
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        });
    }
    drop(sender);
    while let Some(line) = lines.recv().await {
        println!("{line}");
    }
    Ok(())
}

/// Sends the lines of one host, with its name, until the connection ends.
async fn follow(
    host: &str,
    key: &AuthKey,
    path: &str,
    last: u32,
    sender: &Sender<String>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let agent = Client::connect(host).authkey(key).encrypted().await?;
    let mut lines = agent.tail_file(path, Some(last)).await?;
    while let Some(line) = lines.next().await {
        // A log can contain anything, also what would control the terminal.
        let line = format!("{host}: {}", Foreign::line(line?));
        if sender.send(line).await.is_err() {
            break;
        }
    }
    Ok(())
}
