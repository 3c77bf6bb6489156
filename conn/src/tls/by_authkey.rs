//! TLS without certificates, between peers whose proof of the authkey must be bound to the channel.
//!
//! The listener shows a raw public key (RFC 7250) that it has made for this purpose, and clients
//! accept any. A relay would have to show a key of its own, so that each peer sees a channel of its
//! own, which the binding reveals.

use std::io;
use std::sync::Arc;

use farcall_core::transport::tls::rustls::client::Resumption;
use farcall_core::transport::tls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use farcall_core::transport::tls::rustls::crypto::{
    CryptoProvider, verify_tls13_signature_with_raw_key,
};
use farcall_core::transport::tls::rustls::pki_types::{
    CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use farcall_core::transport::tls::rustls::server::{
    AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
};
use farcall_core::transport::tls::rustls::sign::CertifiedKey;
use farcall_core::transport::tls::rustls::version::TLS13;
use farcall_core::transport::tls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, ServerConfig, SignatureScheme,
};
use farcall_core::transport::tls::{ClientTls, ServerTls, provider};
use zeroize::Zeroizing;

/// The DER around the 32 bytes of a private Ed25519 key (RFC 8410, section 7).
const ED25519_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Returns the TLS of a listener, with a new key.
pub(super) fn listener() -> io::Result<ServerTls> {
    let provider = provider();
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&ED25519_PREFIX);
    getrandom::fill(&mut der[16..]).map_err(io::Error::other)?;
    let key = PrivatePkcs8KeyDer::from(der.as_slice()).clone_key().into();
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(io::Error::other)?;
    let public = key.public_key().ok_or_else(unsupported)?.as_ref().to_vec();
    let key = CertifiedKey::new(vec![CertificateDer::from(public)], key);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(
            key,
        ))));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(ServerTls::from_config(Arc::new(config)))
}

/// Returns the TLS of a client, which accepts any key.
pub(super) fn client() -> io::Result<ClientTls> {
    let provider = provider();
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey(provider)))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(ClientTls::from_config(Arc::new(config)))
}

/// Returns the name that clients have for every listener. It is not sent.
pub(super) fn name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into())
}

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

/// Accepts any key that the peer has.
#[derive(Debug)]
struct AnyKey(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
