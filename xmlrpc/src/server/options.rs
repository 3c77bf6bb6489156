//! Options for documents.

use farcall_http::setters;

use super::FaultPolicy;
use crate::XmlRpc;

/// Options of a [`Server`](crate::Server) for the documents of XML-RPC. Those for HTTP are its
/// [`ServerOptions`](farcall_http::server::ServerOptions).
///
/// ```
/// use farcall::http::ServerOptions;
/// use farcall::xmlrpc::{DocumentOptions, FaultPolicy, Server};
///
/// let documents = DocumentOptions::default().fault_policy(FaultPolicy::CPython);
/// let server = Server::of(ServerOptions::default(), documents);
/// # drop(server);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct DocumentOptions {
    pub(super) format: XmlRpc,
    pub(super) max_multicall: usize,
    pub(super) fault_policy: FaultPolicy,
}

impl Default for DocumentOptions {
    fn default() -> Self {
        Self {
            format: XmlRpc::default(),
            max_multicall: 1000,
            fault_policy: FaultPolicy::Interoperability,
        }
    }
}

impl DocumentOptions {
    setters! {
        /// Format of written values, and limits on values that are read. Default:
        /// [`XmlRpc::default`].
        format: XmlRpc,

        /// Maximum number of calls in one `system.multicall`. Default: 1000. More calls are a
        /// fault, and 0 disables multicall. The limit bounds the work, and the number of password
        /// guesses, of one request.
        max_multicall: usize,

        /// Form of the faults that callers receive. Default: [`FaultPolicy::Interoperability`].
        fault_policy: FaultPolicy,
    }
}
