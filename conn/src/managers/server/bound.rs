//! Servers at an address.

use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use farcall_core::Budget;
use farcall_core::serve::{self, ShutdownReport, serve};
use farcall_core::transport::Address;
use futures_util::future::{Either, select};

use super::{ServerState, connection};
use crate::auth::{AuthKey, AuthKeys, Binding, Digest};
use crate::establish::{listener_setters, setters};
use crate::listener::{BindError, ListenerBuilder, OpenListener};
use crate::managers::wire::TokenAddress;

/// The interval at which objects without references are removed.
const SWEEP: Duration = Duration::from_secs(1);

/// Builder of a [`BoundManager`], returned by [`Server::bind`](super::Server::bind). It listens
/// when it is awaited.
#[must_use = "it listens when it is awaited"]
pub struct ManagerBuilder {
    state: Arc<ServerState>,
    listener: ListenerBuilder,
}

impl ManagerBuilder {
    pub(super) const fn new(state: Arc<ServerState>, listener: ListenerBuilder) -> Self {
        Self { state, listener }
    }

    setters!(listener.);
    listener_setters!(listener.);
}

impl IntoFuture for ManagerBuilder {
    type Output = Result<BoundManager, BindError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { state, listener } = self;
            let listener = listener.open().await?;
            // A server that is bound twice keeps its first address in tokens; clients use the
            // address that they know themselves.
            let _ = state.address.set(TokenAddress::from(&listener.address));
            Ok(BoundManager { state, listener })
        })
    }
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// A server that is bound to an address and ready to serve. Clients can connect already, and wait
/// until it serves.
#[must_use = "it answers requests when `serve` is awaited"]
pub struct BoundManager {
    state: Arc<ServerState>,
    listener: OpenListener,
}

impl BoundManager {
    /// Returns the address that clients connect to, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        &self.listener.address
    }

    /// Serves until the future is dropped, or a client stops the server, if the
    /// [options](super::ManagerOptions::shutdown) permit that.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listener and all connections at once. To stop gracefully, use
    /// [`serve_until`](Self::serve_until).
    pub async fn serve(self) {
        self.serve_until(pending()).await;
    }

    /// Serves until `stop` completes or a client stops the server. Then it accepts no further
    /// connections, and closes those that are open when the
    /// [drain timeout](super::ManagerOptions::drain_timeout) has passed.
    ///
    /// # Cancel safety
    /// As with [`serve`](Self::serve).
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        let Self { state, listener } = self;
        let OpenListener {
            streams,
            handshakes,
            ..
        } = listener;
        let options = serve::Options::default()
            .max_connections(state.options.max_connections)
            .drain_timeout(state.options.drain_timeout);
        let shutdown = state.stop.clone();
        let stopping = async {
            select(pin!(stop), pin!(shutdown.stopped())).await;
        };
        let serving = serve(streams, &options, stopping, |stream, _| {
            let handshake = handshakes.begin(stream);
            let state = Arc::clone(&state);
            async move {
                if let Some(established) = handshake.await {
                    connection::serve(state, established).await;
                }
            }
        });
        let sweeping = async {
            loop {
                tokio::time::sleep(SWEEP).await;
                state.table.sweep();
            }
        };
        match select(pin!(serving), pin!(sweeping)).await {
            Either::Left((report, _)) => report,
            Either::Right((never, _)) => never,
        }
    }
}

impl fmt::Debug for BoundManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundManager")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}
