//! One side of a session, controlled by hand.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use super::wire::{Call, Fields, GREEDY, Message, hello, kind};
use crate::peer::Peer;

/// A session in MessagePack, after the greeting.
pub(crate) struct Session {
    peer: Peer,
    pings: u64,
}

impl Deref for Session {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

/// The reply to a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The encoded references and the result.
    Return(Vec<Vec<u8>>, Vec<u8>),
    /// The kind of the fault.
    Fault(u8),
}

impl Session {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, GREEDY).await
    }

    /// Opens a session with these local limits.
    pub(crate) async fn open_with(address: SocketAddr, limits: [u64; 5]) -> Self {
        let (session, _) = Self::resume(address, limits, b"").await;
        session
    }

    /// Opens a session or resumes one. Returns the peer's greeting as well.
    pub(crate) async fn resume(
        address: SocketAddr,
        limits: [u64; 5],
        session: &[u8],
    ) -> (Self, Greeting) {
        let mut peer = Peer::trusted(address).await;
        peer.send(&hello(b"messagepack", limits, session)).await;
        let answer = peer.receive().await.expect("the peer sends a greeting");
        let mut fields = Fields(&answer);
        assert_eq!(fields.take(8), b"\0FARCALL");
        assert_eq!(fields.number(), 2);
        let resumed = fields.number() & 1 == 1;
        fields.bytes();
        for _limit in 0..5 {
            fields.number();
        }
        let token = fields.bytes().to_vec();
        let greeting = Greeting { resumed, token };
        (Self { peer, pings: 0 }, greeting)
    }

    pub(crate) fn into_stream(self) -> tokio::net::TcpStream {
        self.peer.stream
    }

    pub(crate) async fn call(&mut self, call: Call<'_>) {
        self.peer.send(&call.write()).await;
    }

    /// Receives the next reply, with the id of its call.
    pub(crate) async fn answer(&mut self) -> (u64, Answer) {
        loop {
            let message = self.peer.receive().await.expect("the session continues");
            let mut fields = Fields(&message);
            match fields.byte() {
                kind::RETURN => {
                    let id = fields.number();
                    let references = (0..fields.number()).map(|_| reference(&mut fields));
                    let references = references.collect();
                    return (id, Answer::Return(references, fields.0.to_vec()));
                }
                kind::FAULT => return (fields.number(), Answer::Fault(fields.byte())),
                kind::GOODBYE => {
                    fields.number();
                    panic!("the peer ended the session: {}", fields.text());
                }
                _ => {}
            }
        }
    }

    /// Makes a call that returns an object, and returns the encoded id of the object.
    pub(crate) async fn object(&mut self, call: Call<'_>) -> Vec<u8> {
        let id = call.id;
        self.call(call).await;
        match self.answer().await {
            (answered, Answer::Return(references, _)) if answered == id => {
                references[0][1..].to_vec()
            }
            other => panic!("not an object: {other:?}"),
        }
    }

    /// Checks that the session still works.
    pub(crate) async fn assert_continues(&mut self) {
        self.pings += 1;
        let ping = Message::new(kind::PING).number(self.pings);
        self.peer.send(&ping.0).await;
        let pong = Message::new(kind::PONG).number(self.pings).0;
        loop {
            let message = self.peer.receive().await.expect("the session continues");
            if message == pong {
                return;
            }
            assert_ne!(message[0], kind::GOODBYE, "it leaves");
        }
    }

    /// Waits until the peer has processed all messages, or has closed the connection.
    pub(crate) async fn rest_or_pong(&mut self) {
        let ping = Message::new(kind::PING).number(u64::MAX);
        self.peer.send(&ping.0).await;
        let pong = Message::new(kind::PONG).number(u64::MAX).0;
        while let Some(message) = self.peer.receive().await {
            if message == pong {
                return;
            }
        }
    }

    /// Checks that the peer ends the session with a reason that contains this text.
    pub(crate) async fn assert_ends(&mut self, reason: &str) {
        loop {
            let message = self.peer.receive().await;
            let message = message.unwrap_or_else(|| panic!("closed without a reason: {reason}"));
            let mut fields = Fields(&message);
            if fields.byte() == kind::GOODBYE {
                fields.number();
                let text = fields.text();
                assert!(text.contains(reason), "{text}");
                self.peer.rest().await;
                return;
            }
        }
    }
}

/// The greeting of the server.
pub(crate) struct Greeting {
    pub(crate) resumed: bool,
    pub(crate) token: Vec<u8>,
}

fn reference(fields: &mut Fields<'_>) -> Vec<u8> {
    let begin = fields.0;
    match fields.byte() {
        super::wire::reference::STREAM => {
            fields.number();
        }
        _ => {
            fields.take(16);
        }
    }
    begin[..begin.len() - fields.0.len()].to_vec()
}
