//! A server that gives peers in any language something to talk to.
//!
//! It prints one line per listener when it is ready, and stops cleanly on SIGINT and SIGTERM.

use std::path::PathBuf;

use clap::Parser;
use rpc_core::transport::Listen;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use xmlrpc::{Listening, Server};

#[derive(Parser)]
#[command(about = "Offers small methods over XML-RPC, for peers to try themselves on")]
struct Arguments {
    /// Serve XML-RPC on this TCP address; port 0 takes a free one [default: 127.0.0.1:8000 where
    /// no listener is named]
    #[arg(long, value_name = "HOST:PORT")]
    xmlrpc: Option<String>,
    /// Serve XML-RPC on this Unix socket
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    xmlrpc_unix: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = Arguments::parse();
    if arguments.names_no_listener() {
        arguments.xmlrpc = Some("127.0.0.1:8000".to_owned());
    }

    let server = Server::new();
    examples::demo::register(&server)?;
    let stop = CancellationToken::new();
    let mut listeners = JoinSet::new();
    if let Some(address) = arguments.xmlrpc {
        let listening = server.bind(address).await?;
        println!("listening xmlrpc {}", listening.url());
        serve(&mut listeners, listening, &stop);
    }
    #[cfg(unix)]
    if let Some(path) = arguments.xmlrpc_unix {
        let listening = server.bind_unix(&path).await?;
        println!("listening xmlrpc-unix {}", path.display());
        serve(&mut listeners, listening, &stop);
    }

    interrupted().await?;
    stop.cancel();
    listeners.join_all().await;
    Ok(())
}

impl Arguments {
    fn names_no_listener(&self) -> bool {
        #[cfg(unix)]
        if self.xmlrpc_unix.is_some() {
            return false;
        }
        self.xmlrpc.is_none()
    }
}

fn serve<L: Listen>(
    listeners: &mut JoinSet<()>,
    listening: Listening<L>,
    stop: &CancellationToken,
) {
    let stop = stop.clone().cancelled_owned();
    listeners.spawn(async {
        listening.serve_until(stop).await;
    });
}

/// Ends when the process is told to stop.
#[cfg(unix)]
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

/// Ends when the process is told to stop.
#[cfg(not(unix))]
async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
