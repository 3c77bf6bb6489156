//! What listeners and clients have in common before there is a connection.

use std::future::Future;
use std::time::Duration;

use rpc_core::Budget;
use rpc_core::transport::Peer;
use rpc_core::transport::tcp::keep_alive;
use tokio::time::{Instant, timeout_at};

use crate::account::HalfAccount;
use crate::auth::{
    AuthError, AuthKey, Authentication, Binding, Digest, Handshake, MAX_MESSAGE, Role,
};
use crate::connection::{self, IdleTimeout, Reader, SplitStream, StreamReadHalf, Writer};
#[cfg(unix)]
use crate::descriptor::Descriptors;

/// The settings of both builders.
#[derive(Debug)]
pub(crate) struct ConnectionSettings {
    pub(crate) key: Option<Result<AuthKey, AuthError>>,
    pub(crate) digest: Digest,
    pub(crate) legacy_md5: bool,
    pub(crate) binding: Binding,
    pub(crate) timeout: Duration,
    pub(crate) max_message: usize,
    /// For what is held on behalf of peers: of listeners alone.
    pub(crate) budget: Option<Budget>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    #[cfg(unix)]
    pub(crate) descriptors: Descriptors,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            key: None,
            digest: Digest::default(),
            legacy_md5: false,
            binding: Binding::default(),
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

impl ConnectionSettings {
    /// The settings once they are known to make sense.
    pub(crate) fn build(self) -> Result<ConnectionConfig, AuthError> {
        let authentication = self.key.transpose()?.map(|key| {
            Authentication::new(key)
                .digest(self.digest)
                .legacy_md5(self.legacy_md5)
                .binding(self.binding)
        });
        Ok(ConnectionConfig {
            authentication,
            timeout: self.timeout,
            max_message: self.max_message,
            budget: self.budget,
            keepalive: self.keepalive,
            idle_timeout: self.idle_timeout,
            #[cfg(unix)]
            descriptors: self.descriptors,
        })
    }
}

/// The terms on which a peer gets a connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionConfig {
    pub(crate) authentication: Option<Authentication>,
    timeout: Duration,
    pub(crate) max_message: usize,
    pub(crate) budget: Option<Budget>,
    keepalive: Option<Duration>,
    idle_timeout: Option<Duration>,
    #[cfg(unix)]
    descriptors: Descriptors,
}

/// A peer that met the terms.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) peer: Peer,
}

impl ConnectionConfig {
    /// Whether only channels with an identity will do.
    pub(crate) fn requires_binding(&self) -> bool {
        let authentication = self.authentication.as_ref();
        authentication.is_some_and(Authentication::requires_binding)
    }

    /// Until when a peer that comes now has time.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        // Beyond what the clock can say is as good as for ever.
        let farthest = || now + Duration::from_secs(u32::MAX.into());
        now.checked_add(self.timeout).unwrap_or_else(farthest)
    }

    /// Makes a connection of a stream.
    // No async function: the future would have room for the stream twice, and for what is made of it.
    pub(crate) fn establish(
        &self,
        role: Role,
        (read_half, write_half, peer, channel): SplitStream,
        deadline: Instant,
    ) -> impl Future<Output = Result<Established, AuthError>> + Send + use<> {
        let authentication = self.authentication.clone();
        let mut established = Established {
            reader: Reader::new(
                read_half,
                self.max_message,
                HalfAccount::new(self.budget.clone()),
            ),
            writer: Writer::new(write_half, HalfAccount::new(self.budget.clone())),
            peer,
        };
        // From the start: a read of the handshake that went on behind its last message would drop descriptors there.
        // It takes none itself.
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
            }
            established.reader.idle = idle_timeout.map(IdleTimeout::new);
            if let (StreamReadHalf::Tcp(tcp), Some(time)) = (&established.reader.stream, keepalive)
            {
                keep_alive(tcp.as_ref(), time);
            }
            Ok(established)
        }
    }
}

impl Established {
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
            let message = reader.message(MAX_MESSAGE).await;
            let message = message.map_err(|error| AuthError::Lost(error.into()))?;
            if let Err(error) = handshake.incoming(message) {
                if let Some(refusal) = handshake.outgoing() {
                    // The peer may have left; that it is refused stands either way.
                    let _ = writer.send_vectored(&[&refusal]).await;
                }
                return Err(error);
            }
        }
    }
}

/// The setters that both builders have.
macro_rules! setters {
    () => {
        /// Asks for the proof that the other end knows this key, and gives it. Without, there is no
        /// authentication at all, as in CPython: then whoever reaches the address gets a connection.
        ///
        /// Both ends must have a key or none: an end with a key waits for the other, until the
        /// [timeout](Self::timeout).
        pub fn authkey(mut self, key: impl AsRef<[u8]>) -> Self {
            self.settings.key = Some(AuthKey::new(key));
            self
        }

        /// The digest that this side asks for.
        ///
        /// Default: SHA-256, as CPython.
        pub fn digest(mut self, digest: Digest) -> Self {
            self.settings.digest = digest;
            self
        }

        /// Whether to authenticate with MD5 where the peer knows nothing else: CPython up to 3.11.
        ///
        /// Default: false. Such a peer is refused.
        pub fn legacy_md5(mut self, allowed: bool) -> Self {
            self.settings.legacy_md5 = allowed;
            self
        }

        /// Whether to [bind](crate::auth#binding) the authentication to the channel.
        ///
        /// Default: [`Binding::Prefer`].
        pub fn binding(mut self, binding: Binding) -> Self {
            self.settings.binding = binding;
            self
        }

        /// How many bytes a message may have.
        ///
        /// Default: 64 MiB. [`Connection::set_max_message`](crate::Connection::set_max_message) changes
        /// it later.
        pub fn max_message(mut self, bytes: usize) -> Self {
            self.settings.max_message = bytes;
            self
        }
    };
}
pub(crate) use setters;

/// The setters that both builders of plain connections have.
macro_rules! plain_setters {
    () => {
        /// After how long a silence the system asks whether the machine at the other end of a TCP connection is still
        /// there; `None` is never. It is given up where three such questions have no answer within as long again.
        /// Then whatever waits for the peer fails. Programs see nothing of it, and CPython needs to know nothing of it.
        /// The ends of Unix sockets are on this machine, whose system always knows.
        ///
        /// Default: 60 seconds, less than the time after which most firewalls and address translators forget a
        /// silent connection.
        pub fn keepalive(mut self, time: Option<Duration>) -> Self {
            self.settings.keepalive = time;
            self
        }

        /// How long a receive may wait for the next bytes; then it fails with an [error](crate::RecvError::Io) of the
        /// kind `TimedOut` (`WouldBlock` without async code, on some systems). This is what ends a connection whose
        /// peer is alive and says nothing.
        ///
        /// Default: for ever: peers of plain connections may have nothing to say for days.
        pub fn idle_timeout(mut self, time: Option<Duration>) -> Self {
            self.settings.idle_timeout = time;
            self
        }

        /// What becomes of descriptors that peers send over Unix sockets. It holds from the first byte behind the
        /// handshake on; what comes within the handshake is closed in any case, and so is what comes with
        /// [calls](crate::rpc).
        ///
        /// Default: [`Descriptors::Close`](crate::Descriptors::Close).
        #[cfg(unix)]
        pub fn descriptors(mut self, descriptors: crate::Descriptors) -> Self {
            self.settings.descriptors = descriptors;
            self
        }
    };
}
pub(crate) use plain_setters;
