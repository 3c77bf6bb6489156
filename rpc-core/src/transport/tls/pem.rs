//! Certificates and keys in PEM texts.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::TlsError;

/// A PEM text.
#[derive(Clone)]
pub(super) enum Pem {
    /// The text of a file, which is read at each use.
    File(PathBuf),
    /// A text of the program. It may contain a key.
    Text(Arc<Zeroizing<Vec<u8>>>),
}

/// The state of a file that exists.
pub(super) type Stamp = Option<FileState>;

/// The state of a file, by which another content is recognised. A copy that keeps the time of its
/// original, and has the same length, is another file, or one that was changed at another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    modified: SystemTime,
    length: u64,
    /// The file system and the file in it, and when its content, name or owner changed.
    #[cfg(unix)]
    file: (u64, u64, i64, i64),
}

impl Pem {
    pub(super) fn file(path: impl AsRef<Path>) -> Self {
        Self::File(path.as_ref().to_owned())
    }

    pub(super) fn text(text: &[u8]) -> Self {
        Self::Text(Arc::new(Zeroizing::new(text.to_vec())))
    }

    fn read(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, TlsError> {
        match self {
            Self::Text(text) => Ok(Arc::clone(text)),
            Self::File(path) => match fs::read(path) {
                Ok(text) => Ok(Arc::new(Zeroizing::new(text))),
                Err(source) => Err(TlsError::Read {
                    path: path.clone(),
                    source,
                }),
            },
        }
    }

    /// Returns the state of the file. Links are followed, as Kubernetes and certbot renew
    /// certificates by changing links.
    pub(super) fn stamp(&self) -> Stamp {
        let Self::File(path) = self else {
            return None;
        };
        let metadata = fs::metadata(path).ok()?;
        Some(FileState {
            modified: metadata.modified().ok()?,
            length: metadata.len(),
            #[cfg(unix)]
            file: {
                use std::os::unix::fs::MetadataExt as _;
                let (device, file) = (metadata.dev(), metadata.ino());
                (device, file, metadata.ctime(), metadata.ctime_nsec())
            },
        })
    }

    /// Returns all certificates, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match found {
            Ok(certificates) if certificates.is_empty() => Err(TlsError::Missing {
                place: self.to_string(),
                missing: "certificate",
            }),
            Ok(certificates) => Ok(certificates),
            Err(source) => Err(self.malformed(source)),
        }
    }

    /// Returns the certificates as authorities.
    pub(super) fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots
                .add(certificate)
                .map_err(|source| TlsError::Unusable {
                    place: self.to_string(),
                    source,
                })?;
        }
        Ok(Arc::new(roots))
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = self.read()?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            pem::Error::NoItemsFound if memchr::memmem::find(&text, b" ENCRYPTED").is_some() => {
                TlsError::Missing {
                    place: self.to_string(),
                    missing: "key without a passphrase",
                }
            }
            pem::Error::NoItemsFound => TlsError::Missing {
                place: self.to_string(),
                missing: "private key",
            },
            error => self.malformed(error),
        })
    }

    fn malformed(&self, source: pem::Error) -> TlsError {
        let place = self.to_string();
        match source {
            // Their texts contain the line at fault, which may be a key.
            pem::Error::IllegalSectionStart { .. } | pem::Error::MissingSectionEnd { .. } => {
                let missing = "complete section";
                TlsError::Missing { place, missing }
            }
            source => TlsError::Malformed { place, source },
        }
    }
}

/// Shows where the text is from, never the text.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Text(_) => f.write_str("the PEM text"),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A certificate with its chain, and its key.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    certificates: Pem,
    key: Pem,
}

impl Credential {
    pub(super) const fn new(certificates: Pem, key: Pem) -> Self {
        Self { certificates, key }
    }

    /// Reads both, and checks that they belong together.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
        let (certificates, key) = (self.certificates.certificates()?, self.key.key()?);
        match CertifiedKey::from_der(certificates, key, provider) {
            Ok(certified) => Ok(Arc::new(certified)),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
                certificate: self.certificates.to_string(),
                key: self.key.to_string(),
            }),
            Err(source) => Err(TlsError::Unusable {
                place: self.key.to_string(),
                source,
            }),
        }
    }

    /// Returns `true` if a part of it is in a file.
    pub(super) const fn is_in_files(&self) -> bool {
        matches!(self.certificates, Pem::File(_)) || matches!(self.key, Pem::File(_))
    }

    pub(super) fn stamps(&self) -> [Stamp; 2] {
        [self.certificates.stamp(), self.key.stamp()]
    }
}
