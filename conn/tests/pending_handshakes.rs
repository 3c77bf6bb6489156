//! The limits of handshakes in progress: at each, one more peer disconnects the oldest.

#![cfg(target_os = "linux")] // other systems have no second loopback address
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use farcall_conn::{Listener, ListenerBuilder};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longer than any step takes on an overloaded machine.
const LONG: Duration = Duration::from_secs(60);

async fn listen(
    setting: impl FnOnce(ListenerBuilder) -> ListenerBuilder,
) -> (Listener, SocketAddr) {
    let builder = Listener::bind("127.0.0.1:0").authkey("a key").timeout(LONG);
    let listener = setting(builder).await.unwrap();
    let address = listener.local_address().to_string().parse().unwrap();
    (listener, address)
}

/// Connects from `127.0.0.HOST`, and receives the challenge: the handshake is in progress.
async fn pending(address: SocketAddr, host: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, host], 0).into()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let length = timeout(LONG, stream.read_u32()).await.unwrap().unwrap();
    let mut challenge = vec![0; length as usize];
    stream.read_exact(&mut challenge).await.unwrap();
    assert!(challenge.starts_with(b"#CHALLENGE#"));
    stream
}

async fn assert_disconnected(stream: &mut TcpStream) {
    let read = timeout(LONG, stream.read(&mut [0])).await.unwrap();
    // A reset is possible as well.
    assert!(read.map_or(true, |count| count == 0));
}

/// The last peer has its challenge, so all that it disconnects is disconnected by now.
async fn assert_connected(streams: &[TcpStream]) {
    for stream in streams {
        let read = timeout(Duration::from_millis(50), stream.peek(&mut [0])).await;
        assert!(read.is_err(), "{read:?}");
    }
}

#[tokio::test]
async fn max_pending_is_the_exact_number_of_all_peers() {
    for max in [1, 3] {
        let (_listener, address) = listen(|builder| builder.max_pending(max)).await;
        let mut peers = Vec::new();
        for host in 1..=max {
            peers.push(pending(address, host as u8).await);
        }
        assert_connected(&peers).await;
        peers.push(pending(address, 9).await);
        assert_disconnected(&mut peers[0]).await;
        assert_connected(&peers[1..]).await;
    }
}

#[tokio::test]
async fn max_pending_per_address_is_the_exact_number_of_one_address() {
    let (_listener, address) = listen(|builder| builder.max_pending_per_address(2)).await;
    let mut other = pending(address, 2).await;
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(pending(address, 1).await);
    }
    assert_connected(&peers).await;
    peers.push(pending(address, 1).await);
    // The oldest of all is of another address.
    assert_disconnected(&mut peers[0]).await;
    assert_connected(&peers[1..]).await;
    assert_connected(std::slice::from_ref(&other)).await;
    let _more = [pending(address, 2).await, pending(address, 2).await];
    assert_disconnected(&mut other).await;
}
