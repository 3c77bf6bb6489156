//! Futures dropped at every point at which they are pending.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Waker;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::*;
use crate::frame::{Decoder, Encoder};

const NEXT: &[u8] = b"the next message";

/// Reads at most `count` bytes, if any are available.
fn read_some(io: &mut DuplexStream, decoder: &mut Decoder, count: usize) {
    let mut bytes = vec![0; count];
    let mut buffer = ReadBuf::new(&mut bytes);
    let mut cx = Context::from_waker(Waker::noop());
    let _ = Pin::new(io).poll_read(&mut cx, &mut buffer);
    decoder.feed(buffer.filled());
}

/// Writes at most `count` bytes of `bytes`, as far as there is room.
fn write_some(io: &mut DuplexStream, bytes: &mut &[u8], count: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    let piece = &bytes[..count.min(bytes.len())];
    if let Poll::Ready(Ok(written)) = Pin::new(io).poll_write(&mut cx, piece) {
        *bytes = &bytes[written..];
    }
}

/// Polls a future up to `polls` times, and calls `between` after each pending poll. Returns `true`
/// if the future completed.
fn drive(future: impl Future, polls: usize, mut between: impl FnMut()) -> bool {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut cx).is_ready() {
            return true;
        }
        between();
    }
    false
}

fn messages(decoder: &mut Decoder) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| decoder.owned_message(1 << 20).expect("frames are whole")).collect()
}

/// Starts a send, drops it after 0, 1, 2… polls, sends again, and checks the received messages.
fn send_and_drop(message: &[u8], room: usize, step: usize) {
    for polls in 0.. {
        let (io, mut peer) = tokio::io::duplex(room);
        let mut connection = Connection::<()>::new(io);
        let mut received = Decoder::new();
        let done = drive(connection.send_bytes(message), polls, || {
            read_some(&mut peer, &mut received, step);
        });
        let all = drive(connection.send_bytes(NEXT), usize::MAX, || {
            read_some(&mut peer, &mut received, step);
        });
        assert!(all);
        read_some(&mut peer, &mut received, room);
        let received = messages(&mut received);
        assert!(
            received == [message, NEXT] || (!done && received == [NEXT]),
            "{} bytes, {room} room, {polls} polls: {:?}",
            message.len(),
            received.iter().map(Vec::len).collect::<Vec<_>>()
        );
        if done {
            assert!(polls > 1 || room > message.len());
            break;
        }
    }
}

#[test]
fn a_dropped_send_is_whole_or_not_at_all() {
    for (length, room, step) in [
        (0, 1, 1),
        (1, 3, 1),
        (100, 7, 5),
        (100, 1000, 1),
        // Longer than messages that are copied.
        (20_000, 64, 64),
        (20_000, 4096, 1000),
        (70_000, 7000, 7000),
    ] {
        let message: Vec<u8> = (0..length).map(|n| n as u8).collect();
        send_and_drop(&message, room, step);
    }
}

/// Starts a receive, drops it after 0, 1, 2… polls, and receives again.
fn receive_and_drop(message: &[u8], step: usize, into_buffer: bool) {
    let mut encoder = Encoder::new();
    encoder.push(message);
    encoder.push(NEXT);
    for polls in 0.. {
        let (io, mut peer) = tokio::io::duplex(1 << 17);
        let mut connection = Connection::<()>::new(io);
        let mut left = encoder.unwritten();
        let mut buffer = vec![0; message.len()];
        let write = || write_some(&mut peer, &mut left, step);
        let done = if into_buffer {
            drive(connection.recv_bytes_into(&mut buffer), polls, write)
        } else {
            drive(connection.recv_bytes(1 << 20), polls, write)
        };
        let mut received = Vec::new();
        let rest = async {
            while received.last().is_none_or(|last| last != NEXT) {
                received.push(connection.recv_bytes(1 << 20).await.unwrap());
            }
        };
        let all = drive(rest, usize::MAX, || {
            write_some(&mut peer, &mut left, step);
        });
        assert!(all);
        if done {
            assert_eq!(received, [NEXT]);
            assert!(!into_buffer || buffer == message);
            break;
        }
        assert_eq!(received, [message, NEXT], "{polls} polls");
    }
}

#[test]
fn a_dropped_receive_loses_nothing() {
    for (length, step) in [(0, 1), (5, 1), (100, 7), (20_000, 500), (70_000, 3000)] {
        let message: Vec<u8> = (0..length).map(|n| n as u8).collect();
        receive_and_drop(&message, step, false);
        receive_and_drop(&message, step, true);
    }
}

#[test]
fn a_receive_completes_a_dropped_send() {
    let (io, mut peer) = tokio::io::duplex(8);
    let mut connection = Connection::<()>::new(io);
    assert!(!drive(connection.send_bytes(&[7; 100]), 1, || ()));
    let mut received = Decoder::new();
    assert!(!drive(connection.recv_bytes(10), 100, || {
        read_some(&mut peer, &mut received, 8);
    }));
    assert_eq!(messages(&mut received), [[7; 100]]);
}

#[test]
fn a_receive_flushes_a_buffered_stream_after_a_dropped_send() {
    let (io, mut peer) = tokio::io::duplex(8);
    let mut connection = Connection::<()>::new(tokio::io::BufWriter::new(io));
    assert!(!drive(connection.send_bytes(&[7; 100]), 1, || ()));
    let mut received = Decoder::new();
    assert!(!drive(connection.recv_bytes(10), 100, || {
        read_some(&mut peer, &mut received, 8);
    }));
    assert_eq!(messages(&mut received), [[7; 100]]);
}

#[tokio::test]
async fn a_task_completes_the_send_of_a_dropped_sender() {
    let (io, mut peer) = tokio::io::duplex(8);
    let (sender, _receiver) = Connection::<()>::new(io).split();
    for number in 0..20 {
        let clone = sender.clone();
        assert!(!drive(clone.send_bytes(&[number; 100]), 1, || ()));
        let mut received = Decoder::new();
        while !received.is_complete(100).unwrap() {
            tokio::task::yield_now().await;
            read_some(&mut peer, &mut received, 8);
        }
        assert_eq!(received.message(100), Ok(Some(&[number; 100][..])));
        assert!(received.is_empty());
    }
}

/// A message that contains its length, its round and its sender.
fn numbered(sender: u8, round: usize) -> Vec<u8> {
    let length = 17 + (round * 7919) % 60_000;
    let mut message = vec![sender; length];
    message[..8].copy_from_slice(&(length as u64).to_be_bytes());
    message[8..16].copy_from_slice(&(round as u64).to_be_bytes());
    message
}

#[tokio::test]
async fn frames_of_many_senders_stay_whole_however_they_are_dropped() {
    const ROUNDS: usize = 200;
    let (local, mut remote): (Connection, Connection) = crate::pipe().unwrap();
    let (sender, _receiver) = local.split();
    let tasks: Vec<_> = (0..8_u8)
        .map(|number| {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut sent = Vec::new();
                for round in 0..ROUNDS {
                    let message = numbered(number, round);
                    let timeout = Duration::from_micros((round as u64 * 31) % 200);
                    let result = tokio::time::timeout(timeout, sender.send_bytes(&message)).await;
                    if result.is_ok() {
                        sent.push(round);
                    }
                }
                sent
            })
        })
        .collect();
    drop(sender);
    let mut received = vec![Vec::new(); 8];
    loop {
        let message = match remote.recv_bytes(1 << 20).await {
            Ok(message) => message,
            Err(error) => {
                assert!(error.is_closed(), "{error}");
                break;
            }
        };
        let sender = message[message.len() - 1];
        let round = u64::from_be_bytes(message[8..16].try_into().unwrap()) as usize;
        assert!(message == numbered(sender, round));
        received[usize::from(sender)].push(round);
    }
    for (task, received) in tasks.into_iter().zip(received) {
        assert!(
            received.is_sorted_by(|a, b| a < b),
            "in order, and once each"
        );
        for sent in task.await.unwrap() {
            // Dropped sends may have completed as well.
            assert!(received.contains(&sent));
        }
    }
}

/// The same for values, which are encoded before they are written.
#[test]
fn a_dropped_value_is_whole_or_not_at_all() {
    let value: Vec<u32> = (0..10_000).collect();
    for polls in 0.. {
        let (io, peer) = tokio::io::duplex(512);
        let mut local = Connection::<Vec<u32>>::new(io);
        let mut remote = Connection::<Vec<u32>>::new(peer);
        let mut received = Vec::new();
        let mut half_received = |remote: &mut Connection<Vec<u32>>| {
            // Each receive is dropped after one poll.
            let mut receive = pin!(remote.recv());
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(value) = receive.as_mut().poll(&mut cx) {
                received.push(value.unwrap());
            }
        };
        let done = drive(local.send(&value), polls, || half_received(&mut remote));
        let next = vec![7];
        assert!(drive(local.send(&next), usize::MAX, || half_received(
            &mut remote
        )));
        for _ in 0..1000 {
            half_received(&mut remote);
        }
        assert!(
            received == [value.clone(), next.clone()] || (!done && received == [next]),
            "{polls} polls"
        );
        if done {
            assert!(polls > 10);
            break;
        }
    }
}
