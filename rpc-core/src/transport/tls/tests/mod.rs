//! Tests of both sides in memory.

mod files;
mod flood;
mod names;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::TlsConnector;

use super::*;
use crate::identity::Identity;
use crate::transport::Peer;

/// A certificate and its key, in PEM.
struct Made {
    certificate: String,
    key: String,
}

struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Makes an authority. Each needs a name of its own: of two with the same name, the wrong one would
/// be found, and the signature be at fault.
fn authority() -> Authority {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    let name = format!("authority {}", MADE.fetch_add(1, Ordering::Relaxed));
    params.distinguished_name.push(DnType::CommonName, name);
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
        assert_eq!(accepted.exporter().is_some(), accepted.alpn().is_none());
        assert_eq!(accepted.exporter(), connected.exporter());
        assert_eq!(accepted.server_name(), Some("localhost"));
        assert_eq!(accepted.alpn(), connected.alpn());
        let expected = (profile == Profile::Http).then_some(&b"http/1.1"[..]);
        assert_eq!(accepted.alpn(), expected);
        assert!(accepted.peer_certificate().is_none());
        assert!(connected.peer_certificate().is_some());
        assert_eq!(accepted.cipher(), connected.cipher());
    }
}

/// Returns the texts of both sides of a handshake that fails.
async fn refused(server: &ServerTls, client: &ClientTls, name: &'static str) -> (String, String) {
    let (accepted, connected) = handshake(server, client, Profile::Http, name).await;
    (accepted.unwrap_err(), connected.unwrap_err())
}

#[tokio::test]
async fn a_failed_verification_says_why() {
    let (authority, other) = (authority(), authority());
    let server = authority.leaf(&["localhost", "127.0.0.1"]).server();
    let client = |roots: &str| ClientTls::new().roots_pem(roots.as_bytes()).unwrap();

    let (accepted, connected) = refused(&server, &client(&other.certificate), "localhost").await;
    assert!(connected.contains("not trusted here"), "{connected}");
    assert!(
        accepted.contains("does not trust the authority"),
        "{accepted}"
    );

    let trusting = client(&authority.certificate);
    let (_, connected) = refused(&server, &trusting, "example.org").await;
    assert!(
        connected.contains("is not for `example.org`, but for "),
        "{connected}"
    );
    assert!(connected.contains("localhost"), "{connected}");
    let (by_address, _) = handshake(&server, &trusting, Profile::Http, "127.0.0.1").await;
    assert_eq!(by_address.unwrap().server_name(), None);

    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 2, 3);
    let expired = authority.sign(&params);
    let (_, connected) = refused(&expired.server(), &trusting, "localhost").await;
    assert!(
        connected.contains("has expired on 2021-02-03"),
        "{connected}"
    );
    let pinning = ClientTls::new()
        .pin_pem(expired.certificate.as_bytes())
        .unwrap();
    let (_, connected) = refused(&expired.server(), &pinning, "localhost").await;
    assert!(
        connected.contains("has expired on 2021-02-03"),
        "{connected}"
    );
    params.not_before = date_time_ymd(3020, 1, 1);
    params.not_after = date_time_ymd(3021, 1, 1);
    let (_, connected) = refused(&authority.sign(&params).server(), &trusting, "localhost").await;
    assert!(
        connected.contains("is not valid before 3020-01-01"),
        "{connected}"
    );
}

#[tokio::test]
async fn the_certificate_of_the_python_books_is_accepted_only_if_it_is_pinned() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let made = Made {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    };
    let (server, text) = (made.server(), made.certificate.as_bytes());
    let trusting = ClientTls::new().roots_pem(text).unwrap();
    let (_, connected) = refused(&server, &trusting, "localhost").await;
    assert!(connected.contains("pin it"), "{connected}");

    let pinning = ClientTls::new().pin_pem(text).unwrap();
    let anything = ClientTls::new().dangerous_without_verification();
    for client in [&pinning, &anything] {
        for profile in Profile::ALL {
            let (accepted, connected) = handshake(&server, client, profile, "localhost").await;
            assert!(accepted.is_ok(), "{accepted:?}");
            assert!(connected.is_ok(), "{connected:?}");
        }
    }
    let other = authority().leaf(&["localhost"]).server();
    let (_, connected) = refused(&other, &pinning, "localhost").await;
    assert!(
        connected.contains("is not the one that is pinned"),
        "{connected}"
    );
}

#[tokio::test]
async fn a_verified_client_certificate_is_the_identity_of_the_peer() {
    let (authority, other) = (authority(), authority());
    let mut params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "common");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names.extend([
        SanType::URI("spiffe://example/client".try_into().unwrap()),
        SanType::Rfc822Name("ada@example.org".try_into().unwrap()),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
    ]);
    let (known, stranger) = (authority.sign(&params), other.sign(&params));
    let server = |demand| {
        let server = authority.leaf(&["localhost"]).server();
        server
            .client_roots_pem(authority.certificate.as_bytes(), demand)
            .unwrap()
    };
    let anonymous = ClientTls::new()
        .roots_pem(authority.certificate.as_bytes())
        .unwrap();
    let with = |made: &Made| {
        let (certificate, key) = (made.certificate.as_bytes(), made.key.as_bytes());
        anonymous.clone().certificate_pem(certificate, key).unwrap()
    };

    for demand in [ClientCertificates::Required, ClientCertificates::Optional] {
        let server = server(demand);
        let client = with(&known);
        let (accepted, _) = handshake(&server, &client, Profile::Http, "localhost").await;
        let session = accepted.unwrap();
        let identity = Identity::over_tls(Peer::Memory, &session);
        let names = identity.certificate().unwrap();
        assert_eq!(names.uris, ["spiffe://example/client"]);
        assert_eq!(names.dns, ["client.example"]);
        assert_eq!(names.emails, ["ada@example.org"]);
        assert_eq!(names.ips, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(names.common_name.as_deref(), Some("common"));
        assert_ne!(names.fingerprint, [0; 32]);
        assert!(session.peer_certificate().is_some());

        let (accepted, _) = handshake(&server, &with(&stranger), Profile::Http, "localhost").await;
        let accepted = accepted.unwrap_err();
        assert!(accepted.contains("not trusted here"), "{accepted}");
        let (accepted, _) = handshake(&server, &anonymous, Profile::Http, "localhost").await;
        match demand {
            ClientCertificates::Required => {
                let accepted = accepted.unwrap_err();
                assert!(accepted.contains("no certificate"), "{accepted}");
            }
            ClientCertificates::Optional => {
                assert!(Identity::over_tls(Peer::Memory, &accepted.unwrap()).is_anonymous());
            }
        }
    }
}

/// Returns how many of three connections after a first one resume a session.
async fn resumed(server: &ServerTls, client: &ClientTls) -> usize {
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (near, far) = duplex(64 << 10);
        let connector = TlsConnector::from(client.config(Profile::Http).unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, connected) = tokio::join!(
            server.accept(Profile::Http, far),
            connector.connect(name, near)
        );
        let (mut accepted, mut connected) = (accepted.unwrap().0, connected.unwrap());
        // Tickets arrive with the first bytes.
        accepted.write_all(b"x").await.unwrap();
        connected.read_u8().await.unwrap();
        kinds.push(connected.get_ref().1.handshake_kind());
    }
    let resumed = Some(rustls::HandshakeKind::Resumed);
    kinds[1..].iter().filter(|kind| **kind == resumed).count()
}

#[tokio::test]
async fn sessions_are_resumed_unless_clients_have_certificates() {
    let authority = authority();
    let leaf = authority.leaf(&["localhost"]);
    let roots = authority.certificate.as_bytes();
    let client = ClientTls::new().roots_pem(roots).unwrap();
    // Each brings the ticket for the next one.
    assert_eq!(resumed(&leaf.server(), &client).await, 3);
    // A resumed session would outlive the dates of the pinned certificate.
    let pinning = ClientTls::new().pin_pem(leaf.certificate.as_bytes());
    assert_eq!(resumed(&leaf.server(), &pinning.unwrap()).await, 0);
    let demand = ClientCertificates::Optional;
    let server = leaf.server().client_roots_pem(roots, demand).unwrap();
    let client = client.certificate_pem(leaf.certificate.as_bytes(), leaf.key.as_bytes());
    assert_eq!(resumed(&server, &client.unwrap()).await, 0);
}

#[test]
fn unusable_files_are_named_and_keys_are_not_shown() {
    let made = authority().leaf(&["localhost"]);
    let other = authority().leaf(&["localhost"]);
    let text = |certificate: &str, key: &str| {
        let error = ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        format!("{error:?}")
    };
    let secret = made.key.lines().nth(1).unwrap();
    for (found, expected) in [
        (text("", &made.key), "has no certificate in PEM"),
        (text(&made.key, &made.key), "has no certificate in PEM"),
        (text(&made.certificate, ""), "has no private key in PEM"),
        (
            text(
                &made.certificate,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4C\n-----END ENCRYPTED PRIVATE KEY-----\n",
            ),
            "has no key without a passphrase in PEM",
        ),
        (
            text(&made.certificate, &other.key),
            "is not that of the first certificate",
        ),
        (
            text(&made.certificate, &made.key[..100]),
            "has no complete section in PEM",
        ),
        (
            text(
                &[&made.certificate, &made.key.replace('\n', "")[..]].concat(),
                &made.key,
            ),
            "has no complete section in PEM",
        ),
        (
            text(&made.certificate, &made.key.replace("PRIVATE", "PUBLIC")),
            "no private key",
        ),
    ] {
        assert!(found.contains(expected), "{found}");
        assert!(!found.contains(secret), "{found}");
    }
    let missing = ServerTls::from_files("/no/such/file", "/no/such/key").unwrap_err();
    assert_eq!(missing.to_string(), "`/no/such/file` cannot be read");
    let client = ClientTls::new().certificate_pem(made.certificate.as_bytes(), made.key.as_bytes());
    for shown in [
        format!("{:?}", made.server()),
        format!("{:?}", client.unwrap()),
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(matches!(
        ServerTls::from_config(made.server().config(Profile::Http))
            .client_roots_pem(made.certificate.as_bytes(), ClientCertificates::Required),
        Err(TlsError::GivenConfig)
    ));
}

#[test]
fn the_end_of_a_certificate_is_known() {
    let authority = authority();
    let mut params = CertificateParams::default();
    params.not_after = date_time_ymd(2033, 5, 18);
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_999_987_200);
    assert_eq!(authority.sign(&params).server().expires(), Some(expected));
}

#[tokio::test]
async fn peers_that_do_not_speak_tls_are_refused_with_a_reason() {
    let server = authority().leaf(&["localhost"]).server();
    for (sent, expected) in [
        (&b"POST /RPC2 HTTP/1.1\r\n"[..], "does not speak TLS"),
        (b"", "disconnected during"),
        (b"\x16\x03\x01\x02\x00\x01", "disconnected during"),
        (b"\x16\x03\x01\xff\xff", "invalid TLS message"),
        (b"\x80\x2e\x01\x00\x02", "does not speak TLS"),
    ] {
        let (mut near, far) = duplex(1024);
        near.write_all(sent).await.unwrap();
        near.shutdown().await.unwrap();
        let error = server.accept(Profile::Http, far).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn the_alpn_of_http_refuses_other_protocols() {
    let authority = authority();
    let server = authority.leaf(&["localhost"]).server();
    let client = ClientTls::new()
        .roots_pem(authority.certificate.as_bytes())
        .unwrap();
    let connect = async |protocols: &[&[u8]], profile| -> io::Result<()> {
        let mut config = (*client.config(Profile::Http).unwrap()).clone();
        config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
        let (near, far) = duplex(64 << 10);
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, _) =
            tokio::join!(server.accept(profile, far), connector.connect(name, near));
        accepted.map(drop)
    };
    connect(&[], Profile::Http).await.unwrap();
    connect(&[b"h2", b"http/1.1"], Profile::Http).await.unwrap();
    let error = connect(&[b"h2"], Profile::Http).await.unwrap_err();
    assert!(
        error.to_string().contains("none of the protocols"),
        "{error}"
    );
    connect(&[], Profile::Connection).await.unwrap();
}
