//! Tests of both sides in memory.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use tokio::io::duplex;
use tokio_rustls::TlsConnector;

use super::*;

/// A certificate and its key, in PEM.
struct Made {
    certificate: String,
    key: String,
}

struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Authority {
        certificate: params.self_signed(&key).unwrap().pem(),
        issuer: Issuer::new(params, key),
    }
}

impl Authority {
    fn leaf(&self, names: &[&str]) -> Made {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        self.sign(&CertificateParams::new(names).unwrap())
    }

    fn sign(&self, params: &CertificateParams) -> Made {
        let key = KeyPair::generate().unwrap();
        Made {
            certificate: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Made {
    fn server(&self) -> ServerTls {
        ServerTls::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

/// Returns the sessions of both sides, or the texts of their errors.
async fn handshake(
    server: &ServerTls,
    client: &ClientTls,
    profile: Profile,
    name: &'static str,
) -> (Result<Arc<TlsSession>, String>, Result<TlsSession, String>) {
    let (near, far) = duplex(64 << 10);
    let connector = TlsConnector::from(client.config(profile).unwrap());
    let name = ServerName::try_from(name).unwrap();
    let (accepted, connected) =
        tokio::join!(server.accept(profile, far), connector.connect(name, near));
    let accepted = accepted.map(|(_, session)| session);
    let connected = connected.map(|stream| TlsSession::of_client(stream.get_ref().1));
    (
        accepted.map_err(|error| error.to_string()),
        connected.map_err(|error| TlsError::in_handshake(error).to_string()),
    )
}

#[tokio::test]
async fn both_sides_see_one_session() {
    let authority = authority();
    let server = authority.leaf(&["localhost"]).server();
    let roots = authority.certificate.as_bytes();
    let client = ClientTls::new().roots_pem(roots).unwrap();
    for profile in Profile::ALL {
        let (accepted, connected) = handshake(&server, &client, profile, "localhost").await;
        let (accepted, connected) = (accepted.unwrap(), connected.unwrap());
        assert!(accepted.exporter().is_some());
        assert_eq!(accepted.exporter(), connected.exporter());
        assert_eq!(accepted.server_name(), Some("localhost"));
        assert_eq!(accepted.alpn(), connected.alpn());
        let expected = (profile == Profile::Http).then_some(&b"http/1.1"[..]);
        assert_eq!(accepted.alpn(), expected);
        assert!(accepted.peer_certificates().is_empty());
        assert_eq!(connected.peer_certificates().len(), 1);
        assert_eq!(accepted.cipher(), connected.cipher());
    }
}
