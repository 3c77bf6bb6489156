//! Frames of authenticated peers.

use std::net::SocketAddr;

use farcall::conn::frame::Header;
use futures_util::future::join_all;
use tests::victim::Victim;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::peer::{Peer, frame};
use crate::{endure, victim};

/// The default maximum length of a message.
const MAX: u64 = 64 << 20;

/// Returns both servers that read frames: of sessions, and of pickled messages.
fn servers(victim: &Victim) -> [(&'static str, SocketAddr); 2] {
    [("calls", victim.rpc), ("pickles", victim.connections)]
}

#[tokio::test]
async fn frames_with_false_lengths() {
    let cases: &[(&str, &[u8])] = &[
        ("a length of -2", b"\xff\xff\xff\xfe"),
        ("the lowest length", b"\x80\0\0\0"),
        (
            "a length of -2 and a long one",
            b"\xff\xff\xff\xfe\0\0\0\0\0\0\0\x01x",
        ),
        ("64 MiB and one byte", b"\x04\0\0\x01"),
        ("2 GiB", b"\x7f\xff\xff\xff"),
        (
            "2 GiB, in the long form",
            b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0",
        ),
        (
            "a long length below zero",
            b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0",
        ),
        (
            "the longest length",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        ("another protocol", b"GET / HTTP/1.1\r\n\r\n"),
    ];
    let victim = victim().await;
    for (server, address) in servers(&victim) {
        for (name, bytes) in cases {
            endure(
                &victim,
                &format!("{name}, where {server} are read"),
                async {
                    let mut peer = Peer::trusted(address).await;
                    peer.write(bytes).await;
                    peer.rest().await;
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn truncated_frames() {
    let cases: &[(&str, &[u8])] = &[
        ("within the length", b"\0\0"),
        ("within the long length", b"\xff\xff\xff\xff\0\0\0"),
        ("behind the length", b"\0\0\0\x05"),
        ("within the message", b"\0\0\0\x05abc"),
        ("within 64 MiB", b"\x04\0\0\0abc"),
    ];
    let victim = victim().await;
    for (server, address) in servers(&victim) {
        for (name, bytes) in cases {
            endure(&victim, &format!("an end {name} of {server}"), async {
                let mut peer = Peer::trusted(address).await;
                peer.write(bytes).await;
                peer.finish().await;
                peer.rest().await;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn unusual_valid_frames() {
    let victim = victim().await;
    let pickle = b"\x80\x04\x8c\x03abc.";
    endure(&victim, "a short message in the long form", async {
        let mut peer = Peer::trusted(victim.connections).await;
        peer.write(b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x08").await;
        peer.write(pickle).await;
        assert_eq!(peer.receive().await.unwrap(), pickle);
    })
    .await;
    endure(&victim, "a message byte by byte", async {
        let mut peer = Peer::trusted(victim.connections).await;
        for byte in frame(pickle) {
            peer.write(&[byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(peer.receive().await.unwrap(), pickle);
    })
    .await;
    endure(&victim, "a message without a byte", async {
        let mut peer = Peer::trusted(victim.connections).await;
        peer.send(b"").await;
        assert_eq!(peer.rest().await, b"", "that is a goodbye");
    })
    .await;
    endure(
        &victim,
        "a hundred thousand messages without a byte",
        async {
            let mut peer = Peer::trusted(victim.rpc).await;
            peer.write(&[0; 400_000]).await;
            peer.rest().await;
        },
    )
    .await;
    endure(&victim, "a message of 64 MiB, which is the most", async {
        let mut peer = Peer::trusted(victim.connections).await;
        let message = frame(&vec![0; MAX as usize]);
        peer.write(&message).await;
        assert!(peer.receive().await.unwrap() == message[4..]);
    })
    .await;
}

/// An announced message allocates no memory before its bytes arrive.
#[tokio::test]
async fn announced_messages_allocate_no_memory() {
    let victim = victim().await;
    for (server, address) in servers(&victim) {
        endure(
            &victim,
            &format!("500 times 64 MiB of {server}, announced"),
            async {
                let mut peers = Vec::new();
                for _ in 0..500 {
                    let mut peer = Peer::trusted(address).await;
                    peer.write(Header::new(MAX).as_bytes()).await;
                    // The first byte must not allocate memory for the whole message.
                    peer.write(b"x").await;
                    peers.push(peer);
                }
                victim.assert_serves().await;
                victim.assert_unharmed("announcing");
            },
        )
        .await;
    }
}

#[tokio::test]
async fn floods_of_frames() {
    let victim = victim().await;
    endure(&victim, "a hundred thousand messages of one byte", async {
        let peer = Peer::trusted(victim.connections).await;
        let (mut incoming, mut outgoing) = peer.stream.into_split();
        let flood = b"\0\0\0\x01x".repeat(100_000);
        let write = async { outgoing.write_all(&flood).await.unwrap() };
        let mut answers = vec![0; flood.len()];
        let read = async { incoming.read_exact(&mut answers).await.unwrap() };
        tokio::join!(write, read);
        assert!(answers == flood, "each comes back");
    })
    .await;
    endure(&victim, "unread replies", async {
        // Ten connections, with more bytes than the buffers of the system hold.
        let greedy = (0..10).map(async |_| {
            let mut peer = Peer::trusted(victim.connections).await;
            let message = frame(&vec![b'x'; 1 << 20]);
            for _ in 0..64 {
                let write = peer.stream.write_all(&message);
                let time = std::time::Duration::from_millis(200);
                if tokio::time::timeout(time, write).await.is_err() {
                    return peer;
                }
            }
            panic!("64 MiB were read from a peer that reads no replies");
        });
        let peers = join_all(greedy).await;
        victim.assert_serves().await;
        victim.assert_unharmed("writing to peers that do not read");
        drop(peers);
    })
    .await;
}
