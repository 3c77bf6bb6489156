//! Connections whose peer, or whose peer's machine, is silent.

use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::Listener;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_silent_peer_times_out() {
    let (mut local, mut remote): (Connection, Connection) = crate::pipe().unwrap();
    local.set_idle_timeout(Some(MINUTE));
    let timed_out = |error: RecvError| match error {
        RecvError::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    };
    let begin = Instant::now();
    assert!(timed_out(local.recv_bytes(10).await.unwrap_err()));
    assert_eq!(begin.elapsed().as_secs(), 60);
    // Bytes in the middle of a message restart the time.
    remote.writer.encoder.push_raw(b"\0\0\0\x02a");
    remote.writer.flush().await.unwrap();
    let mut buffer = [0; 2];
    let begin = Instant::now();
    assert!(timed_out(
        local.recv_bytes_into(&mut buffer).await.unwrap_err()
    ));
    assert_eq!(begin.elapsed().as_secs(), 60);
    // The message can still be received.
    remote.writer.encoder.push_raw(b"b");
    remote.writer.flush().await.unwrap();
    assert_eq!(local.recv_bytes(2).await.unwrap(), b"ab");
}

#[tokio::test(start_paused = true)]
async fn dropped_receives_do_not_restart_the_timeout() {
    let (mut local, mut remote): (Connection, Connection) = crate::pipe().unwrap();
    local.set_idle_timeout(Some(MINUTE));
    let waits = async |seconds: u64, local: &mut Connection| {
        let begin = Instant::now();
        loop {
            match timeout(Duration::from_secs(seconds), local.recv_bytes(10)).await {
                Err(_) => {}
                Ok(Err(RecvError::Io(_))) => return begin.elapsed().as_secs(),
                Ok(other) => drop(other),
            }
        }
    };
    assert_eq!(waits(25, &mut local).await, 60);
    assert!(!local.poll(2 * MINUTE).await, "poll has its own timeout");
    remote.send_bytes(b"a message").await.unwrap();
    assert_eq!(waits(7, &mut local).await, 60, "from the message on");
    local.set_idle_timeout(None);
    assert!(timeout(10 * MINUTE, local.recv_bytes(10)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn builders_set_the_timeout_for_messages_after_the_handshake() {
    let (memory, connector) = farcall_core::transport::memory::listener("idle");
    let builder = Listener::over(memory).authkey("key");
    let mut listener = builder.idle_timeout(Some(MINUTE)).await.unwrap();
    let client = Connection::over(connector).authkey("key");
    let mut client: Connection = client.idle_timeout(Some(2 * MINUTE)).await.unwrap();
    let mut server: Connection = listener.accept().await.unwrap();
    let begin = Instant::now();
    assert!(matches!(server.recv_bytes(1).await, Err(RecvError::Io(_))));
    assert_eq!(begin.elapsed().as_secs(), 60);
    assert!(matches!(client.recv_bytes(1).await, Err(RecvError::Io(_))));
    assert_eq!(begin.elapsed().as_secs(), 180);
    sleep(MINUTE).await;
}

#[cfg(unix)]
#[tokio::test]
async fn keepalive_is_set_on_tcp_sockets() {
    use rustix::net::sockopt::{socket_keepalive, tcp_keepidle};

    let keepalive = |connection: &Connection| {
        let StreamReadHalf::Tcp(tcp) = &connection.reader.stream else {
            panic!("not a TCP connection");
        };
        let time = tcp_keepidle(tcp.as_ref()).unwrap();
        socket_keepalive(tcp.as_ref()).unwrap().then_some(time)
    };
    let hour = Some(60 * MINUTE);
    for (setting, expected) in [(None, Some(MINUTE)), (Some(None), None), (Some(hour), hour)] {
        let mut builder = Listener::bind("127.0.0.1:0");
        if let Some(setting) = setting {
            builder = builder.keepalive(setting);
        }
        let mut listener = builder.await.unwrap();
        let mut client = Connection::connect(listener.local_address().clone());
        if let Some(setting) = setting {
            client = client.keepalive(setting);
        }
        let client: Connection = client.await.unwrap();
        let server: Connection = listener.accept().await.unwrap();
        assert_eq!([&client, &server].map(keepalive), [expected; 2]);
    }
}
