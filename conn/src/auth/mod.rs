//! The proof that both ends know the same key, before anything else passes.
//!
//! # The handshake
//!
//! It is that of CPython's `multiprocessing/connection.py`. Each end sends a challenge, random bytes,
//! and the other answers with a keyed digest (HMAC) of them; the listener challenges first. The key
//! itself never travels. Each message is a frame of at most 256 bytes:
//!
//! | who | CPython up to 3.11 | CPython from 3.12, Farcall |
//! |---|---|---|
//! | listener | `#CHALLENGE#` and 20 random bytes | `#CHALLENGE#{sha256}` and 40 random bytes |
//! | client | HMAC-MD5 | `{sha256}` and HMAC-SHA256 |
//! | listener | `#WELCOME#` or `#FAILURE#` | the same |
//!
//! and the same once more with the roles exchanged. MD5 is spoken only when asked for, with
//! [`legacy_md5`](Authentication::legacy_md5).
//!
//! # What the key protects
//!
//! - Nobody who does not know the key gets a connection, or has a message decoded. A stranger is sent a
//!   challenge and `#FAILURE#`, and nothing else.
//! - Both ends prove the key. A client does not talk to whoever took the listener's port.
//! - An answer serves one connection: challenges are never repeated, and this process never answers a
//!   challenge that it issued itself, so that nobody can have its own listener's challenge answered by
//!   its own client (reflection).
//!
//! # What it does not protect
//!
//! - **What is sent afterwards is neither secret nor tamper-proof.** Whoever can change what travels
//!   can wait for the handshake to be over. Across networks that others share, use it inside an
//!   encrypted tunnel.
//! - **A relay.** Someone whom a client connects to can pass the handshake on to the real listener, and
//!   then has the connection. [`Binding`] detects that on Unix sockets, where each end sees the user id of
//!   the other: a relay that runs as another user than the end it stands in for. One of the same user
//!   could read the memory of either end, and is not detected.
//! - **A weak key.** Whoever records a handshake can try keys on it at leisure. Use at least 16 random
//!   bytes; words are found.
//! - **Those who have the key from each other.** Everyone with the key may do everything; there are no
//!   users or rights.
//! - **A choice of digest.** Where MD5 is allowed, a listener takes it from any peer. It is the weakest of the
//!   digests here, and the fastest to try keys on; that is why it has to be asked for.
//!
//! # Binding
//!
//! Two Farcall peers recognise each other by a mark behind the random bytes, which CPython includes in
//! its digest without looking at it. They then take the digest of more than the challenge: of the role
//! of the one who answers, so that answers cannot be turned round, and of what both ends see of the
//! channel. Who removes the mark from a challenge on its way changes what is digested, and fails.

use std::fmt;
use std::io;
use std::path::Path;

use rpc_core::output::{Causes, Foreign, Quota};
use rpc_core::transport::Peer;
use zeroize::Zeroizing;

mod channel;
mod digest;
mod handshake;

pub use channel::{Channel, Role};
pub use digest::Digest;
pub(crate) use handshake::CHALLENGE;
pub use handshake::{Handshake, MAX_MESSAGE};

/// The key that both ends of a connection must know.
///
/// It is wiped from memory when it is dropped, and shown by no `Debug`.
#[derive(Clone)]
pub struct AuthKey(Zeroizing<Box<[u8]>>);

impl AuthKey {
    /// A key of these bytes; any length but zero will do for the peer, 16 random bytes or more will do
    /// against strangers.
    ///
    /// # Errors
    /// If the key is empty, which to CPython up to 3.11 means no authentication at all.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, AuthError> {
        match key.as_ref() {
            [] => Err(AuthError::EmptyKey),
            key => Ok(Self(Zeroizing::new(key.into()))),
        }
    }

    /// The key in a file, without the line end that editors put behind it.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let bytes = Zeroizing::new(std::fs::read(path)?);
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let key = line.strip_suffix(b"\r").unwrap_or(line);
        Self::new(key).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl AsRef<[u8]> for AuthKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

/// A key, and how it is to be proved.
#[derive(Clone, Debug)]
pub struct Authentication {
    key: AuthKey,
    digest: Digest,
    legacy_md5: bool,
    binding: Binding,
}

impl Authentication {
    /// Proves this key, with the defaults below.
    #[must_use]
    pub const fn new(key: AuthKey) -> Self {
        Self {
            key,
            digest: Digest::Sha256,
            legacy_md5: false,
            binding: Binding::Prefer,
        }
    }

    /// The digest that challenges of this side ask for. A peer may answer with another of [`Digest`].
    ///
    /// Default: SHA-256, as CPython.
    #[must_use]
    pub const fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Whether to speak MD5 with peers that know nothing else: CPython up to 3.11.
    ///
    /// Default: false. Such a peer is refused.
    #[must_use]
    pub const fn legacy_md5(mut self, allowed: bool) -> Self {
        self.legacy_md5 = allowed;
        self
    }

    /// Whether to bind the proof to the channel, as only Farcall peers can.
    ///
    /// Default: [`Binding::Prefer`].
    #[must_use]
    pub const fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    pub(crate) fn requires_binding(&self) -> bool {
        self.binding == Binding::Require
    }
}

/// Whether the proof of the key is [bound](self#binding) to the channel it is made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Never: for peers that see each other under different user ids, such as on the two sides of a
    /// container.
    Off,
    /// With peers that can. Others are as welcome, since who they are is known only afterwards.
    #[default]
    Prefer,
    /// Always: other peers are refused, CPython included, and so is any transport whose channel has
    /// no identity. That is all but Unix sockets and memory.
    Require,
}

/// Why there is no connection although the peer was reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The key of this side is empty.
    #[error("the authkey is empty")]
    EmptyKey,
    /// The peer's answer to the challenge is wrong: it has another key, or someone is between.
    #[error("the peer does not know the authkey")]
    WrongAnswer,
    /// The peer did not accept the answer of this side: it has another key, or requires what this side
    /// did not do.
    #[error("the peer rejected the authkey")]
    Rejected,
    /// The peer asks for MD5 or answers with it, as CPython up to 3.11 does, and it is not
    /// [allowed](Authentication::legacy_md5).
    #[error("the peer authenticates with MD5 (CPython up to 3.11 does), which is not allowed here")]
    LegacyPeer,
    /// The peer uses a digest that this side does not know.
    #[error("the peer uses the unknown digest `{0}`")]
    UnknownDigest(String),
    /// The peer's message is none of those that can stand here: it speaks another protocol.
    #[error("the peer's message is not {expected}")]
    Unexpected {
        /// What could have stood here.
        expected: &'static str,
    },
    /// The peer sent a challenge that this process issued itself, to another.
    #[error("the peer sent back a challenge of this process")]
    Reflected,
    /// [`Binding::Require`]: the peer did not bind its proof.
    #[error("the peer does not bind its proof to the channel, which is required here")]
    Unbound,
    /// [`Binding::Require`]: there is nothing to bind the proof to.
    #[error("this transport has no identity to bind the proof to, which is required here")]
    NothingToBind,
    /// The handshake was not over in time.
    #[error("the handshake was not over in time; a listener without an authkey never begins it")]
    TimedOut,
    /// The connection broke in the handshake, or the peer left.
    #[error("the connection was lost in the handshake")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system has no random numbers.
    #[error("the system gave no random numbers")]
    Random(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tells the log who was refused, and why: of a flood of strangers, the first few in a minute.
pub(crate) fn log_auth_failure(peer: &Peer, error: &AuthError) {
    static REFUSALS: Quota = Quota::new(10);

    if tracing::enabled!(tracing::Level::WARN)
        && let Some(admitted) = REFUSALS.admit()
    {
        let error = Foreign::excerpt(Causes(error));
        let suppressed = admitted.suppressed();
        tracing::warn!(%peer, %error, suppressed, "a peer failed to authenticate");
    }
}
