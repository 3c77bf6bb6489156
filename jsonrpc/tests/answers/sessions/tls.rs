//! Sockets and WebSockets over TLS.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::jsonrpc::{
    Framing, Server, SessionOptions, SocketClient, SocketClientOptions, SocketServer,
    SocketServerOptions,
};
use farcall::transport::tls::{ClientCertificates, ClientTls, ServerTls};
use farcall::{Caller as _, Execution};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::service_with;

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn server_tls(made: &CertifiedKey<KeyPair>) -> ServerTls {
    let key = made.signing_key.serialize_pem();
    ServerTls::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap()
}

/// Returns options of a client that trusts a certificate.
fn trusting(made: &CertifiedKey<KeyPair>) -> SocketClientOptions {
    let tls = ClientTls::new()
        .roots_pem(made.cert.pem().as_bytes())
        .unwrap();
    SocketClientOptions::default().tls(tls)
}

/// Serves the methods over TLS, and returns the URL of `localhost`.
async fn serve(framing: Framing, options: SocketServerOptions) -> String {
    let service = service_with(SessionOptions::default());
    let server = SocketServer::with_options(service, framing, options);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("127.0.0.1", "localhost");
    tokio::spawn(bound.serve());
    url
}

#[tokio::test]
async fn framed_messages_over_tls() {
    let made = certificate();
    for (framing, scheme) in [
        (Framing::Lines, "json+tls://"),
        (Framing::Headers, "json+lsp+tls://"),
    ] {
        let options = SocketServerOptions::default().tls(server_tls(&made));
        let url = serve(framing, options).await;
        assert!(url.starts_with(scheme), "{url}");
        assert!(SocketClient::has_scheme(&url));
        let client = SocketClient::with_options(&url, trusting(&made)).unwrap();
        assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
        let text: String = client.call("text", (3_000_000,)).await.unwrap();
        assert_eq!(text.len(), 3_000_000);
        let plain = SocketClient::new(&url.replace("+tls", "+tcp")).unwrap();
        let error = plain.call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_ne!(error.execution(), Execution::Completed, "{error:?}");
        // Nothing is sent to a server whose certificate nobody has signed.
        let untrusted = SocketClient::new(&url).unwrap();
        let error = untrusted.call::<i64>("add", (1, 2)).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        assert!(format!("{error:?}").contains("certificate"), "{error:?}");
    }
}

#[tokio::test]
async fn a_socket_of_unix_has_no_tls() {
    let folder = tempfile::tempdir().unwrap();
    let options = SocketServerOptions::default().tls(server_tls(&certificate()));
    let service = service_with(SessionOptions::default());
    let server = SocketServer::with_options(service, Framing::Lines, options);
    let bound = server.bind(folder.path().join("s")).await.unwrap();
    let client = SocketClient::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_server_knows_the_certificate_of_its_client() {
    let (made, own) = (certificate(), certificate());
    let tls = server_tls(&made)
        .client_roots_pem(own.cert.pem().as_bytes(), ClientCertificates::Required)
        .unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let options = SocketServerOptions::default()
        .tls(tls)
        .accept(move |identity| {
            let names = identity.certificate().is_some();
            record.lock().unwrap().push(names);
            true
        });
    let url = serve(Framing::Lines, options).await;
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let tls = ClientTls::new()
        .roots_pem(made.cert.pem().as_bytes())
        .unwrap()
        .certificate_pem(certificate.as_bytes(), key.as_bytes())
        .unwrap();
    let options = SocketClientOptions::default().tls(tls);
    let client = SocketClient::with_options(&url, options).unwrap();
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let without = SocketClient::with_options(&url, trusting(&made)).unwrap();
    let error = without.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_ne!(error.execution(), Execution::Completed, "{error:?}");
    assert_eq!(*seen.lock().unwrap(), [true]);
}

#[tokio::test]
async fn a_handshake_has_a_time_limit() {
    let options = SocketServerOptions::default()
        .tls(server_tls(&certificate()))
        .handshake_timeout(Duration::from_millis(50));
    let url = serve(Framing::Lines, options).await;
    let address = url.replace("json+tls://", "");
    let mut silent = TcpStream::connect(&address).await.unwrap();
    let mut received = Vec::new();
    silent.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"");
    // One that sends a request in clear text gets none.
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"{\"jsonrpc\":\"2.0\"}\n").await.unwrap();
    let _ = plain.read_to_end(&mut received).await;
    assert!(!received.contains(&b'{'));
}

#[tokio::test]
async fn the_oldest_handshake_of_a_socket_makes_room() {
    for is_per_address in [false, true] {
        let options = SocketServerOptions::default().tls(server_tls(&certificate()));
        let options = if is_per_address {
            options.max_pending_per_address(3)
        } else {
            options.max_pending(3)
        };
        let url = serve(Framing::Lines, options).await;
        let address = url
            .replace("json+tls://", "")
            .replace("localhost", "127.0.0.1");
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(&address).await.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut received = Vec::new();
        silent[0].read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"");
        let still = Duration::from_millis(50);
        for waiting in &mut silent[1..] {
            let read = tokio::time::timeout(still, waiting.read_u8()).await;
            assert!(read.is_err(), "it still has time");
        }
    }
}

#[tokio::test]
async fn websockets_over_tls() {
    let made = certificate();
    let options = ServerOptions::default().tls(server_tls(&made));
    let server = Server::of(options, service_with(SessionOptions::default()));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("https://127.0.0.1", "wss://localhost");
    tokio::spawn(bound.serve());
    let client = SocketClient::with_options(&url, trusting(&made)).unwrap();
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let mut numbers = client
        .subscribe::<u64>("subscribe_count", (2, false))
        .await
        .unwrap();
    assert_eq!(numbers.next().await.unwrap().unwrap(), 0);
    assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
    assert!(numbers.next().await.is_none());
    let untrusted = SocketClient::new(&url).unwrap();
    let error = untrusted.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    let plain = SocketClient::new(&url.replace("wss://", "ws://")).unwrap();
    let error = plain.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
}
