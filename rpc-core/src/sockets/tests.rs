use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream as StdStream, UdpSocket as StdSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, copy, split};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::serve::{ShutdownReport, StopHandle};
use crate::transport::memory::MemoryConnector;
use crate::transport::{Address, Connect as _, memory};

const WAIT: Duration = Duration::from_secs(20);

fn echo() -> StreamServer {
    StreamServer::new(|connection| async {
        let (mut reader, mut writer) = split(connection);
        copy(&mut reader, &mut writer).await?;
        writer.shutdown().await
    })
}

/// Serves in memory until the handle stops it.
fn serving(
    server: StreamServer,
) -> (
    MemoryConnector,
    StopHandle,
    tokio::task::JoinHandle<ShutdownReport>,
) {
    let (listener, connector) = memory::listener("sockets");
    let stop = StopHandle::new();
    let stopped = stop.stopped();
    let bound = server.listen(listener).unwrap();
    let serving = tokio::spawn(bound.serve_until(stopped));
    (connector, stop, serving)
}

async fn exchange(io: &mut DuplexStream, text: &str) -> String {
    io.write_all(text.as_bytes()).await.unwrap();
    let mut echo = vec![0; text.len()];
    match io.read_exact(&mut echo).await {
        Ok(_) => String::from_utf8(echo).unwrap(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn networks_are_addresses_with_a_common_prefix() {
    let networks = Networks::new(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]).unwrap();
    for (address, is_contained) in [
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("192.0.3.0", false),
        ("::ffff:192.0.2.9", true),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("198.51.100.7", true),
        ("198.51.100.8", false),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(networks.contains(address), is_contained, "{address}");
    }
    for text in [
        "",
        "localhost",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "192.0.2/24",
        "::/129",
    ] {
        let error = Networks::new([text]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`{text}` is not a network")),
            "{error}"
        );
    }
    assert!(!Networks::default().contains([127, 0, 0, 1].into()));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_the_end_of_what_a_handler_reads() {
    let (connector, stop, serving) = serving(echo());
    let mut peer = connector.connect().await.unwrap();
    assert_eq!(exchange(&mut peer, "hello").await, "hello");
    sleep(Duration::from_secs(5)).await;
    let begin = Instant::now();
    stop.stop();
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    let report = serving.await.unwrap();
    assert_eq!((report.finished, report.aborted), (1, 0));
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_has_a_second_for_its_first_bytes() {
    let (connector, stop, serving) = serving(echo());
    let mut peer = connector.connect().await.unwrap();
    stop.stop();
    sleep(Duration::from_millis(900)).await;
    assert_eq!(exchange(&mut peer, "in time").await, "in time");
    let begin = Instant::now();
    assert_eq!(serving.await.unwrap().finished, 1);
    assert!(begin.elapsed() <= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_disconnected() {
    let (connector, _stop, _serving) = serving(echo().idle_timeout(WAIT));
    let mut peer = connector.connect().await.unwrap();
    sleep(WAIT - Duration::from_secs(1)).await;
    assert_eq!(exchange(&mut peer, "still here").await, "still here");
    let begin = Instant::now();
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begin.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn peers_over_the_limit_wait_until_a_connection_closes() {
    let (connector, _stop, _serving) = serving(echo().max_connections(1));
    let mut first = connector.connect().await.unwrap();
    assert_eq!(exchange(&mut first, "first").await, "first");
    let mut second = connector.connect().await.unwrap();
    let waiting = timeout(WAIT, exchange(&mut second, "second")).await;
    assert!(waiting.is_err());
    drop(first);
    let mut text = [0; 6];
    second.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"second");
}

#[tokio::test(start_paused = true)]
async fn a_stop_aborts_handlers_at_the_drain_timeout() {
    let stuck = StreamServer::new(|_connection| std::future::pending());
    let (connector, stop, serving) = serving(stuck.drain_timeout(WAIT));
    let mut peer = connector.connect().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let begin = Instant::now();
    stop.stop();
    let report = serving.await.unwrap();
    assert_eq!((report.finished, report.aborted), (0, 1));
    assert_eq!(begin.elapsed(), WAIT);
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_of_a_unix_socket_has_the_chosen_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    for (server, expected) in [(echo(), 0o600), (echo().mode(0o660), 0o660)] {
        let path = folder.path().join(format!("{expected:o}"));
        let _bound = server.bind(&path).await.unwrap();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{mode:o}");
    }
}

#[tokio::test]
async fn peers_are_refused_by_network_and_by_hook() {
    let elsewhere = Networks::new(["192.0.2.0/24"]).unwrap();
    let nobody = echo().verify(|_| false);
    for server in [echo().allow(elsewhere), nobody] {
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        let address = bound.local_address().to_string();
        let serving = tokio::spawn(bound.serve());
        let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
        let read = timeout(WAIT, peer.read(&mut [0])).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_handler_that_panics_harms_only_its_connection() {
    let server = StreamServer::new(|mut connection| async move {
        assert_ne!(connection.read_u8().await?, b'!');
        connection.write_all(b"fine").await
    });
    let (connector, _stop, _serving) = serving(server);
    for (byte, reply) in [(b'!', ""), (b'.', "fine")] {
        let mut peer = connector.connect().await.unwrap();
        peer.write_u8(byte).await.unwrap();
        let mut read = String::new();
        timeout(WAIT, peer.read_to_string(&mut read))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read, reply);
    }
}

#[test]
fn handlers_in_threads_block() {
    let server = StreamServer::threads(|mut connection| {
        let mut text = String::new();
        connection.read_to_string(&mut text)?;
        connection.write_all(text.to_uppercase().as_bytes())
    });
    let bound = server.bind_blocking("127.0.0.1:0").unwrap();
    let Address::Tcp(address) = *bound.local_address() else {
        panic!("it is a TCP address");
    };
    let stop = bound.stop_handle();
    let serving = std::thread::spawn(move || bound.serve().unwrap());
    let peers: Vec<_> = (0..20)
        .map(|number| {
            let mut peer = StdStream::connect(address).unwrap();
            peer.write_all(format!("peer {number}").as_bytes()).unwrap();
            (number, peer)
        })
        .collect();
    for (number, mut peer) in peers {
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = String::new();
        peer.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("PEER {number}"));
    }
    stop.stop();
    assert_eq!(serving.join().unwrap().aborted, 0);
}

async fn answer(socket: &UdpSocket, to: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
    socket.send_to(bytes, to).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    let received = timeout(Duration::from_millis(300), socket.recv_from(&mut buffer)).await;
    let (length, from) = received.ok()?.unwrap();
    assert_eq!(from, to);
    buffer.truncate(length);
    Some(buffer)
}

#[tokio::test]
async fn datagrams_up_to_the_limit_are_answered() {
    let server = DatagramServer::new(|datagram| async move {
        assert_ne!(datagram.bytes(), b"panic");
        datagram.reply(datagram.bytes())
    });
    let bound = server
        .clone()
        .max_size(10)
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let Address::Tcp(to) = bound.local_address() else {
        panic!("it is a network address");
    };
    let stop = StopHandle::new();
    let serving = tokio::spawn(bound.serve_until(stop.stopped()));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for (bytes, is_answered) in [
        (&b"hello"[..], true),
        (b"", true),
        (b"panic", false),
        (b"0123456789", true),
        (b"0123456789a", false),
        (&[0; 20_000], false),
        (b"again", true),
    ] {
        let expected = is_answered.then(|| bytes.to_vec());
        assert_eq!(
            answer(&socket, to, bytes).await,
            expected,
            "{}",
            bytes.len()
        );
    }
    stop.stop();
    assert_eq!(serving.await.unwrap().aborted, 0);

    let elsewhere = Networks::new(["192.0.2.0/24"]).unwrap();
    let bound = server
        .allow(elsewhere)
        .bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let Address::Tcp(to) = bound.local_address() else {
        panic!("it is a network address");
    };
    tokio::spawn(bound.serve());
    assert_eq!(answer(&socket, to, b"hello").await, None);
}

#[tokio::test]
async fn only_so_many_handlers_run_at_once() {
    let (gate, most, running) = (
        Arc::new(Semaphore::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let server = {
        let (gate, most) = (Arc::clone(&gate), Arc::clone(&most));
        DatagramServer::new(move |datagram| {
            let (gate, most, running) =
                (Arc::clone(&gate), Arc::clone(&most), Arc::clone(&running));
            async move {
                most.fetch_max(
                    running.fetch_add(1, Ordering::Relaxed) + 1,
                    Ordering::Relaxed,
                );
                let _permit = gate.acquire().await;
                running.fetch_sub(1, Ordering::Relaxed);
                datagram.reply(b"done")
            }
        })
    };
    let bound = server.max_handlers(3).bind("127.0.0.1:0").await.unwrap();
    let Address::Tcp(to) = bound.local_address() else {
        panic!("it is a network address");
    };
    tokio::spawn(bound.serve());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..10 {
        socket.send_to(b"work", to).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    gate.add_permits(10);
    for _ in 0..10 {
        let mut buffer = [0; 10];
        timeout(WAIT, socket.recv(&mut buffer))
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(most.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_stop_aborts_handlers_of_datagrams_at_the_drain_timeout() {
    let begun = Arc::new(Semaphore::new(0));
    let beginning = Arc::clone(&begun);
    let server = DatagramServer::new(move |_| {
        beginning.add_permits(1);
        std::future::pending()
    });
    let server = server.drain_timeout(Duration::from_millis(50));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let to = bound.local_address().to_string();
    let stop = StopHandle::new();
    let serving = tokio::spawn(bound.serve_until(stop.stopped()));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"work", to).await.unwrap();
    let _begun = timeout(WAIT, begun.acquire()).await.unwrap();
    stop.stop();
    let report = timeout(WAIT, serving).await.unwrap().unwrap();
    assert_eq!((report.finished, report.aborted), (0, 1));
}

#[test]
fn datagrams_in_threads() {
    let server =
        DatagramServer::threads(|datagram| datagram.reply(&[datagram.bytes().len() as u8]));
    let bound = server.bind_blocking("127.0.0.1:0").unwrap();
    let to = bound.local_address().to_string();
    let stop = bound.stop_handle();
    let serving = std::thread::spawn(move || bound.serve().unwrap());
    let socket = StdSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    socket.send_to(b"12345", &to).unwrap();
    let mut buffer = [0; 10];
    assert_eq!(socket.recv(&mut buffer).unwrap(), 1);
    assert_eq!(buffer[0], 5);
    stop.stop();
    serving.join().unwrap();
}
