//! TLS of servers.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoClientAuth, NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::end_of_validity;
use super::pem::{Credential, Pem, Stamp};
use super::watch::Watch;
use super::{Profile, TlsError, TlsSession, provider};
#[cfg(feature = "metrics")]
use crate::counts::Living;
use crate::output::Causes;
use crate::transport::Io;
use crate::value::DateTime;

/// The time before the end of a certificate in which it is warned of: 14 days, enough to repair a
/// renewal that fails.
const EXPIRY_NOTICE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The time between two warnings: a day.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The time between two looks at watched files: 30 seconds.
const WATCH_INTERVAL: Duration = Duration::from_secs(30);

#[cfg(feature = "metrics")]
static SERVERS: Living<Shared> = Living::new();

/// TLS of a server: its certificate and key, and the authorities of its clients.
///
/// Clones share one state, so a [`reload`](Self::reload) of one reaches all servers that have one.
///
/// Sessions are resumed (256 of them, by one ticket for each connection, without early data),
/// except with [client certificates](Self::client_roots): these are verified in each handshake.
#[derive(Clone)]
pub struct ServerTls(Arc<Shared>);

struct Shared {
    sources: Sources,
    current: ArcSwap<Current>,
    is_watched: AtomicBool,
    watch: Watch,
    /// The time of the last warning of the end of the certificate. Locked by reloads, too.
    warned: Mutex<Option<Instant>>,
}

/// The sources of the configurations.
#[derive(Clone)]
enum Sources {
    Pem {
        credential: Credential,
        clients: Option<(Pem, ClientCertificates)>,
        provider: Arc<CryptoProvider>,
    },
    /// The program has built the configuration.
    Config(Arc<ServerConfig>),
}

/// The configurations of new handshakes.
struct Current {
    http: Arc<ServerConfig>,
    connection: Arc<ServerConfig>,
    expires: Option<SystemTime>,
    /// The state of the files that all of this is from.
    stamps: Vec<Stamp>,
}

/// The demand for certificates of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientCertificates {
    /// A client without a certificate is refused.
    Required,
    /// A client without a certificate is served, as an anonymous peer. A certificate that is sent
    /// must be valid.
    Optional,
}

impl ServerTls {
    /// Reads a certificate, followed by its chain, and its key, from files in PEM. The key has no
    /// passphrase.
    ///
    /// # Errors
    /// If a file cannot be read or has no certificate or key, or the key is not that of the
    /// certificate.
    pub fn from_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        Self::from_credential(Credential::new(Pem::file(certificates), Pem::file(key)))
    }

    /// Reads a certificate, followed by its chain, and its key, from PEM texts. The key has no
    /// passphrase.
    ///
    /// # Errors
    /// If there is no certificate or key, or the key is not that of the certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::from_credential(Credential::new(Pem::text(certificates), Pem::text(key)))
    }

    /// Uses a configuration of the program as it is, for every protocol: the program is
    /// responsible for the [`Profile`] of the protocol, and for turning off resumption if clients
    /// have certificates.
    #[must_use]
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        let current = Current::given(&config);
        Self::of(Shared::new(Sources::Config(config), current))
    }

    fn from_credential(credential: Credential) -> Result<Self, TlsError> {
        Self::from_sources(Sources::Pem {
            credential,
            clients: None,
            provider: provider(),
        })
    }

    fn from_sources(sources: Sources) -> Result<Self, TlsError> {
        let current = sources.build()?;
        Ok(Self::of(Shared::new(sources, current)))
    }

    fn of(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        #[cfg(feature = "metrics")]
        SERVERS.add(&shared);
        Self(shared)
    }

    /// Returns the TLS of all servers of this process.
    #[cfg(feature = "metrics")]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SERVERS.all().into_iter().map(Self)
    }

    /// Demands certificates of clients, signed by an authority in a PEM file. Earlier clones are
    /// not affected.
    ///
    /// Default: clients need no certificate, and are not asked for one.
    ///
    /// # Errors
    /// If the file cannot be read or has no certificate; also after
    /// [`from_config`](Self::from_config), whose configuration decides.
    pub fn client_roots(
        self,
        roots: impl AsRef<Path>,
        demand: ClientCertificates,
    ) -> Result<Self, TlsError> {
        self.with_client_roots(Pem::file(roots), demand)
    }

    /// Demands certificates of clients, signed by an authority in a PEM text: see
    /// [`client_roots`](Self::client_roots).
    ///
    /// # Errors
    /// If the text has no certificate; also after [`from_config`](Self::from_config).
    pub fn client_roots_pem(
        self,
        roots: &[u8],
        demand: ClientCertificates,
    ) -> Result<Self, TlsError> {
        self.with_client_roots(Pem::text(roots), demand)
    }

    fn with_client_roots(self, roots: Pem, demand: ClientCertificates) -> Result<Self, TlsError> {
        match self.0.sources.clone() {
            Sources::Config(_) => Err(TlsError::GivenConfig),
            Sources::Pem {
                credential,
                provider,
                ..
            } => {
                let with_roots = Self::from_sources(Sources::Pem {
                    credential,
                    clients: Some((roots, demand)),
                    provider,
                })?;
                let is_watched = self.0.is_watched.load(Ordering::Relaxed);
                with_roots.0.is_watched.store(is_watched, Ordering::Relaxed);
                Ok(with_roots)
            }
        }
    }

    /// Reads the files again. New handshakes use what they contain; open connections are not
    /// affected. What was not read from files stays.
    ///
    /// # Errors
    /// As with [`from_files`](Self::from_files). Everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        // Locked first: of two reloads, the one that reads later decides.
        let mut warned = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.0.sources.build()?;
        *warned = None;
        self.0.current.store(Arc::new(current));
        Ok(())
    }

    /// Makes this and its clones read the files again when they have changed: at a handshake, at
    /// most every 30 seconds, in the background, so that this handshake still uses what was read
    /// before, unless that has expired. If the files cannot be used, what was read before stays,
    /// and a warning is logged.
    ///
    /// Default: the program calls [`reload`](Self::reload) when the files have changed.
    pub fn watch(self) -> Self {
        self.0.is_watched.store(true, Ordering::Relaxed);
        self
    }

    /// Returns the time until which the server's certificate is valid, if it can be read. A
    /// [configuration of the program](Self::from_config) is not read.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.current.load().expires
    }

    /// Logs a warning if the server's certificate expires within 14 days, or has expired, once a
    /// day. Each handshake does this, and a server when it is bound.
    pub fn warn_of_expiry(&self) {
        let Some(expires) = self.expires() else {
            return;
        };
        if SystemTime::now() + EXPIRY_NOTICE < expires {
            return;
        }
        let Ok(mut warned) = self.0.warned.try_lock() else {
            return;
        };
        let is_due = |last: Instant| last.elapsed() >= EXPIRY_INTERVAL;
        if warned.is_none_or(is_due) {
            *warned = Some(Instant::now());
            let expires = DateTime::from(expires);
            tracing::warn!(%expires, "the server's TLS certificate expires soon, or has expired (UTC)");
        }
    }

    fn has_expired(&self) -> bool {
        self.expires()
            .is_some_and(|expires| expires <= SystemTime::now())
    }

    fn look_at_files(&self) {
        if !self.0.is_watched.load(Ordering::Relaxed) {
            return;
        }
        let shared = Arc::clone(&self.0);
        let look = move || {
            if shared.sources.stamps() != shared.current.load().stamps
                && let Err(error) = Self(shared).reload()
            {
                let error = Causes(&error);
                tracing::warn!(%error, "the changed files of TLS cannot be used");
            }
        };
        self.0.watch.look(WATCH_INTERVAL, self.has_expired(), look);
    }

    /// Makes the next look at watched files due.
    #[cfg(test)]
    pub(super) fn set_due(&self) {
        self.0.watch.set_due();
    }

    /// Returns the configuration for a handshake of one protocol.
    #[must_use]
    pub fn config(&self, profile: Profile) -> Arc<ServerConfig> {
        self.look_at_files();
        self.warn_of_expiry();
        let current = self.0.current.load();
        Arc::clone(match profile {
            Profile::Http => &current.http,
            Profile::Connection => &current.connection,
        })
    }

    /// Performs the handshake with a peer. There is no timeout.
    ///
    /// # Errors
    /// If the peer disconnects, or the handshake fails: then the cause is a [`TlsError`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the byte stream.
    pub async fn accept<I: Io>(
        &self,
        profile: Profile,
        io: I,
    ) -> io::Result<(TlsStream<I>, Arc<TlsSession>)> {
        let acceptor = TlsAcceptor::from(self.config(profile));
        let stream = acceptor.accept(io).await.map_err(TlsError::in_handshake)?;
        let session = Arc::new(TlsSession::of_server(stream.get_ref().1));
        Ok((stream, session))
    }
}

impl Shared {
    fn new(sources: Sources, current: Current) -> Self {
        Self {
            sources,
            current: ArcSwap::from_pointee(current),
            is_watched: AtomicBool::new(false),
            watch: Watch::new(),
            warned: Mutex::default(),
        }
    }
}

impl Current {
    fn given(config: &Arc<ServerConfig>) -> Self {
        Self {
            http: Arc::clone(config),
            connection: Arc::clone(config),
            expires: None,
            stamps: Vec::new(),
        }
    }
}

impl Sources {
    fn stamps(&self) -> Vec<Stamp> {
        match self {
            Self::Config(_) => Vec::new(),
            Self::Pem {
                credential,
                clients,
                ..
            } => {
                let roots = clients.as_ref().map(|(roots, _)| roots.stamp());
                credential.stamps().into_iter().chain(roots).collect()
            }
        }
    }

    fn build(&self) -> Result<Current, TlsError> {
        let (credential, clients, provider) = match self {
            Self::Pem {
                credential,
                clients,
                provider,
            } => (credential, clients, provider),
            Self::Config(config) => return Ok(Current::given(config)),
        };
        // Before they are read, so that a later change is noticed.
        let stamps = self.stamps();
        let certified = credential.read(provider)?;
        let verifier = match clients {
            None => Arc::new(NoClientAuth),
            Some((roots, demand)) => {
                let builder = WebPkiClientVerifier::builder_with_provider(
                    roots.roots()?,
                    Arc::clone(provider),
                );
                let builder = match demand {
                    ClientCertificates::Required => builder,
                    ClientCertificates::Optional => builder.allow_unauthenticated(),
                };
                builder.build().map_err(|error| TlsError::Unusable {
                    place: roots.to_string(),
                    source: rustls::Error::General(error.to_string()),
                })?
            }
        };
        let expires = end_of_validity(&certified);
        let resolver = Arc::new(SingleCertAndKey::from(certified));
        let build = |profile: Profile| -> Result<_, TlsError> {
            let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
                .with_protocol_versions(profile.versions())
                .map_err(TlsError::Provider)?
                .with_client_cert_verifier(Arc::clone(&verifier))
                .with_cert_resolver(resolver.clone());
            config.alpn_protocols = profile.protocols();
            // Every connection brings a ticket for the next one. A second ticket would help only a
            // client that opens two connections after its first, and takes a hundredth of the time
            // of a resumed connection and the place of another session.
            config.send_tls13_tickets = 1;
            if clients.is_some() {
                // A resumed session has the certificate of its first handshake, and no verifier
                // looks at it again: it may have expired, or its authority may have been removed.
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
            Ok(Arc::new(config))
        };
        Ok(Current {
            http: build(Profile::Http)?,
            connection: build(Profile::Connection)?,
            expires,
            stamps,
        })
    }
}

/// Shows the files. Keys are not shown.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ServerTls");
        match &self.0.sources {
            Sources::Config(_) => shown.field("config", &".."),
            Sources::Pem {
                credential,
                clients,
                ..
            } => shown
                .field("credential", credential)
                .field("clients", clients),
        };
        shown.field("expires", &self.expires()).finish()
    }
}
