//! Listeners that send session tickets without end.

use std::sync::Arc;
use std::time::Duration;

use farcall_conn::{Connection, RecvError};
use farcall_core::transport::tls::Profile;
use farcall_core::transport::tls::rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use farcall_core::transport::tls::rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConnection, SupportedCipherSuite,
};
use farcall_core::transport::tls::tokio_rustls::TlsAcceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::{LONG, client_tls, server_tls};

/// Returns records with a ticket each (RFC 8446, 4.6.1), of which rustls would send few.
fn tickets(connection: ServerConnection, count: u64) -> Vec<u8> {
    let mut ticket = vec![4, 0, 0, 213, 0, 0, 0x1c, 0x20, 1, 2, 3, 4, 0, 0, 200];
    ticket.extend([7; 200]);
    ticket.extend([0, 0]);
    let Some(SupportedCipherSuite::Tls13(suite)) = connection.negotiated_cipher_suite() else {
        panic!("TLS 1.3");
    };
    let (first, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
    let mut encrypter = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            suite.aead_alg.encrypter(key, iv)
        }
        _ => panic!("a known cipher"),
    };
    // The key has to be used from the first record on.
    let records = (0..first + count).map(|number| {
        let record = OutboundPlainMessage {
            typ: ContentType::Handshake,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(&ticket),
        };
        encrypter.encrypt(record, number).unwrap().encode()
    });
    records
        .skip(usize::try_from(first).unwrap())
        .flatten()
        .collect()
}

/// Returns a connection whose listener sends a number of tickets, and nothing else.
async fn flooded(count: u64) -> (Connection, JoinHandle<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let flooding = tokio::spawn(async move {
        let mut config = (*server_tls().config(Profile::Connection)).clone();
        config.enable_secret_extraction = true;
        config.send_tls13_tickets = 0;
        let (stream, _) = listener.accept().await.unwrap();
        let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        let (mut stream, connection) = accepted.unwrap().into_inner();
        // The client closes when it has had enough.
        let _ = stream.write_all(&tickets(connection, count)).await;
        stream
    });
    let builder = Connection::connect(address).tls(client_tls());
    let connected = builder.server_name("localhost").timeout(LONG);
    (connected.await.unwrap(), flooding)
}

fn assert_limit(received: Result<Vec<u8>, RecvError>) {
    match received {
        Err(RecvError::Io(error)) if error.to_string().contains("without data") => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tickets_are_not_read_for_ever() {
    let (mut few, _listener) = flooded(100).await;
    assert!(!few.poll(Duration::from_millis(100)).await);

    let (mut many, _listener) = flooded(1000).await;
    assert_limit(many.recv_bytes(10).await);

    let (mut many, _listener) = flooded(1000).await;
    assert!(many.poll(LONG).await);
    assert_limit(many.recv_bytes(10).await);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_without_async_code() {
    let (many, _listener) = flooded(1000).await;
    let mut many = many.into_blocking().unwrap();
    let received = tokio::task::spawn_blocking(move || many.recv_bytes(10));
    assert_limit(received.await.unwrap());

    let (many, _listener) = flooded(1000).await;
    let mut many = many.into_blocking().unwrap();
    let polling = tokio::task::spawn_blocking(move || {
        assert!(many.poll(LONG).unwrap());
        assert_limit(many.recv_bytes(10));
    });
    polling.await.unwrap();
}
