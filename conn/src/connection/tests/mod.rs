mod cancel;
mod idle;
mod panics;
#[cfg(unix)]
mod unix;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::frame::FrameError;

#[test]
fn types_come_from_the_variable_or_from_the_path() {
    let _: crate::ConnectionBuilder<u8, String, Bincode> = Connection::connect("127.0.0.1:1");
    let _: crate::ConnectionBuilder<_, _, _> = Connection::<u8, String>::connect("127.0.0.1:1");
    let _: crate::ConnectionBuilder<_, _, _> = Connection::<u8>::connect("127.0.0.1:1");
    let _: crate::ConnectionBuilder<_, _, _> = PyConnection::connect("127.0.0.1:1");
}

#[tokio::test]
async fn each_message_may_have_a_type_of_its_own() {
    let (mut local, mut remote): (PyConnection, PyConnection) = crate::pipe().unwrap();
    local.send_as("add").await.unwrap();
    local.send_as(&(3, 5)).await.unwrap();
    assert_eq!(remote.recv_as::<String>().await.unwrap(), "add");
    let (a, b): (i64, i64) = remote.recv_as().await.unwrap();
    assert_eq!(a + b, 8);
    let (sender, _receiver) = local.split();
    let (_sender, mut receiver) = remote.split();
    sender.send_as(&[1, 2]).await.unwrap();
    sender.send_as(&1.5).await.unwrap();
    let wrong = receiver.recv_as::<String>().await;
    assert!(matches!(wrong, Err(RecvError::Decode(_))));
    assert_eq!(
        receiver.recv().await.unwrap(),
        farcall_pickle::Value::Float(1.5)
    );
}

#[tokio::test]
async fn dropping_a_sender_closes_one_direction_on_every_kind_of_stream() {
    let memory = tokio::io::duplex(64);
    let unix = tokio::net::UnixStream::pair().unwrap();
    let pairs: [(Connection<u8>, Connection<u8>); 2] = [
        (Connection::new(memory.0), Connection::new(memory.1)),
        (Connection::new(unix.0), Connection::new(unix.1)),
    ];
    for (local, mut remote) in pairs {
        let (sender, mut receiver) = local.split();
        let clone = sender.clone();
        drop(sender);
        clone.send(&1).await.unwrap();
        drop(clone);
        assert_eq!(remote.recv().await.unwrap(), 1);
        assert!(remote.recv().await.unwrap_err().is_closed());
        remote.send(&2).await.unwrap();
        assert_eq!(receiver.recv().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn errors_distinguish_a_regular_close_from_a_truncated_message() {
    let connection = async |bytes: &[u8]| {
        let (mut raw, other) = tokio::io::duplex(1024);
        raw.write_all(bytes).await.unwrap();
        Connection::<u32>::new(other)
    };
    let clean = connection(b"").await.recv().await;
    assert!(matches!(clean, Err(RecvError::Closed)));
    for cut in [b"\0\0".as_slice(), b"\0\0\0\x05", b"\0\0\0\x05ab"] {
        let error = connection(cut).await.recv().await.unwrap_err();
        assert!(!error.is_closed());
        assert!(matches!(
            error,
            RecvError::Frame(FrameError::Truncated { .. })
        ));
    }
    let mut undecodable = connection(b"\0\0\0\x02ab\0\0\0\x01\x07").await;
    assert!(matches!(
        undecodable.recv().await,
        Err(RecvError::Decode(_))
    ));
    assert_eq!(undecodable.recv().await.unwrap(), 7);

    let mut large = connection(b"\0\0\0\x06abcdef").await;
    assert!(matches!(
        large.recv_bytes(5).await,
        Err(RecvError::Frame(FrameError::TooLarge {
            length: 6,
            limit: 5
        }))
    ));
    assert_eq!(large.recv_bytes(6).await.unwrap(), b"abcdef");
}

#[cfg(feature = "managers")]
#[tokio::test]
async fn a_message_that_is_too_long_is_discarded_up_to_a_limit() {
    for length in [0, 6, 9000, 100_000, 1 << 20] {
        let (mut raw, other) = tokio::io::duplex(1000);
        let sending = tokio::spawn(async move {
            raw.write_all(&(length as u32).to_be_bytes()).await.unwrap();
            raw.write_all(&vec![7; length]).await.unwrap();
            raw.write_all(b"\0\0\0\x02ab").await.unwrap();
            raw
        });
        let mut connection = Connection::<u32>::new(other);
        let limit = length.saturating_sub(1);
        assert_eq!(connection.recv_bytes(limit).await.is_ok(), length == 0);
        if length > 0 {
            let reader = &mut connection.reader;
            assert!(!reader.discard_message(limit as u64).await.unwrap());
            assert!(reader.discard_message(length as u64).await.unwrap());
        }
        assert_eq!(connection.recv_bytes(2).await.unwrap(), b"ab");
        drop(sending.await.unwrap());
        assert!(connection.recv_bytes(2).await.unwrap_err().is_closed());
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_leaves_the_connection_usable() {
    let (local, remote) = tokio::io::duplex(1024);
    let mut local = Connection::<serde_json::Value, (), Bincode>::new(local);
    let mut raw = remote;
    local.send(&serde_json::json!(null)).await.unwrap();
    let mut local = local.with_types::<Unencodable, ()>();
    assert!(matches!(
        local.send(&Unencodable).await,
        Err(SendError::Encode(_))
    ));
    local.send_bytes(b"behind").await.unwrap();
    drop(local);
    let mut bytes = Vec::new();
    raw.read_to_end(&mut bytes).await.unwrap();
    assert!(bytes.ends_with(b"\0\0\0\x06behind"));
}

struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

#[tokio::test]
async fn many_small_messages_are_read_at_once_and_stay_apart() {
    let (mut local, mut remote): (Connection<u64>, Connection<u64>) = crate::pipe().unwrap();
    let sender = tokio::spawn(async move {
        for number in 0..10_000 {
            local.send(&number).await.unwrap();
        }
    });
    for number in 0..10_000 {
        assert_eq!(remote.recv().await.unwrap(), number);
    }
    sender.await.unwrap();
    assert!(remote.recv().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn halves_pass_bytes_and_numbers() {
    let (local, remote): (Connection, Connection) = crate::pipe().unwrap();
    let (sender, _receiver) = local.split();
    let (_sender, mut receiver) = remote.split();
    sender.send_bytes(b"bytes").await.unwrap();
    sender.send_vectored(&[b"two ", b"slices"]).await.unwrap();
    sender.send_array(&[1u16, 2]).await.unwrap();
    assert_eq!(receiver.recv_bytes(10).await.unwrap(), b"bytes");
    let mut buffer = [0; 11];
    assert_eq!(receiver.recv_bytes_into(&mut buffer).await.unwrap(), 10);
    assert_eq!(&buffer, b"two slices\0");
    let mut numbers = [0u16; 3];
    assert_eq!(receiver.recv_array_into(&mut numbers).await.unwrap(), 2);
    assert_eq!(numbers, [1, 2, 0]);
    assert!(!receiver.poll(Duration::ZERO).await);
    sender.close().await.unwrap();
    assert!(receiver.poll(Duration::from_secs(5)).await);
    assert!(receiver.recv_bytes(10).await.unwrap_err().is_closed());
}

#[tokio::test]
async fn readiness() {
    let (mut local, mut remote): (Connection<u64>, Connection<u64>) = crate::pipe().unwrap();
    assert!(!remote.poll(Duration::ZERO).await);
    assert!(!remote.poll(Duration::from_millis(5)).await);
    local.send(&1).await.unwrap();
    local.send(&2).await.unwrap();
    assert!(remote.poll(Duration::from_secs(5)).await);
    assert_eq!(remote.recv().await.unwrap(), 1);
    assert!(remote.poll(Duration::ZERO).await);
    assert_eq!(remote.recv().await.unwrap(), 2);
    assert!(!remote.poll(Duration::ZERO).await);
    drop(local);
    assert!(remote.poll(Duration::ZERO).await, "a close counts as input");
    assert!(remote.recv().await.unwrap_err().is_closed());
}
