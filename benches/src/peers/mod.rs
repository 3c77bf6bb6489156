//! The measured implementations: Farcall, the limits to which it is compared, and its peers.

pub(crate) mod axum;
pub(crate) mod bare_base64;
pub(crate) mod bare_bincode;
pub(crate) mod bare_hyper;
pub(crate) mod bare_quick_xml;
pub(crate) mod bare_std;
pub(crate) mod bare_tokio;
pub(crate) mod bare_tokio_http;
pub(crate) mod capnp;
pub(crate) mod cpython;
pub(crate) mod dxr;
pub(crate) mod farcall;
pub(crate) mod fixed_reply;
pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod json_by_hand;
pub(crate) mod jsonrpsee;
pub(crate) mod multiplexer;
pub(crate) mod tarpc;
pub(crate) mod tonic;
pub(crate) mod websocket;
pub(crate) mod wrk;
pub(crate) mod xmlrpc_crate;

use std::future::Future;

use ::farcall::transport::Address;
use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use crate::case::{Contestant, Part};

/// The transport of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Unix,
}

impl Transport {
    pub(crate) const BOTH: [Self; 2] = [Self::Tcp, Self::Unix];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Unix => "Unix",
        }
    }

    /// Returns an address to listen at. The temporary directory is a new one for each server.
    pub(crate) fn address(self) -> Address {
        match self {
            Self::Tcp => Address::Tcp(([127, 0, 0, 1], 0).into()),
            Self::Unix => Address::Unix(std::env::temp_dir().join("socket")),
        }
    }
}

/// Creates a runtime with this number of workers; with one, everything runs on the calling thread.
pub(crate) fn runtime(workers: usize) -> Result<Runtime> {
    let mut builder = match workers {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    Ok(builder
        .worker_threads(workers.max(1))
        .enable_all()
        .build()?)
}

/// Runs a future on the workers of such a runtime.
pub(crate) fn run_on<T: Send + 'static>(
    workers: usize,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    runtime(workers)?.block_on(async { tokio::spawn(future).await? })
}

/// Returns `true` if both parts of a contestant are in this program.
pub(crate) fn is_rust(contestant: &Contestant) -> bool {
    let server = contestant.server.as_ref();
    server.is_none_or(|server| matches!(server, Part::Serve(_)))
        && matches!(contestant.load, Part::Load(_))
}
