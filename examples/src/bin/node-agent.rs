//! An agent with a service of its own: a node on which an application is deployed. Everyone who
//! has a key may ask for its version, only the holders of the key `deploy` may change it, and the
//! module `run` of the agent is theirs, too.
//!
//! `node-agent` alone shows this with two callers. `node-agent serve ADDRESS FOLDER` serves, with
//! the keys in the files `deploy.key` and `watch.key` of the folder.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::{Parser, Subcommand};
use examples::report;
use farcall::cluster::agent::{Agent, AgentApi, AgentOptions, Allow, RunOptions};
use farcall::conn::auth::{AuthKey, AuthKeys};
use farcall::rpc::Client;
use farcall::{CallError, client, service};

/// Everyone may call this service.
struct Status(std::sync::Arc<Mutex<String>>);

#[service(prefix = "app")]
impl Status {
    /// Returns the version that is deployed.
    pub fn version(&self) -> String {
        self.0.lock().expect("no holder panics").clone()
    }
}

/// Only those who deploy may call this one.
struct Deployment(std::sync::Arc<Mutex<String>>);

#[service(prefix = "app")]
impl Deployment {
    /// Deploys a version, and returns the one before.
    pub fn deploy(&self, version: String) -> String {
        std::mem::replace(&mut *self.0.lock().expect("no holder panics"), version)
    }
}

#[client(prefix = "app")]
trait AppApi {
    async fn version(&self) -> Result<String, CallError>;
    async fn deploy(&self, version: &str) -> Result<String, CallError>;
}

fn agent() -> Result<Agent, Box<dyn Error>> {
    let version = std::sync::Arc::new(Mutex::new("1.0".to_owned()));
    let deploy = || Allow::nobody().key("deploy");
    let options = AgentOptions::default().run(RunOptions::default().allow(deploy()));
    let agent = Agent::with_options(options)?
        .with(Status(version.clone()))?
        .with_rights(&deploy(), Deployment(version))?;
    Ok(agent)
}

#[derive(Parser)]
#[command(about = "An agent with a service of its own; without a command, it shows two callers")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, with the keys in this folder
    Serve { address: String, keys: PathBuf },
}

#[tokio::main]
async fn main() -> ExitCode {
    report("node-agent", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(Command::Serve { address, keys }) = Arguments::parse().command else {
        return show().await;
    };
    let read = |label| {
        Ok::<_, Box<dyn Error>>((
            label,
            AuthKey::from_file(keys.join(format!("{label}.key")))?,
        ))
    };
    let keys = AuthKeys::new([read("deploy")?, read("watch")?])?;
    let agent = agent()?;
    let server = agent.bind(address).authkeys(keys).encrypted().await?;
    println!("The agent is at {}.", server.url());
    server
        .serve_until(async {
            // It stops at once if it cannot wait for Ctrl-C.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
    // No command survives the agent.
    agent.finish().await;
    Ok(())
}

async fn show() -> Result<(), Box<dyn Error>> {
    let agent = agent()?;
    let keys = AuthKeys::new([("deploy", "one secret"), ("watch", "another")])?;
    let server = agent.bind("127.0.0.1:0").authkeys(keys).encrypted().await?;
    let address = server.local_address().clone();
    tokio::spawn(server.serve());

    let deploy = Client::connect(&address)
        .authkey("one secret")
        .encrypted()
        .await?;
    println!("Deployed before: {}", deploy.deploy("2.0").await?);
    let output = deploy.run(&["echo", "restarted"], None).await?;
    println!("The command says: {}", output.stdout.trim());

    let watch = Client::connect(&address)
        .authkey("another")
        .encrypted()
        .await?;
    println!("Deployed now: {}", watch.version().await?);
    println!(
        "The node has a memory: {}",
        watch.facts().await?.memory.total > 0
    );
    for denied in [
        watch.deploy("3.0").await.map(drop),
        watch.run(&["true"], None).await.map(drop),
    ] {
        if let Some(fault) = denied.as_ref().err().and_then(CallError::fault) {
            println!("The watcher is refused: {}", fault.message());
        }
    }
    Ok(())
}
