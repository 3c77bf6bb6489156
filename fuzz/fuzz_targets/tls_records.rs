//! The bytes of a connection over TLS, altered, repeated, cut and delayed between two honest peers:
//! each message that arrives is the next one that was sent, and a regular end means that all have
//! arrived.
#![no_main]

use std::cell::Cell;
use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::conn::{Connection, Listener};
use farcall::transport::memory::listener;
use farcall::transport::{Connect as _, Listen as _};
use fuzz::methods;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};

const KEY: &str = "the key of both";

/// A change at a position in one direction of the stream.
#[derive(Arbitrary, Debug)]
struct Change<'a> {
    /// The number of bytes behind the previous change.
    after: u16,
    kind: Kind<'a>,
}

#[derive(Arbitrary, Debug)]
enum Kind<'a> {
    /// The next byte is altered, if the bits are not 0.
    Flip(u8),
    /// Bytes are inserted.
    Insert(&'a [u8]),
    /// The next bytes are left out.
    Drop(u8),
    /// The next bytes are sent twice.
    Repeat(u8),
    /// All further bytes are held back for a while.
    Pause,
    /// The stream ends.
    End,
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// The lengths of the messages.
    lengths: [u16; 4],
    up: Vec<Change<'a>>,
    down: Vec<Change<'a>>,
}

/// Copies a stream with changes.
async fn carry(
    mut reader: ReadHalf<DuplexStream>,
    mut writer: WriteHalf<DuplexStream>,
    changes: Vec<Change<'_>>,
) {
    let mut buffer = Vec::new();
    let mut changes = changes.into_iter().peekable();
    let mut passed = 0;
    loop {
        // The next change, once its position is reached.
        while let Some(change) = changes.peek() {
            let wanted = usize::from(change.after).saturating_sub(passed);
            // One byte more, for the kinds that concern it.
            if buffer.len() <= wanted {
                break;
            }
            let part: Vec<u8> = buffer.drain(..wanted).collect();
            if writer.write_all(&part).await.is_err() {
                return;
            }
            passed = 0;
            match &changes.next().unwrap().kind {
                Kind::Flip(bits) => buffer[0] ^= bits,
                Kind::Insert(bytes) => drop(buffer.splice(..0, bytes.iter().copied())),
                Kind::Drop(count) => drop(buffer.drain(..usize::from(*count).min(buffer.len()))),
                Kind::Repeat(count) => {
                    let part = buffer[..usize::from(*count).min(buffer.len())].to_vec();
                    drop(buffer.splice(..0, part));
                }
                Kind::Pause => tokio::time::sleep(Duration::from_millis(20)).await,
                Kind::End => {
                    let _ = writer.shutdown().await;
                    return;
                }
            }
        }
        if writer.write_all(&buffer).await.is_err() {
            return;
        }
        passed += buffer.len();
        buffer.clear();
        if reader
            .read_buf(&mut buffer)
            .await
            .is_ok_and(|count| count == 0)
        {
            let _ = writer.shutdown().await;
            return;
        }
    }
}

fn message(number: usize, length: u16) -> Vec<u8> {
    vec![number as u8; usize::from(length)]
}

/// Sends the messages, and receives those of the peer until the end.
async fn converse(
    connection: Connection,
    lengths: [u16; 4],
    sent: &Cell<usize>,
    peer: &Cell<usize>,
) {
    let (sender, mut receiver) = connection.split();
    let send = async {
        for (number, length) in lengths.into_iter().enumerate() {
            if sender.send_bytes(&message(number, length)).await.is_err() {
                break;
            }
            sent.set(number + 1);
        }
    };
    let receive = async {
        for (number, length) in lengths.into_iter().enumerate() {
            match receiver.recv_bytes(1 << 20).await {
                Ok(bytes) => assert!(bytes == message(number, length), "message {number}"),
                Err(error) => {
                    assert!(!error.is_closed() || number >= peer.get(), "lost {number}");
                    break;
                }
            }
        }
    };
    tokio::join!(send, receive);
    let _ = sender.close().await;
}

async fn run(input: Input<'_>) {
    let (listening, connector) = listener("peer");
    let (mut relay, entry) = listener("relay");
    let listening = Listener::over(listening).authkey(KEY).encrypted();
    let mut listening = listening.await.unwrap();
    let sent = [Cell::new(0), Cell::new(0)];
    let relaying = async {
        let (near, _) = relay.accept().await.unwrap();
        let far = connector.connect().await.unwrap();
        let (near_read, near_write) = tokio::io::split(near);
        let (far_read, far_write) = tokio::io::split(far);
        tokio::join!(
            carry(near_read, far_write, input.up),
            carry(far_read, near_write, input.down)
        );
    };
    let client = async {
        let client = Connection::over(entry).authkey(KEY).encrypted().await;
        if let Ok(client) = client {
            converse(client, input.lengths, &sent[0], &sent[1]).await;
        }
    };
    let server = async {
        if let Ok(peer) = listening.accept().await {
            converse(peer, input.lengths, &sent[1], &sent[0]).await;
        }
    };
    tokio::select! {
        _ = async { tokio::join!(client, server) } => {}
        _ = async { relaying.await; std::future::pending::<()>().await } => {}
        // Simulated time: a handshake that fails leaves the listener waiting.
        () = tokio::time::sleep(Duration::from_secs(60)) => {}
    }
}

fuzz_target!(|input: Input<'_>| {
    methods::runtime().block_on(run(input));
});
