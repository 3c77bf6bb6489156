//! Certificates of listeners and of clients.

use farcall_conn::auth::{AuthError, Binding};
use farcall_conn::{ConnectError, Connection, Listener, RecvError};
use farcall_core::transport::tls::{ClientCertificates, ClientTls, ServerTls};

use crate::support::{CERTIFICATES, Certificates, KEY, LONG, client_tls, server_tls};

type Connected = Result<Connection, ConnectError>;

async fn connect(listener: &Listener, tls: ClientTls) -> Connected {
    let builder = Connection::connect(listener.local_address().clone());
    builder.timeout(LONG).tls(tls).await
}

fn refusal(connected: Connected) -> String {
    match connected {
        Err(
            error @ ConnectError::Auth {
                source: AuthError::Tls(_),
                ..
            },
        ) => format!("{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_certificate_of_the_listener_is_verified() {
    let strangers = Certificates::new();
    let listener = Listener::bind("127.0.0.1:0")
        .tls(server_tls())
        .await
        .unwrap();
    connect(&listener, client_tls()).await.unwrap();
    let pinned = ClientTls::new()
        .pin_pem(CERTIFICATES.server.0.as_bytes())
        .unwrap();
    connect(&listener, pinned).await.unwrap();
    let anything = ClientTls::new().dangerous_without_verification();
    connect(&listener, anything).await.unwrap();

    let text = refusal(connect(&listener, strangers.client_tls()).await);
    assert!(text.contains("authority that is not trusted"), "{text}");
    let builder = Connection::connect(listener.local_address().clone());
    let text = refusal(builder.tls(client_tls()).server_name("other.example").await);
    assert!(
        text.contains("other.example") && text.contains("localhost"),
        "{text}"
    );
    let builder = Connection::connect(listener.local_address().clone());
    let text = refusal(builder.tls(client_tls()).server_name("not a name").await);
    assert!(text.contains("invalid"), "{text}");
}

#[tokio::test]
async fn the_host_of_the_target_is_the_name() {
    let listener = Listener::bind("localhost:0")
        .tls(server_tls())
        .await
        .unwrap();
    let address = listener.local_address().to_string();
    let (_, port) = address.rsplit_once(':').unwrap();
    for host in ["localhost", "127.0.0.1", ""] {
        let builder = Connection::connect(format!("{host}:{port}"));
        let connected: Connected = builder.timeout(LONG).tls(client_tls()).await;
        connected.unwrap();
    }
}

#[tokio::test]
async fn certificates_of_clients() {
    let tls = |demand| -> ServerTls {
        let roots = CERTIFICATES.authority.as_bytes();
        server_tls().client_roots_pem(roots, demand).unwrap()
    };
    let (certificate, key) = &CERTIFICATES.client;
    let known = client_tls();
    let known = known
        .certificate_pem(certificate.as_bytes(), key.as_bytes())
        .unwrap();
    let strangers = Certificates::new();
    let (certificate, key) = &strangers.client;
    let stranger = client_tls();
    let stranger = stranger
        .certificate_pem(certificate.as_bytes(), key.as_bytes())
        .unwrap();

    for (demand, anonymous_is_served) in [
        (ClientCertificates::Required, false),
        (ClientCertificates::Optional, true),
    ] {
        let builder = Listener::bind("127.0.0.1:0").timeout(LONG).tls(tls(demand));
        let mut listener = builder.await.unwrap();
        let connected = connect(&listener, known.clone()).await.unwrap();
        let accepted: Connection = listener.accept().await.unwrap();
        let session = accepted.tls().unwrap();
        assert!(session.peer_certificate().is_some());
        assert_eq!(
            accepted.identity().name().as_deref(),
            Some("client.example")
        );
        assert!(connected.identity().is_anonymous());
        assert_eq!(connected.tls().unwrap().exporter(), session.exporter());
        assert!(session.exporter().is_some());

        // With TLS 1.3 a client learns of the refusal after its own handshake, if there is no
        // other one.
        let refused = async |tls: ClientTls| match connect(&listener, tls).await {
            Err(_) => true,
            Ok(mut connection) => match connection.recv_bytes(10).await {
                Err(RecvError::Io(_)) => true,
                other => panic!("{other:?}"),
            },
        };
        assert!(refused(stranger.clone()).await);
        if !anonymous_is_served {
            assert!(refused(client_tls()).await);
        } else {
            let _connected = connect(&listener, client_tls()).await.unwrap();
            let accepted: Connection = listener.accept().await.unwrap();
            assert!(accepted.identity().is_anonymous());
        }
    }
}

#[tokio::test]
async fn binding_can_be_required() {
    let builder = Listener::bind("127.0.0.1:0")
        .authkey(KEY)
        .binding(Binding::Require);
    let mut listener = builder.timeout(LONG).tls(server_tls()).await.unwrap();
    let address = || listener.local_address().clone();
    let client = || {
        Connection::connect(address())
            .authkey(KEY)
            .timeout(LONG)
            .tls(client_tls())
    };
    for binding in [Binding::Require, Binding::Prefer] {
        let connected: Connected = client().binding(binding).await;
        connected.unwrap();
    }
    let unbound: Connected = client().binding(Binding::Off).await;
    assert!(
        matches!(
            unbound,
            Err(ConnectError::Auth {
                source: AuthError::Rejected,
                ..
            })
        ),
        "{unbound:?}"
    );
    let accepted: Connection = listener.accept().await.unwrap();
    drop(accepted);
}
