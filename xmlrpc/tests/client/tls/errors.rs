//! Handshakes that fail: the error says why, and that the call did not run.

use farcall_core::Execution;
use farcall_core::transport::tls::rustls::version::{TLS12, TLS13};
use farcall_core::transport::tls::rustls::{self, ServerConfig};
use farcall_core::transport::tls::{ClientCertificates, ClientTls, ServerTls};
use farcall_xmlrpc::ClientOptions;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

use super::certificates::{Authority, Made, cookbook};
use super::{End, Site, listen_tls, server};
use crate::both::ClientKind;
use crate::{FIVE, chain, ok, read, write};

both! {
    a_certificate_that_is_not_accepted_is_explained,
    a_pinned_certificate_is_accepted_whatever_it_says,
    a_client_certificate_that_is_demanded_is_explained,
    a_server_that_does_not_speak_tls_is_named,
    a_server_of_tls_that_was_called_in_plain_http_is_named,
    no_version_in_common,
    what_is_not_verified_is_called_anyway,
}

/// Returns the error of a call, which did not run.
async fn refused(kind: ClientKind, url: &str, tls: ClientTls) -> String {
    let client = kind.client_with(url, ClientOptions::default().tls(tls));
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    let text = chain(&error);
    assert_eq!(error.execution(), Execution::Never, "{text}");
    text
}

async fn a_certificate_that_is_not_accepted_is_explained(kind: ClientKind) {
    let site = Site::new();
    let here = &["localhost"];
    let stranger = Authority::new().leaf(here);
    for (made, expected) in [
        (
            site.authority.expired(here),
            "the certificate of the peer has expired on 2020-01-01T00:00:00",
        ),
        (
            site.authority.future(here),
            "the certificate of the peer is not valid before 3000-01-01T00:00:00",
        ),
        (
            site.authority.leaf(&["example.org", "192.0.2.7"]),
            "the certificate of the peer is not for `localhost`, but for example.org",
        ),
        (
            stranger,
            "is signed by an authority that is not trusted here: name the authority, or pin the \
             certificate",
        ),
        (cookbook(), "pin it"),
        (site.authority.for_clients(here), "is not for this purpose"),
    ] {
        let (url, _server) = server(made.server(), End::Announced, vec![ok(FIVE)]).await;
        let text = refused(kind, &url, site.client()).await;
        assert!(text.contains(expected), "{text}");
        let place = url.trim_start_matches("https://");
        assert!(
            text.contains(&format!("cannot connect to {place}: ")),
            "{text}"
        );
    }
    let (url, _server) = server(site.server(), End::Announced, vec![ok(FIVE)]).await;
    let text = refused(kind, &url, cookbook().pinned()).await;
    assert!(text.contains("is not the one that is pinned"), "{text}");
    let address = url.replace("localhost", "127.0.0.1");
    let text = refused(kind, &address, site.client()).await;
    let expected = "is not for `127.0.0.1`, but for localhost";
    assert!(text.contains(expected), "{text}");
}

async fn a_pinned_certificate_is_accepted_whatever_it_says(kind: ClientKind) {
    for made in [cookbook(), Authority::new().leaf(&["example.org"])] {
        let (url, _server) = server(made.server(), End::Announced, vec![ok(FIVE)]).await;
        let options = ClientOptions::default().tls(made.pinned());
        let client = kind.client_with(&url, options);
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    }
    let expired = Authority::new().expired(&["localhost"]);
    let (url, _server) = server(expired.server(), End::Announced, vec![ok(FIVE)]).await;
    let text = refused(kind, &url, expired.pinned()).await;
    assert!(text.contains("has expired on"), "{text}");
}

/// Returns a server that speaks one version of TLS.
fn of_version(
    made: &Made,
    version: &'static rustls::SupportedProtocolVersion,
    clients: Option<&Authority>,
) -> ServerTls {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(clients.certificate.as_bytes()).unwrap();
            roots.add(root).unwrap();
            let roots = Arc::new(roots);
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
    ServerTls::from_config(Arc::new(config))
}

async fn a_client_certificate_that_is_demanded_is_explained(kind: ClientKind) {
    let site = Site::new();
    let clients = Authority::new();
    let roots = clients.certificate.as_bytes();
    let demanding = site
        .server()
        .client_roots_pem(roots, ClientCertificates::Required)
        .unwrap();
    let good = clients.leaf(&["client.example"]).of_client(site.client());
    let stranger = Authority::new().leaf(&["client.example"]);
    let stranger = stranger.of_client(site.client());
    let expired = clients.expired(&["client.example"]);
    let expired = expired.of_client(site.client());
    let old = of_version(&site.leaf, &TLS12, Some(&clients));
    for (tls, client, expected) in [
        (&demanding, site.client(), "demands a client certificate"),
        (
            &demanding,
            stranger.clone(),
            "does not trust the authority of the certificate",
        ),
        (&demanding, expired, "a certificate that has expired"),
        (&old, site.client(), "demands a client certificate"),
        (
            &old,
            stranger,
            "does not trust the authority of the certificate",
        ),
    ] {
        let (url, server) = server(tls.clone(), End::Announced, vec![ok(FIVE)]).await;
        let text = refused(kind, &url, client).await;
        assert!(text.contains(expected), "{text}");
        assert!(!server.is_finished(), "the call was made");
        // The same server serves a client that it knows.
        let options = ClientOptions::default().tls(good.clone());
        let client = kind.client_with(&url, options);
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    }
}

async fn a_server_that_does_not_speak_tls_is_named(kind: ClientKind) {
    for (answer, expected) in [
        (
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "the server answered in plain HTTP, not by TLS",
        ),
        ("H", "the server answered in plain HTTP, not by TLS"),
        (
            "\x15\x03\x03\0\x02\x01\0",
            "the server closed the connection during the TLS handshake",
        ),
        ("220 mail.example ESMTP\r\n", "the peer does not speak TLS"),
        (
            "",
            "the server closed the connection during the TLS handshake",
        ),
    ] {
        let (listener, url) = listen_tls().await;
        tokio::spawn(async move {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut hello = [0; 16];
            tokio::io::AsyncReadExt::read_exact(&mut io, &mut hello)
                .await
                .unwrap();
            write(&mut io, answer).await;
            // Reads on, so that the close is no reset.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut io).await;
            let _ = tokio::io::copy(&mut io, &mut tokio::io::sink()).await;
        });
        let text = refused(kind, &url, ClientTls::new()).await;
        assert!(text.contains(expected), "{answer:?}: {text}");
    }
}

async fn a_server_of_tls_that_was_called_in_plain_http_is_named(kind: ClientKind) {
    let (listener, url) = crate::listen().await;
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        // The alert of OpenSSL for a message that is not TLS.
        write(&mut io, b"\x15\x03\x01\0\x02\x02\x46").await;
    });
    let error = kind.client(&url).call::<i64>("f", ()).await.unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("the server speaks TLS: the URL must begin with `https`"),
        "{text}"
    );
}

async fn no_version_in_common(kind: ClientKind) {
    let site = Site::new();
    for version in [&TLS12, &TLS13] {
        let tls = of_version(&site.leaf, version, None);
        let (url, _server) = server(tls, End::Announced, vec![ok(FIVE)]).await;
        let client = kind.client_with(&url, site.options());
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    }
    let config = site
        .client()
        .config(farcall_core::transport::tls::Profile::Connection);
    let only_13 = ClientTls::from_config(config.unwrap());
    let tls = of_version(&site.leaf, &TLS12, None);
    let (url, _server) = server(tls, End::Announced, vec![ok(FIVE)]).await;
    let text = refused(kind, &url, only_13).await;
    assert!(text.contains("supports no version of TLS"), "{text}");
}

async fn what_is_not_verified_is_called_anyway(kind: ClientKind) {
    let expired = Authority::new().expired(&["example.org"]);
    let (url, _server) = server(expired.server(), End::Announced, vec![ok(FIVE)]).await;
    let tls = ClientTls::new().dangerous_without_verification();
    let client = kind.client_with(&url, ClientOptions::default().tls(tls));
    assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
}
