//! Descriptors over Unix sockets: those that a program asks for, and those of hostile peers.

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use farcall::conn::frame::{FrameError, Header};
use farcall::conn::{Acknowledge, Connection, DescriptorError, Descriptors, Listener};
use farcall::conn::{RecvError, blocking};
use farcall::pickle::Pickle;
use farcall::rpc;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::json;
use tokio::time::timeout;

use crate::peer::{Peer, versions};

const KEY: &str = "a key";

/// A timeout far above the time that any step takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The maximum number of descriptors of one message (`SCM_MAX_FD`).
const MAX: usize = 253;

/// A file whose descriptors can be counted.
struct Marked(File);

impl Marked {
    fn new(text: &str) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        Self(file)
    }

    /// The number of descriptors of the file in this process, including the one in `self`.
    fn open(&self) -> usize {
        let inode = self.0.metadata().unwrap().ino();
        let all = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        all.filter(|entry| std::fs::metadata(entry.path()).is_ok_and(|found| found.ino() == inode))
            .count()
    }
}

/// Sends bytes with descriptors beside the first byte.
fn send_beside(socket: &UnixStream, bytes: &[u8], handles: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(handles)));
    let flags = SendFlags::NOSIGNAL;
    let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)?;
    assert_eq!(sent, bytes.len());
    Ok(())
}

fn frame(message: &[u8]) -> Vec<u8> {
    let header = Header::new(message.len() as u64);
    [header.as_bytes(), message].concat()
}

fn read_frame(mut socket: &UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    socket.read_exact(&mut length).unwrap();
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut message).unwrap();
    message
}

async fn text_of(handle: impl Into<File>) -> String {
    let mut text = String::new();
    handle.into().read_to_string(&mut text).unwrap();
    text
}

/// Returns both sides of a connection, of which the first receives descriptors.
fn pair() -> (Connection, Connection) {
    let (mut local, remote) = farcall::conn::pipe().unwrap();
    local.set_descriptors(Descriptors::Receive);
    (local, remote)
}

/// The handshake keeps no descriptors, whatever is set: 512 strangers may be in it at once.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_leave_no_descriptors_in_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).authkey(KEY);
    let mut listener = builder.descriptors(Descriptors::Receive).await.unwrap();
    let file = Marked::new("");
    let strangers = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let handles = vec![file.0.as_fd(); MAX];
            let strangers: Vec<_> = (0..16)
                .map(|_| {
                    let socket = UnixStream::connect(&path).unwrap();
                    read_frame(&socket);
                    // Only a part of the response, so that they stay in the handshake.
                    send_beside(&socket, &[0], &handles).unwrap();
                    send_beside(&socket, &[0], &handles).unwrap();
                    socket
                })
                .collect();
            // Neither descriptors that were read by now nor those still in the system.
            assert_eq!(file.open(), 1);
            for mut socket in &strangers {
                socket.write_all(&[0, 3]).unwrap();
                send_beside(socket, b"abc", &handles).unwrap();
                assert_eq!(read_frame(socket), b"#FAILURE#");
            }
            assert_eq!(file.open(), 1);
        }
    });
    strangers.await.unwrap();
    // Other clients are served.
    let client: Connection = Connection::connect(&path).authkey(KEY).await.unwrap();
    listener
        .accept::<(), (), farcall::conn::Bincode>()
        .await
        .unwrap();
    drop(client);
}

/// A descriptor sent right after the handshake, so that one read may see it together with the last
/// message.
#[tokio::test]
async fn a_descriptor_right_after_the_handshake_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let file = Marked::new("behind the handshake");
    for key in [None, Some(KEY)] {
        let mut builder = Listener::bind(&path).descriptors(Descriptors::Receive);
        let mut client = Connection::connect(&path);
        if let Some(key) = key {
            (builder, client) = (builder.authkey(key), client.authkey(key));
        }
        let mut listener = builder.await.unwrap();
        let client = async {
            let mut client: Connection = client.await.unwrap();
            // The client sent the last message of the handshake, which is still unread: this is one
            // thread.
            client.send_handle(&file.0).await.unwrap();
            client.send_bytes(b"and a message").await.unwrap();
            client
        };
        let server = async {
            let mut server: Connection = listener.accept().await.unwrap();
            let handle = server.recv_handle().await.unwrap();
            assert_eq!(text_of(handle).await, "behind the handshake");
            assert_eq!(server.recv_bytes(100).await.unwrap(), b"and a message");
        };
        tokio::join!(client, server);
        listener.close().await;
        (&file.0).rewind().unwrap();
    }
}

#[tokio::test]
async fn the_connecting_and_the_blocking_side_receive_descriptors_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).authkey(KEY);
    let mut listener = builder.descriptors(Descriptors::Receive).await.unwrap();
    let file = Marked::new("both ways");
    let client = std::thread::spawn({
        let file = file.0.try_clone().unwrap();
        move || {
            let client = Connection::connect(&path).authkey(KEY);
            let client = client.descriptors(Descriptors::Receive);
            let mut client: blocking::Connection = client.wait().unwrap();
            client.send_handle(&file).unwrap();
            client.recv_handle().unwrap()
        }
    });
    let mut server: Connection = listener.accept().await.unwrap();
    let handle = server.recv_handle().await.unwrap();
    server.send_handle(&handle).await.unwrap();
    assert_eq!(text_of(client.join().unwrap()).await, "both ways");
}

#[tokio::test]
async fn descriptors_between_messages_of_every_length() {
    let (mut local, mut remote) = pair();
    let lengths = [0, 1, 3, 4, 5, 16_385, 70_000, 300_000];
    let sender = tokio::spawn(async move {
        for length in lengths {
            let file = Marked::new(&length.to_string());
            remote.send_bytes(&vec![7; length]).await.unwrap();
            remote.send_handle(&file.0).await.unwrap();
        }
        remote
    });
    let mut buffer = vec![0; 300_000];
    for (round, length) in lengths.into_iter().enumerate() {
        // Polling consumes nothing.
        assert!(local.poll(TIMEOUT).await);
        if round % 2 == 0 {
            assert_eq!(local.recv_bytes(300_000).await.unwrap(), vec![7; length]);
        } else {
            assert_eq!(local.recv_bytes_into(&mut buffer).await.unwrap(), length);
        }
        assert!(local.poll(TIMEOUT).await);
        let handle = local.recv_handle().await.unwrap();
        assert_eq!(text_of(handle).await, length.to_string());
    }
    drop(sender.await.unwrap());
    assert!(local.recv_handle().await.is_err());
}

#[tokio::test]
async fn connections_close_descriptors_unless_set_to_receive_them() {
    let (mut local, mut remote): (Connection, Connection) = farcall::conn::pipe().unwrap();
    let file = Marked::new("");
    for _ in 0..500 {
        remote.send_handle(&file.0).await.unwrap();
        // Each is sent beside one byte, which is the start of a message to a receiver of messages.
        let never = timeout(Duration::from_millis(1), local.recv_bytes(1 << 30));
        assert!(never.await.is_err());
        assert_eq!(file.open(), 1);
    }
    let refused = local.recv_handle().await;
    assert!(matches!(refused, Err(DescriptorError::NotReceiving)));

    // Halves of a connection cannot receive them.
    let (local, mut remote) = pair();
    remote.send_handle(&file.0).await.unwrap();
    let (_sender, mut receiver) = local.split();
    assert!(receiver.poll(TIMEOUT).await);
    assert_eq!(file.open(), 1);
}

/// Descriptors may wait in the system, but are never kept in this process.
#[tokio::test]
async fn unrequested_descriptors_are_not_kept_in_the_process() {
    let (mut local, remote) = stranger();
    let file = Marked::new("the last");
    let handles = vec![file.0.as_fd(); MAX];
    for beside in [1, 2, MAX] {
        send_beside(&remote, &frame(b"a message"), &handles[..beside]).unwrap();
        assert!(local.poll(TIMEOUT).await);
        assert_eq!(local.recv_bytes(10).await.unwrap(), b"a message");
        assert_eq!(file.open(), 1);
    }
    // If more arrive than were announced, or than fit, none is kept.
    for (announced, beside) in [(2, 2), (1, 2), (MAX as u8, MAX), (1, MAX), (2, 1)] {
        send_beside(&remote, &[announced], &handles[..beside]).unwrap();
        match local.recv_handle().await {
            Err(DescriptorError::Count {
                announced: count,
                received,
            }) => {
                assert!(count == announced && received <= beside && received > 0);
            }
            other => panic!("{announced} with {beside}: {other:?}"),
        }
        assert_eq!(file.open(), 1);
    }
    send_beside(&remote, &[1], &handles[..1]).unwrap();
    let handle = local.recv_handle().await.unwrap();
    assert_eq!(file.open(), 2);
    assert_eq!(text_of(handle).await, "the last");

    // A message in their place is not consumed.
    (&remote).write_all(&frame(b"in between")).unwrap();
    for _ in 0..2 {
        let none = local.recv_handle().await;
        assert!(matches!(none, Err(DescriptorError::NoDescriptor)));
    }
    assert_eq!(local.recv_bytes(10).await.unwrap(), b"in between");
    drop(remote);
    let end = local.recv_handle().await;
    assert!(matches!(end, Err(DescriptorError::Recv(RecvError::Closed))));
}

/// A peer that passes the descriptor of its own side: while this process keeps it, or leaves it
/// unread, the system considers the peer's side open.
#[tokio::test]
async fn the_close_of_a_peer_that_passed_its_own_socket_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for descriptors in [Descriptors::Close, Descriptors::Receive] {
        let builder = Listener::bind(&path).descriptors(descriptors);
        let mut listener = builder.await.unwrap();
        let leave = |bytes: &[u8]| {
            let socket = UnixStream::connect(&path).unwrap();
            send_beside(&socket, bytes, &[socket.as_fd()]).unwrap();
        };
        for bytes in [&[1][..], &frame(b"")[..2], &frame(b"a message")] {
            for _ in 0..20 {
                leave(bytes);
                let mut peer: Connection = listener.accept().await.unwrap();
                let end = async {
                    loop {
                        if let Err(error) = peer.recv_bytes(100).await {
                            return error;
                        }
                    }
                };
                let end = timeout(TIMEOUT, end).await.expect("the close is detected");
                assert!(matches!(
                    end,
                    RecvError::Closed | RecvError::Frame(FrameError::Truncated { .. })
                ));
            }
        }
        leave(&frame(b"a message"));
        let peer: Connection = listener.accept().await.unwrap();
        let mut peer = peer.into_blocking().unwrap();
        peer.set_read_timeout(Some(TIMEOUT)).unwrap();
        let blocking = tokio::task::spawn_blocking(move || {
            assert_eq!(peer.recv_bytes(10).unwrap(), b"a message");
            assert!(peer.recv_bytes(10).unwrap_err().is_closed());
        });
        blocking.await.unwrap();
        listener.close().await;
    }
}

#[tokio::test]
async fn rpc_sessions_receive_no_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).descriptors(Descriptors::Receive);
    let server = rpc::Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    tokio::spawn(server.listen(builder).await.unwrap().serve());
    let file = Marked::new("");
    let hostile = move || {
        let handles = vec![file.0.as_fd(); MAX];
        let socket = UnixStream::connect(&path).unwrap();
        // A greeting with MessagePack as the encoding, followed by pings.
        let hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\x7f\x10\x10\x10\xff\x7f\0";
        send_beside(&socket, &frame(hello), &handles).unwrap();
        assert_eq!(read_frame(&socket)[..8], *b"\0FARCALL");
        for number in 0..20 {
            send_beside(&socket, &frame(&[11, number]), &handles).unwrap();
            assert_eq!(read_frame(&socket), [12, number]);
            assert_eq!(file.open(), 1);
        }
        // The peer's own socket as well: its close must be detected.
        send_beside(&socket, &frame(&[11, 0]), &[socket.as_fd()]).unwrap();
    };
    tokio::task::spawn_blocking(hostile).await.unwrap();
}

#[tokio::test]
async fn descriptors_pass_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    for python in versions() {
        for acknowledge in [false, true] {
            let name = format!("{}-{acknowledge}", python.version.1);
            let mut peer = Peer::start(&python);
            let mut connection = connected(&mut peer, &folder.path().join(name)).await;
            peer.ask(json!(["acknowledge", acknowledge])).await;
            if acknowledge {
                connection.set_acknowledge(Acknowledge::Always);
            }
            peer.tell(json!(["send_file", "from python"])).await;
            assert_eq!(connection.recv_bytes(10).await.unwrap(), b"before");
            let handle = connection.recv_handle().await.unwrap();
            assert_eq!(connection.recv_bytes(10).await.unwrap(), b"behind");
            assert_eq!(text_of(handle).await, "from python");
            assert_eq!(peer.answer().await, json!(null));

            let file = Marked::new("from rust");
            peer.tell(json!(["receive_file"])).await;
            connection.send_bytes(b"one").await.unwrap();
            connection.send_handle(&file.0).await.unwrap();
            connection.send_bytes(b"two").await.unwrap();
            let received = peer.answer().await;
            assert_eq!(received, json!(["one", "from rust", "two"]));
        }
    }
}

async fn connected(peer: &mut Peer, path: &Path) -> Connection<i64, i64, Pickle> {
    let mut connection = peer.connected::<Pickle>(path).await.with_types();
    connection.set_descriptors(Descriptors::Receive);
    connection
}

/// CPython 3.14 writes protocol 5 by default, and all since 3.8 write it on request.
#[tokio::test]
async fn a_python_that_pickles_with_protocol_5_is_not_taken_for_a_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    for python in versions().filter(|python| ((3, 8)..(3, 14)).contains(&python.version)) {
        for ours_first in [true, false] {
            let mut peer = Peer::start(&python);
            let name = format!("{}-{ours_first}", python.version.1);
            let mut connection = connected(&mut peer, &folder.path().join(name)).await;
            peer.ask(json!(["send_pickle", 1, 5])).await;
            assert_eq!(connection.recv().await.unwrap(), 1);
            let talk = async {
                for ours in [ours_first, !ours_first] {
                    if ours {
                        let file = Marked::new("from rust");
                        peer.tell(json!(["receive_handle"])).await;
                        connection.send(&2).await.unwrap();
                        connection.send_handle(&file.0).await.unwrap();
                        connection.send(&3).await.unwrap();
                        assert_eq!(peer.answer().await, json!([2, "from rust", 3]));
                    } else {
                        peer.tell(json!(["send_handle", "from python"])).await;
                        let handle = connection.recv_handle().await.unwrap();
                        assert_eq!(text_of(handle).await, "from python");
                        connection.send(&4).await.unwrap();
                        assert_eq!(peer.answer().await, 4);
                    }
                }
            };
            timeout(TIMEOUT, talk)
                .await
                .expect("neither side waits for the other");
        }
    }
}

/// Returns a connection to a peer that is not known as Python, and the peer's socket.
fn stranger() -> (Connection<i64, i64, Pickle>, UnixStream) {
    let (local, remote) = UnixStream::pair().unwrap();
    local.set_nonblocking(true).unwrap();
    remote.set_read_timeout(Some(TIMEOUT)).unwrap();
    let local = tokio::net::UnixStream::from_std(local).unwrap();
    let mut local = Connection::new(local);
    local.set_descriptors(Descriptors::Receive);
    (local, remote)
}

const ONE: &[u8] = b"\x80\x05K\x01.";

/// Both sides behave like CPython 3.14: `sendfds` waits for an `A`, `recvfds` sends one.
#[tokio::test]
async fn a_peer_that_confirms_descriptors_is_recognised() {
    let (mut local, mut remote) = stranger();
    let file = Marked::new("one more");
    remote.write_all(&frame(ONE)).unwrap();
    assert_eq!(local.recv().await.unwrap(), 1);
    for round in 0..3 {
        // The peer would wait for ever without a confirmation.
        send_beside(&remote, &[1], &[file.0.as_fd()]).unwrap();
        drop(local.recv_handle().await.unwrap());
        let mut confirmation = [0];
        remote.read_exact(&mut confirmation).unwrap();
        assert_eq!(&confirmation, b"A");

        local.send_handle(&file.0).await.unwrap();
        local.send(&round).await.unwrap();
        remote.read_exact(&mut confirmation).unwrap();
        assert!(!read_frame(&remote).is_empty());
        // The peer confirms later, possibly between two messages.
        remote.write_all(&frame(ONE)).unwrap();
        remote.write_all(b"A").unwrap();
        assert_eq!(local.recv().await.unwrap(), 1);
        assert!(!local.poll(Duration::ZERO).await, "that is no message");
        remote.write_all(&frame(ONE)).unwrap();
        assert!(local.poll(TIMEOUT).await);
        assert_eq!(local.recv().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_peer_that_continues_after_a_descriptor_gets_no_confirmation() {
    let (mut local, mut remote) = stranger();
    let file = Marked::new("");
    remote.write_all(&frame(ONE)).unwrap();
    assert_eq!(local.recv().await.unwrap(), 1);
    send_beside(&remote, &[1], &[file.0.as_fd()]).unwrap();
    remote.write_all(&frame(ONE)).unwrap();
    drop(local.recv_handle().await.unwrap());
    assert_eq!(local.recv().await.unwrap(), 1);
    // Once detected, this behaviour is assumed from then on.
    send_beside(&remote, &[1], &[file.0.as_fd()]).unwrap();
    drop(local.recv_handle().await.unwrap());
    local.send_bytes(b"the first").await.unwrap();
    assert_eq!(read_frame(&remote), b"the first");
}

#[tokio::test]
async fn a_descriptor_survives_a_receive_that_is_dropped_while_confirming() {
    let (mut local, mut remote) = stranger();
    let file = Marked::new("kept");
    remote.write_all(&frame(ONE)).unwrap();
    assert_eq!(local.recv().await.unwrap(), 1);
    send_beside(&remote, &[1], &[file.0.as_fd()]).unwrap();
    let dropped = timeout(Duration::from_millis(50), local.recv_handle()).await;
    assert!(dropped.is_err(), "it watches the peer");
    let handle = local.recv_handle().await.unwrap();
    assert_eq!(text_of(handle).await, "kept");
    let mut confirmation = [0];
    remote.read_exact(&mut confirmation).unwrap();
    assert_eq!(&confirmation, b"A");
    local.send_bytes(b"once").await.unwrap();
    assert_eq!(read_frame(&remote), b"once");
}

#[tokio::test(start_paused = true)]
async fn a_missing_confirmation_times_out_after_30_seconds_and_may_come_later() {
    let (mut local, mut remote) = stranger();
    local.set_acknowledge(Acknowledge::Always);
    let file = Marked::new("");
    let begin = tokio::time::Instant::now();
    let missing = local.send_handle(&file.0).await;
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    assert_eq!(begin.elapsed().as_secs(), 30);
    remote.write_all(&frame(ONE)).unwrap();
    let missing = local.send_handle(&file.0).await;
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    remote.write_all(b"AA").unwrap();
    remote.write_all(&frame(ONE)).unwrap();
    for _ in 0..2 {
        assert_eq!(local.recv().await.unwrap(), 1);
    }
}
