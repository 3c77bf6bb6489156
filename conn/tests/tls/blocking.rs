//! The same connections without async code.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use farcall_conn::blocking::{self, wait};
use farcall_conn::{Connection, Listener, RecvError, SendError};
use farcall_core::Budget;
use farcall_core::transport::tls::Profile;
use farcall_core::transport::tls::rustls::pki_types::ServerName;
use farcall_core::transport::tls::rustls::{ClientConnection, StreamOwned};
use tokio::io::AsyncWriteExt as _;

use crate::raw;
use crate::support::{KINDS, Kind, LONG, client_tls, server_tls};

/// Returns a connected pair; the first is the listener's.
fn pair(kind: Kind) -> (blocking::Connection, blocking::Connection) {
    let mut listener = kind.listener(Listener::bind("127.0.0.1:0")).wait().unwrap();
    let address = listener.local_address().clone();
    let connecting = thread::spawn(move || kind.client(Connection::connect(address)).wait());
    let accepted = listener.accept().unwrap();
    (accepted, connecting.join().unwrap().unwrap())
}

#[test]
fn messages_of_all_sizes_pass() {
    for kind in KINDS {
        let (mut local, mut remote) = pair(kind);
        let echo = thread::spawn(move || {
            loop {
                match remote.recv_bytes(1 << 30) {
                    Ok(message) => remote.send_bytes(&message).unwrap(),
                    Err(error) => break error,
                }
            }
        });
        for length in [0, 1, 16_383, 16_384, 16_385, 65_536, 1 << 20, 20 << 20] {
            let message: Vec<u8> = (0..length).map(|i| (i % 251 + i / 4096) as u8).collect();
            local.send_bytes(&message).unwrap();
            assert!(local.recv_bytes(1 << 30).unwrap() == message, "{length}");
        }
        assert!(local.tls().unwrap().exporter().is_some());
        drop(local);
        assert!(echo.join().unwrap().is_closed());
    }
}

/// A message of one record and a short one, with more behind it, fills the buffers of TLS.
#[test]
fn waiting_loses_nothing_of_messages_that_arrived_together() {
    let (mut local, mut remote) = pair(Kind::Certificates);
    for length in [16_380, 16_900, 18_390] {
        let messages = [1, 2, 3].map(|n| vec![n; length]);
        for message in &messages {
            remote.send_bytes(message).unwrap();
        }
        thread::sleep(Duration::from_millis(50));
        for message in &messages {
            assert!(local.poll(Duration::from_secs(5)).unwrap());
            assert!(local.recv_bytes(1 << 20).unwrap() == *message, "{length}");
        }
    }
}

#[test]
fn halves_in_two_threads() {
    let (local, mut remote) = pair(Kind::Certificates);
    let echo = thread::spawn(move || {
        while let Ok(message) = remote.recv_bytes(1 << 30) {
            remote.send_bytes(&message).unwrap();
        }
    });
    let (sender, mut receiver) = local.split();
    let sending = thread::spawn(move || {
        for number in 0..200_usize {
            sender
                .send_bytes(&vec![number as u8; number * 997])
                .unwrap();
        }
    });
    for number in 0..200_usize {
        let message = receiver.recv_bytes(1 << 20).unwrap();
        assert!(message == vec![number as u8; number * 997], "{number}");
    }
    sending.join().unwrap();
    let end = receiver.recv_bytes(1);
    assert!(matches!(end, Err(RecvError::Closed)), "{end:?}");
    echo.join().unwrap();
}

#[test]
fn waiting_sees_messages_only() {
    let (mut local, mut remote) = pair(Kind::Certificates);
    let (mut other, _other_remote) = pair(Kind::ByAuthkey);
    let begin = Instant::now();
    assert!(!local.poll(Duration::from_millis(50)).unwrap());
    assert!(begin.elapsed() >= Duration::from_millis(50));
    remote.send_bytes(b"one").unwrap();
    remote.send_bytes(b"two").unwrap();
    for expected in [b"one", b"two"] {
        let ready = wait(&mut [&mut other, &mut local], None).unwrap();
        assert_eq!(ready, [1]);
        assert_eq!(local.recv_bytes(10).unwrap(), expected);
    }
    assert!(!local.poll(Duration::from_millis(10)).unwrap());
    // A large message arrives in many records, all of which may be received at once.
    remote.send_bytes(&[1; 60_000]).unwrap();
    assert!(local.poll(Duration::from_secs(60)).unwrap());
    assert_eq!(local.recv_bytes(60_000).unwrap().len(), 60_000);
    drop(remote);
    assert!(local.poll(Duration::from_secs(60)).unwrap());
    assert!(local.recv_bytes(1).unwrap_err().is_closed());
}

/// An update of keys makes the socket readable, but there is nothing to receive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_without_bytes_are_no_input() {
    let (accepted, mut peer) = raw::pair().await;
    peer.get_mut().1.refresh_traffic_keys().unwrap();
    peer.flush().await.unwrap();
    let mut accepted = accepted.into_blocking().unwrap();
    let accepted = tokio::task::spawn_blocking(move || {
        let begin = Instant::now();
        assert!(!accepted.poll(Duration::from_millis(200)).unwrap());
        assert!(begin.elapsed() >= Duration::from_millis(200));
        accepted
    });
    let mut accepted = accepted.await.unwrap();
    peer.write_all(&raw::frame(b"hello")).await.unwrap();
    peer.flush().await.unwrap();
    let receiving = tokio::task::spawn_blocking(move || {
        assert!(accepted.poll(Duration::from_secs(60)).unwrap());
        assert_eq!(accepted.recv_bytes(10).unwrap(), b"hello");
    });
    receiving.await.unwrap();
}

#[test]
fn timeouts_leave_the_connection_intact() {
    let (mut local, mut remote) = pair(Kind::Certificates);
    let is_timeout = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    };
    local
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let nothing = local.recv_bytes(10);
    assert!(
        matches!(&nothing, Err(RecvError::Io(error)) if is_timeout(error)),
        "{nothing:?}"
    );
    remote.send_bytes(b"hello").unwrap();
    local.set_read_timeout(None).unwrap();
    assert_eq!(local.recv_bytes(10).unwrap(), b"hello");

    local
        .set_write_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let message = vec![3; 30 << 20];
    let stuck = local.send_bytes(&message);
    assert!(
        matches!(&stuck, Err(SendError::Io(error)) if is_timeout(error)),
        "{stuck:?}"
    );
    let receiving = thread::spawn(move || {
        let first = remote.recv_bytes(1 << 30).unwrap();
        (first, remote.recv_bytes(10).unwrap())
    });
    local.set_write_timeout(None).unwrap();
    local.send_bytes(b"next").unwrap();
    let (first, second) = receiving.join().unwrap();
    assert!(first == message && second == b"next");
}

#[test]
fn a_budget_counts_as_without_tls() {
    let kind = Kind::Certificates;
    let builder = kind
        .listener(Listener::bind("127.0.0.1:0"))
        .budget(Budget::new(2 << 20));
    let mut listener = builder.wait().unwrap();
    let address = listener.local_address().clone();
    let sending = thread::spawn(move || {
        let builder = kind.client(Connection::connect(address));
        let mut connected: blocking::Connection = builder.wait().unwrap();
        for _ in 0..5 {
            connected.send_bytes(&[1; 1 << 20]).unwrap();
        }
    });
    let mut accepted: blocking::Connection = listener.accept().unwrap();
    for _ in 0..5 {
        assert_eq!(accepted.recv_bytes(1 << 20).unwrap().len(), 1 << 20);
    }
    assert!(accepted.recv_bytes(1).unwrap_err().is_closed());
    sending.join().unwrap();
}

/// A thread that waits within a record is told of its eviction.
#[test]
fn a_connection_is_evicted_within_a_record() {
    const MIB: usize = 1 << 20;

    let budget = Budget::new(2 * MIB);
    let builder = Listener::bind("127.0.0.1:0")
        .tls(server_tls())
        .timeout(LONG);
    let mut listener = builder.budget(budget.clone()).wait().unwrap();
    let address = listener.local_address().to_string();
    let stranger = thread::spawn(move || {
        let config = client_tls().config(Profile::Connection).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(config, name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(address).unwrap());
        let frame = raw::frame(&vec![7; 2 * MIB]);
        stream.write_all(&frame[..MIB * 3 / 2]).unwrap();
        // The header of a record, and a part of it.
        let socket = &mut stream.sock;
        socket.write_all(&[23, 3, 3, 0x40, 0, 7, 7, 7]).unwrap();
        stream
    });
    let mut accepted: blocking::Connection = listener.accept().unwrap();
    let receiving = thread::spawn(move || accepted.recv_bytes(2 * MIB));
    let _stranger = stranger.join().unwrap();
    while budget.held() < MIB {
        thread::sleep(Duration::from_millis(10));
    }
    // The thread has read the part of the record meanwhile, most probably.
    thread::sleep(Duration::from_millis(300));
    let account = budget.account();
    let mut other = account.hold();
    let begin = Instant::now();
    while other.resize(&account, MIB).is_err() {
        assert!(begin.elapsed() < LONG, "it is not evicted");
        thread::sleep(Duration::from_millis(10));
    }
    let evicted = receiving.join().unwrap();
    assert!(matches!(evicted, Err(RecvError::Evicted)), "{evicted:?}");
}
