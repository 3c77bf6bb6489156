//! Ends of connections: closed, dropped, cut, and peers that do not speak TLS.

use std::time::Duration;

use farcall_conn::auth::AuthError;
use farcall_conn::frame::FrameError;
use farcall_conn::{ConnectError, Connection, Listener, RecvError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::support::{KEY, KINDS, Kind, LONG, server_tls};

#[tokio::test]
async fn a_close_and_a_drop_are_regular_ends() {
    for kind in KINDS {
        let (local, mut remote) = kind.pair().await;
        local.close().await.unwrap();
        let end = remote.recv_bytes(10).await;
        assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");
        // And it is an end each time.
        let end = remote.recv_bytes(10).await;
        assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");

        let (mut local, mut remote) = kind.pair().await;
        local.send_bytes(b"the last").await.unwrap();
        drop(local);
        assert_eq!(remote.recv_bytes(10).await.unwrap(), b"the last");
        let end = remote.recv_bytes(10).await;
        assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");
    }
}

#[tokio::test]
async fn each_direction_ends_separately() {
    let (local, mut remote) = Kind::Certificates.pair().await;
    let (sender, mut receiver) = local.split();
    drop(sender);
    let end = remote.recv_bytes(10).await;
    assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");
    remote.send_bytes(b"still there").await.unwrap();
    assert_eq!(receiver.recv_bytes(100).await.unwrap(), b"still there");
}

/// Returns a connection through a relay, and the switch that cuts the relay without a trace of TLS.
async fn through_a_relay() -> (Connection, Connection, oneshot::Sender<()>) {
    let mut listener = Kind::Certificates.listen().await;
    let target = listener.local_address().to_string();
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    let (cut, is_cut) = oneshot::channel();
    tokio::spawn(async move {
        let (mut near, _) = relay.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => {}
            _ = is_cut => {}
        }
        // Regular ends of TCP, as anyone can send them.
        near.shutdown().await.unwrap();
        far.shutdown().await.unwrap();
        tokio::time::sleep(LONG).await;
    });
    let client = Kind::Certificates.client(Connection::connect(address));
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    (accepted.unwrap(), connected.unwrap(), cut)
}

#[tokio::test]
async fn a_cut_between_messages_is_an_error() {
    let (mut accepted, mut connected, cut) = through_a_relay().await;
    connected.send_bytes(b"hello").await.unwrap();
    assert_eq!(accepted.recv_bytes(10).await.unwrap(), b"hello");
    cut.send(()).unwrap();
    for connection in [&mut accepted, &mut connected] {
        for _ in 0..2 {
            let end = connection.recv_bytes(10).await;
            let is_cut = matches!(&end, Err(RecvError::Io(error))
                if error.kind() == std::io::ErrorKind::UnexpectedEof
                    && error.to_string().contains("close_notify"));
            assert!(is_cut, "{end:?}");
        }
    }
}

#[tokio::test]
async fn a_close_within_a_message_truncates_it() {
    let (local, mut remote) = Kind::Certificates.pair().await;
    let mut local = local;
    let sending = local.send_bytes(&[1; 50 << 20]);
    // The peer does not read: a part is on the way.
    timeout(Duration::from_millis(100), sending)
        .await
        .unwrap_err();
    drop(local);
    let end = remote.recv_bytes(100 << 20).await;
    let is_truncated = match &end {
        Err(RecvError::Frame(FrameError::Truncated { .. })) => true,
        // The system may not have taken the `close_notify`.
        Err(RecvError::Io(error)) => error.kind() == std::io::ErrorKind::UnexpectedEof,
        _ => false,
    };
    assert!(is_truncated, "{end:?}");
}

#[tokio::test]
async fn peers_without_tls_are_told_apart() {
    let listener = Kind::Certificates.listen().await;
    // It answers no challenge, so that the client waits for one until its timeout.
    let builder = Connection::connect(listener.local_address().clone()).authkey(KEY);
    let plain: Result<Connection, _> = builder.timeout(Duration::from_millis(200)).await;
    assert!(
        matches!(
            plain,
            Err(ConnectError::Auth {
                source: AuthError::TimedOut,
                ..
            })
        ),
        "{plain:?}"
    );
    let mut stream = TcpStream::connect(listener.local_address().to_string())
        .await
        .unwrap();
    stream.write_all(b"\0\0\0\x05hello").await.unwrap();
    let mut alert = Vec::new();
    stream.read_to_end(&mut alert).await.unwrap();
    assert_eq!(alert[..3], [0x15, 3, 3], "an alert");

    let listener = Listener::bind("127.0.0.1:0").authkey(KEY).await.unwrap();
    let builder = Connection::connect(listener.local_address().clone());
    let tls: Result<Connection, _> = Kind::Certificates.client(builder).await;
    let text = format!("{:?}", tls.unwrap_err());
    assert!(text.contains("does not speak TLS"), "{text}");

    // A client without TLS meets a peer that begins with a record of TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let builder = Connection::connect(listener.local_addr().unwrap()).authkey(KEY);
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&[0x16, 3, 1, 0, 200, 1, 0]).await.unwrap();
        stream
    };
    let (_stream, plain) = tokio::join!(answering, builder);
    let text = format!("{:?}", plain.map(|_: Connection| ()).unwrap_err());
    assert!(text.contains("speaks TLS"), "{text}");
}

#[tokio::test]
async fn a_damaged_record_ends_the_connection() {
    let mut listener = Listener::bind("127.0.0.1:0")
        .tls(server_tls())
        .await
        .unwrap();
    let target = listener.local_address().to_string();
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    let relaying = tokio::spawn(async move {
        let (near, _) = relay.accept().await.unwrap();
        let far = TcpStream::connect(target).await.unwrap();
        let (mut near_read, mut near_write) = near.into_split();
        let (mut far_read, mut far_write) = far.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
        let mut buffer = [0; 4096];
        loop {
            let count = near_read.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            // The record of the message is longer than those of the handshake behind the first.
            if (500..600).contains(&count) {
                buffer[count - 1] ^= 1;
            }
            far_write.write_all(&buffer[..count]).await.unwrap();
        }
    });
    let client = Connection::connect(address).tls(crate::support::client_tls());
    let client = client.server_name("localhost").timeout(LONG);
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    let (mut accepted, mut connected): (Connection, Connection) =
        (accepted.unwrap(), connected.unwrap());
    connected.send_bytes(b"whole").await.unwrap();
    assert_eq!(accepted.recv_bytes(10).await.unwrap(), b"whole");
    connected.send_bytes(&[7; 500]).await.unwrap();
    for _ in 0..2 {
        let end = accepted.recv_bytes(1000).await;
        let is_damage = matches!(&end, Err(RecvError::Io(error))
            if error.to_string().contains("damaged or forged"));
        assert!(is_damage, "{end:?}");
    }
    drop(accepted);
    // The alert of the peer says why.
    let end = connected.recv_bytes(1000).await;
    assert!(matches!(end, Err(RecvError::Io(_))), "{end:?}");
    relaying.abort();
}
