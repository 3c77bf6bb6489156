//! The content of a certificate that rustls does not show.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Returns the first and the last moment at which a certificate is valid, if it can be read.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(UnixTime, UnixTime)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let unix = |since: Duration| UnixTime::since_unix_epoch(since);
    Some((
        unix(validity.not_before.to_unix_duration()),
        unix(validity.not_after.to_unix_duration()),
    ))
}
