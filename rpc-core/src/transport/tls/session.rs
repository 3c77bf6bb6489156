//! The result of a handshake.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ClientConnection, ConnectionCommon, ProtocolVersion, ServerConnection};

use super::certificate::names;
use crate::transport::certificate::Certificate;

/// The result of the TLS handshake of a connection: certificate of the peer, names, version,
/// binding.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSession {
    /// Without its chain, of which the connection itself keeps a copy.
    certificate: Option<CertificateDer<'static>>,
    /// The names of the verified certificate of a client.
    client: Option<Arc<Certificate>>,
    server_name: Option<Box<str>>,
    alpn: Option<Box<[u8]>>,
    version: Option<ProtocolVersion>,
    cipher: Option<CipherSuite>,
    exporter: Option<[u8; 32]>,
}

impl TlsSession {
    /// Returns the session of a server whose handshake is complete.
    #[must_use]
    pub fn of_server(connection: &ServerConnection) -> Self {
        Self {
            client: connection
                .peer_certificates()
                .and_then(|certificates| Some(Arc::new(names(certificates.first()?)))),
            server_name: connection.server_name().map(Into::into),
            ..Self::of(connection)
        }
    }

    /// Returns the session of a client whose handshake is complete.
    #[must_use]
    pub fn of_client(connection: &ClientConnection) -> Self {
        Self::of(connection)
    }

    fn of<Data>(connection: &impl Deref<Target = ConnectionCommon<Data>>) -> Self {
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        let version = connection.protocol_version();
        let alpn = connection.alpn_protocol();
        let suite = connection.negotiated_cipher_suite();
        Self {
            certificate: certificate.map(|one| one.clone().into_owned()),
            client: None,
            server_name: None,
            alpn: alpn.map(Into::into),
            version,
            cipher: suite.map(|suite| suite.suite()),
            // With TLS 1.2 it is unique only with extended master secrets (RFC 9266, 4.2). It takes
            // a fiftieth of a handshake, and HTTP has no use for it.
            exporter: (version == Some(ProtocolVersion::TLSv1_3) && alpn.is_none())
                .then(|| {
                    let label = b"EXPORTER-Channel-Binding";
                    connection
                        .export_keying_material([0; 32], label, Some(b""))
                        .ok()
                })
                .flatten(),
        }
    }

    /// Returns the names in the verified certificate of a client, on the side of the server.
    pub(crate) const fn client(&self) -> Option<&Arc<Certificate>> {
        self.client.as_ref()
    }

    /// Returns the certificate of the peer in DER, without the authorities that it sent; `None` if
    /// it sent none. On a server with [`client_roots`](super::ServerTls::client_roots) the
    /// certificate was verified before the handshake completed, and so it was on a client, unless
    /// that verifies nothing. With raw public keys (RFC 7250) it is the key.
    #[must_use]
    pub const fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    /// Returns the name by which the client addressed the server (SNI, RFC 6066), on the side of
    /// the server. Clients send none with an IP address.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Returns the protocol name that both sides agreed upon (ALPN, RFC 7301), if any.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// Returns the version of TLS.
    #[must_use]
    pub const fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// Returns the cipher suite.
    #[must_use]
    pub const fn cipher(&self) -> Option<CipherSuite> {
        self.cipher
    }

    /// Returns the channel binding `tls-exporter` (RFC 9266): 32 bytes that only the two ends of
    /// this connection know, equal at both ends. `None` with TLS 1.2, and with HTTP or any other
    /// protocol of [ALPN](Self::alpn): connections of Farcall, which bind to it, have none.
    #[must_use]
    pub const fn exporter(&self) -> Option<&[u8; 32]> {
        self.exporter.as_ref()
    }
}

/// Shows the version, the cipher suite and the names; of the certificate only whether there is one.
impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSession")
            .field("version", &self.version)
            .field("cipher", &self.cipher)
            .field("server_name", &self.server_name)
            .field("alpn", &self.alpn.as_deref().map(<[u8]>::escape_ascii))
            .field("has_certificate", &self.certificate.is_some())
            .finish_non_exhaustive()
    }
}
