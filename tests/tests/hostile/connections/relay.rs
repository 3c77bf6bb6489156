//! A relay that ends TLS on both of its sides, and has the certificate of the listener and its key.
//! It passes every message on, and may change challenges.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farcall::conn::auth::{AuthError, Binding};
use farcall::conn::{ConnectError, Connection};
use farcall::pickle::Pickle;
use farcall::transport::tls::rustls::pki_types::ServerName;
use farcall::transport::tls::tokio_rustls::{TlsAcceptor, TlsConnector};
use farcall::transport::tls::{ClientTls, Profile, ServerTls};
use tests::certificates::Certificates;
use tests::victim::{KEY, Victim};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::peer::frame;

/// The mark of challenges whose responses may be bound.
const MARK: &[u8] = b"{farcall-bound-1}";

/// The change of the challenges that pass the relay.
#[derive(Clone, Copy, Debug)]
enum Challenges {
    Kept,
    /// The mark is cut off.
    Unmarked,
}

/// Passes messages on, until a side disconnects.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    challenges: Challenges,
) -> std::io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut message = vec![0; length as usize];
        from.read_exact(&mut message).await?;
        if matches!(challenges, Challenges::Unmarked) && message.starts_with(b"#CHALLENGE#") {
            let unmarked = message.strip_suffix(MARK).map(<[u8]>::to_vec);
            message = unmarked.unwrap_or(message);
        }
        to.write_all(&frame(&message)).await?;
        to.flush().await?;
    }
}

/// Returns the address of a relay to the listener at `target`.
async fn relay(made: &Certificates, target: SocketAddr, challenges: Challenges) -> SocketAddr {
    let near = ServerTls::from_files(made.path("server.pem"), made.path("server.key")).unwrap();
    let near = TlsAcceptor::from(near.config(Profile::Connection));
    let far = ClientTls::new().dangerous_without_verification();
    let far = TlsConnector::from(far.config(Profile::Connection).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (near, far, name) = (near.clone(), far.clone(), name.clone());
            tokio::spawn(async move {
                let near = near.accept(stream).await.unwrap();
                let far = far.connect(name, TcpStream::connect(target).await.unwrap());
                let (near_read, near_write) = tokio::io::split(near);
                let (far_read, far_write) = tokio::io::split(far.await.unwrap());
                tokio::select! {
                    _ = pass(near_read, far_write, challenges) => {}
                    _ = pass(far_read, near_write, challenges) => {}
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_relay_with_the_certificate_is_refused_by_both_sides() {
    let made = Certificates::new();
    let folder = made.text("");
    let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &["--tls", &folder]).await;
    let victim = Arc::new(victim);
    let tls = ClientTls::new().roots(made.path("ca.pem")).unwrap();
    let connect = async |address: SocketAddr, binding| {
        let builder = Connection::connect(address).authkey(KEY).binding(binding);
        let connected = builder
            .timeout(Duration::from_secs(60))
            .tls(tls.clone())
            .await;
        let connected: Result<Connection<(), (), Pickle>, ConnectError> = connected;
        connected
    };
    let target = victim.tls.unwrap();
    for binding in [Binding::Off, Binding::Prefer, Binding::Require] {
        connect(target, binding).await.unwrap();
    }
    for challenges in [Challenges::Kept, Challenges::Unmarked] {
        let relay = relay(&made, target, challenges).await;
        let relayed = connect(relay, Binding::Prefer).await;
        assert!(
            matches!(
                relayed,
                Err(ConnectError::Auth {
                    source: AuthError::Rejected,
                    ..
                })
            ),
            "{challenges:?}: {relayed:?}"
        );
        let relayed = connect(relay, Binding::Require).await;
        let is_refused = match challenges {
            Challenges::Kept => matches!(
                relayed,
                Err(ConnectError::Auth {
                    source: AuthError::Rejected,
                    ..
                })
            ),
            // It gives no proof that could be relayed.
            Challenges::Unmarked => {
                matches!(
                    relayed,
                    Err(ConnectError::Auth {
                        source: AuthError::Unbound,
                        ..
                    })
                )
            }
        };
        assert!(is_refused, "{challenges:?}: {relayed:?}");
    }
    assert!(victim.log().contains("the peer does not know the authkey"));

    // Without binding, the relay owns the connection.
    let relay = relay(&made, target, Challenges::Kept).await;
    let mut relayed = connect(relay, Binding::Off).await.unwrap();
    relayed.send_bytes(b"a secret").await.unwrap();
    assert_eq!(relayed.recv_bytes(100).await.unwrap(), b"a secret");
    drop(relayed);
    victim.assert_well("a relay of TLS").await;
}
