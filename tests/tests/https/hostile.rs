//! Peers that do not complete a handshake, or that do not speak TLS at all.

use std::time::{Duration, Instant};

use farcall::http::ServerOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::support::{Made, Served, add, server};

/// The start of a ClientHello.
const HALF: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// Reads until the peer closes the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    // A reset is an end, too.
    let _ = read.expect("the server closes the connection");
    rest
}

/// Returns what the server answers to the bytes, until it closes the connection.
async fn answer(served: &Served, bytes: &[u8]) -> Vec<u8> {
    let mut peer = served.connect().await;
    // The server may close the connection before it has read all of it.
    let _ = peer.write_all(bytes).await;
    let _ = peer.shutdown().await;
    rest(&mut peer).await
}

#[tokio::test]
async fn silent_peers_in_the_handshake_delay_no_other() {
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls())).await;
    let mut silent = Vec::new();
    for i in 0..200 {
        let mut peer = served.connect().await;
        if i % 2 == 0 {
            peer.write_all(HALF).await.unwrap();
        }
        silent.push(peer);
    }
    let begin = Instant::now();
    add(&mut served.tls(&made.client()).await.unwrap()).await;
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_refused_address_costs_no_handshake() {
    let made = Made::new();
    let options = ServerOptions::default().tls(made.tls());
    let served = Served::start(options.accept_address(|peer| peer.ip().is_none())).await;
    // Not even an alert.
    assert_eq!(answer(&served, b"POST / HTTP/1.1\r\n\r\n").await, b"");
    assert_eq!(answer(&served, &client_hello(&made).await).await, b"");
}

#[tokio::test]
async fn the_oldest_handshake_makes_room() {
    let made = Made::new();
    // Far longer than the test: no handshake ends by itself.
    let long = Duration::from_secs(600);
    let options = || {
        ServerOptions::default()
            .tls(made.tls())
            .handshake_timeout(long)
    };
    for options in [
        options().max_pending(8),
        options().max_pending_per_address(8),
    ] {
        the_oldest_of_more_than_eight_makes_room(&made, options).await;
    }
}

async fn the_oldest_of_more_than_eight_makes_room(made: &Made, options: ServerOptions) {
    let served = Served::start(options).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(served.connect().await);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rest(&mut silent[0]).await, b"");
    assert_eq!(rest(&mut silent[11]).await, b"");
    let last = timeout(Duration::from_millis(50), silent[19].read_u8()).await;
    assert!(last.is_err(), "it still has time");
    let mut first = served.tls(&made.client()).await.unwrap();
    add(&mut first).await;
    // A handshake that is complete does not count.
    for _ in 0..20 {
        silent.push(served.connect().await);
    }
    add(&mut first).await;
}

#[tokio::test]
async fn a_handshake_has_a_timeout() {
    let made = Made::new();
    let options = ServerOptions::default()
        .tls(made.tls())
        .handshake_timeout(Duration::from_millis(300));
    let served = Served::start(options).await;
    let begin = Instant::now();
    let (mut silent, mut half) = (served.connect().await, served.connect().await);
    half.write_all(HALF).await.unwrap();
    rest(&mut silent).await;
    rest(&mut half).await;
    assert!(
        begin.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_peer_that_is_silent_after_the_handshake_is_told_goodbye() {
    let made = Made::new();
    let options = ServerOptions::default()
        .tls(made.tls())
        .header_timeout(Duration::from_millis(300));
    let served = Served::start(options).await;
    for calls in 0..2 {
        let mut peer = served.tls(&made.client()).await.unwrap();
        for _ in 0..calls {
            add(&mut peer).await;
        }
        let end = timeout(Duration::from_secs(5), peer.read_u8()).await;
        // Without `close_notify`, the text would say so.
        let error = end.expect("the server closes it").unwrap_err();
        assert!(!error.to_string().contains("close_notify"), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_tls_is_answered_with_an_alert_or_not_at_all() {
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls())).await;
    let mut tls11 = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x02".to_vec();
    tls11.extend([7; 32]);
    tls11.extend(b"\x00\x00\x02\x00\x2f\x01\x00");
    // A fatal alert: handshake_failure, or protocol_version.
    let refusal = answer(&served, &tls11).await;
    assert!(
        matches!(refusal[5..], [2, 40 | 70]),
        "{}",
        refusal.escape_ascii()
    );

    let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(4000)
        .collect();
    for bytes in [
        &b""[..],
        b"\0",
        b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80",
        HALF,
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x40\x00\x01\x00\xff\xff",
        b"\x17\x03\x03\x00\x10aaaaaaaaaaaaaaaa",
        b"\x15\x03\x03\x00\x02\x02\x28",
        &random,
    ] {
        let answer = answer(&served, bytes).await;
        let is_alert = matches!(answer[..], [] | [0x15, 3, ..]);
        assert!(
            is_alert,
            "{}: {}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
    }
    add(&mut served.tls(&made.client()).await.unwrap()).await;
}

/// Returns the first message of a client.
pub(crate) async fn client_hello(made: &Made) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = made.client();
    let connecting = tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let _ = crate::support::tls_over(stream, &client).await;
    });
    let (mut accepted, _) = listener.accept().await.unwrap();
    let mut hello = vec![0; 5];
    accepted.read_exact(&mut hello).await.unwrap();
    let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
    hello.resize(5 + length, 0);
    accepted.read_exact(&mut hello[5..]).await.unwrap();
    connecting.abort();
    hello
}

#[tokio::test]
async fn a_first_message_may_be_cut_or_damaged_anywhere() {
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls())).await;
    let hello = client_hello(&made).await;
    for cut in (0..hello.len()).step_by(17) {
        assert!(matches!(
            answer(&served, &hello[..cut]).await[..],
            [] | [0x15, 3, ..]
        ));
        let mut damaged = hello.clone();
        damaged[cut] ^= 0xff;
        // Damage to random numbers and the like goes unnoticed by the server.
        answer(&served, &damaged).await;
    }
    add(&mut served.tls(&made.client()).await.unwrap()).await;
}

#[tokio::test]
async fn tls_on_a_plain_port_is_answered_as_a_malformed_request() {
    let made = Made::new();
    let hello = client_hello(&made).await;
    let bound = server(ServerOptions::default()).bind("127.0.0.1:0").await;
    let bound = bound.unwrap();
    let address = bound.local_address().to_string();
    let serving = tokio::spawn(bound.serve());
    let mut peer = TcpStream::connect(&address).await.unwrap();
    peer.write_all(&hello).await.unwrap();
    let answer = rest(&mut peer).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 400"),
        "{}",
        answer.escape_ascii()
    );
    serving.abort();
}
