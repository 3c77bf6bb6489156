//! What both ends of a connection can see of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rpc_core::transport::Credentials;

/// Which side of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that accepts; it challenges first.
    Listener,
    /// The one that connects.
    Client,
}

impl Role {
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Listener => Self::Client,
            Self::Client => Self::Listener,
        }
    }

    /// What tells the roles apart in what is digested.
    pub(super) const fn label(self) -> &'static [u8] {
        match self {
            Self::Listener => b"listener\0",
            Self::Client => b"client\0",
        }
    }
}

/// The identity of the channel that a handshake runs on, as far as this end sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// Nothing is known of it.
    Unknown,
    /// A TCP connection. Addresses are no identity to bind to: a relay or a router between the
    /// ends changes them.
    Tcp {
        /// The address of this end.
        local: SocketAddr,
        /// The address of the other end.
        peer: SocketAddr,
    },
    /// A Unix socket.
    Unix {
        /// The user and process of this end, as the other end sees them.
        local: Credentials,
        /// The user and process of the other end.
        peer: Credentials,
    },
    /// A channel within this program.
    Memory,
}

impl Channel {
    /// What both ends see alike, and nobody between them can imitate.
    ///
    /// On Unix sockets these are the user ids. The process ids are not taken: a listener that forks
    /// answers from another process than the one that its peers see.
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
        }
    }

    /// Whether this end and `other` are the two ends of one channel within this process, with nobody
    /// between.
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
            // A relay is a process of its own, and the kernel tells who is at the other end.
            (Self::Unix { peer, .. }, Self::Unix { peer: other, .. }) => {
                let this_process = i32::try_from(std::process::id()).ok();
                this_process.is_some() && peer.pid == this_process && other.pid == this_process
            }
            (Self::Memory, Self::Memory) => true,
            _ => false,
        }
    }
}

/// The challenges of this process that are not answered yet, and where they were sent.
///
/// One table for the whole process, since a challenge of any listener may be sent back to any client
/// here. Handshakes have limits of number and time, and so has this.
static ISSUED_CHALLENGES: Mutex<Option<HashMap<Vec<u8>, Channel>>> = Mutex::new(None);

fn issued_challenges() -> MutexGuard<'static, Option<HashMap<Vec<u8>, Channel>>> {
    // No code that could panic runs while the lock is held.
    ISSUED_CHALLENGES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// A challenge of this process, remembered as long as this lives.
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

/// Whether this process issued the challenge, and to somebody else than the end that now received it
/// over `channel`.
pub(super) fn is_reflected(challenge: &[u8], channel: &Channel) -> bool {
    let issued = issued_challenges();
    let issued_on = issued.as_ref().and_then(|issued| issued.get(challenge));
    issued_on.is_some_and(|issued_on| !issued_on.is_opposite(channel))
}
