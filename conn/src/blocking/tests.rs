use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;

use std::time::{Duration, Instant};

use farcall_pickle::Pickle;

use super::*;
use crate::auth::{AuthError, AuthKeys};
use crate::codec::Bincode;
use crate::descriptor::{Acknowledge, DescriptorError, Descriptors};
use crate::error::{RecvError, SendError};
use crate::frame::FrameError;
use crate::{ConnectError, Listener};

type Pair = (Connection<String>, Connection<String>);

const SOON: Duration = Duration::from_millis(20);

/// The time after which no more signals are sent.
#[cfg(target_os = "linux")]
const SIGNALS: Duration = Duration::from_secs(60);

#[test]
fn values_and_bytes_both_ways() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    local.send(&"hello".to_owned()).unwrap();
    assert_eq!(remote.recv().unwrap(), "hello");
    for length in [0, 1, 16383, 16384, 16385, 1 << 20] {
        let message = vec![7; length];
        let other = thread::spawn(move || {
            remote.send_bytes(&message).unwrap();
            (remote, message)
        });
        let received = local.recv_bytes(1 << 20).unwrap();
        let message;
        (remote, message) = other.join().unwrap();
        assert_eq!(received, message);
    }
    drop(remote);
    assert!(local.recv().unwrap_err().is_closed());
}

/// The system refuses a write of more than 1024 slices.
#[test]
fn a_message_of_many_slices_is_whole() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    let slices = vec![b"ten bytes.".as_slice(); 5000];
    let message = slices.concat();
    thread::scope(|scope| {
        scope.spawn(|| local.send_vectored(&slices).unwrap());
        assert_eq!(remote.recv_bytes(message.len()).unwrap(), message);
    });
}

#[test]
fn each_message_may_have_a_type_of_its_own() {
    let (mut local, mut remote): (PyConnection, PyConnection) = pipe().unwrap();
    local.send_as("add").unwrap();
    local.send_as(&(3, 5)).unwrap();
    assert_eq!(remote.recv_as::<String>().unwrap(), "add");
    let (a, b): (i64, i64) = remote.recv_as().unwrap();
    assert_eq!(a + b, 8);
    let (sender, _receiver) = local.split();
    let (_sender, mut receiver) = remote.split();
    sender.send_as(&[1, 2]).unwrap();
    sender.send_as(&1.5).unwrap();
    let wrong = receiver.recv_as::<String>();
    assert!(matches!(wrong, Err(RecvError::Decode(_))));
    assert_eq!(receiver.recv().unwrap(), farcall_pickle::Value::Float(1.5));
}

#[test]
fn arrays_into_the_callers_buffer() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    let numbers: Vec<f64> = (0..200_000).map(f64::from).collect();
    let expected = numbers.clone();
    let sender = thread::spawn(move || {
        local.send_array(&numbers).unwrap();
        local.send_bytes(b"123").unwrap();
        local.send_bytes(b"behind").unwrap();
        local
    });
    let mut buffer = vec![0.0; 250_000];
    assert_eq!(remote.recv_array_into(&mut buffer).unwrap(), 200_000);
    assert_eq!(buffer[..200_000], expected);
    let odd = remote.recv_array_into(&mut buffer);
    assert!(matches!(odd, Err(RecvError::NotElements(message)) if message == b"123"));
    let short = remote.recv_bytes_into(&mut [0; 5]);
    assert!(matches!(short, Err(RecvError::BufferTooShort(message)) if message == b"behind"));
    drop(sender.join().unwrap());
    assert!(remote.recv_bytes_into(&mut [0; 5]).unwrap_err().is_closed());
}

#[test]
fn a_timeout_leaves_the_connection_intact() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    local.set_write_timeout(Some(SOON)).unwrap();
    remote.set_read_timeout(Some(SOON)).unwrap();
    assert!(matches!(remote.recv(), Err(RecvError::Io(_))));

    let message = vec![9; 4 << 20];
    assert!(matches!(local.send_bytes(&message), Err(SendError::Io(_))));
    let mut buffer = vec![0; 4 << 20];
    assert!(matches!(
        remote.recv_bytes_into(&mut buffer),
        Err(RecvError::Io(_))
    ));
    local.set_write_timeout(None).unwrap();
    remote.set_read_timeout(None).unwrap();
    let sender = thread::spawn(move || {
        local.send(&"next".to_owned()).unwrap();
        local
    });
    assert_eq!(remote.recv_bytes(4 << 20).unwrap(), message);
    assert_eq!(remote.recv().unwrap(), "next");
    sender.join().unwrap().close().unwrap();
    assert!(remote.recv().unwrap_err().is_closed());
}

#[test]
fn messages_of_many_threads_stay_whole() {
    let (local, mut remote): Pair = pipe().unwrap();
    let (sender, _receiver) = local.split();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let sender = sender.clone();
            thread::spawn(move || {
                for length in 0..200 {
                    sender.send_bytes(&vec![number; length * 100]).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let mut count = 0;
    while let Ok(message) = remote.recv_bytes(1 << 20) {
        assert!(message.windows(2).all(|pair| pair[0] == pair[1]));
        count += 1;
    }
    assert_eq!(count, 800);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn halves_pass_bytes_and_numbers() {
    let (local, remote): Pair = pipe().unwrap();
    let (sender, _receiver) = local.split();
    let (_sender, mut receiver) = remote.split();
    sender.send_bytes(b"bytes").unwrap();
    sender.send_vectored(&[b"two ", b"slices"]).unwrap();
    sender.send_array(&[1u16, 2]).unwrap();
    assert_eq!(receiver.recv_bytes(10).unwrap(), b"bytes");
    let mut buffer = [0; 11];
    assert_eq!(receiver.recv_bytes_into(&mut buffer).unwrap(), 10);
    assert_eq!(&buffer, b"two slices\0");
    let mut numbers = [0u16; 3];
    assert_eq!(receiver.recv_array_into(&mut numbers).unwrap(), 2);
    assert_eq!(numbers, [1, 2, 0]);
    assert!(!receiver.poll(Duration::ZERO).unwrap());
    sender.close().unwrap();
    assert!(receiver.poll(Duration::from_secs(5)).unwrap());
    assert!(receiver.recv_bytes(10).unwrap_err().is_closed());
}

#[test]
fn waiting() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    let (mut receiver, sender) = simplex::<u32, Bincode>().unwrap();
    assert_eq!(
        wait(&mut [&mut remote, &mut receiver], Some(SOON)).unwrap(),
        [0_usize; 0]
    );
    assert!(!remote.poll(Duration::ZERO).unwrap());
    local.send(&"one".to_owned()).unwrap();
    local.send(&"two".to_owned()).unwrap();
    assert_eq!(wait(&mut [&mut receiver, &mut remote], None).unwrap(), [1]);
    assert_eq!(remote.recv().unwrap(), "one");
    assert!(
        remote.poll(Duration::ZERO).unwrap(),
        "it was received with the first"
    );
    assert_eq!(remote.recv().unwrap(), "two");
    drop(sender);
    assert_eq!(wait(&mut [&mut receiver, &mut remote], None).unwrap(), [0]);
    assert!(receiver.recv().unwrap_err().is_closed());
}

#[test]
fn descriptors() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    let refused = remote.recv_handle();
    assert!(matches!(refused, Err(DescriptorError::NotReceiving)));
    remote.set_descriptors(Descriptors::Receive);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"in the file").unwrap();
    file.rewind().unwrap();
    local.send(&"before".to_owned()).unwrap();
    local.send_handle(&file).unwrap();
    local.send(&"behind".to_owned()).unwrap();
    drop(file);

    assert_eq!(remote.recv().unwrap(), "before");
    let mut text = String::new();
    File::from(remote.recv_handle().unwrap())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "in the file");
    assert!(remote.poll(Duration::ZERO).unwrap());
    assert!(matches!(
        remote.recv_handle(),
        Err(DescriptorError::NoDescriptor)
    ));
    assert_eq!(remote.recv().unwrap(), "behind");
}

/// The peer behaves like CPython 3.14, which sends confirmations and waits for them.
#[test]
fn confirmations_of_descriptors() {
    let (local, mut remote) = UnixStream::pair().unwrap();
    let mut local: Connection<u8, u8, Pickle> = local.into();
    local.set_descriptors(Descriptors::Receive);
    let one = b"\0\0\0\x05\x80\x05K\x01.";
    remote.write_all(one).unwrap();
    assert_eq!(local.recv().unwrap(), 1);
    let file = tempfile::tempfile().unwrap();
    crate::descriptor::send_descriptor(&remote, &file).unwrap();
    local.recv_handle().unwrap();
    let mut byte = [0];
    remote.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"A");

    local.send_handle(&file).unwrap();
    remote.write_all(b"A").unwrap();
    assert_eq!(wait(&mut [&mut local], Some(SOON)).unwrap(), [0_usize; 0]);
    local.send_handle(&file).unwrap();
    remote.write_all(b"A").unwrap();
    remote.write_all(one).unwrap();
    assert_eq!(wait(&mut [&mut local], None).unwrap(), [0]);
    assert_eq!(local.recv().unwrap(), 1);

    // A confirmation that was read together with a message is no input.
    local.set_descriptors(Descriptors::Close);
    local.send_handle(&file).unwrap();
    remote.write_all(&[one, b"A".as_slice()].concat()).unwrap();
    assert_eq!(local.recv().unwrap(), 1);
    assert!(!local.poll(SOON).unwrap());
    local.set_descriptors(Descriptors::Receive);

    // With `Always` the sender waits for the confirmation, but not forever.
    assert!(!complete(local.reader.confirmation(SOON), RecvError::Io).unwrap());
    local.set_acknowledge(Acknowledge::Always);
    remote.write_all(b"A").unwrap();
    local.send_handle(&file).unwrap();
    remote.write_all(one).unwrap();
    let missing = local.send_handle(&file);
    assert!(matches!(missing, Err(DescriptorError::NotAcknowledged)));
    remote.write_all(b"A").unwrap();
    remote.write_all(one).unwrap();
    for _ in 0..2 {
        assert_eq!(local.recv().unwrap(), 1);
    }
    // Closing a socket with unread bytes would reset the connection.
    remote.read_exact(&mut [0; 5]).unwrap();
    drop(remote);
    let end = local.recv_handle();
    assert!(matches!(end, Err(DescriptorError::Recv(RecvError::Closed))));
}

/// Sends signals to the thread that runs the function, until it returns.
#[cfg(target_os = "linux")]
fn under_signals<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    use std::sync::mpsc;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _context = runtime.enter();
    // Without a handler the signal would terminate the process.
    let _handled = signal(SignalKind::user_defined1()).unwrap();
    thread::scope(|scope| {
        let (sender, started) = mpsc::channel();
        let thread = scope.spawn(move || {
            let name = std::fs::read_link("/proc/thread-self").unwrap();
            sender.send(name).unwrap();
            run()
        });
        let name = started.recv().unwrap();
        let number = name.file_name().unwrap().to_str().unwrap().parse();
        // The system delivers the signal to the thread with this id, if it can.
        let thread_id = Pid::from_raw(number.unwrap()).unwrap();
        let begin = Instant::now();
        while !thread.is_finished() && begin.elapsed() < SIGNALS {
            thread::sleep(Duration::from_millis(2));
            let _ = kill_process(thread_id, Signal::USR1);
        }
        thread.join().unwrap()
    })
}

/// With a socket timeout, the system does not restart interrupted calls by itself.
#[cfg(target_os = "linux")]
#[test]
fn signals_do_not_interrupt_calls() {
    const LONG: Duration = Duration::from_secs(60);
    let (local, mut remote) = UnixStream::pair().unwrap();
    local.set_nonblocking(true).unwrap();
    let mut filled = 0;
    while let Ok(count) = (&local).write(&[7]) {
        filled += count;
    }
    local.set_nonblocking(false).unwrap();
    let mut local: Connection = local.into();
    local.set_write_timeout(Some(LONG)).unwrap();
    local.set_read_timeout(Some(LONG)).unwrap();
    local.set_descriptors(Descriptors::Receive);
    let file = tempfile::tempfile().unwrap();
    let echo = thread::spawn(move || {
        thread::sleep(SOON);
        let mut room = vec![0; filled + 1];
        remote.read_exact(&mut room).unwrap();
        thread::sleep(SOON);
        crate::descriptor::send_descriptor(&remote, tempfile::tempfile().unwrap()).unwrap();
        thread::sleep(SOON);
        remote.write_all(b"\0\0\0\x01").unwrap();
        thread::sleep(SOON);
        remote.write_all(b"x").unwrap();
        thread::sleep(SOON);
        let mut large = vec![0; 1 << 20];
        remote.read_exact(&mut large).unwrap();
    });
    under_signals(move || {
        local.send_handle(&file).unwrap();
        local.recv_handle().unwrap();
        assert_eq!(local.recv_bytes(1).unwrap(), b"x");
        local.send_bytes(&vec![7; 1 << 20]).unwrap();
    });
    echo.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn repeated_signals_do_not_extend_timeouts_forever() {
    let (mut local, mut remote): Pair = pipe().unwrap();
    // So long that signals come in between even on a busy machine, where some are late.
    let timeout = SOON * 20;
    local.set_read_timeout(Some(timeout)).unwrap();
    let begin = Instant::now();
    let error = under_signals(|| local.recv().unwrap_err());
    let RecvError::Io(error) = error else {
        panic!("{error}");
    };
    // The second is that of the system: no signal came within the last timeout.
    let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(begin.elapsed() < SIGNALS / 2, "each signal restarts it");
    let begin = Instant::now();
    assert!(!under_signals(|| remote.poll(SOON).unwrap()));
    assert!(begin.elapsed() >= SOON, "the wait is not shortened either");
}

#[test]
fn a_converted_async_connection_keeps_received_messages() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut remote = runtime.block_on(async {
        let (local, remote): (crate::Connection<String>, crate::Connection<String>) =
            crate::pipe().unwrap();
        let (mut local, mut remote) = (local, remote);
        local.send(&"one".to_owned()).await.unwrap();
        local.send(&"two".to_owned()).await.unwrap();
        assert_eq!(remote.recv().await.unwrap(), "one");
        remote.into_blocking().unwrap()
    });
    assert_eq!(remote.recv().unwrap(), "two");
    assert!(remote.recv().unwrap_err().is_closed());
}

#[test]
fn a_listener_accepts_only_a_client_with_the_key() {
    let keys = AuthKeys::new([("2026", "key")]).unwrap();
    let listener = Listener::bind_fresh().authkeys(keys);
    let mut listener = listener.idle_timeout(Some(SOON)).wait().unwrap();
    let address = listener.local_address().clone();
    let client = thread::spawn({
        let address = address.clone();
        move || {
            let stranger: Result<Connection, _> =
                crate::Connection::connect(&address).authkey("kez").wait();
            assert!(matches!(
                stranger,
                Err(ConnectError::Auth {
                    source: AuthError::Rejected,
                    ..
                })
            ));
            let mut friend: Connection<String> = crate::Connection::connect(&address)
                .authkey("key")
                .wait()
                .unwrap();
            friend.send(&"hello".to_owned()).unwrap();
            friend
        }
    });
    let mut connection: Connection<String> = listener.accept().unwrap();
    assert_eq!(connection.recv().unwrap(), "hello");
    assert_eq!(listener.last_accepted(), Some(connection.peer()));
    assert_eq!(connection.identity().key(), Some("2026"));
    let timed_out = connection.recv().unwrap_err();
    assert!(matches!(timed_out, RecvError::Io(_)), "{timed_out}");
    listener.close().unwrap();
    let refused: Result<Connection, _> = crate::Connection::connect(&address).authkey("key").wait();
    assert!(matches!(refused, Err(ConnectError::Unreachable { .. })));
    let text = format!("{:?}", refused.unwrap_err());
    let start = format!("cannot connect to {address}: ");
    assert!(text.starts_with(&start), "{text}");
    connection.set_read_timeout(None).unwrap();
    drop(client.join().unwrap());
    assert!(connection.recv().unwrap_err().is_closed());
}

#[test]
fn a_truncated_message_is_an_error() {
    let (socket, other) = UnixStream::pair().unwrap();
    let mut connection: Connection = other.into();
    (&socket).write_all(b"\0\0\0\x05hel").unwrap();
    drop(socket);
    for _ in 0..2 {
        assert!(matches!(
            connection.recv_bytes(10),
            Err(RecvError::Frame(FrameError::Truncated { .. }))
        ));
        assert!(matches!(
            connection.recv_bytes_into(&mut [0; 10]),
            Err(RecvError::Frame(FrameError::Truncated { .. }))
        ));
    }
}

/// The system reports a reset once; the next receive must not take it for a regular close.
#[tokio::test]
async fn a_reset_met_while_waiting_is_not_lost() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let remote = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut remote = crate::Connection::<()>::new(remote);
    let (local, _) = listener.accept().await.unwrap();
    remote.send_bytes(b"never read").await.unwrap();
    local.readable().await.unwrap();
    drop(local);
    assert!(remote.poll(Duration::from_secs(20)).await);
    let error = remote.into_blocking().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// A list of two strings, whose serialisation panics at the second.
struct Panics;

impl serde::Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut list = serializer.serialize_seq(Some(2))?;
        list.serialize_element("the beginning")?;
        panic!("in the middle of a message")
    }
}

#[test]
fn a_value_that_panics_leaves_no_half_message() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    type Ends = (Connection<Panics, ()>, Connection<(), Panics>);
    let (mut local, remote): Ends = pipe().unwrap();
    let mut remote = remote.with_types::<(), String>();
    assert!(catch_unwind(AssertUnwindSafe(|| local.send(&Panics))).is_err());
    local.send_array(&[5u8, 6]).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| local.send(&Panics))).is_err());
    local.send_vectored(&[b"two ", b"slices"]).unwrap();
    let mut local = local.with_types::<String, ()>();
    local.send(&"whole".to_owned()).unwrap();
    assert_eq!(remote.recv_bytes(10).unwrap(), [5, 6]);
    assert_eq!(remote.recv_bytes(10).unwrap(), b"two slices");
    assert_eq!(remote.recv().unwrap(), "whole");

    // This poisons the lock of the sender, but the writer is consistent.
    let (sender, _receiver) = local.with_types::<Panics, ()>().split();
    let clone = sender.clone();
    let panicked = thread::spawn(move || clone.send(&Panics)).join();
    assert!(panicked.is_err());
    sender.send_bytes(b"bytes").unwrap();
    sender.close().unwrap();
    assert_eq!(remote.recv_bytes(10).unwrap(), b"bytes");
    assert!(remote.recv().unwrap_err().is_closed());
}
