//! Errors of TLS, in words that say what to do.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::{UnixTime, pem};
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::output::Foreign;
use crate::value::DateTime;

/// The error of TLS: in the files of a configuration, or in a handshake.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file, or a text of the program, is not PEM.
    #[error("{place} is not valid PEM")]
    Malformed {
        /// The path of the file in backquotes, or "the PEM text".
        place: String,
        /// The mistake.
        source: pem::Error,
    },
    /// A file, or a text of the program, does not contain what it should.
    #[error("{place} has no {missing} in PEM")]
    Missing {
        /// The path of the file in backquotes, or "the PEM text".
        place: String,
        /// The missing part.
        missing: &'static str,
    },
    /// A key or a certificate of an authority cannot be used.
    #[error("the content of {place} cannot be used")]
    Unusable {
        /// The path of the file in backquotes, or "the PEM text".
        place: String,
        /// The mistake.
        source: rustls::Error,
    },
    /// A key is not that of the certificate.
    #[error("the key in {key} is not that of the first certificate in {certificate}")]
    Mismatch {
        /// The place of the certificate: the path of its file in backquotes, or "the PEM text".
        certificate: String,
        /// The place of the key, likewise.
        key: String,
    },
    /// Client certificates cannot be set on a configuration of the program (`from_config`).
    #[error("the given configuration of TLS already decides about client certificates")]
    GivenConfig,
    /// There are no authorities to verify a server by.
    #[error("there are no authorities to verify a server by: name a file of them")]
    NoRoots(#[source] rustls::Error),
    /// The installed provider of cryptography lacks what the protocol needs.
    #[error("the provider of cryptography lacks what the protocol needs")]
    Provider(#[source] rustls::Error),
    /// The handshake with a peer failed, or what it sent later is not valid. The text says why.
    #[error("{}", Explanation(.0))]
    Handshake(#[source] rustls::Error),
}

crate::debug_errors!(TlsError);

impl TlsError {
    /// Explains the I/O error of a handshake. For authors of protocols.
    #[must_use]
    pub fn in_handshake(error: io::Error) -> io::Error {
        let kind = error.kind();
        match error.downcast::<rustls::Error>() {
            Ok(error) => io::Error::new(kind, Self::from(error)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                io::Error::new(kind, "the peer disconnected during the TLS handshake")
            }
            Err(error) => error,
        }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Handshake(error)
    }
}

/// The text for the failure of a handshake.
struct Explanation<'a>(&'a rustls::Error);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            rustls::Error::InvalidCertificate(error) => return certificate(error, f),
            rustls::Error::NoCertificatesPresented => "the peer has shown no certificate",
            rustls::Error::AlertReceived(alert) => return write!(f, "{}", explain_alert(*alert)),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "the peer does not speak TLS: it may have sent plain HTTP, or the message of \
                 another protocol"
            }
            rustls::Error::NoApplicationProtocol => {
                "the peer speaks none of the protocols that are offered (ALPN)"
            }
            rustls::Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => "the peer supports no version of TLS that is allowed here",
            rustls::Error::PeerIncompatible(_) => "the peer supports too little of TLS",
            rustls::Error::DecryptError => "a TLS message was damaged or forged",
            rustls::Error::InvalidMessage(_)
            | rustls::Error::InappropriateMessage { .. }
            | rustls::Error::InappropriateHandshakeMessage { .. }
            | rustls::Error::PeerMisbehaved(_)
            | rustls::Error::PeerSentOversizedRecord => "the peer has sent an invalid TLS message",
            _ => "TLS failed",
        };
        f.write_str(text)
    }
}

fn certificate(error: &CertificateError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("the certificate of the peer ")?;
    let text = match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            return write!(f, "has expired on {}", date(*not_after));
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            return write!(f, "is not valid before {}", date(*not_before));
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = expected.to_str();
            write!(f, "is not for `{}`, but ", Foreign::excerpt(&expected))?;
            return match &presented[..] {
                [] => f.write_str(
                    "has no names at all (those in its subject do not count); to accept exactly \
                     this certificate, pin it",
                ),
                names => {
                    let names: Vec<_> = names.iter().map(|name| presented_name(name)).collect();
                    write!(f, "for {}", Foreign::excerpt(names.join(", ")))
                }
            };
        }
        CertificateError::UnknownIssuer => {
            "is signed by an authority that is not trusted here: name the authority, or pin the \
             certificate"
        }
        CertificateError::ApplicationVerificationFailure => "is not the one that is pinned",
        CertificateError::Revoked => "was revoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not for this purpose: that of a server cannot identify a client, nor the reverse"
        }
        CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "is marked as an authority (CA:TRUE), as `openssl req -x509` makes it: to accept \
             exactly this certificate, pin it"
        }
        CertificateError::BadEncoding => "cannot be read",
        CertificateError::BadSignature => "has a wrong signature",
        _ => "is not valid",
    };
    f.write_str(text)
}

/// Returns a name of a certificate, which rustls shows as `DnsName("example.org")`.
fn presented_name(shown: &str) -> &str {
    let name = shown.strip_prefix("DnsName(\"");
    name.and_then(|name| name.strip_suffix("\")"))
        .unwrap_or(shown)
}

fn explain_alert(alert: AlertDescription) -> Cow<'static, str> {
    Cow::Borrowed(match alert {
        AlertDescription::UnknownCA => {
            "the peer does not trust the authority of the certificate that it was shown"
        }
        AlertDescription::CertificateRequired => "the server demands a client certificate",
        AlertDescription::CertificateExpired => "the peer refuses a certificate that has expired",
        AlertDescription::CertificateRevoked => "the peer refuses a certificate that was revoked",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown => "the peer refuses the certificate",
        AlertDescription::AccessDenied => "the peer denies access",
        AlertDescription::ProtocolVersion => {
            "the peer supports no version of TLS that is used here"
        }
        AlertDescription::NoApplicationProtocol => {
            "the peer speaks none of the protocols that are offered (ALPN)"
        }
        AlertDescription::HandshakeFailure => {
            "the peer refuses the handshake: both support too little in common, or the server \
             demands a client certificate"
        }
        AlertDescription::UnrecognisedName => "the server does not know this host name",
        other => return Cow::Owned(format!("the peer reports a TLS failure: {other:?}")),
    })
}

fn date(time: UnixTime) -> DateTime {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.unwrap_or(UNIX_EPOCH).into()
}
