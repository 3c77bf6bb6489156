//! Hostile peers that need settings or means of their own; the others are in `hostile/connections`.
//! After each of them an honest peer is served.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farcall::conn::frame::{FrameError, Header};
use farcall::conn::{Connection, Listener, ListenerBuilder, RecvError};
use farcall::transport::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const KEY: &str = "a key";

async fn listener(builder: ListenerBuilder) -> (Listener, SocketAddr) {
    let listener = builder.authkey(KEY).await.unwrap();
    let &Address::Tcp(address) = listener.local_address() else {
        panic!("it listens on TCP");
    };
    (listener, address)
}

/// Returns how long an honest client takes to be accepted and answered.
async fn serves(listener: &mut Listener, address: SocketAddr) -> Duration {
    let begin = Instant::now();
    let client = async {
        let mut client: Connection<u32> = Connection::connect(address).authkey(KEY).await.unwrap();
        client.send(&7).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), 8);
    };
    let server = async {
        let mut server: Connection<u32> = listener.accept().await.unwrap();
        let number = server.recv().await.unwrap();
        server.send(&(number + 1)).await.unwrap();
    };
    let both = async { tokio::join!(client, server) };
    timeout(Duration::from_secs(20), both)
        .await
        .expect("an honest client is served");
    begin.elapsed()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let header = Header::new(message.len() as u64);
    [header.as_bytes(), message].concat()
}

async fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut message = vec![0; length as usize];
    stream.read_exact(&mut message).await.unwrap();
    message
}

/// Returns all further bytes until the peer closes or resets the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(20), stream.read_to_end(&mut rest));
    let _ = end.await.expect("the connection is closed");
    rest
}

#[tokio::test]
async fn silent_peers_are_disconnected_after_the_timeout() {
    let time = Duration::from_millis(200);
    let (mut listener, address) = listener(Listener::bind("127.0.0.1:0").timeout(time)).await;
    let begin = Instant::now();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    read_frame(&mut silent).await;
    read_frame(&mut slow).await;
    let trickle = async {
        while slow.write_all(b"\0").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(trickle, async {
        assert_eq!(rest(&mut silent).await, b"");
        assert!(begin.elapsed() >= time);
    });
    assert!(begin.elapsed() < Duration::from_secs(5));
    serves(&mut listener, address).await;
}

#[tokio::test]
async fn recorded_messages_of_an_honest_client_are_useless_to_others() {
    let builder = Listener::bind("127.0.0.1:0").legacy_md5(true);
    let (mut listener, address) = listener(builder).await;
    // An intermediary forwards everything, and records what the client sends.
    let middle = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let middle_address = middle.local_addr().unwrap();
    let client = tokio::spawn(async move {
        // The challenge comes from this process, which would not answer it for a stranger.
        let python = tests::newest_python();
        let program = "import sys; from multiprocessing.connection import Client; \
                       c = Client(('127.0.0.1', int(sys.argv[1])), authkey=b'a key'); \
                       c.send_bytes(b'hello')";
        let port = middle_address.port().to_string();
        let mut command = Command::from(python.command_text(program, &[&port]));
        command.output().await.unwrap()
    });
    let (mut victim, _) = middle.accept().await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let challenge = read_frame(&mut stream).await;
    victim.write_all(&frame(&challenge)).await.unwrap();
    let answer = read_frame(&mut victim).await;
    stream.write_all(&frame(&answer)).await.unwrap();
    assert_eq!(read_frame(&mut stream).await, b"#WELCOME#", "a relay works");
    drop(victim);
    let client = client.await.unwrap();
    let errors = String::from_utf8_lossy(&client.stderr);
    assert!(errors.contains("EOFError"), "it was told nothing: {errors}");

    let mut replay = TcpStream::connect(address).await.unwrap();
    assert_ne!(read_frame(&mut replay).await, challenge);
    replay.write_all(&frame(&answer)).await.unwrap();
    assert_eq!(rest(&mut replay).await, b"\0\0\0\x09#FAILURE#");
    drop(stream);
    serves(&mut listener, address).await;
}

#[tokio::test]
async fn invalid_frames_of_an_authenticated_peer() {
    let (raw, socket) = tokio::io::duplex(1 << 16);
    let mut raw = raw;
    let mut connection = Connection::<()>::new(socket);
    for byte in frame(b"byte by byte") {
        let early = timeout(Duration::from_millis(1), connection.recv_bytes(100)).await;
        assert!(early.is_err());
        raw.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(connection.recv_bytes(100).await.unwrap(), b"byte by byte");

    raw.write_all(Header::new(1 << 62).as_bytes())
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(matches!(
            connection.recv().await,
            Err(RecvError::Frame(FrameError::TooLarge { length, .. })) if length == 1 << 62
        ));
    }
    let (mut raw, socket) = tokio::io::duplex(1 << 16);
    let mut connection = Connection::<()>::new(socket);
    raw.write_all(b"\x80\0\0\0\0\0\0\x01x").await.unwrap();
    for _ in 0..2 {
        assert!(matches!(
            connection.recv().await,
            Err(RecvError::Frame(FrameError::NegativeLength(i32::MIN)))
        ));
    }
}

#[tokio::test]
async fn the_limit_of_all_pending_peers() {
    let builder = Listener::bind("127.0.0.1:0").max_pending(3);
    let (mut listener, address) = listener(builder).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        read_frame(&mut stream).await;
        silent.push(stream);
    }
    assert_eq!(rest(&mut silent[0]).await, b"", "the oldest is cut off");
    let mut byte = [0];
    let newest = timeout(Duration::from_millis(10), silent[3].read(&mut byte));
    assert!(newest.await.is_err());
    serves(&mut listener, address).await;
}

#[tokio::test]
async fn a_handshake_byte_by_byte() {
    let builder = Listener::bind("127.0.0.1:0").legacy_md5(true);
    let (mut listener, address) = listener(builder).await;
    // A relay between the two forwards one byte at a time.
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = relay.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = relay.accept().await.unwrap();
        let server = TcpStream::connect(address).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::join!(
            async {
                while let Ok(byte) = from_client.read_u8().await {
                    to_server.write_u8(byte).await.unwrap();
                    tokio::task::yield_now().await;
                }
            },
            async {
                while let Ok(byte) = from_server.read_u8().await {
                    to_client.write_u8(byte).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        );
    });
    // A client in another process: one in this process would take the relayed challenge for a
    // reflection.
    let program = "import sys; from multiprocessing.connection import Client; \
                   c = Client(('127.0.0.1', int(sys.argv[1])), authkey=b'a key'); \
                   c.send_bytes(b'hello')";
    let python = tests::newest_python();
    let port = through.port().to_string();
    let mut command = Command::from(python.command_text(program, &[&port]));
    let python = tokio::spawn(async move { command.output().await.unwrap() });
    let mut accepted: Connection = listener.accept().await.unwrap();
    assert_eq!(accepted.recv_bytes(10).await.unwrap(), b"hello");
    assert!(python.await.unwrap().status.success());
}
