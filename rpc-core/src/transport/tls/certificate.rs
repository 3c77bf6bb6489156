//! The content of a certificate that rustls does not show.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::transport::certificate::Certificate;

/// Returns the first and the last moment at which a certificate is valid, if it can be read.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(UnixTime, UnixTime)> {
    let certificate = X509::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let unix = |since: Duration| UnixTime::since_unix_epoch(since);
    Some((
        unix(validity.not_before.to_unix_duration()),
        unix(validity.not_after.to_unix_duration()),
    ))
}

/// Returns the last moment at which the certificate of a key is valid, if it can be read.
pub(super) fn end_of_validity(certified: &CertifiedKey) -> Option<SystemTime> {
    let (_, end) = validity(certified.cert.first()?)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(end.as_secs()))
}

/// Returns the names in a verified certificate. One whose names cannot be read has none, so no
/// guard that looks for a name permits it.
pub(super) fn names(certificate: &CertificateDer<'_>) -> Certificate {
    let mut names = Certificate {
        fingerprint: Sha256::digest(certificate).into(),
        ..Certificate::default()
    };
    let Ok(x509) = X509::from_der(certificate) else {
        return names;
    };
    let content = x509.tbs_certificate();
    let Ok(alternatives) = content.get_extension::<SubjectAltName>() else {
        return names;
    };
    let common_name = content.subject().common_name();
    names.common_name = common_name.ok().flatten().map(Into::into);
    if let Some((_, alternatives)) = alternatives {
        for name in &alternatives.0 {
            match name {
                GeneralName::UniformResourceIdentifier(uri) => {
                    names.uris.push(uri.as_str().to_owned());
                }
                GeneralName::DnsName(name) => names.dns.push(name.as_str().to_owned()),
                GeneralName::Rfc822Name(mail) => names.emails.push(mail.as_str().to_owned()),
                GeneralName::IpAddress(ip) => names.ips.extend(address(ip.as_bytes())),
                _ => {}
            }
        }
    }
    names
}

/// Returns an IP address of a certificate (RFC 5280, 4.2.1.6).
fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}
