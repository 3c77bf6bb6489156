//! Connections over TLS.

use farcall_core::serve::{PendingHandshakes, Stopped, TlsHandshakes};
use farcall_core::transport::tls::Profile;
use farcall_core::transport::{Address, Io, Peer};

use super::browser::HostPolicy;
use super::{HttpServer, ServerOptions};

/// Returns the handshakes of a listener at `address`, if its connections use TLS.
pub(super) fn handshakes_at(address: &Address, options: &ServerOptions) -> Option<TlsHandshakes> {
    let tls = options.tls_at(address)?.clone();
    let pending = PendingHandshakes::new(
        // Beyond the maximum of connections no peer is accepted, for whom the oldest handshake
        // could make room.
        options.max_pending.min(options.max_connections / 2),
        options.max_pending_per_address,
    );
    let timeout = options.handshake_timeout;
    Some(TlsHandshakes::new(tls, Profile::Http, timeout, pending))
}

impl HttpServer {
    /// Serves one connection over TLS until it closes.
    pub(super) async fn tls_connection(
        self,
        handshakes: TlsHandshakes,
        io: impl Io,
        peer: Peer,
        hosts: HostPolicy,
        stop: Stopped,
    ) {
        if self.refuses_address(&peer) {
            return;
        }
        let mut stop = Box::pin(stop);
        // Boxed, so that an idle connection does not reserve space for it.
        let handshake = Box::pin(handshakes.perform(io, peer, &mut stop));
        let Some((stream, caller)) = handshake.await else {
            return;
        };
        drop(handshakes);
        // The state of TLS takes more than a kilobyte: futures around it hold a pointer.
        self.exchange(Box::new(stream), caller, hosts, stop).await;
    }
}
