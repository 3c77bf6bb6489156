//! Servers that are watched.

use std::io;

use anyhow::Result;
use farcall::metrics::Metrics;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The things that are noted about the calls of peers.
#[derive(Clone, Copy)]
pub(crate) enum Watching {
    Nothing,
    Figures,
    /// Figures, spans, and the access log as text.
    All,
}

impl Watching {
    /// Runs a server that is watched.
    pub(crate) fn serve(self, serve: impl FnOnce() -> Result<()>) -> Result<()> {
        match self {
            Self::Nothing => {}
            Self::Figures => {
                let _ = Metrics::start();
            }
            Self::All => {
                let _ = Metrics::start();
                let targets = Targets::new()
                    .with_target("farcall::call", LevelFilter::DEBUG)
                    .with_target("farcall::access", LevelFilter::DEBUG);
                // The lines are written, but not to a file, whose speed is not ours.
                let lines = tracing_subscriber::fmt::layer().with_writer(io::sink);
                tracing_subscriber::registry()
                    .with(targets)
                    .with(lines)
                    .try_init()?;
            }
        }
        serve()
    }
}
