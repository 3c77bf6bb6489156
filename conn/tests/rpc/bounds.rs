//! The exact bounds of a session, and messages in the wrong place, with a peer that sends raw
//! bytes.

use std::io;
use std::time::Duration;

use farcall_conn::rpc::{Remote, Server, ServerOptions, SessionOptions, Stream};
use farcall_conn::{Connection, Listener};
use farcall_core::service;
use farcall_core::transport::{Address, Listen, Peer};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Kinds of messages, and of faults: see `docs/RPC.md`.
const CALL: u8 = 1;
const RETURN: u8 = 2;
const FAULT: u8 = 3;
const ITEM: u8 = 7;
const PING: u8 = 11;
const PONG: u8 = 12;
const GOODBYE: u8 = 13;
const HELD: u8 = 14;
const UNKNOWN_METHOD: u8 = 2;
const INVALID_REQUEST: u8 = 4;
const OVERLOADED: u8 = 6;

/// Kinds of references.
const SENDER_HOSTED: u8 = 0;
const STREAM: u8 = 2;

/// The cost of a message beyond its bytes.
const MESSAGE: usize = 128;

struct Thing;

#[service]
impl Thing {
    pub fn nothing(&self) {}
}

/// A listener whose connections hold a number of bytes in each direction.
struct Streams(mpsc::Receiver<DuplexStream>);

impl Listen for Streams {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
        match self.0.recv().await {
            Some(stream) => Ok((stream, Peer::Memory)),
            None => std::future::pending().await,
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory("bounds".to_owned()))
    }
}

/// A server, and the way to it.
struct Target(mpsc::Sender<DuplexStream>);

impl Target {
    async fn of(options: ServerOptions) -> Self {
        let server = Server::with_options(options);
        server
            .register_function("text", || "x".repeat(1000))
            .unwrap()
            .register_function("thing", || Remote::<Thing>::new(Thing))
            .unwrap()
            .register_function("keep_streams", async |kept: Vec<Stream<u8>>| {
                std::future::pending::<()>().await;
                drop(kept);
            })
            .unwrap()
            .register_function("keep_objects", async |kept: Vec<Remote<Thing>>| {
                std::future::pending::<()>().await;
                drop(kept);
            })
            .unwrap()
            .register_function("promise", async || {
                std::future::pending::<()>().await;
                Remote::<Thing>::new(Thing)
            })
            .unwrap();
        let (connections, accepted) = mpsc::channel(1);
        let bound = server.listen(Listener::over(Streams(accepted)));
        tokio::spawn(bound.await.unwrap().serve());
        Self(connections)
    }

    /// Opens or resumes a session over a stream that holds `capacity` bytes. Returns the greeting
    /// of the server as well.
    async fn greet(&self, capacity: usize, session: &[u8]) -> (Connection, Vec<u8>) {
        let (local, remote) = duplex(capacity);
        self.0.send(remote).await.unwrap();
        let mut peer: Connection = Connection::new(local);
        let hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\xff\xff\x7f\x7f\x7f\x7f\x7f";
        let length = u8::try_from(session.len()).unwrap();
        let hello = [&hello[..], &[length], session].concat();
        peer.send_bytes(&hello).await.unwrap();
        let greeting = peer.recv_bytes(1000).await.unwrap();
        assert!(greeting.starts_with(b"\0FARCALL\x02"));
        (peer, greeting)
    }
}

fn session(options: SessionOptions) -> ServerOptions {
    ServerOptions::default().session(options)
}

/// Encodes a call without arguments.
fn call(id: u8, target: &[u8], flags: u8, method: &str) -> Vec<u8> {
    let length = method.len();
    let length = match u8::try_from(length) {
        Ok(short @ ..0x80) => vec![short],
        _ => vec![length as u8 | 0x80, (length >> 7) as u8],
    };
    let head = [&[CALL, id], target, &[flags, 0], &length].concat();
    [&head, method.as_bytes(), &[0, 0x90]].concat()
}

/// Receives the next message, which must come soon.
async fn receive(peer: &mut Connection) -> Vec<u8> {
    let message = timeout(Duration::from_secs(30), peer.recv_bytes(1 << 20)).await;
    message.unwrap().unwrap()
}

/// Our own client refuses longer names before it sends them; other peers may not.
#[tokio::test]
async fn a_longer_name_is_refused_by_the_callee_too() {
    let target = Target::of(ServerOptions::default()).await;
    let (mut peer, _) = target.greet(1 << 16, b"").await;
    for (id, length, kind) in [(1, 1024, UNKNOWN_METHOD), (2, 1025, INVALID_REQUEST)] {
        let method = "x".repeat(length);
        peer.send_bytes(&call(id, &[0], 0, &method)).await.unwrap();
        assert_eq!(receive(&mut peer).await[..3], [FAULT, id, kind], "{length}");
    }
}

/// The limits of the greeting hold for a peer that does not respect them, too.
#[tokio::test]
async fn a_peer_that_sends_more_than_it_may_is_disconnected() {
    let options = SessionOptions::default()
        .max_streams(2)
        .max_objects(3)
        .window(300);
    let target = Target::of(session(options)).await;
    let keep = |id: u8, method: &str, reference: &[u8]| {
        let call = call(id, &[0], 0, method);
        let head = call.strip_suffix(&[0, 0x90]).unwrap();
        // One reference, which is the first element of the list that is the only argument.
        [head, &[1], reference, &[0x91, 0x91, 0]].concat()
    };
    let stream = |id: u8| keep(id, "keep_streams", &[STREAM, id]);
    let object = |id: u8| {
        keep(
            id,
            "keep_objects",
            &[&[SENDER_HOSTED][..], &[id; 16]].concat(),
        )
    };
    let item = vec![ITEM, 1, 0, 7];
    for (allowed, last, complaint) in [
        (vec![stream(1), stream(2)], stream(3), "streams"),
        (vec![object(1), object(2), object(3)], object(4), "objects"),
        // An item costs 132, and the last one may cost more than is left.
        (
            vec![stream(1), item.clone(), item.clone(), item.clone()],
            item,
            "was not granted",
        ),
    ] {
        let (mut peer, _) = target.greet(1 << 16, b"").await;
        for message in allowed {
            peer.send_bytes(&message).await.unwrap();
        }
        peer.send_bytes(&[PING, 5]).await.unwrap();
        assert_eq!(receive(&mut peer).await, [PONG, 5], "{complaint}");
        peer.send_bytes(&last).await.unwrap();
        let goodbye = receive(&mut peer).await;
        let text = String::from_utf8_lossy(&goodbye);
        assert!(
            goodbye[0] == GOODBYE && text.contains(complaint),
            "{complaint}: {text:?}"
        );
    }
}

/// The calls of all connections count together.
#[tokio::test]
async fn calls_beyond_the_limit_of_the_server_are_refused() {
    let target = Target::of(ServerOptions::default().max_calls(2)).await;
    let (mut one, _) = target.greet(1 << 16, b"").await;
    let (mut other, _) = target.greet(1 << 16, b"").await;
    for peer in [&mut one, &mut other] {
        peer.send_bytes(&call(1, &[0], 0, "promise")).await.unwrap();
        peer.send_bytes(&[PING, 5]).await.unwrap();
        assert_eq!(receive(peer).await, [PONG, 5]);
    }
    one.send_bytes(&call(2, &[0], 0, "promise")).await.unwrap();
    assert_eq!(receive(&mut one).await[..3], [FAULT, 2, OVERLOADED]);
    drop(other);
    // The server takes a moment to notice that.
    for id in 3..100 {
        one.send_bytes(&call(id, &[0], 0, "text")).await.unwrap();
        let answer = receive(&mut one).await;
        if answer[0] == RETURN {
            return;
        }
        assert_eq!(answer[..3], [FAULT, id, OVERLOADED]);
        sleep(Duration::from_millis(20)).await;
    }
    panic!("there is no room again");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_has_five_seconds_for_its_greeting() {
    let target = Target::of(ServerOptions::default()).await;
    let (local, remote) = duplex(1000);
    target.0.send(remote).await.unwrap();
    let mut peer: Connection = Connection::new(local);
    let begin = tokio::time::Instant::now();
    assert!(peer.recv_bytes(1000).await.unwrap_err().is_closed());
    assert_eq!(begin.elapsed(), Duration::from_secs(5));
}

/// Calls wait for a promise up to `max_backlog`: their bytes, names included, and their messages.
#[tokio::test]
async fn max_backlog_is_the_exact_cost_of_calls_that_wait_for_promises() {
    let waiting = |id| call(id, &[2, 1], 0, &"x".repeat(1000));
    let cost = waiting(2).len() + MESSAGE;
    for (max_backlog, is_refused) in [(2 * cost, false), (2 * cost - 1, true)] {
        let options = SessionOptions::default().max_backlog(max_backlog);
        let target = Target::of(session(options)).await;
        let (mut peer, _) = target.greet(1 << 16, b"").await;
        let promise = call(1, &[0], 2, "promise");
        peer.send_bytes(&promise).await.unwrap();
        for id in [2, 3] {
            peer.send_bytes(&waiting(id)).await.unwrap();
        }
        // A name that is unknown is refused only when the promise is fulfilled.
        peer.send_bytes(&call(4, &[0], 0, "unknown")).await.unwrap();
        let refusal = receive(&mut peer).await;
        if is_refused {
            assert_eq!(refusal[..3], [FAULT, 3, OVERLOADED]);
        } else {
            assert_eq!(refusal[..3], [FAULT, 4, UNKNOWN_METHOD]);
        }
    }
}

/// Replies that the peer does not read wait up to `max_backlog`; further calls are refused.
#[tokio::test(start_paused = true)]
async fn max_backlog_is_the_exact_size_of_replies_that_wait() {
    // The length of the frame, the kind, the id, no references, and the text with its length.
    let reply = 4 + 3 + 3 + 1000;
    // The stream itself holds one byte.
    let waits = 2 * reply - 1;
    for (max_backlog, is_refused) in [(waits, false), (waits - 1, true)] {
        let options = SessionOptions::default().max_backlog(max_backlog);
        let target = Target::of(session(options)).await;
        let (mut peer, _) = target.greet(1, b"").await;
        for id in 1..=3 {
            peer.send_bytes(&call(id, &[0], 0, "text")).await.unwrap();
            // In simulated time, this ends when the server has nothing left to do.
            sleep(Duration::from_millis(1)).await;
        }
        for id in 1..=2 {
            let text = receive(&mut peer).await;
            assert_eq!((text.len() + 4, &text[..2]), (reply, &[RETURN, id][..]));
        }
        let third = receive(&mut peer).await;
        if is_refused {
            assert_eq!(third[..3], [FAULT, 3, OVERLOADED]);
        } else {
            assert_eq!(third[..2], [RETURN, 3]);
        }
    }
}

/// Receives the reason for which the server closes the session.
async fn reason(peer: &mut Connection) -> String {
    loop {
        let message = receive(peer).await;
        if message[0] == GOODBYE {
            return String::from_utf8_lossy(&message[1..]).into_owned();
        }
    }
}

/// `Held` replaces the counts of references, so it is valid once: first on a resumed connection.
#[tokio::test]
async fn held_is_the_first_message_of_a_resumed_connection_and_no_other() {
    let options = ServerOptions::default().lease(Duration::from_secs(60));
    let target = Target::of(options).await;
    let held = |object: &[u8]| [&[HELD], object, &[1]].concat();
    // Opens a session with an object, drops its connection, and resumes it.
    let resumed = async || {
        let (mut peer, greeting) = target.greet(1 << 16, b"").await;
        let token = greeting[greeting.len() - 16..].to_vec();
        peer.send_bytes(&call(1, &[0], 0, "thing")).await.unwrap();
        let answer = receive(&mut peer).await;
        assert_eq!(answer[..4], [RETURN, 1, 1, 0]);
        let object = answer[4..20].to_vec();
        drop(peer);
        let (peer, greeting) = target.greet(1 << 16, &token).await;
        assert_eq!(greeting[9] & 1, 1, "it is resumed");
        (peer, object)
    };

    let (mut peer, object) = resumed().await;
    peer.send_bytes(&held(&object)).await.unwrap();
    let on_object = [&[1], &object[..]].concat();
    peer.send_bytes(&call(2, &on_object, 0, "nothing"))
        .await
        .unwrap();
    loop {
        let message = receive(&mut peer).await;
        if message[0] != HELD {
            assert_eq!(message[..2], [RETURN, 2]);
            break;
        }
    }
    peer.send_bytes(&held(&object)).await.unwrap();
    let late = reason(&mut peer).await;
    assert!(late.contains("`Held` is not the first message"), "{late}");

    let (mut peer, object) = resumed().await;
    let on_object = [&[1], &object[..]].concat();
    peer.send_bytes(&call(2, &on_object, 0, "nothing"))
        .await
        .unwrap();
    let missing = reason(&mut peer).await;
    assert!(missing.contains("is not `Held`"), "{missing}");

    let (mut peer, _) = target.greet(1 << 16, b"").await;
    peer.send_bytes(&held(&object)).await.unwrap();
    let new = reason(&mut peer).await;
    assert!(new.contains("`Held` is not the first message"), "{new}");
}
