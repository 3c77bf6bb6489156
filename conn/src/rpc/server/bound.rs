//! Servers at an address: their builder, the accept loop and the graceful stop.

use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use farcall_core::Budget;
use farcall_core::protocol::output::Foreign;
use farcall_core::serve::ShutdownReport;
use farcall_core::transport::Address;
use futures_util::FutureExt as _;
use futures_util::future::OptionFuture;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::sessions::ServerState;
use super::{Room, Server};
use crate::auth::{AuthKey, Binding, Digest};
use crate::codec::Bincode;
use crate::establish::{listener_setters, setters};
use crate::listener::{BindError, Listener, ListenerBuilder};
use crate::rpc::session::Settings;

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
        Box::pin(async move { Ok(self.server.listen(self.listener.await?)) })
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

/// A server that is bound to an address and ready to serve. Peers can connect already; their
/// handshakes run, and their calls wait.
#[derive(Debug)]
#[must_use = "it answers calls when `serve` is awaited"]
pub struct BoundServer {
    server: Server,
    listener: Listener,
}

impl BoundServer {
    pub(super) const fn new(server: Server, listener: Listener) -> Self {
        Self { server, listener }
    }

    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        self.listener.local_address()
    }

    /// Returns the URL that the command `farcall` takes: `conn+rpc://127.0.0.1:7000`, or
    /// `conn+rpc+unix://PATH`.
    #[must_use]
    pub fn url(&self) -> String {
        match self.local_address() {
            Address::Tcp(address) => format!("conn+rpc://{address}"),
            Address::Unix(path) => format!("conn+rpc+unix://{}", path.display()),
            Address::Abstract(name) => {
                format!("conn+rpc+abstract://{}", String::from_utf8_lossy(name))
            }
            address => address.to_string(),
        }
    }

    /// Serves until the future is dropped.
    ///
    /// It also returns if the runtime in which the listener was created is shut down.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all connections at once. To let calls complete,
    /// use [`serve_until`](Self::serve_until).
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes, then stops gracefully: accepts no further connections, tells
    /// clients to make no more calls, answers the calls in flight, and closes the connections, all
    /// within the [drain timeout](crate::rpc::ServerOptions::drain_timeout).
    ///
    /// It stops as well if the runtime in which the listener was created is shut down.
    ///
    /// # Cancel safety
    /// As with [`serve`](Self::serve).
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let Self {
            server,
            mut listener,
        } = self;
        let mut stop = pin!(stop);
        let settings = Settings {
            lease: server.options.lease,
            calls: Some(server.calls.clone()),
            layers: server.registry.layers(),
            budget: listener.budget().cloned(),
            ..server.options.session.settings(listener.max_message())
        };
        let state = Arc::new(ServerState::new(
            Arc::new(settings),
            Arc::clone(&server.sessions),
        ));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = connections.join_next() => log_panic(ended),
                accepted = listener.accept::<(), (), Bincode>() => match accepted {
                    Ok(connection) => {
                        let room = match connections.len() < server.options.max_connections {
                            true => Room::Free,
                            false => Room::Full,
                        };
                        let begin = server.clone().begin(connection, room, Arc::clone(&state));
                        // Boxed, so that the memory of the greeting is freed once the session is
                        // open. `then` holds the next future once; an async block would reserve
                        // space for it twice.
                        connections.spawn(Box::pin(begin).then(OptionFuture::from));
                    }
                    Err(error) => {
                        tracing::error!(%error, "the server stops: its listener has ended");
                        break;
                    }
                },
            }
        }
        listener.close().await;
        state.stop();
        drain(connections, server.options.drain_timeout).await
    }
}

fn log_panic(ended: Result<Option<()>, JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        // The message of a panic may contain text of the peer.
        tracing::error!(error = %Foreign::excerpt(error), "the task of a connection panicked");
    }
}

/// Waits until all connections have closed, and aborts the remaining ones after `time`.
async fn drain(mut connections: JoinSet<Option<()>>, time: Duration) -> ShutdownReport {
    let mut drained = ShutdownReport::default();
    let finish = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
            drained.finished += 1;
        }
    };
    if timeout(time, finish).await.is_err() {
        drained.aborted = connections.len();
        connections.shutdown().await;
    }
    drained
}
