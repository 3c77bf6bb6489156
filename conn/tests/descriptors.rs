//! Descriptors that a peer sends: none enters the process unless the program asks for it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use farcall_conn::rpc::Server;
use farcall_conn::{
    Acknowledge, Connection, DescriptorError, Descriptors, Listener, RecvError, blocking,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Longer than any step takes on an overloaded machine.
const LONG: Duration = Duration::from_secs(30);

/// One end of a pair of sockets. The other one was sent away, and is open only in the processes and
/// sockets that have received it.
struct Watch(UnixStream);

impl Watch {
    /// Sends bytes, with a descriptor beside the first, and closes the local copy of it.
    fn sent_beside(bytes: &[u8], socket: &UnixStream) -> Self {
        let (watched, handle) = UnixStream::pair().unwrap();
        watched.set_nonblocking(true).unwrap();
        send_beside(bytes, socket, handle.as_fd());
        Self(watched)
    }

    /// Returns `true` while a copy of the descriptor is open anywhere.
    fn is_open(&self) -> bool {
        match (&self.0).read(&mut [0]) {
            Ok(0) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            other => panic!("{other:?}"),
        }
    }

    fn assert_closes(&self) {
        let begin = Instant::now();
        while self.is_open() {
            assert!(begin.elapsed() < LONG, "the descriptor stays open");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn send_beside(bytes: &[u8], socket: &UnixStream, handle: BorrowedFd<'_>) {
    let handles = [handle];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&handles)));
    let bytes = [IoSlice::new(bytes)];
    sendmsg(socket, &bytes, &mut control, SendFlags::NOSIGNAL).unwrap();
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&length, message].concat()
}

fn read_frame(mut socket: &UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    socket.read_exact(&mut length).unwrap();
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut message).unwrap();
    message
}

fn connect(path: &Path) -> UnixStream {
    let socket = UnixStream::connect(path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// Returns a connection and the socket of its peer.
fn pair() -> (Connection, UnixStream) {
    let (local, remote) = UnixStream::pair().unwrap();
    local.set_nonblocking(true).unwrap();
    let local = tokio::net::UnixStream::from_std(local).unwrap();
    (Connection::new(local), remote)
}

#[tokio::test]
async fn unrequested_descriptors_do_not_enter_the_process() {
    let (mut local, remote) = pair();
    for descriptors in [Descriptors::Close, Descriptors::Receive] {
        local.set_descriptors(descriptors);
        let watch = Watch::sent_beside(&frame(b"a message"), &remote);
        assert!(watch.is_open(), "it waits in the system");
        assert_eq!(local.recv_bytes(10).await.unwrap(), b"a message");
        watch.assert_closes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_in_the_handshake_do_not_enter_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let builder = Listener::bind(&path).authkey("a key").timeout(4 * LONG);
    let _listener = builder.descriptors(Descriptors::Receive).await.unwrap();
    let stranger = move || {
        let mut socket = connect(&path);
        assert!(read_frame(&socket).starts_with(b"#CHALLENGE#"));
        // The start of a response: the peer stays in the handshake.
        let watch = Watch::sent_beside(&[0], &socket);
        watch.assert_closes();
        socket.write_all(&[0, 0, 3]).unwrap();
        let watch = Watch::sent_beside(b"abc", &socket);
        assert_eq!(read_frame(&socket), b"#FAILURE#");
        watch.assert_closes();
    };
    tokio::task::spawn_blocking(stranger).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_with_calls_do_not_enter_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    tokio::spawn(server.bind(&path).await.unwrap().serve());
    let client = move || {
        let socket = connect(&path);
        let hello = b"\0FARCALL\x02\0\x0bmessagepack\x7f\x7f\x7f\x7f\x7f\0";
        let watch = Watch::sent_beside(&frame(hello), &socket);
        assert!(read_frame(&socket).starts_with(b"\0FARCALL"));
        watch.assert_closes();
        for id in 1..=3 {
            let call = [&[1, id, 0, 0, 0, 3][..], b"add", &[0, 0x92, 3, 5]].concat();
            let watch = Watch::sent_beside(&frame(&call), &socket);
            assert_eq!(read_frame(&socket), [2, id, 0, 8]);
            watch.assert_closes();
        }
    };
    tokio::task::spawn_blocking(client).await.unwrap();
}

/// Otherwise the process itself would keep the connection open forever.
#[tokio::test]
async fn a_peer_that_passed_its_own_socket_and_left_is_noticed() {
    let (mut local, remote) = pair();
    send_beside(&frame(b"farewell"), &remote, remote.as_fd());
    drop(remote);
    assert_eq!(local.recv_bytes(10).await.unwrap(), b"farewell");
    let end = tokio::time::timeout(LONG, local.recv_bytes(10)).await;
    assert!(matches!(end.unwrap(), Err(RecvError::Closed)));
}

#[tokio::test]
async fn descriptors_are_received_only_on_request() {
    let refused = |result| matches!(result, Err(DescriptorError::NotReceiving));
    let (mut local, remote) = pair();
    let watch = Watch::sent_beside(&[1], &remote);
    assert!(refused(local.recv_handle().await));
    local.set_descriptors(Descriptors::Receive);
    drop(local.recv_handle().await.unwrap());
    watch.assert_closes();

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut listener = Listener::bind(&path).await.unwrap();
    let mut client: Connection = Connection::connect(&path).await.unwrap();
    let mut server: Connection = listener.accept().await.unwrap();
    for receiver in [&mut client, &mut server] {
        let received = tokio::time::timeout(LONG, receiver.recv_handle()).await;
        assert!(refused(received.unwrap()));
    }
}

#[test]
fn blocking_connections_receive_descriptors_only_on_request() {
    let (local, remote) = UnixStream::pair().unwrap();
    let mut local: blocking::Connection = local.into();
    let watch = Watch::sent_beside(&[1], &remote);
    let refused = local.recv_handle();
    assert!(matches!(refused, Err(DescriptorError::NotReceiving)));
    local.set_descriptors(Descriptors::Receive);
    drop(local.recv_handle().unwrap());
    watch.assert_closes();
}

#[tokio::test(start_paused = true)]
async fn a_missing_confirmation_times_out_after_30_seconds() {
    let (mut local, remote) = pair();
    local.set_acknowledge(Acknowledge::Always);
    let begin = tokio::time::Instant::now();
    let missing = local.send_handle(&remote).await;
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    assert_eq!(begin.elapsed().as_secs(), 30);
}
