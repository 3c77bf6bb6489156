//! Encryption by the authkey alone.

use farcall_conn::auth::{AuthError, Binding};
use farcall_conn::rpc::{Client, OpenError, Server};
use farcall_conn::{BindError, ConnectError, Connection, Listener};

use crate::support::{KEY, Kind, LONG, client_tls, server_tls};

type Connected = Result<Connection, ConnectError>;

#[tokio::test]
async fn a_key_is_required() {
    let bound = Listener::bind("127.0.0.1:0").encrypted().await;
    assert!(matches!(
        bound,
        Err(BindError::Auth(AuthError::EncryptionNeedsKey))
    ));
    let connected: Connected = Connection::connect("127.0.0.1:1").encrypted().await;
    assert!(matches!(
        connected,
        Err(ConnectError::Auth {
            source: AuthError::EncryptionNeedsKey,
            ..
        })
    ));
    let bound = Server::new().bind("127.0.0.1:0").encrypted().await;
    assert!(matches!(
        bound,
        Err(BindError::Auth(AuthError::EncryptionNeedsKey))
    ));
    let connected = Client::connect("127.0.0.1:1").encrypted().await;
    assert!(matches!(
        connected,
        Err(OpenError::Connect(ConnectError::Auth {
            source: AuthError::EncryptionNeedsKey,
            ..
        }))
    ));
}

/// Whatever else is set: without binding, everyone in the middle could read everything.
#[tokio::test]
async fn the_proof_is_always_bound() {
    let builder = Kind::ByAuthkey.listener(Listener::bind("127.0.0.1:0"));
    let listener = builder.binding(Binding::Off).await.unwrap();
    let address = listener.local_address().clone();
    let builder = Kind::ByAuthkey.client(Connection::connect(address));
    let connected: Connected = builder.binding(Binding::Off).await;
    connected.unwrap();
}

#[tokio::test]
async fn peers_that_differ_are_refused() {
    let listener = Kind::ByAuthkey.listen().await;
    let address = || listener.local_address().clone();

    let builder = Connection::connect(address())
        .authkey("another key")
        .timeout(LONG);
    let wrong: Connected = builder.encrypted().await;
    assert!(
        matches!(
            wrong,
            Err(ConnectError::Auth {
                source: AuthError::Rejected,
                ..
            })
        ),
        "{wrong:?}"
    );
    let builder = Connection::connect(address()).authkey(KEY).timeout(LONG);
    let with_certificates: Connected = builder.tls(client_tls()).await;
    assert!(
        matches!(
            with_certificates,
            Err(ConnectError::Auth {
                source: AuthError::Tls(_),
                ..
            })
        ),
        "{with_certificates:?}"
    );
    let builder = Listener::bind("127.0.0.1:0").authkey(KEY).tls(server_tls());
    let with_certificates = builder.await.unwrap();
    let builder = Connection::connect(with_certificates.local_address().clone());
    let without: Connected = builder.authkey(KEY).timeout(LONG).encrypted().await;
    assert!(
        matches!(
            without,
            Err(ConnectError::Auth {
                source: AuthError::Tls(_),
                ..
            })
        ),
        "{without:?}"
    );
}
