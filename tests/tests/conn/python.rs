//! Behaviour of CPython's connections that a Python peer can observe.

use std::time::Duration;

use farcall::conn::frame::{FrameError, Header};
use farcall::conn::{Bincode, Connection, RecvError};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{Peer, versions};

/// Message lengths that each take a different code path on one of the sides.
const LENGTHS: [usize; 7] = [1, 16383, 16384, 16385, 65536, 1 << 20, 64 << 20];

/// Runs a test with a connection to each CPython.
async fn with_each(test: impl AsyncFn(&mut Peer, Connection)) {
    let folder = tempfile::tempdir().unwrap();
    for python in versions() {
        let path = folder.path().join(format!("{}", python.version.1));
        let mut peer = Peer::start(&python);
        let connection = peer.connected::<Bincode>(&path).await;
        test(&mut peer, connection).await;
    }
}

#[tokio::test]
async fn messages_of_every_length() {
    with_each(async |peer, mut connection| {
        let lengths: Vec<usize> = LENGTHS.into_iter().chain([0]).collect();
        peer.tell(json!(["send_lengths", lengths])).await;
        for length in lengths {
            let message = connection.recv_bytes(64 << 20).await.unwrap();
            assert!(message == vec![7; length], "{length}");
        }
        peer.answer().await;
        peer.tell(json!(["receive_lengths"])).await;
        for length in LENGTHS {
            connection.send_bytes(&vec![7; length]).await.unwrap();
        }
        connection
            .send_vectored(&[&[7; 10], &[], &[7; 20_000]])
            .await
            .unwrap();
        connection.send_bytes(b"").await.unwrap();
        let mut lengths = LENGTHS.to_vec();
        lengths.extend([20_010, 0]);
        assert_eq!(peer.answer().await, json!(lengths));
    })
    .await;
}

#[tokio::test]
async fn poll_and_wait() {
    with_each(async |peer, mut connection| {
        assert_eq!(peer.ask(json!(["poll", 0])).await[0], false);
        let slow = peer.ask(json!(["poll", 0.05])).await;
        assert!(slow[0] == false && slow[1].as_f64().unwrap() >= 0.045);
        connection.send_bytes(b"here").await.unwrap();
        let quick = peer.ask(json!(["poll", 20])).await;
        assert!(quick[0] == true && quick[1].as_f64().unwrap() < 10.0);
        assert_eq!(peer.ask(json!(["receive"])).await, "here");

        assert_eq!(peer.ask(json!(["wait_in_vain"])).await, 0);
        peer.tell(json!(["wait_for_end"])).await;
        connection.close().await.unwrap();
        assert_eq!(peer.answer().await, json!([true, "EOFError", true]));
    })
    .await;
}

#[tokio::test]
async fn buffers_too_short_and_limits() {
    with_each(async |peer, mut connection| {
        for text in ["fits", "does not fit", "fits again", ""] {
            connection.send_bytes(text.as_bytes()).await.unwrap();
        }
        assert_eq!(
            peer.ask(json!(["receive_into", 10, 4])).await,
            json!(["fits", ["does not fit"], "fits again", ""])
        );
        peer.tell(json!(["send_lengths", [1 << 20, 3]])).await;
        match connection.recv_bytes_into(&mut [0; 1000]).await {
            Err(RecvError::BufferTooShort(message)) => assert!(message == vec![7; 1 << 20]),
            other => panic!("{other:?}"),
        }
        let mut room = [0; 1000];
        assert_eq!(connection.recv_bytes_into(&mut room).await.unwrap(), 3);
        peer.answer().await;

        connection.send_bytes(b"12345").await.unwrap();
        assert_eq!(peer.ask(json!(["receive_limited", 4])).await, "OSError");
    })
    .await;
}

#[tokio::test]
async fn arrays_of_numbers() {
    with_each(async |peer, mut connection| {
        const COUNT: usize = 100_000;
        let mut numbers = vec![0_f64; COUNT];
        peer.tell(json!(["send_array", COUNT])).await;
        assert_eq!(
            connection.recv_array_into(&mut numbers).await.unwrap(),
            COUNT
        );
        assert!(numbers.iter().enumerate().all(|(n, &x)| x == n as f64));
        let mut part = [0_f64; 4];
        assert_eq!(connection.recv_array_into(&mut part).await.unwrap(), 2);
        assert_eq!(part, [1.0, 2.0, 0.0, 0.0]);
        peer.answer().await;

        peer.tell(json!(["receive_array", COUNT])).await;
        connection.send_array(&numbers).await.unwrap();
        assert_eq!(peer.answer().await, COUNT * 8);
    })
    .await;
}

#[tokio::test]
async fn all_ways_to_close_a_connection() {
    for command in ["close", "die"] {
        with_each(async |peer, mut connection| {
            peer.tell(json!([command])).await;
            let end = connection.recv_bytes(10).await;
            assert!(matches!(end, Err(RecvError::Closed)), "{command}: {end:?}");
        })
        .await;
    }
    // Closed within a length, and within a message of ten bytes.
    for bytes in ["0000", "0000000a616263646566"] {
        with_each(async |peer, mut connection| {
            peer.ask(json!(["send_raw", bytes])).await;
            assert!(connection.poll(Duration::from_secs(20)).await);
            peer.tell(json!(["die"])).await;
            assert_cut_off(connection.recv_bytes(10).await);
        })
        .await;
    }
    with_each(async |peer, mut connection| {
        peer.tell(json!(["send_lengths", [64 << 20]])).await;
        assert!(connection.poll(Duration::from_secs(20)).await);
        peer.kill().await;
        assert_cut_off(connection.recv_bytes(64 << 20).await);
    })
    .await;
}

fn assert_cut_off(end: Result<Vec<u8>, RecvError>) {
    let error = end.expect_err("no short message");
    let cut_off = matches!(error, RecvError::Frame(FrameError::Truncated { .. }));
    assert!(cut_off, "{error}");
}

#[tokio::test]
async fn the_extended_header_of_short_messages() {
    with_each(async |peer, mut connection| {
        peer.ask(json!(["send_raw", "ffffffff0000000000000003616263"]))
            .await;
        assert_eq!(connection.recv_bytes(3).await.unwrap(), b"abc");
    })
    .await;
    // Only the local side uses the raw socket.
    let folder = tempfile::tempdir().unwrap();
    for python in versions().filter(|python| python.version >= (3, 8)) {
        let path = folder.path().join(format!("{}", python.version.1));
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let mut peer = Peer::start(&python);
        peer.tell(json!(["connect", path, null])).await;
        let (mut raw, _) = listener.accept().await.unwrap();
        let mut frame = [0; 18];
        raw.read_exact(&mut frame).await.unwrap();
        raw.write_all(b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x0e")
            .await
            .unwrap();
        raw.write_all(&frame[4..]).await.unwrap();
        assert_eq!(peer.answer().await, "ok");
    }
}

/// Slow because of the Python side, which copies what it receives several times.
#[tokio::test]
#[ignore = "takes 6 GiB of memory and half a minute: cargo test -p tests --test conn more_than_two_gibibytes -- --ignored"]
async fn more_than_two_gibibytes() {
    const LENGTH: usize = (2 << 30) + 1;
    let folder = tempfile::tempdir().unwrap();
    let newest = versions().last().unwrap();
    let mut peer = Peer::start(&newest);
    let mut connection = peer
        .connected::<Bincode>(&folder.path().join("socket"))
        .await;
    let mut buffer = vec![0_u8; LENGTH];
    peer.tell(json!(["send_lengths", [LENGTH]])).await;
    assert_eq!(
        connection.recv_bytes_into(&mut buffer).await.unwrap(),
        LENGTH
    );
    assert!(buffer.iter().all(|byte| *byte == 7));
    peer.answer().await;
    peer.tell(json!(["receive_lengths"])).await;
    connection.send_bytes(&buffer).await.unwrap();
    connection.send_bytes(b"").await.unwrap();
    assert_eq!(peer.answer().await, json!([LENGTH, 0]));
    assert_eq!(Header::new(LENGTH as u64).as_bytes().len(), 12);
}
