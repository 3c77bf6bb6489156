//! Establishing connections: the settings of listeners and clients, and the handshake on a stream.

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::time;
use farcall_core::transport::tcp::keep_alive;
use farcall_core::{Budget, Identity};
use futures_util::FutureExt as _;
use futures_util::future::Either;
use tokio::time::{Instant, timeout_at};

use crate::account::HalfAccount;
use crate::auth::{
    AuthError, AuthKeys, Authentication, Binding, Digest, Handshake, MAX_MESSAGE, Role,
};
use crate::codec::Codec;
use crate::connection::{self, Connection, IdleTimeout, Reader, SplitStream, Writer};
#[cfg(unix)]
use crate::descriptor::Descriptors;
use crate::error::RecvError;
use crate::tls::{Tls, TlsSettings};

/// The settings that the builders of listeners and clients collect.
#[derive(Debug, Default)]
pub(crate) struct ConnectionSettings {
    pub(crate) keys: Option<Result<AuthKeys, AuthError>>,
    pub(crate) digest: Digest,
    #[cfg(feature = "legacy-md5")]
    pub(crate) legacy_md5: bool,
    pub(crate) binding: Binding,
    pub(crate) tls: Option<TlsSettings>,
    /// All other settings. The authentication follows from those above.
    pub(crate) config: ConnectionConfig,
}

impl ConnectionSettings {
    /// Validates the settings of one side.
    pub(crate) fn build(self, role: Role) -> Result<ConnectionConfig, AuthError> {
        let is_by_authkey = self.tls.as_ref().is_some_and(TlsSettings::is_by_authkey);
        if is_by_authkey && self.keys.is_none() {
            return Err(AuthError::EncryptionNeedsKey);
        }
        let binding = if is_by_authkey {
            Binding::Require
        } else {
            self.binding
        };
        let authentication = self.keys.transpose()?.map(|keys| {
            let authentication = Authentication::new(keys)
                .digest(self.digest)
                .binding(binding);
            #[cfg(feature = "legacy-md5")]
            let authentication = authentication.legacy_md5(self.legacy_md5);
            authentication
        });
        Ok(ConnectionConfig {
            authentication,
            tls: self.tls.map(|tls| tls.build(role)).transpose()?,
            ..self.config
        })
    }
}

/// The validated configuration for establishing connections.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionConfig {
    pub(crate) authentication: Option<Authentication>,
    pub(crate) tls: Option<Tls>,
    /// The name that the certificate of the peer must have, unless it is that of the target.
    pub(crate) server_name: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) max_message: usize,
    /// The budget for the bytes held on behalf of peers. Only listeners have one.
    pub(crate) budget: Option<Budget>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    #[cfg(unix)]
    pub(crate) descriptors: Descriptors,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            authentication: None,
            tls: None,
            server_name: None,
            timeout: Duration::from_secs(5),
            max_message: connection::MAX_MESSAGE,
            budget: None,
            keepalive: Some(Duration::from_secs(60)),
            idle_timeout: None,
            #[cfg(unix)]
            descriptors: Descriptors::Close,
        }
    }
}

/// An established connection: its halves after the handshake, if there is an authkey.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) identity: Identity,
}

impl ConnectionConfig {
    /// Returns `true` if the channel must have an identity to bind to.
    pub(crate) fn requires_binding(&self) -> bool {
        let authentication = self.authentication.as_ref();
        authentication.is_some_and(Authentication::requires_binding)
    }

    /// Returns the deadline of a handshake that starts now.
    pub(crate) fn deadline(&self) -> Instant {
        time::deadline(self.timeout)
    }

    /// Performs the handshake of TLS on a stream, if there is one. `host` is that of the target.
    pub(crate) fn secure(
        &self,
        stream: SplitStream,
        host: Option<&str>,
        deadline: Instant,
    ) -> impl Future<Output = Result<SplitStream, AuthError>> + Send + use<> {
        let Some(tls) = &self.tls else {
            return Either::Left(ready(Ok(stream)));
        };
        let securing = tls.secure(stream, self.server_name.as_deref().or(host));
        Either::Right(
            timeout_at(deadline, securing)
                .map(|secured| secured.unwrap_or(Err(AuthError::TimedOut))),
        )
    }

    /// Establishes a connection on a stream.
    // Not an async function: its future would reserve space for the stream twice, and again for the
    // halves built from it.
    pub(crate) fn establish(
        &self,
        role: Role,
        (read_half, write_half, peer, channel): SplitStream,
        deadline: Instant,
    ) -> impl Future<Output = Result<Established, AuthError>> + Send + use<> {
        let authentication = self.authentication.clone();
        let identity = read_half.identity(peer);
        let mut established = Established {
            reader: Reader::new(
                read_half,
                self.max_message,
                HalfAccount::new(self.budget.clone()),
            ),
            writer: Writer::new(write_half, HalfAccount::new(self.budget.clone())),
            identity,
        };
        // Set before the handshake: a read past its last message would drop descriptors that
        // follow. The handshake itself receives none.
        #[cfg(unix)]
        {
            established.reader.descriptors = self.descriptors;
        }
        let (keepalive, idle_timeout) = (self.keepalive, self.idle_timeout);
        async move {
            if let Some(authentication) = authentication {
                let mut handshake = Handshake::new(role, authentication, channel)?;
                timeout_at(deadline, established.authenticate(&mut handshake))
                    .await
                    .unwrap_or(Err(AuthError::TimedOut))?;
                #[cfg(unix)]
                if handshake.is_legacy() {
                    established.reader.confirmations.record_no_confirmation();
                }
                if let Some(label) = handshake.key() {
                    established.identity.set_key(Arc::clone(label));
                }
            }
            established.reader.idle = idle_timeout.map(IdleTimeout::new);
            if let (Some(tcp), Some(time)) = (established.reader.stream.tcp(), keepalive) {
                keep_alive(tcp, time);
            }
            Ok(established)
        }
    }
}

impl Established {
    pub(crate) fn into_connection<S, R, C: Codec>(self) -> Connection<S, R, C> {
        Connection::from_parts(self.reader, self.writer, C::default(), self.identity)
    }

    async fn authenticate(&mut self, handshake: &mut Handshake) -> Result<(), AuthError> {
        let Self { reader, writer, .. } = self;
        loop {
            while let Some(message) = handshake.outgoing() {
                let sent = writer.send_vectored(&[&message]).await;
                sent.map_err(|error| AuthError::Lost(error.into()))?;
            }
            if handshake.is_complete() {
                return Ok(());
            }
            let message = reader.message(MAX_MESSAGE).await.map_err(lost)?;
            if let Err(error) = handshake.incoming(message) {
                if let Some(rejection) = handshake.outgoing() {
                    // The peer may have disconnected; it is rejected either way.
                    let _ = writer.send_vectored(&[&rejection]).await;
                }
                return Err(error);
            }
        }
    }
}

/// Returns the error of a receive during the handshake.
fn lost(error: RecvError) -> AuthError {
    match error {
        RecvError::Frame(error) => match error.other_protocol() {
            Some(text) => AuthError::OtherProtocol(text),
            None => AuthError::Lost(error.into()),
        },
        error => AuthError::Lost(error.into()),
    }
}

/// The setters that the builders of connections, clients, listeners and servers have. The argument
/// is the field that holds the settings, if the builder itself does not: `listener.`, for example.
macro_rules! setters {
    ($($builder:ident .)*) => {
        /// Sets the authkey that both peers must prove. Without one there is no authentication, as
        /// in CPython: anyone who can reach the address gets a connection.
        ///
        /// Either both peers have a key or neither has. A peer with a key waits for the handshake
        /// of a peer without one until the [timeout](Self::timeout).
        pub fn authkey(mut self, key: impl AsRef<[u8]>) -> Self {
            self.$($builder.)*settings.keys = Some(AuthKey::new(key).map(Into::into));
            self
        }

        /// Sets the digest that the local challenge asks for.
        ///
        /// Default: SHA-256, as in CPython.
        pub fn digest(mut self, digest: Digest) -> Self {
            self.$($builder.)*settings.digest = digest;
            self
        }

        /// Allows MD5 with peers that support nothing else: CPython up to 3.11. It needs the
        /// feature `legacy-md5`.
        ///
        /// Default: `false`. Such a peer is rejected.
        #[cfg(feature = "legacy-md5")]
        pub fn legacy_md5(mut self, allowed: bool) -> Self {
            self.$($builder.)*settings.legacy_md5 = allowed;
            self
        }

        /// Sets whether the proof is [bound](crate::auth#binding) to the channel.
        ///
        /// Default: [`Binding::Prefer`].
        pub fn binding(mut self, binding: Binding) -> Self {
            self.$($builder.)*settings.binding = binding;
            self
        }

        /// Encrypts the connection with TLS whose only credential is the authkey: there are no
        /// certificates, and a peer is whoever proves that it knows the key on this very channel.
        /// Both sides must set it. It implies [`Binding::Require`] and an authkey; CPython has
        /// nothing like it.
        ///
        /// The key must be strong: an attacker who relays a handshake learns a challenge and a
        /// response, to try keys on. See [the threat model](crate::auth#tls).
        ///
        /// Default: no encryption. It replaces other settings of TLS.
        #[cfg(feature = "_tls")]
        #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
        pub fn encrypted(mut self) -> Self {
            self.$($builder.)*settings.tls = Some(crate::tls::TlsSettings::ByAuthkey);
            self
        }

        /// Sets the maximum length of a received message, in bytes.
        ///
        /// Default: 64 MiB. On a plain connection,
        /// [`Connection::set_max_message`](crate::Connection::set_max_message) changes it later.
        pub fn max_message(mut self, bytes: usize) -> Self {
            self.$($builder.)*settings.config.max_message = bytes;
            self
        }
    };
}
pub(crate) use setters;

/// The setters that the builders of listeners and servers have, besides [`setters`].
macro_rules! listener_setters {
    ($($builder:ident .)*) => {
        /// Sets several authkeys with labels, of which a peer must prove any one, instead of a
        /// single [`authkey`](Self::authkey). The label is the
        /// [`key`](farcall_core::Identity::key) of the peer's identity.
        pub fn authkeys(mut self, keys: AuthKeys) -> Self {
            self.$($builder.)*settings.keys = Some(Ok(keys));
            self
        }

        /// Sets the timeout for the handshake of a peer, counted from accepting its connection.
        ///
        /// Default: 5 seconds.
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.$($builder.)*settings.config.timeout = timeout;
            self
        }

        /// Serves TLS 1.3 with this certificate and key. Peers that do not speak it are
        /// disconnected; its handshake is part of the one that [`timeout`](Self::timeout) and
        /// [`max_pending`](Self::max_pending) limit. Without an [`authkey`](Self::authkey),
        /// [client certificates](farcall_core::transport::tls::ServerTls::client_roots) can decide
        /// who connects.
        ///
        /// Default: no TLS. It replaces [`encrypted`](Self::encrypted).
        #[cfg(feature = "_tls")]
        #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
        pub fn tls(mut self, tls: farcall_core::transport::tls::ServerTls) -> Self {
            self.$($builder.)*settings.tls = Some(crate::tls::TlsSettings::Listener(tls));
            self
        }

        /// Sets the budget for the bytes held on behalf of peers, which other listeners and servers
        /// may share. It counts messages that are being received, and messages that a peer does not
        /// read; for a [`rpc::Server`](crate::rpc::Server) also calls until their replies are sent,
        /// and items of streams until they are consumed; for a server of managers, each reply until
        /// it is sent. When it is spent, the connection that has
        /// held the most for the longest is evicted: see [`Budget`].
        ///
        /// Default: 64 MiB for this listener alone; more if [`max_message`](Self::max_message) is.
        /// A message that is longer than a budget set here is never received.
        pub fn budget(mut self, budget: Budget) -> Self {
            self.$($builder.)*settings.config.budget = Some(budget);
            self.$($builder.)*has_chosen_budget = true;
            self
        }

        /// Sets the maximum number of concurrent handshakes. When one more peer connects, the
        /// oldest handshake is aborted, since a peer that knows the key completes it quickly.
        ///
        /// Default: 512, half the number of open files that many systems allow a process.
        pub fn max_pending(mut self, peers: usize) -> Self {
            self.$($builder.)*max_pending = peers.max(1);
            self
        }

        /// Sets the maximum number of concurrent handshakes with one IPv4 address or one IPv6 /64
        /// network. It works like [`max_pending`](Self::max_pending).
        ///
        /// Default: 256.
        pub fn max_pending_per_address(mut self, peers: usize) -> Self {
            self.$($builder.)*max_pending_per_address = peers.max(1);
            self
        }

        /// Sets the permissions of the file of a Unix socket, such as `0o660` to allow the group of
        /// this process. They apply before the first peer can connect.
        ///
        /// Default: `0o600`, for the user of this process only, independently of the umask: a
        /// listener without an authkey accepts anyone who can connect.
        #[cfg(unix)]
        pub fn mode(mut self, mode: u32) -> Self {
            self.$($builder.)*mode = mode;
            self
        }
    };
}
pub(crate) use listener_setters;

/// The setters that the builders of clients have, besides [`setters`].
macro_rules! client_setters {
    () => {
        /// Connects with TLS 1.3, and verifies the certificate of the listener.
        ///
        /// Default: no TLS. It replaces [`encrypted`](Self::encrypted).
        #[cfg(feature = "_tls")]
        #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
        pub fn tls(mut self, tls: farcall_core::transport::tls::ClientTls) -> Self {
            self.settings.tls = Some(crate::tls::TlsSettings::Client(tls));
            self
        }

        /// Sets the name or IP address that the certificate of the listener must have.
        ///
        /// Default: the host of the target. Other targets have none, so they need this for
        /// [`tls`](Self::tls).
        #[cfg(feature = "_tls")]
        #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
        pub fn server_name(mut self, name: impl Into<String>) -> Self {
            self.settings.config.server_name = Some(name.into());
            self
        }
    };
}
pub(crate) use client_setters;

/// The setters that only the builders of plain connections and their listeners have. Sessions have
/// a keepalive of their own, and pass no descriptors.
macro_rules! plain_setters {
    () => {
        /// Sets the time of silence after which the system probes the peer of a TCP connection
        /// (`SO_KEEPALIVE`); `None` disables it. If three probes are not answered within the same
        /// time again, the connection breaks, and pending sends and receives fail. The probes are
        /// invisible to programs, and CPython peers need no support for them. Unix sockets need no
        /// probes: their peer is on the same machine, and the system knows when it exits.
        ///
        /// Default: 60 seconds, less than the time after which most firewalls and address
        /// translators forget a silent connection.
        pub fn keepalive(mut self, time: Option<Duration>) -> Self {
            self.settings.config.keepalive = time;
            self
        }

        /// Sets how long a receive waits for the next bytes before it fails with an
        /// [error](crate::RecvError::Io) of the kind `TimedOut` (in blocking code on some systems
        /// `WouldBlock`). It detects a peer that is alive but silent, which
        /// [`keepalive`](Self::keepalive) does not.
        ///
        /// Default: no timeout, since peers of plain connections may have nothing to send for days.
        pub fn idle_timeout(mut self, time: Option<Duration>) -> Self {
            self.settings.config.idle_timeout = time;
            self
        }

        /// Sets whether descriptors that peers send over Unix sockets are received or closed. It
        /// applies from the first byte after the handshake. Descriptors sent during the handshake,
        /// or beside [calls](crate::rpc), are always closed.
        ///
        /// Default: [`Descriptors::Close`](crate::Descriptors::Close).
        #[cfg(unix)]
        pub fn descriptors(mut self, descriptors: crate::Descriptors) -> Self {
            self.settings.config.descriptors = descriptors;
            self
        }
    };
}
pub(crate) use plain_setters;
