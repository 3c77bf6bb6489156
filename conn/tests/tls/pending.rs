//! Peers that are silent during the handshake of TLS. They count as pending handshakes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farcall_conn::{Connection, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Kind, LONG};

/// The first bytes of a `ClientHello` that does not end.
const BEGIN: &[u8] = &[0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3];

async fn listen(max_pending: usize, time: Duration) -> (Listener, SocketAddr) {
    let builder = Kind::Certificates.listener(Listener::bind("127.0.0.1:0"));
    let listener = builder
        .max_pending(max_pending)
        .timeout(time)
        .await
        .unwrap();
    let address = listener.local_address().to_string().parse().unwrap();
    (listener, address)
}

async fn silent(address: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    if number % 2 == 1 {
        stream.write_all(BEGIN).await.unwrap();
    }
    stream
}

async fn is_open(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(100), stream.read(&mut [0]))
        .await
        .is_err()
}

#[tokio::test]
async fn silent_peers_delay_no_one() {
    let (mut listener, address) = listen(512, LONG).await;
    let mut peers = Vec::new();
    for number in 0..200 {
        peers.push(silent(address, number).await);
    }
    let begin = Instant::now();
    let client = Kind::Certificates.client(Connection::connect(address));
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    let (_accepted, _connected): (Connection, Connection) = (accepted.unwrap(), connected.unwrap());
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert!(is_open(&mut peers[0]).await);
}

#[tokio::test]
async fn the_oldest_is_disconnected() {
    let (mut listener, address) = listen(4, LONG).await;
    let mut peers = Vec::new();
    for number in 0..4 {
        peers.push(silent(address, number).await);
    }
    assert!(is_open(&mut peers[0]).await);
    let client = Kind::Certificates.client(Connection::connect(address));
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    let (_accepted, _connected): (Connection, Connection) = (accepted.unwrap(), connected.unwrap());
    let mut rest = Vec::new();
    timeout(LONG, peers[0].read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(is_open(&mut peers[1]).await);
}

#[tokio::test]
async fn the_handshake_has_a_timeout() {
    let (_listener, address) = listen(16, Duration::from_millis(200)).await;
    for number in 0..2 {
        let mut peer = silent(address, number).await;
        let mut rest = Vec::new();
        // A reset is possible as well.
        let _ = timeout(LONG, peer.read_to_end(&mut rest)).await.unwrap();
    }
}
