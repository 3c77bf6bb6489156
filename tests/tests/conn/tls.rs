//! Connections over TLS with every CPython, by `examples/python/tls_connections.py`.

use std::time::Duration;

use farcall::conn::auth::{AuthError, Binding};
use farcall::conn::{ConnectError, Connection, Listener, RecvError, blocking};
use farcall::pickle::Pickle;
use farcall::transport::tls::{ClientCertificates, ClientTls, ServerTls};
use tests::certificates::Certificates;
use tests::{Python, pythons};
use tokio::task::spawn_blocking;

/// Longer than any step takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

const KEY: &str = "a key";

type Connected = Result<blocking::Connection<(), (), Pickle>, ConnectError>;

/// The versions with TLS 1.3.
fn versions() -> impl Iterator<Item = Python> {
    let has_tls_1_3 = "import ssl; print(int(getattr(ssl, 'HAS_TLSv1_3', False)))";
    let all = pythons().into_iter();
    all.filter(|python| python.version >= (3, 6))
        .filter(move |python| python.run_text(has_tls_1_3, &[]).trim() == "1")
}

fn server_tls(made: &Certificates) -> ServerTls {
    ServerTls::from_files(made.path("server.pem"), made.path("server.key")).unwrap()
}

fn client_tls(made: &Certificates) -> ClientTls {
    ClientTls::new().roots(made.path("ca.pem")).unwrap()
}

/// Echoes until the pickled text `end`, whatever the protocol.
async fn echo(mut peer: Connection<(), (), Pickle>) -> Result<(), RecvError> {
    loop {
        let message = peer.recv_bytes(1 << 30).await?;
        if message.len() < 30 && message.windows(3).any(|text| text == b"end") {
            return Ok(());
        }
        peer.send_bytes(&message).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_python_as_client() {
    let made = Certificates::new();
    let folder = made.path("").to_str().unwrap().to_owned();
    for mtls in [false, true] {
        let mut tls = server_tls(&made);
        if mtls {
            let roots = made.path("ca.pem");
            tls = tls
                .client_roots(roots, ClientCertificates::Required)
                .unwrap();
        }
        let listener = Listener::bind("localhost:0").authkey(KEY).tls(tls);
        let mut listener = listener.legacy_md5(true).timeout(LONG).await.unwrap();
        let address = listener.local_address().to_string();
        let port = address.rsplit_once(':').unwrap().1.to_owned();
        let serving = tokio::spawn(async move {
            loop {
                let peer = listener.accept().await.unwrap();
                let name = mtls.then_some("client.example");
                assert_eq!(peer.identity().name().as_deref(), name);
                tokio::spawn(echo(peer));
            }
        });
        for python in versions() {
            for what in ["client", "stranger"] {
                let more = if mtls { "mtls" } else { "" };
                let args = [what, &port, &folder, more].map(str::to_owned);
                let python = python.clone();
                let output = spawn_blocking(move || {
                    python.run("tls_peer.py", &args.each_ref().map(String::as_str))
                });
                assert_eq!(output.await.unwrap().trim(), "done", "{what}");
            }
        }
        assert!(!serving.is_finished());
        serving.abort();
    }
}

/// The timeout of the handshake ends it, since the client waits for a challenge.
#[tokio::test(flavor = "multi_thread")]
async fn a_python_without_tls_is_refused() {
    let made = Certificates::new();
    let listener = Listener::bind("localhost:0").authkey(KEY);
    let listener = listener
        .tls(server_tls(&made))
        .timeout(Duration::from_millis(300));
    let listener = listener.await.unwrap();
    let address = listener.local_address().to_string();
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let folder = made.text("");
    let output = spawn_blocking(move || {
        tests::newest_python().run("tls_peer.py", &["plain", &port, &folder])
    });
    assert_eq!(output.await.unwrap().trim(), "done");
}

#[test]
fn every_python_as_listener() {
    let made = Certificates::new();
    let folder = made.text("");
    let known = client_tls(&made)
        .certificate(made.path("client.pem"), made.path("client.key"))
        .unwrap();
    for python in versions() {
        for (more, tls) in [("", client_tls(&made)), ("mtls", known.clone())] {
            let server = python.serve("tls_peer.py", &["server", &folder, more]);
            let connect = || {
                let builder = Connection::connect(("localhost", server.port)).timeout(LONG);
                builder.legacy_md5(true).tls(tls.clone())
            };
            let connected: Connected = connect().authkey(KEY).wait();
            let mut peer = connected.unwrap();
            for length in [0, 1, 16_384, 16_385, 1 << 20, 8 << 20] {
                let message = vec![length as u8; length];
                peer.send_bytes(&message).unwrap();
                assert!(peer.recv_bytes(1 << 30).unwrap() == message, "{length}");
            }
            assert!(!peer.poll(Duration::from_millis(20)).unwrap());
            peer.close().unwrap();

            // CPython cannot bind its proof, and has no key but its own.
            let unbound: Connected = connect().authkey(KEY).binding(Binding::Require).wait();
            assert!(
                matches!(
                    unbound,
                    Err(ConnectError::Auth {
                        source: AuthError::Unbound,
                        ..
                    })
                ),
                "{unbound:?}"
            );
            let stranger: Connected = connect().authkey("another").wait();
            assert!(
                matches!(
                    stranger,
                    Err(ConnectError::Auth {
                        source: AuthError::Rejected,
                        ..
                    })
                ),
                "{stranger:?}"
            );
        }
        let server = python.serve("tls_peer.py", &["server", &folder, "mtls"]);
        let builder = Connection::connect(("localhost", server.port)).authkey(KEY);
        let anonymous: Connected = builder.timeout(LONG).tls(client_tls(&made)).wait();
        assert!(anonymous.is_err());
    }
}

/// A peer that ends without `close_notify` may have been cut off.
#[test]
fn a_killed_python_is_no_regular_end() {
    let made = Certificates::new();
    let python = tests::newest_python();
    let server = python.serve("tls_peer.py", &["server", &made.text("")]);
    let builder = Connection::connect(("localhost", server.port)).authkey(KEY);
    let builder = builder
        .timeout(LONG)
        .legacy_md5(true)
        .tls(client_tls(&made));
    let mut peer: blocking::Connection<(), (), Pickle> = builder.wait().unwrap();
    peer.send_bytes(b"hello").unwrap();
    assert_eq!(peer.recv_bytes(10).unwrap(), b"hello");
    drop(server);
    let end = peer.recv_bytes(10);
    assert!(matches!(end, Err(RecvError::Io(_))), "{end:?}");
}
