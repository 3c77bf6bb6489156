//! Unix sockets, which are registered for writes only while they are full.

use super::*;
use crate::connection::unix::UnixWriteHalf;

fn write_half(connection: &Connection) -> &UnixWriteHalf {
    match &connection.writer.stream {
        StreamWriteHalf::Unix(write_half) => write_half,
        _ => panic!("not a Unix socket"),
    }
}

fn pair() -> (Connection, Connection) {
    let (local, remote) = tokio::net::UnixStream::pair().unwrap();
    (Connection::new(local), Connection::new(remote))
}

#[tokio::test]
async fn a_full_socket_is_watched_until_everything_is_written() {
    let (mut local, mut remote) = pair();
    for length in [10, 1 << 20, 10] {
        let message = vec![7; length];
        {
            let mut sent = pin!(local.send_bytes(&message));
            if length > 10 {
                let polled = tokio::time::timeout(Duration::from_millis(10), &mut sent).await;
                assert!(polled.is_err(), "nobody reads yet");
            }
            let (sent, received) = tokio::join!(sent, remote.recv_bytes(1 << 20));
            sent.unwrap();
            assert_eq!(received.unwrap(), message);
        }
        assert!(!write_half(&local).is_watched());
    }
}

#[tokio::test]
async fn a_full_socket_that_cannot_be_watched_is_retried() {
    let (mut local, mut remote) = pair();
    if let StreamWriteHalf::Unix(write_half) = &mut local.writer.stream {
        write_half.retry_later();
    }
    local.send_bytes(b"late").await.unwrap();
    assert_eq!(remote.recv_bytes(10).await.unwrap(), b"late");
    assert!(!write_half(&local).is_watched());
}

#[test]
fn a_connection_may_be_created_outside_of_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (local, remote) = runtime.block_on(async { tokio::net::UnixStream::pair().unwrap() });
    let (mut local, mut remote) = (Connection::<()>::new(local), Connection::<()>::new(remote));
    assert!(matches!(local.peer(), Peer::Unix(Some(_))));
    runtime.block_on(async {
        local.send_bytes(b"hello").await.unwrap();
        assert_eq!(remote.recv_bytes(10).await.unwrap(), b"hello");
    });
}

/// The system refuses a write of more than 1024 slices.
#[tokio::test]
async fn a_message_of_many_slices_is_whole() {
    let (mut local, mut remote) = pair();
    let slices = vec![b"ten bytes.".as_slice(); 5000];
    let (sent, received) = tokio::join!(
        local.send_vectored(&slices),
        remote.recv_bytes(slices.len() * 10)
    );
    sent.unwrap();
    assert_eq!(received.unwrap(), slices.concat());
}

/// Peeking at a byte and reading it each take a unit of the budget that a task has before it must
/// yield.
#[tokio::test]
async fn a_confirmation_is_taken_even_if_the_task_must_yield_before() {
    let file = tempfile::tempfile().unwrap();
    for spent in 0..=130 {
        let (local, mut remote) = tokio::net::UnixStream::pair().unwrap();
        let mut local = PyConnection::new(local);
        local.set_descriptors(crate::Descriptors::Receive);
        local.send_handle(&file).await.unwrap();
        let message = b"A\0\0\0\x05\x80\x05K\x01.";
        remote.write_all(message).await.unwrap();
        // The event loop notices the bytes.
        tokio::time::sleep(Duration::from_millis(1)).await;
        for _ in 0..spent {
            tokio::task::coop::consume_budget().await;
        }
        assert!(local.poll(Duration::from_secs(30)).await);
        assert_eq!(local.recv_as::<u8>().await.unwrap(), 1, "{spent}");
    }
}
