//! TLS handshakes with accepted peers, within limits.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::server::TlsStream;

use super::{FIRST_CALL_GRACE, PendingHandshakes};
use crate::counts::{Refusal, refused};
use crate::identity::Identity;
use crate::output::{Causes, Foreign, Quota};
use crate::time;
use crate::transport::tls::{Profile, ServerTls, TlsError};
use crate::transport::{Io, Peer};

/// The TLS handshakes of one listener. For authors of protocols.
#[derive(Clone, Debug)]
pub struct TlsHandshakes {
    tls: ServerTls,
    profile: Profile,
    timeout: Duration,
    pending: Arc<PendingHandshakes>,
}

impl TlsHandshakes {
    /// Creates the handshakes of a listener, which take at most `timeout` each.
    #[must_use]
    pub fn new(
        tls: ServerTls,
        profile: Profile,
        timeout: Duration,
        pending: PendingHandshakes,
    ) -> Self {
        tls.warn_of_expiry();
        Self {
            tls,
            profile,
            timeout,
            pending: Arc::new(pending),
        }
    }

    /// Performs the handshake with a peer, and returns its identity. Returns `None`, and logs the
    /// reason, if it fails, takes too long, must make room for others, or the server has stopped
    /// for a while.
    ///
    /// # Cancel safety
    /// Dropping the future closes the byte stream.
    pub async fn perform<I: Io>(
        &self,
        io: I,
        peer: Peer,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Option<(TlsStream<I>, Identity)> {
        let accepted = Instant::now();
        let handshake = self.tls.accept(self.profile, io);
        let handshake = self.pending.run(&peer, handshake);
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
            Ok(Some(Ok((stream, session)))) => {
                let caller = Identity::over_tls(peer, &session);
                tracing::debug!(peer = %caller, ?session, "TLS handshake completed");
                return Some((stream, caller));
            }
            Ok(Some(Err(error))) => log_failure(&peer, &error),
            Ok(None) => tracing::debug!(%peer, "TLS handshake aborted to make room"),
            Err(_) => {
                refused(Refusal::Tls);
                tracing::debug!(%peer, "TLS handshake not completed in time");
            }
        }
        None
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
