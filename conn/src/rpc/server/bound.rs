//! Servers at an address: their builder, their connections and the graceful stop.

use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::Budget;
use farcall_core::serve::{self, ShutdownReport, serve};
use farcall_core::transport::Address;
use futures_util::FutureExt as _;
use futures_util::future::OptionFuture;

use super::Server;
use super::sessions::ServerState;
use crate::auth::{AuthKey, AuthKeys, Binding, Digest};
use crate::establish::{listener_setters, setters};
use crate::listener::{BindError, ListenerBuilder, OpenListener};
use crate::rpc::session::Settings;
use crate::tls::Tls;

/// Builder of a [`BoundServer`], returned by [`Server::bind`]. It listens when it is awaited.
///
/// It has the settings of a [`ListenerBuilder`] that matter to sessions. Sessions have a
/// [keepalive](crate::rpc::SessionOptions::keepalive) of their own, and pass no descriptors.
#[must_use = "it listens when it is awaited"]
pub struct Bind {
    server: Server,
    listener: ListenerBuilder,
}

impl Bind {
    pub(super) const fn new(server: Server, listener: ListenerBuilder) -> Self {
        Self { server, listener }
    }

    setters!(listener.);
    listener_setters!(listener.);
}

impl IntoFuture for Bind {
    type Output = Result<BoundServer, BindError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(BoundServer::new(self.server, self.listener.open().await?)) })
    }
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("server", &self.server)
            .field("listener", &self.listener)
            .finish()
    }
}

/// A server that is bound to an address and ready to serve. Peers can connect already, and wait
/// until it serves.
#[derive(Debug)]
#[must_use = "it answers calls when `serve` is awaited"]
pub struct BoundServer {
    server: Server,
    listener: OpenListener,
}

impl BoundServer {
    pub(super) const fn new(server: Server, listener: OpenListener) -> Self {
        Self { server, listener }
    }

    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.listener.address
    }

    /// Returns the URL that the command `farcall` takes: `conn+rpc://127.0.0.1:7000`,
    /// `conn+rpc+tls://…` and `conn+rpc+encrypted://…` with TLS, or `conn+rpc+unix://PATH`.
    #[must_use]
    pub fn url(&self) -> String {
        let tls = self.listener.handshakes.config.tls.as_ref();
        match self.local_address() {
            Address::Tcp(address) => {
                let tls = tls.map_or("", Tls::scheme);
                format!("conn+rpc{tls}://{address}")
            }
            Address::Unix(path) => format!("conn+rpc+unix://{}", path.display()),
            Address::Abstract(name) => {
                format!("conn+rpc+abstract://{}", String::from_utf8_lossy(name))
            }
            address => address.to_string(),
        }
    }

    /// Serves until the future is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all connections at once. To let calls complete,
    /// use [`serve_until`](Self::serve_until).
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: accepts no further connections except
    /// those that wait in the backlog, tells clients to make no more calls, answers the calls in
    /// flight, and closes the connections, all within the
    /// [drain timeout](crate::rpc::ServerOptions::drain_timeout). A client whose connection was
    /// still being established has [a second](serve::FIRST_CALL_GRACE) for a call.
    ///
    /// # Cancel safety
    /// As with [`serve`](Self::serve).
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let Self { server, listener } = self;
        let OpenListener {
            streams,
            handshakes,
            ..
        } = listener;
        let settings = Settings {
            lease: server.options.lease,
            calls: Some(server.calls.clone()),
            layers: server.registry.layers(),
            budget: handshakes.config.budget.clone(),
            ..server
                .options
                .session
                .settings(handshakes.config.max_message)
        };
        let max_connections = server.options.max_connections;
        let state = ServerState::new(settings, Arc::clone(&server.sessions), max_connections);
        // Sessions beyond the limit are rejected with the reason.
        let options = serve::Options::default()
            .max_connections(usize::MAX)
            .drain_timeout(server.options.drain_timeout);
        let stopping = async {
            stop.await;
            state.stop();
        };
        let serving = serve(streams, &options, stopping, |stream, _| {
            let handshake = handshakes.begin(stream);
            let begin = server.clone().begin(handshake, Arc::clone(&state));
            // Boxed, so that the memory of handshake and greeting is freed once the session is
            // open. `then` holds the next future once; an async block would reserve space for it
            // twice.
            Box::pin(begin).then(OptionFuture::from).map(drop)
        });
        serving.await
    }
}
