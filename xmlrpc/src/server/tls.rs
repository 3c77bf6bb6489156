//! Connections over TLS.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::Identity;
use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::protocol::time;
use farcall_core::serve::{FIRST_CALL_GRACE, PendingHandshakes, Stopped};
use farcall_core::transport::tls::tokio_rustls::server::TlsStream;
use farcall_core::transport::tls::{Profile, ServerTls, TlsError, TlsSession};
use farcall_core::transport::{Address, Io, Peer};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::browser::HostPolicy;
use super::{Server, ServerOptions};

/// The TLS handshakes of one listener.
#[derive(Clone)]
pub(super) struct TlsHandshakes {
    tls: ServerTls,
    timeout: Duration,
    pending: Arc<PendingHandshakes>,
}

impl TlsHandshakes {
    /// Returns the handshakes of a listener at `address`, if its connections use TLS.
    pub(super) fn at(address: &Address, options: &ServerOptions) -> Option<Self> {
        let tls = options.tls_at(address)?.clone();
        tls.warn_of_expiry();
        Some(Self {
            tls,
            timeout: options.handshake_timeout,
            pending: Arc::new(PendingHandshakes::new(
                // Beyond the maximum of connections no peer is accepted, for whom the oldest
                // handshake could make room.
                options.max_pending.min(options.max_connections / 2),
                options.max_pending_per_address,
            )),
        })
    }

    /// Performs the handshake with a peer. Returns `None`, and logs the reason, if it fails, takes
    /// too long, or must make room for others.
    async fn perform<I: Io>(
        &self,
        io: I,
        peer: &Peer,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Option<(TlsStream<I>, Arc<TlsSession>)> {
        let accepted = Instant::now();
        let handshake = self.tls.accept(Profile::Http, io);
        let handshake = self.pending.run(peer, handshake);
        let handshake = timeout_at(time::deadline(self.timeout), handshake);
        let stopped = async {
            stop.await;
            sleep_until(accepted + FIRST_CALL_GRACE).await;
        };
        let (handshake, stopped) = (pin!(handshake), pin!(stopped));
        let completed = tokio::select! {
            biased;
            completed = handshake => completed,
            () = stopped => return None,
        };
        match completed {
            Ok(Some(Ok(accepted))) => return Some(accepted),
            Ok(Some(Err(error))) => log_failure(peer, &error),
            Ok(None) => tracing::debug!(%peer, "TLS handshake aborted to make room"),
            Err(_) => {
                refused(Refusal::Tls);
                tracing::debug!(%peer, "TLS handshake not completed in time");
            }
        }
        None
    }
}

impl Server {
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
        let handshake = Box::pin(handshakes.perform(io, &peer, &mut stop));
        let Some((stream, session)) = handshake.await else {
            return;
        };
        drop(handshakes);
        let caller = Identity::over_tls(peer, &session);
        tracing::debug!(peer = %caller, ?session, "TLS handshake completed");
        // The state of TLS takes more than a kilobyte: futures around it hold a pointer.
        drop(session);
        self.exchange(Box::new(stream), caller, hosts, stop).await;
    }
}

/// Logs a failed handshake. One that was refused may be an attack, or the mistake of a client whose
/// operator is told little.
fn log_failure(peer: &Peer, error: &io::Error) {
    static FAILURES: Quota = Quota::new(10);

    refused(Refusal::Tls);
    let cause = error.get_ref();
    let is_refused = cause
        .and_then(|cause| cause.downcast_ref::<TlsError>())
        .is_some();
    let shown = Foreign::excerpt(Causes(error));
    if !is_refused {
        tracing::debug!(%peer, error = %shown, "TLS handshake failed");
    } else if tracing::enabled!(tracing::Level::INFO)
        && let Some(admitted) = FAILURES.admit()
    {
        let suppressed = admitted.suppressed();
        tracing::info!(%peer, error = %shown, suppressed, "TLS handshake failed");
    }
}
