//! Farcall itself with default settings: all measurements include its limits and authentication.

pub(crate) mod bulk;
pub(crate) mod documents;
pub(crate) mod echo;
pub(crate) mod growth;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod managers;
pub(crate) mod rpc;
pub(crate) mod watching;

use ::farcall::transport::tls::{ClientTls, ServerTls};
use anyhow::Result;

use crate::task::Task;
use crate::tls::Certificate;

/// Returns the TLS of a server, if it has a certificate.
fn server_tls() -> Result<Option<ServerTls>> {
    let tls = Certificate::of_part()
        .map(|certificate| ServerTls::from_files(certificate.path(), certificate.key()));
    Ok(tls.transpose()?)
}

/// Returns the TLS of a client of a server with a certificate.
fn client_tls(task: &Task) -> Result<Option<ClientTls>> {
    let tls = task.certificate.as_ref();
    let tls = tls.map(|certificate| ClientTls::new().roots(certificate.path()));
    Ok(tls.transpose()?)
}

/// Gives a builder the TLS of its side, if there is any.
macro_rules! with_tls {
    ($builder:expr, $tls:expr) => {
        match $tls {
            Some(tls) => $builder.tls(tls),
            None => $builder,
        }
    };
}
use with_tls;

/// The shared authkey.
pub(super) const KEY: &str = "the key of the benchmarks";
