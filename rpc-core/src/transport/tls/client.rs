//! TLS of clients.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier as PlatformVerifier;

use super::certificate::end_of_validity;
use super::pem::{Credential, Pem, Stamp};
use super::verify::ByCertificate;
use super::watch::Watch;
use super::{Profile, TlsError, provider};
use crate::output::Causes;

/// The time between two looks at the files of a client's certificate: a second.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// TLS of a client: the authorities that it trusts, and its own certificate.
///
/// Clones share one state: the authorities are read once, and sessions are resumed.
///
/// [`roots`](Self::roots), [`pin`](Self::pin) and
/// [`dangerous_without_verification`](Self::dangerous_without_verification) replace each other.
#[derive(Clone)]
pub struct ClientTls(Arc<Inner>);

struct Inner {
    trust: Trust,
    credential: Option<Credential>,
    provider: Arc<CryptoProvider>,
    /// Created at the first use, since reading the authorities of the system takes long.
    verifier: OnceLock<Arc<dyn ServerCertVerifier>>,
    /// The configurations in use, at the index of their profile.
    built: Mutex<[Option<Built>; Profile::ALL.len()]>,
    watch: Watch,
    /// Locked while the files are looked at: the look that reads later decides.
    looking: Mutex<()>,
}

#[derive(Clone)]
enum Trust {
    /// The authorities of the system.
    Platform,
    Roots(Arc<RootCertStore>),
    Pinned(Arc<[CertificateDer<'static>]>),
    Anything,
    /// The program has built the configuration.
    Config(Arc<ClientConfig>),
}

struct Built {
    config: Arc<ClientConfig>,
    /// The state of the files of the credential that it contains.
    stamps: Option<[Stamp; 2]>,
    /// The end of that credential's certificate.
    expires: Option<SystemTime>,
}

impl ClientTls {
    /// Creates the TLS of a client that trusts the authorities that its system trusts. They are
    /// read when the first connection needs them. On Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` take
    /// precedence.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Trust::Platform, None, provider())
    }

    /// Creates the TLS of a client from a configuration of the program, which is used as it is, for
    /// every protocol: the program is responsible for the [`Profile`] of the protocol, and for the
    /// verification of servers. Setters of what is trusted replace it.
    #[must_use]
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self::with(Trust::Config(config), None, provider())
    }

    fn with(trust: Trust, credential: Option<Credential>, provider: Arc<CryptoProvider>) -> Self {
        Self(Arc::new(Inner {
            trust,
            credential,
            provider,
            verifier: OnceLock::new(),
            built: Mutex::default(),
            watch: Watch::new(),
            looking: Mutex::default(),
        }))
    }

    fn trusting(&self, trust: Trust) -> Self {
        Self::with(
            trust,
            self.0.credential.clone(),
            Arc::clone(&self.0.provider),
        )
    }

    /// Trusts the authorities in a PEM file, and no others.
    ///
    /// # Errors
    /// If the file cannot be read or has no certificate.
    pub fn roots(self, roots: impl AsRef<Path>) -> Result<Self, TlsError> {
        Ok(self.trusting(Trust::Roots(Pem::file(roots).roots()?)))
    }

    /// Trusts the authorities in a PEM text, and no others.
    ///
    /// # Errors
    /// If the text has no certificate.
    pub fn roots_pem(self, roots: &[u8]) -> Result<Self, TlsError> {
        Ok(self.trusting(Trust::Roots(Pem::text(roots).roots()?)))
    }

    /// Accepts exactly the certificates in a PEM file, whatever their names and authorities: the
    /// file says which server it is. Among them are self-signed certificates that are marked as
    /// authorities, as `openssl req -x509` makes them, and that are refused otherwise. They must
    /// not have expired.
    ///
    /// # Errors
    /// If the file cannot be read or has no certificate.
    pub fn pin(self, certificates: impl AsRef<Path>) -> Result<Self, TlsError> {
        let pinned = Pem::file(certificates).certificates()?;
        Ok(self.trusting(Trust::Pinned(pinned.into())))
    }

    /// Accepts exactly the certificates in a PEM text: see [`pin`](Self::pin).
    ///
    /// # Errors
    /// If the text has no certificate.
    pub fn pin_pem(self, certificates: &[u8]) -> Result<Self, TlsError> {
        let pinned = Pem::text(certificates).certificates()?;
        Ok(self.trusting(Trust::Pinned(pinned.into())))
    }

    /// Accepts any certificate: whoever can intercept the connection can read and change all of
    /// it. To trust a single certificate, use [`pin`](Self::pin).
    #[must_use]
    pub fn dangerous_without_verification(self) -> Self {
        self.trusting(Trust::Anything)
    }

    /// Sets the certificate of the client, followed by its chain, and its key, from files in PEM.
    /// They are read again when they have changed: new connections look at them, at most once a
    /// second, in the background, so that this connection still uses what was read before, unless
    /// that has expired.
    ///
    /// Default: none.
    ///
    /// # Errors
    /// If a file cannot be read or has no certificate or key, or the key is not that of the
    /// certificate.
    pub fn certificate(
        self,
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        self.with_credential(Credential::new(Pem::file(certificates), Pem::file(key)))
    }

    /// Sets the certificate of the client, followed by its chain, and its key, from PEM texts.
    ///
    /// # Errors
    /// If there is no certificate or key, or the key is not that of the certificate; after
    /// [`from_config`](Self::from_config), which decides about both.
    pub fn certificate_pem(self, certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        self.with_credential(Credential::new(Pem::text(certificates), Pem::text(key)))
    }

    fn with_credential(self, credential: Credential) -> Result<Self, TlsError> {
        credential.read(&self.0.provider)?;
        // The trust of the configuration would be lost.
        if let Trust::Config(_) = self.0.trust {
            return Err(TlsError::GivenConfig);
        }
        Ok(Self::with(
            self.0.trust.clone(),
            Some(credential),
            Arc::clone(&self.0.provider),
        ))
    }

    /// Returns the configuration for a new connection of one protocol. It is the same one, also for
    /// clones, until the files of the client's certificate change.
    ///
    /// # Errors
    /// If the authorities of the system cannot be read.
    pub fn config(&self, profile: Profile) -> Result<Arc<ClientConfig>, TlsError> {
        let inner = &*self.0;
        if let Trust::Config(config) = &inner.trust {
            return Ok(Arc::clone(config));
        }
        let has_expired = match &inner.built()[profile as usize] {
            Some(built) => built.expires.is_some_and(|end| end <= SystemTime::now()),
            None => false,
        };
        if inner
            .credential
            .as_ref()
            .is_some_and(Credential::is_in_files)
        {
            let shared = Arc::clone(&self.0);
            let look = move || shared.look_at_files();
            inner.watch.look(WATCH_INTERVAL, has_expired, look);
        }
        let mut all = inner.built();
        let built = match &mut all[profile as usize] {
            Some(built) => built,
            none => none.insert(inner.build(profile)?),
        };
        Ok(Arc::clone(&built.config))
    }
}

impl Inner {
    fn built(&self) -> MutexGuard<'_, [Option<Built>; Profile::ALL.len()]> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the configurations whose files have changed.
    fn look_at_files(&self) {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.credential.as_ref().map(Credential::stamps);
        for profile in Profile::ALL {
            let has_changed = |built: &Built| built.stamps != stamps;
            if !self.built()[profile as usize]
                .as_ref()
                .is_some_and(has_changed)
            {
                continue;
            }
            match self.build(profile) {
                Ok(built) => self.built()[profile as usize] = Some(built),
                // One of the two files may have been replaced, and the other not yet.
                Err(error) => {
                    let error = Causes(&error);
                    tracing::warn!(%error, "the certificate of a client cannot be read again");
                }
            }
        }
    }

    fn build(&self, profile: Profile) -> Result<Built, TlsError> {
        // Before the files are read, so that a later change is noticed.
        let stamps = self.credential.as_ref().map(Credential::stamps);
        let mut expires = None;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(profile.versions())
            .map_err(TlsError::Provider)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier()?);
        let mut config = match &self.credential {
            None => builder.with_no_client_auth(),
            Some(credential) => {
                let certified = credential.read(&self.provider)?;
                expires = end_of_validity(&certified);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
        };
        config.alpn_protocols = profile.protocols();
        // A resumed session is not verified again, and each connection can extend it: only a full
        // handshake notices that a pinned certificate has expired.
        config.resumption = match self.trust {
            Trust::Pinned(_) => Resumption::disabled(),
            _ => Resumption::in_memory_sessions(256),
        };
        Ok(Built {
            config: Arc::new(config),
            stamps,
            expires,
        })
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if let Some(verifier) = self.verifier.get() {
            return Ok(Arc::clone(verifier));
        }
        let provider = Arc::clone(&self.provider);
        let verifier: Arc<dyn ServerCertVerifier> = match &self.trust {
            Trust::Platform | Trust::Config(_) => {
                Arc::new(PlatformVerifier::new(provider).map_err(TlsError::NoRoots)?)
            }
            Trust::Roots(roots) => {
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider)
                    .build()
                    .map_err(|error| TlsError::NoRoots(rustls::Error::General(error.to_string())))?
            }
            Trust::Pinned(pinned) => {
                Arc::new(ByCertificate::new(Some(Arc::clone(pinned)), provider))
            }
            Trust::Anything => Arc::new(ByCertificate::new(None, provider)),
        };
        Ok(Arc::clone(self.verifier.get_or_init(|| verifier)))
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows what is trusted, and the files. Keys are not shown.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trust = match &self.0.trust {
            Trust::Platform => "the authorities of the system",
            Trust::Roots(_) => "the given authorities",
            Trust::Pinned(_) => "the pinned certificates",
            Trust::Anything => "anything",
            Trust::Config(_) => "by a given configuration",
        };
        f.debug_struct("ClientTls")
            .field("trusts", &format_args!("{trust}"))
            .field("certificate", &self.0.credential)
            .finish()
    }
}
