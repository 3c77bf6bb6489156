//! The identity of a channel, as both peers see it; and detection of reflected challenges.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use farcall_core::transport::Credentials;

/// The role of the local side in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that accepts; it sends the first challenge.
    Listener,
    /// The side that connects.
    Client,
}

impl Role {
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Listener => Self::Client,
            Self::Client => Self::Listener,
        }
    }

    /// Returns the label of the role in the input of a bound digest.
    pub(super) const fn label(self) -> &'static [u8] {
        match self {
            Self::Listener => b"listener\0",
            Self::Client => b"client\0",
        }
    }
}

/// The identity of the channel that a handshake runs on, as the local side sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// A channel without a known identity.
    Unknown,
    /// A TCP connection. Its addresses are no identity: relays and routers change them.
    Tcp {
        /// The local address.
        local: SocketAddr,
        /// The address of the peer.
        peer: SocketAddr,
    },
    /// A Unix socket.
    Unix {
        /// The user and process of the local side, as the peer sees them.
        local: Credentials,
        /// The user and process of the peer.
        peer: Credentials,
    },
    /// A channel within this process.
    Memory,
    /// A TLS connection of version 1.3, over any transport.
    Tls {
        /// Its channel binding `tls-exporter` (RFC 9266), which has another value on each
        /// connection, known to its two ends only.
        exporter: [u8; 32],
    },
}

impl Channel {
    /// Returns the bytes that both peers see alike and that no relay between them can imitate.
    ///
    /// For Unix sockets these are the user ids. Process ids are not included: a listener that forks
    /// responds from another process than the one that its peers see.
    pub(super) fn identity(&self, role: Role) -> Option<Vec<u8>> {
        match self {
            Self::Unknown | Self::Tcp { .. } => None,
            Self::Unix { local, peer } => {
                let (listener, client) = match role {
                    Role::Listener => (local, peer),
                    Role::Client => (peer, local),
                };
                let mut identity = b"unix".to_vec();
                identity.extend_from_slice(&listener.uid.to_be_bytes());
                identity.extend_from_slice(&client.uid.to_be_bytes());
                Some(identity)
            }
            Self::Memory => Some(b"memory".to_vec()),
            Self::Tls { exporter } => Some([&b"tls-exporter"[..], exporter].concat()),
        }
    }

    /// Returns `true` if `self` and `other` are the two sides of one channel within this process,
    /// without a relay between them.
    fn is_opposite(&self, other: &Self) -> bool {
        let canonical =
            |address: &SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        match (self, other) {
            (
                Self::Tcp { local, peer },
                Self::Tcp {
                    local: other_local,
                    peer: other_peer,
                },
            ) => {
                canonical(local) == canonical(other_peer)
                    && canonical(peer) == canonical(other_local)
            }
            // A relay is a separate process, and the kernel reports the process of the peer.
            (Self::Unix { peer, .. }, Self::Unix { peer: other, .. }) => {
                let this_process = i32::try_from(std::process::id()).ok();
                this_process.is_some() && peer.pid == this_process && other.pid == this_process
            }
            (Self::Memory, Self::Memory) => true,
            (Self::Tls { exporter }, Self::Tls { exporter: other }) => exporter == other,
            _ => false,
        }
    }
}

/// The challenges of this process that have no response yet, with the channels they were sent on.
///
/// The table is global, since a challenge of any listener may be reflected to any client of the
/// process. It is bounded, since handshakes are limited in number and time.
static ISSUED_CHALLENGES: Mutex<Option<HashMap<Vec<u8>, Channel>>> = Mutex::new(None);

fn issued_challenges() -> MutexGuard<'static, Option<HashMap<Vec<u8>, Channel>>> {
    // No code that could panic runs while the lock is held.
    ISSUED_CHALLENGES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// A challenge that this process sent, recorded until it is dropped.
#[derive(Debug)]
pub(super) struct IssuedChallenge(Vec<u8>);

impl IssuedChallenge {
    pub(super) fn new(challenge: Vec<u8>, channel: Channel) -> Self {
        issued_challenges()
            .get_or_insert_default()
            .insert(challenge.clone(), channel);
        Self(challenge)
    }

    pub(super) fn challenge(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for IssuedChallenge {
    fn drop(&mut self) {
        if let Some(issued) = issued_challenges().as_mut() {
            issued.remove(&self.0);
        }
    }
}

/// Returns `true` if this process issued `challenge` to a side other than the one that now received
/// it over `channel`.
pub(super) fn is_reflected(challenge: &[u8], channel: &Channel) -> bool {
    let issued = issued_challenges();
    let issued_on = issued.as_ref().and_then(|issued| issued.get(challenge));
    issued_on.is_some_and(|issued_on| !issued_on.is_opposite(channel))
}
