//! Concurrent handshakes with accepted peers, within limits.

use std::future::Future;

use farcall_core::serve::PendingHandshakes;
#[cfg(unix)]
use farcall_core::transport::Credentials;
use futures_util::FutureExt as _;
use futures_util::future::Either;

use crate::auth::{Channel, Role, log_auth_failure};
use crate::connection::SplitStream;
use crate::establish::{ConnectionConfig, Established};

/// The handshakes of a listener.
pub(crate) struct Handshakes {
    pub(crate) config: ConnectionConfig,
    /// The credentials at the time of listening, which the system reports to peers. A server may
    /// have dropped privileges since.
    #[cfg(unix)]
    pub(super) credentials: Credentials,
    pub(super) pending: PendingHandshakes,
}

impl Handshakes {
    /// Returns the handshake with an accepted peer. It completes with `None` if it fails. If it
    /// exceeds a limit, the oldest handshake is aborted.
    pub(crate) fn begin(
        &self,
        (read_half, write_half, peer, channel): SplitStream,
    ) -> impl Future<Output = Option<Established>> + Send + use<> {
        let channel = self.as_seen_by_peers(channel);
        let stream = (read_half, write_half, peer.clone(), channel);
        let deadline = self.config.deadline();
        let handshake = match &self.config.tls {
            None => Either::Left(self.config.establish(Role::Listener, stream, deadline)),
            // Boxed, so that handshakes without TLS need no room for it.
            Some(_) => Either::Right(Box::pin({
                let config = self.config.clone();
                async move {
                    let stream = config.secure(stream, None, deadline).await?;
                    config.establish(Role::Listener, stream, deadline).await
                }
            })),
        };
        let pending = self.pending.run(&peer, handshake);
        pending.map(move |completed| {
            completed?
                .inspect_err(|error| log_auth_failure(&peer, error))
                .ok()
        })
    }

    fn as_seen_by_peers(&self, channel: Channel) -> Channel {
        match channel {
            #[cfg(unix)]
            Channel::Unix { peer, .. } => Channel::Unix {
                local: self.credentials,
                peer,
            },
            other => other,
        }
    }
}
