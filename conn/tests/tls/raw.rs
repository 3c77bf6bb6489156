//! Peers that use TLS in unusual ways: records of one byte, without bytes, and updates of keys.

use std::sync::Arc;
use std::time::Duration;

use farcall_conn::frame::Encoder;
use farcall_conn::{Connection, Listener, RecvError};
use farcall_core::transport::tls::Profile;
use farcall_core::transport::tls::rustls::pki_types::ServerName;
use farcall_core::transport::tls::tokio_rustls::TlsConnector;
use farcall_core::transport::tls::tokio_rustls::client::TlsStream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{LONG, client_tls, server_tls};

/// Returns an accepted connection, and the TLS of its peer.
pub(crate) async fn pair() -> (Connection, TlsStream<TcpStream>) {
    let builder = Listener::bind("127.0.0.1:0")
        .timeout(LONG)
        .tls(server_tls());
    let mut listener = builder.await.unwrap();
    let stream = TcpStream::connect(listener.local_address().to_string())
        .await
        .unwrap();
    let connector = TlsConnector::from(client_tls().config(Profile::Connection).unwrap());
    let name = ServerName::try_from("localhost").unwrap();
    let (accepted, peer) = tokio::join!(listener.accept(), connector.connect(name, stream));
    (accepted.unwrap(), peer.unwrap())
}

pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.push(message);
    encoder.unwritten().to_vec()
}

#[tokio::test]
async fn records_of_one_byte() {
    let (mut accepted, mut peer) = pair().await;
    let sending = tokio::spawn(async move {
        for byte in frame(b"a message in pieces") {
            peer.write_all(&[byte]).await.unwrap();
            peer.flush().await.unwrap();
        }
        peer
    });
    assert_eq!(
        accepted.recv_bytes(100).await.unwrap(),
        b"a message in pieces"
    );
    sending.await.unwrap();
}

#[tokio::test]
async fn updates_of_keys_are_no_messages() {
    let (mut accepted, mut peer) = pair().await;
    for round in 0..20_u8 {
        peer.get_mut().1.refresh_traffic_keys().unwrap();
        peer.write_all(&[]).await.unwrap();
        peer.flush().await.unwrap();
        assert!(!accepted.poll(Duration::from_millis(5)).await);
        peer.write_all(&frame(&[round; 20_000])).await.unwrap();
        peer.flush().await.unwrap();
        assert_eq!(accepted.recv_bytes(20_000).await.unwrap(), [round; 20_000]);
        // The answer to the update goes with the next message.
        accepted.send_bytes(&[round; 20_000]).await.unwrap();
        let mut received = vec![0; 20_004];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(received, frame(&[round; 20_000]));
    }
}

#[tokio::test]
async fn bytes_after_the_close_are_ignored() {
    let (mut accepted, mut peer) = pair().await;
    peer.write_all(&frame(b"the last")).await.unwrap();
    peer.get_mut().1.send_close_notify();
    peer.flush().await.unwrap();
    let (stream, _) = peer.get_mut();
    stream.write_all(&[0x17, 3, 3, 0, 40]).await.unwrap();
    stream.write_all(&[0; 40]).await.unwrap();
    assert_eq!(accepted.recv_bytes(100).await.unwrap(), b"the last");
    let end = accepted.recv_bytes(100).await;
    assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");
}

/// The first message comes with the last of the handshake.
#[tokio::test]
async fn a_message_right_behind_the_handshake() {
    let builder = Listener::bind("127.0.0.1:0")
        .timeout(LONG)
        .tls(server_tls());
    let mut listener = builder.await.unwrap();
    let stream = TcpStream::connect(listener.local_address().to_string())
        .await
        .unwrap();
    let connector = TlsConnector::from(client_tls().config(Profile::Connection).unwrap());
    let name = ServerName::try_from("localhost").unwrap();
    let message: Arc<[u8]> = vec![7; 60_000].into();
    let expected = Arc::clone(&message);
    let connecting = connector.connect_with(name, stream, |client| {
        use std::io::Write as _;
        client.writer().write_all(&frame(&message)).unwrap();
    });
    let (accepted, peer) = tokio::join!(listener.accept(), async {
        let mut peer = connecting.await.unwrap();
        peer.flush().await.unwrap();
        peer
    });
    let mut accepted: Connection = accepted.unwrap();
    let _peer = peer;
    assert!(accepted.recv_bytes(60_000).await.unwrap() == *expected);
}
