//! Connections that leave HTTP, such as those of WebSockets.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::CallLimit;
use farcall_core::transport::Io;
use farcall_core::{Budget, Identity};
use http::{Extensions, HeaderMap};

/// The response with status 101, after which a connection leaves HTTP.
#[derive(Clone)]
pub struct Switch {
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The use of the connection from then on.
    pub to: Arc<dyn Upgrade>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Switch")
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The use of a connection after it has left HTTP.
pub trait Upgrade: Send + Sync + 'static {
    /// Runs until the connection closes.
    fn run<'a>(
        &'a self,
        connection: UpgradedConnection<'a>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// A connection that has left HTTP. It still counts against the limit of connections.
pub struct UpgradedConnection<'a> {
    /// The bytes after the request and its response.
    pub io: Box<dyn Io>,
    /// Those that were already read.
    pub read: Bytes,
    /// The identity of the peer, with what it has proved by the request.
    pub identity: Identity,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The extensions of the request.
    pub extensions: Extensions,
    /// The [budget](super::ServerOptions::budget) of the server.
    pub budget: Budget,
    /// The limit of [calls at once](super::ServerOptions::max_calls) of the server.
    pub calls: CallLimit,
    /// Completes when the server stops.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl std::fmt::Debug for UpgradedConnection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpgradedConnection")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
