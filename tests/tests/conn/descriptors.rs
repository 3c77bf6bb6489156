//! Descriptors over Unix sockets: those that are asked for, and those of peers that mean harm.

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use conn::frame::{FrameError, Header};
use conn::{Acknowledge, Client, Connection, DescriptorError, Descriptors, Listener, Pickle};
use conn::{RecvError, blocking, rpc};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::json;
use tokio::time::timeout;

use crate::peer::{Peer, versions};

const KEY: &str = "a key";

/// Far longer than anything here takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// As many as one message may have (`SCM_MAX_FD`).
const MOST: usize = 253;

/// A file whose descriptors can be told from all others.
struct Marked(File);

impl Marked {
    fn new(text: &str) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        Self(file)
    }

    /// How many descriptors this process has of it, the one here included.
    fn open(&self) -> usize {
        let inode = self.0.metadata().unwrap().ino();
        let all = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        all.filter(|entry| std::fs::metadata(entry.path()).is_ok_and(|found| found.ino() == inode))
            .count()
    }
}

/// Sends bytes with descriptors beside the first of them.
fn send_beside(socket: &UnixStream, bytes: &[u8], handles: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
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

/// Two ends, of which the first takes descriptors.
fn pair() -> (Connection, Connection) {
    let (mut here, there) = conn::pipe().unwrap();
    here.set_descriptors(Descriptors::Receive);
    (here, there)
}

/// The handshake takes none, whatever is set: 512 strangers may be in it at once.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_leave_no_descriptors_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).authkey(KEY);
    let mut listener = builder.descriptors(Descriptors::Receive).await.unwrap();
    let file = Marked::new("");
    let strangers = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let handles = vec![file.0.as_fd(); MOST];
            let strangers: Vec<_> = (0..16)
                .map(|_| {
                    let socket = UnixStream::connect(&path).unwrap();
                    read_frame(&socket);
                    // Not the whole answer: they stay in the handshake.
                    send_beside(&socket, &[0], &handles).unwrap();
                    send_beside(&socket, &[0], &handles).unwrap();
                    socket
                })
                .collect();
            // Those that were read by now, and those that wait in the system.
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
    // Everybody else is served.
    let client: Connection = Client::connect(&path).authkey(KEY).await.unwrap();
    listener.accept::<(), (), conn::Bincode>().await.unwrap();
    drop(client);
}

/// Right behind the handshake, and together with its last message, as far as one read can see.
#[tokio::test]
async fn a_descriptor_right_behind_the_handshake_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let file = Marked::new("behind the handshake");
    for key in [None, Some(KEY)] {
        let mut builder = Listener::bind(&path).descriptors(Descriptors::Receive);
        let mut client = Client::connect(&path);
        if let Some(key) = key {
            (builder, client) = (builder.authkey(key), client.authkey(key));
        }
        let mut listener = builder.await.unwrap();
        let client = async {
            let mut client: Connection = client.await.unwrap();
            // The last message of the handshake was the client's: nobody has read it yet, since this is one thread.
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
async fn the_connecting_end_and_blocking_ends_are_told_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).authkey(KEY);
    let mut listener = builder.descriptors(Descriptors::Receive).await.unwrap();
    let file = Marked::new("both ways");
    let client = std::thread::spawn({
        let file = file.0.try_clone().unwrap();
        move || {
            let client = Client::connect(&path).authkey(KEY);
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
async fn descriptors_stand_between_messages_of_every_length() {
    let (mut here, mut there) = pair();
    let lengths = [0, 1, 3, 4, 5, 16_385, 70_000, 300_000];
    let sender = tokio::spawn(async move {
        for length in lengths {
            let file = Marked::new(&length.to_string());
            there.send_bytes(&vec![7; length]).await.unwrap();
            there.send_handle(&file.0).await.unwrap();
        }
        there
    });
    let mut buffer = vec![0; 300_000];
    for (round, length) in lengths.into_iter().enumerate() {
        // To look whether something came takes nothing away.
        assert!(here.poll(TIMEOUT).await);
        if round % 2 == 0 {
            assert_eq!(here.recv_bytes(300_000).await.unwrap(), vec![7; length]);
        } else {
            assert_eq!(here.recv_bytes_into(&mut buffer).await.unwrap(), length);
        }
        assert!(here.poll(TIMEOUT).await);
        let handle = here.recv_handle().await.unwrap();
        assert_eq!(text_of(handle).await, length.to_string());
    }
    drop(sender.await.unwrap());
    assert!(here.recv_handle().await.is_err());
}

#[tokio::test]
async fn connections_close_descriptors_unless_they_are_told_to_receive_them() {
    let (mut here, mut there): (Connection, Connection) = conn::pipe().unwrap();
    let file = Marked::new("");
    for _ in 0..500 {
        there.send_handle(&file.0).await.unwrap();
        // Each stands beside a byte, which to who expects a message is a part of one.
        let never = timeout(Duration::from_millis(1), here.recv_bytes(1 << 30));
        assert!(never.await.is_err());
        assert_eq!(file.open(), 1);
    }
    let refused = here.recv_handle().await;
    assert!(matches!(refused, Err(DescriptorError::NotReceiving)));

    // Halves have no way to ask for them.
    let (here, mut there) = pair();
    there.send_handle(&file.0).await.unwrap();
    let (_sender, mut receiver) = here.split();
    assert!(receiver.poll(TIMEOUT).await);
    assert_eq!(file.open(), 1);
}

/// They may wait in the system, but never in this process.
#[tokio::test]
async fn descriptors_that_nobody_asks_for_wait_outside_of_the_process() {
    let (mut here, there) = stranger();
    let file = Marked::new("the last");
    let handles = vec![file.0.as_fd(); MOST];
    for beside in [1, 2, MOST] {
        send_beside(&there, &frame(b"a message"), &handles[..beside]).unwrap();
        assert!(here.poll(TIMEOUT).await);
        assert_eq!(here.recv_bytes(10).await.unwrap(), b"a message");
        assert_eq!(file.open(), 1);
    }
    // More than were announced, or than fit: none is kept.
    for (announced, beside) in [(2, 2), (1, 2), (MOST as u8, MOST), (1, MOST), (2, 1)] {
        send_beside(&there, &[announced], &handles[..beside]).unwrap();
        match here.recv_handle().await {
            Err(DescriptorError::Count {
                announced: said,
                received,
            }) => {
                assert!(said == announced && received <= beside && received > 0);
            }
            other => panic!("{announced} with {beside}: {other:?}"),
        }
        assert_eq!(file.open(), 1);
    }
    send_beside(&there, &[1], &handles[..1]).unwrap();
    let handle = here.recv_handle().await.unwrap();
    assert_eq!(file.open(), 2);
    assert_eq!(text_of(handle).await, "the last");

    // A message is left as it is.
    (&there).write_all(&frame(b"in between")).unwrap();
    for _ in 0..2 {
        let none = here.recv_handle().await;
        assert!(matches!(none, Err(DescriptorError::NoDescriptor)));
    }
    assert_eq!(here.recv_bytes(10).await.unwrap(), b"in between");
    drop(there);
    let end = here.recv_handle().await;
    assert!(matches!(end, Err(DescriptorError::Recv(RecvError::Closed))));
}

/// A peer that leaves its own end here, so that the system sees it open as long as this process keeps it, or leaves it
/// unread.
#[tokio::test]
async fn a_peer_that_passes_its_own_end_and_leaves_is_noticed() {
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
                let end = timeout(TIMEOUT, end).await.expect("it is noticed");
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
        assert_eq!(peer.recv_bytes(10).unwrap(), b"a message");
        assert!(peer.recv_bytes(10).unwrap_err().is_closed());
        listener.close().await;
    }
}

#[tokio::test]
async fn calls_take_no_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let builder = Listener::bind(&path).descriptors(Descriptors::Receive);
    let listener = builder.await.unwrap();
    let server = rpc::Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    tokio::spawn(server.serve(listener));
    let file = Marked::new("");
    let hostile = move || {
        let handles = vec![file.0.as_fd(); MOST];
        let socket = UnixStream::connect(&path).unwrap();
        // The greeting of one that speaks MessagePack, then pings.
        let hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\x7f\x10\x10\x10\xff\x7f\0";
        send_beside(&socket, &frame(hello), &handles).unwrap();
        assert_eq!(read_frame(&socket)[..8], *b"\0FARCALL");
        for number in 0..20 {
            send_beside(&socket, &frame(&[11, number]), &handles).unwrap();
            assert_eq!(read_frame(&socket), [12, number]);
            assert_eq!(file.open(), 1);
        }
        // Its own end as well: it is noticed that it leaves.
        send_beside(&socket, &frame(&[11, 0]), &[socket.as_fd()]).unwrap();
    };
    tokio::task::spawn_blocking(hostile).await.unwrap();
}

#[tokio::test]
async fn descriptors_pass_both_ways() {
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

/// Protocol 5 is what CPython 3.14 writes by default, and what all since 3.8 write when they are asked to.
#[tokio::test]
async fn a_python_that_pickles_with_protocol_5_is_not_taken_for_a_newer_one() {
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
                .expect("neither end waits for the other");
        }
    }
}

/// A connection to a peer that is no Python by its name, and the socket of that peer.
fn stranger() -> (Connection<i64, i64, Pickle>, UnixStream) {
    let (here, there) = UnixStream::pair().unwrap();
    here.set_nonblocking(true).unwrap();
    there.set_read_timeout(Some(TIMEOUT)).unwrap();
    let here = tokio::net::UnixStream::from_std(here).unwrap();
    let mut here = Connection::new(here);
    here.set_descriptors(Descriptors::Receive);
    (here, there)
}

const ONE: &[u8] = b"\x80\x05K\x01.";

/// Both ends as CPython 3.14 behaves: `sendfds` waits for an `A`, `recvfds` sends one.
#[tokio::test]
async fn a_peer_that_confirms_descriptors_is_recognised() {
    let (mut here, mut there) = stranger();
    let file = Marked::new("one more");
    there.write_all(&frame(ONE)).unwrap();
    assert_eq!(here.recv().await.unwrap(), 1);
    for round in 0..3 {
        // It waits here for ever where none comes.
        send_beside(&there, &[1], &[file.0.as_fd()]).unwrap();
        drop(here.recv_handle().await.unwrap());
        let mut confirmation = [0];
        there.read_exact(&mut confirmation).unwrap();
        assert_eq!(&confirmation, b"A");

        here.send_handle(&file.0).await.unwrap();
        here.send(&round).await.unwrap();
        there.read_exact(&mut confirmation).unwrap();
        assert!(!read_frame(&there).is_empty());
        // It confirms when it comes to it, be that between two messages.
        there.write_all(&frame(ONE)).unwrap();
        there.write_all(b"A").unwrap();
        assert_eq!(here.recv().await.unwrap(), 1);
        assert!(!here.poll(Duration::ZERO).await, "that is no message");
        there.write_all(&frame(ONE)).unwrap();
        assert!(here.poll(TIMEOUT).await);
        assert_eq!(here.recv().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_peer_that_goes_on_after_a_descriptor_is_sent_no_confirmation() {
    let (mut here, mut there) = stranger();
    let file = Marked::new("");
    there.write_all(&frame(ONE)).unwrap();
    assert_eq!(here.recv().await.unwrap(), 1);
    send_beside(&there, &[1], &[file.0.as_fd()]).unwrap();
    there.write_all(&frame(ONE)).unwrap();
    drop(here.recv_handle().await.unwrap());
    assert_eq!(here.recv().await.unwrap(), 1);
    // Once that is known it holds.
    send_beside(&there, &[1], &[file.0.as_fd()]).unwrap();
    drop(here.recv_handle().await.unwrap());
    here.send_bytes(b"the first").await.unwrap();
    assert_eq!(read_frame(&there), b"the first");
}

#[tokio::test]
async fn a_descriptor_outlives_the_receive_that_was_dropped_while_it_confirmed() {
    let (mut here, mut there) = stranger();
    let file = Marked::new("kept");
    there.write_all(&frame(ONE)).unwrap();
    assert_eq!(here.recv().await.unwrap(), 1);
    send_beside(&there, &[1], &[file.0.as_fd()]).unwrap();
    let dropped = timeout(Duration::from_millis(50), here.recv_handle()).await;
    assert!(dropped.is_err(), "it watches the peer");
    let handle = here.recv_handle().await.unwrap();
    assert_eq!(text_of(handle).await, "kept");
    let mut confirmation = [0];
    there.read_exact(&mut confirmation).unwrap();
    assert_eq!(&confirmation, b"A");
    here.send_bytes(b"once").await.unwrap();
    assert_eq!(read_frame(&there), b"once");
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_never_comes_is_waited_for_30_seconds_and_may_come_later() {
    let (mut here, mut there) = stranger();
    here.set_acknowledge(Acknowledge::Always);
    let file = Marked::new("");
    let begin = tokio::time::Instant::now();
    let missing = here.send_handle(&file.0).await;
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    assert_eq!(begin.elapsed().as_secs(), 30);
    there.write_all(&frame(ONE)).unwrap();
    let missing = here.send_handle(&file.0).await;
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    there.write_all(b"AA").unwrap();
    there.write_all(&frame(ONE)).unwrap();
    for _ in 0..2 {
        assert_eq!(here.recv().await.unwrap(), 1);
    }
}
