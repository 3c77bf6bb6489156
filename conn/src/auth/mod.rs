//! Authentication: both peers prove that they know the same key before any message passes.
//!
//! # The handshake
//!
//! The handshake is that of CPython's `multiprocessing/connection.py`. Each side sends a challenge
//! of random bytes, and the peer responds with a keyed digest (HMAC) of them; the listener
//! challenges first. The key itself is never sent. Each message is a frame of at most 256 bytes:
//!
//! | sender | CPython up to 3.11 | CPython from 3.12, Farcall |
//! |---|---|---|
//! | listener | `#CHALLENGE#` and 20 random bytes | `#CHALLENGE#{sha256}` and 40 random bytes |
//! | client | HMAC-MD5 | `{sha256}` and HMAC-SHA256 |
//! | listener | `#WELCOME#` or `#FAILURE#` | the same |
//!
//! The same exchange follows with the roles swapped. MD5 is used only if it is allowed with
//! [`legacy_md5`](Authentication::legacy_md5), which needs the feature `legacy-md5`.
//!
//! # Protected by the key
//!
//! - **Access.** A peer that does not know the key gets no connection, and none of its messages is
//!   decoded. It is sent a challenge and `#FAILURE#`, and nothing else.
//! - **Both directions.** Both peers prove the key. A client does not talk to a process that took
//!   over the listener's port.
//! - **One connection per response.** Challenges are never repeated, and a process rejects its own
//!   challenges when they arrive over another connection. So an attacker cannot have a listener's
//!   challenge answered by a client of the same process (reflection).
//!
//! # Not protected
//!
//! - **Bytes after the handshake are neither secret nor tamper-proof**, unless there is
//!   [TLS](#tls). An attacker who can change traffic can wait until the handshake is over.
//! - **Relays.** An attacker that a client connects to can relay the handshake to the real
//!   listener, and then owns the connection. [`Binding`] detects it on channels that have an
//!   identity. With TLS a relay has two channels, each with an identity of its own. On Unix sockets
//!   each peer sees the user id of the other, which reveals a relay that runs as another user than
//!   the peer it impersonates. A relay of the same user is not detected; it could read the memory
//!   of either peer anyway. On TCP without TLS there is nothing to bind to.
//! - **Weak keys.** An attacker who records a handshake can try keys offline. Use at least 16
//!   random bytes: dictionary words can be guessed.
//! - **Holders of the same key from each other.** Every holder of a key may do everything that the
//!   key permits. A listener with several [keys](AuthKeys) can tell their holders apart.
//! - **Choice of digest.** If MD5 is allowed, a listener accepts it from any peer. It is the
//!   weakest of these digests and the fastest to try keys on, which is why it must be allowed
//!   explicitly.
//!
//! # TLS
//!
//! Over TLS the handshake above is performed within the encrypted channel, and its responses are
//! bound to it (RFC 9266, `tls-exporter`). Both ends of a TLS connection derive the same 32 bytes
//! from its keys, which nobody else can, and which differ on every connection. A relay that ends
//! TLS on both of its sides, even with the certificate of the listener and its key, sees a response
//! that is valid on one side only, and is refused by both peers.
//!
//! What each setting protects from an attacker on the network who does not know the authkey:
//!
//! | setting | eavesdropping | changed bytes, relays | who the listener is | who the client is |
//! |---|---|---|---|---|
//! | an authkey | not protected | not protected | knows the key, if there is no relay | the same |
//! | `tls` | protected | by the certificate | has the certificate | unknown, without a certificate of its own |
//! | `tls` and an authkey, [`Binding::Prefer`] | protected | by the certificate; between Farcall peers also by the key | has the certificate, and knows the key | knows the key |
//! | `tls` and an authkey, [`Binding::Require`] | protected | by the key, whoever has the certificate | knows the key | knows the key |
//! | `encrypted` | protected | by the key | knows the key | knows the key |
//!
//! - A CPython peer cannot bind its responses. With [`Binding::Prefer`] it is accepted, and only
//!   the certificate that the client verifies protects it from a relay.
//! - [`encrypted`](crate::ListenerBuilder::encrypted) has no certificates: the listener makes a
//!   key for TLS when it is bound, and clients accept any. An attacker in the middle is refused
//!   before a message is passed on, but it learns a challenge with its response, to try keys on.
//!   With a key that nobody can guess, that is worth nothing.
//! - A connection whose end was cut off is told from one that was closed: TLS has a message for
//!   its end (`close_notify`). Without it a receive returns an [error](crate::RecvError::Io) of the
//!   kind `UnexpectedEof`. A peer that crashed is reported like that, too.
//! - The lengths and times of messages remain visible.
//!
//! # Several keys
//!
//! A listener can have several [`AuthKeys`], a client has one. The listener finds out with which
//! key the client has responded, and responds with the same one to the challenge of the client, so
//! the client notices nothing of the others. This works with every peer, CPython included. The
//! label of the key is the [`key`](farcall_core::Identity::key) of the peer's identity.
//!
//! # Binding
//!
//! Two Farcall peers recognise each other by a mark after the random bytes, which CPython includes
//! in its digest without interpreting it. They then digest more than the challenge: also the role
//! of the responder, so that a response cannot be reflected, and the channel identity that both
//! peers see. An attacker who removes the mark from a challenge in transit changes the digested
//! bytes, and the handshake fails.

mod channel;
mod digest;
mod handshake;
mod keys;

use std::fmt;
use std::io;
use std::path::Path;

use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::transport::Peer;
use zeroize::Zeroizing;

pub use channel::{Channel, Role};
use digest::Algorithm;
pub use digest::Digest;
pub(crate) use handshake::CHALLENGE;
pub use handshake::{Handshake, MAX_MESSAGE};
pub use keys::AuthKeys;

/// The secret that both peers of a connection must know.
///
/// It is wiped from memory when it is dropped, and no `Debug` output shows it.
#[derive(Clone)]
pub struct AuthKey(Zeroizing<Box<[u8]>>);

impl AuthKey {
    /// Creates a key from bytes. Any length but zero is valid; use at least 16 random bytes against
    /// guessing.
    ///
    /// # Errors
    /// If the key is empty, which CPython up to 3.11 treats as no authentication.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, AuthError> {
        match key.as_ref() {
            [] => Err(AuthError::EmptyKey),
            key => Ok(Self(Zeroizing::new(key.into()))),
        }
    }

    /// Reads a key from a file, without exactly one trailing line end (LF, CR LF or CR), which
    /// editors append.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty. The error names the file, unless the path may be
    /// the key itself, given by mistake.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| file_error(path, error.kind(), &error))?;
        let bytes = Zeroizing::new(bytes);
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let key = line.strip_suffix(b"\r").unwrap_or(line);
        Self::new(key).map_err(|error| file_error(path, io::ErrorKind::InvalidData, &error))
    }
}

/// Returns the error of the key file at `path`. It shows the path of a file that exists, or could
/// exist: an absolute path, or one within a directory that exists, but none that may be a URL with
/// a password. A key in base64 may begin with a `/`, so it is no absolute path.
fn file_error(path: &Path, kind: io::ErrorKind, problem: &dyn fmt::Display) -> io::Error {
    let is_place = || {
        let text = path.to_string_lossy();
        let may_be_url = text.contains([':', '@', '%']);
        let may_be_base64 = text.contains(|c: char| c.is_ascii_uppercase() || "+=".contains(c));
        let mut folders = path.ancestors().skip(1);
        let is_in_folder = folders.any(|folder| folder.parent().is_some() && folder.is_dir());
        !may_be_url && (is_in_folder || path.is_absolute() && !may_be_base64)
    };
    let message = if path.exists() || is_place() {
        format!("the key file {}: {problem}", path.display())
    } else {
        format!(
            "expected the path of a file with the key (the given one is not shown, as it may be \
             the key): {problem}"
        )
    };
    io::Error::new(kind, message)
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

/// The keys and the settings of their proof.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a handshake takes it"]
pub struct Authentication {
    keys: AuthKeys,
    digest: Digest,
    #[cfg(feature = "legacy-md5")]
    legacy_md5: bool,
    binding: Binding,
}

impl Authentication {
    /// Creates the settings to prove an [`AuthKey`], or for a listener one of several
    /// [`AuthKeys`], with the defaults below. A client proves the first of several.
    pub fn new(keys: impl Into<AuthKeys>) -> Self {
        Self {
            keys: keys.into(),
            digest: Digest::Sha256,
            #[cfg(feature = "legacy-md5")]
            legacy_md5: false,
            binding: Binding::Prefer,
        }
    }

    /// Sets the digest that local challenges ask for. A peer may respond with any other [`Digest`].
    ///
    /// Default: SHA-256, as in CPython.
    pub const fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Allows MD5 with peers that support nothing else: CPython up to 3.11. It needs the feature
    /// `legacy-md5`.
    ///
    /// Default: `false`. Such a peer is rejected.
    #[cfg(feature = "legacy-md5")]
    pub const fn legacy_md5(mut self, allowed: bool) -> Self {
        self.legacy_md5 = allowed;
        self
    }

    /// Sets whether the proof is bound to the channel, which only Farcall peers support.
    ///
    /// Default: [`Binding::Prefer`].
    pub const fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Returns the digest of this name, or an error if it is not supported, or MD5 and not allowed.
    fn named_algorithm(&self, name: &[u8]) -> Result<Algorithm, AuthError> {
        if name == Algorithm::MD5.as_bytes() {
            return self.md5();
        }
        Digest::named(name)
            .map(Algorithm::Modern)
            .ok_or_else(|| AuthError::UnknownDigest(name.escape_ascii().to_string()))
    }

    /// Returns MD5, or an error if it is not allowed.
    #[allow(
        clippy::unused_self,
        reason = "without the feature, no setting decides"
    )]
    const fn md5(&self) -> Result<Algorithm, AuthError> {
        #[cfg(feature = "legacy-md5")]
        if self.legacy_md5 {
            return Ok(Algorithm::Md5);
        }
        Err(AuthError::LegacyPeer)
    }

    pub(crate) fn requires_binding(&self) -> bool {
        self.binding == Binding::Require
    }
}

/// Policy for [binding](self#binding) the proof of the key to its channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Never bind. For peers that see each other under different user ids, such as across a
    /// container boundary.
    Off,
    /// Bind with peers that support it. Others are accepted too, since nothing is known of a peer
    /// before the handshake.
    #[default]
    Prefer,
    /// Always bind. Peers without support are rejected, including CPython, and so is any transport
    /// whose channel has no identity: all except TLS, Unix sockets and memory.
    Require,
}

/// The error of a handshake with a peer that was reached.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The local key is empty.
    #[error("the authkey is empty")]
    EmptyKey,
    /// The local set of [keys](AuthKeys) is empty.
    #[error("the set of authkeys is empty")]
    EmptyKeys,
    /// The local set of [keys](AuthKeys) is too large.
    #[error("there are more than {} authkeys", AuthKeys::MAX)]
    TooManyKeys,
    /// The label, or its key, occurs twice in the local set of [keys](AuthKeys), or the key is
    /// equal to another one for HMAC.
    #[error("the label `{0}`, or its authkey, occurs twice")]
    RepeatedKey(String),
    /// The peer's response to the challenge is wrong: it has another key, or is behind a relay.
    #[error("the peer does not know the authkey")]
    WrongAnswer,
    /// The peer rejected the local response: it has another key, or requires something that the
    /// response lacks, such as binding.
    #[error("the peer rejected the authkey")]
    Rejected,
    /// The peer asks for MD5 or responds with it, as CPython up to 3.11 does, and it is not
    /// [allowed](Authentication::legacy_md5), or this program was built without the feature
    /// `legacy-md5`.
    #[cfg_attr(
        feature = "legacy-md5",
        error(
            "the peer authenticates with MD5, as CPython up to 3.11 does, which the setting \
             `legacy_md5` does not allow"
        )
    )]
    #[cfg_attr(
        not(feature = "legacy-md5"),
        error(
            "the peer authenticates with MD5, as CPython up to 3.11 does, which needs the feature \
             `legacy-md5` of the crate `farcall`, and the setting `legacy_md5`"
        )
    )]
    LegacyPeer,
    /// The peer uses a digest that is not supported.
    #[error("the peer uses the unknown digest `{0}`")]
    UnknownDigest(String),
    /// The peer's message is not valid at this point: it speaks another protocol.
    #[error("the peer's message is not {expected}")]
    Unexpected {
        /// The message that would have been valid.
        expected: &'static str,
    },
    /// The first bytes of the peer show that it speaks another protocol, such as HTTP.
    #[error("the peer does not speak this protocol: {0}")]
    OtherProtocol(&'static str),
    /// The peer sent a challenge that this process had issued to another peer.
    #[error("the peer reflected a challenge of this process")]
    Reflected,
    /// TLS [by the authkey alone](crate::ListenerBuilder::encrypted) is set, but no authkey.
    #[error("encryption by the authkey alone needs an authkey")]
    EncryptionNeedsKey,
    /// The handshake of TLS failed, or the local TLS cannot be used. The source says why.
    #[cfg(feature = "_tls")]
    #[error("TLS failed")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// [`Binding::Require`]: the peer did not bind its proof.
    #[error("the peer did not bind its proof to the channel, which is required")]
    Unbound,
    /// [`Binding::Require`]: the channel has no identity to bind the proof to.
    #[error("binding is required, but this transport has no channel identity")]
    NothingToBind,
    /// The handshake did not complete before its timeout.
    #[error(
        "the handshake timed out; a listener without an authkey never starts it, nor does \
             a server of another protocol"
    )]
    TimedOut,
    /// The connection broke during the handshake, or the peer closed it.
    #[error("the connection was lost during the handshake")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system has no random numbers.
    #[error("the system provided no random numbers")]
    Random(#[source] Box<dyn std::error::Error + Send + Sync>),
}

farcall_core::debug_errors!(AuthError);

/// Logs the peer that failed to authenticate and the error: at most 10 per minute.
pub(crate) fn log_auth_failure(peer: &Peer, error: &AuthError) {
    static FAILURES: Quota = Quota::new(10);

    refused(Refusal::Handshake);
    if tracing::enabled!(tracing::Level::WARN)
        && let Some(admitted) = FAILURES.admit()
    {
        let error = Foreign::excerpt(Causes(error));
        let suppressed = admitted.suppressed();
        tracing::warn!(%peer, %error, suppressed, "a peer failed to authenticate");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_peer_is_answered_with_the_setting() {
        let text = AuthError::LegacyPeer.to_string();
        assert!(
            text.contains("CPython up to 3.11") && text.contains("`legacy_md5`"),
            "{text}"
        );
    }

    #[test]
    fn errors_of_key_files_show_paths_but_no_keys() {
        let folder = std::env::temp_dir();
        let shown = |path: &Path| AuthKey::from_file(path).unwrap_err().to_string();
        for path in ["no-such-key", "no-such-folder/key"] {
            let path = folder.join(path);
            assert!(shown(&path).contains(path.to_str().unwrap()));
        }
        let absolute = shown(Path::new("/nowhere/key"));
        assert!(!cfg!(unix) || absolute.contains("/nowhere/key"));
        for key in [
            "s3cr3t",
            "/9j4s3cr3tAAQ=",
            "/9j4/s3cr3t+A=",
            "a/s3cr3t",
            "/tmp/u:s3cr3t@h",
        ] {
            assert!(!shown(Path::new(key)).contains("s3cr3t"), "{key}");
        }
    }
}
