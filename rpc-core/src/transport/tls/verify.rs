//! Verification of servers other than by authorities.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::validity;

/// Accepts exactly the given certificates while they are valid, without regard to their names,
/// their authorities and their purpose; or, without any, every certificate. In both cases the peer
/// must have the key of its certificate.
#[derive(Debug)]
pub(super) struct ByCertificate {
    pinned: Option<Arc<[CertificateDer<'static>]>>,
    provider: Arc<CryptoProvider>,
}

impl ByCertificate {
    pub(super) const fn new(
        pinned: Option<Arc<[CertificateDer<'static>]>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { pinned, provider }
    }
}

impl ServerCertVerifier for ByCertificate {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        time: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(pinned) = &self.pinned else {
            return Ok(ServerCertVerified::assertion());
        };
        if !pinned.iter().any(|pinned| pinned == certificate) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        let (not_before, not_after) = validity(certificate).ok_or(CertificateError::BadEncoding)?;
        if time < not_before {
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if time > not_after {
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
