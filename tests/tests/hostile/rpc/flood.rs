//! Very many valid messages.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::session::{Answer, Session};
use super::wire::{Message, NOTHING, call, fault, kind, number};
use crate::peer::frame;
use crate::{endure, victim};

#[tokio::test]
async fn a_million_tiny_messages() {
    let victim = victim().await;
    let flood = |message: Vec<u8>| frame(&message).repeat(1_000_000);
    let cases = [
        (
            "a million pongs",
            flood(Message::new(kind::PONG).number(1).0),
        ),
        (
            "a million cancels",
            flood(Message::new(kind::CANCEL).number(1).0),
        ),
        (
            "a million items of no stream",
            flood(Message::new(kind::ITEM).raw(&[1, 0]).0),
        ),
        (
            "a million times credit",
            flood(Message::new(kind::CREDIT).raw(&[1, 1]).0),
        ),
    ];
    for (name, bytes) in cases {
        endure(&victim, name, async {
            let mut session = Session::open(victim.rpc).await;
            session.write(&bytes).await;
            session.assert_continues().await;
        })
        .await;
    }
    endure(&victim, "a million pings, each answered", async {
        let mut session = Session::open(victim.rpc).await;
        let pings = flood(Message::new(kind::PING).number(1).0);
        let (mut incoming, mut outgoing) = session.stream.split();
        let write = outgoing.write_all(&pings);
        let mut pongs = vec![0; pings.len()];
        let read = incoming.read_exact(&mut pongs);
        let (wrote, read) = tokio::join!(write, read);
        wrote.unwrap();
        read.unwrap();
        assert!(pongs == flood(Message::new(kind::PONG).number(1).0));
    })
    .await;
    endure(&victim, "a million pings, and no answer read", async {
        let session = Session::open(victim.rpc).await;
        let pings = flood(Message::new(kind::PING).raw(&number(u64::MAX)).0);
        let (_incoming, mut outgoing) = session.into_stream().into_split();
        let write = outgoing.write_all(&pings);
        // The victim stops reading at some point, unless the system buffers everything.
        let _ = timeout(Duration::from_secs(2), write).await;
        victim.assert_serves().await;
    })
    .await;
    endure(&victim, "ten thousand calls of an unknown method", async {
        let mut session = Session::open(victim.rpc).await;
        let mut calls = Vec::new();
        for id in 1..=10_000 {
            calls.extend(frame(&call(id, "no such method", NOTHING).write()));
        }
        session.write(&calls).await;
        let refused = [fault::UNKNOWN_METHOD, fault::OVERLOADED].map(Answer::Fault);
        for _ in 0..10_000 {
            let (_, answer) = session.answer().await;
            assert!(refused.contains(&answer), "{answer:?}");
        }
    })
    .await;
}
