//! Blocking connections of a listener whose budget is spent.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use farcall_conn::blocking::{Connection, Listener};
use farcall_conn::{RecvError, SendError};
use farcall_core::Budget;

const MIB: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_millis(350);
/// Longer than anything takes on an overloaded machine.
const LONG: Duration = Duration::from_secs(30);

/// Returns a connection of a listener with a budget of 2 MiB, and the peer's end of it.
fn connected(test: &str, budget: &Budget) -> (Connection<Vec<u8>>, UnixStream) {
    let name = format!("farcall-{test}-{}", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    let listener = farcall_conn::Listener::bind(&*path).budget(budget.clone());
    let mut listener: Listener = listener.wait().unwrap();
    let peer = UnixStream::connect(&path).unwrap();
    (listener.accept().unwrap(), peer)
}

/// Reserves the whole budget for somebody else, as soon as what others hold is old enough.
fn spend(budget: &Budget) -> impl Drop + use<> {
    let account = budget.account();
    let mut hold = account.hold();
    let begin = Instant::now();
    while hold
        .resize(&account, budget.bytes() + Budget::FREE)
        .is_err()
    {
        assert!(begin.elapsed() < LONG, "there is no room");
        thread::sleep(TIMEOUT / 10);
    }
    hold
}

#[test]
fn a_read_waits_for_room_until_its_timeout() {
    let budget = Budget::new(2 * MIB);
    let (mut local, mut peer) = connected("read", &budget);
    local.set_read_timeout(Some(TIMEOUT)).unwrap();
    let others = spend(&budget);
    let writer = thread::spawn(move || {
        peer.write_all(&(MIB as u32).to_be_bytes()).unwrap();
        peer.write_all(&vec![7; MIB]).unwrap();
        peer
    });
    let begin = Instant::now();
    let error = local.recv_bytes(MIB).unwrap_err();
    assert!(
        matches!(&error, RecvError::Io(error) if error.kind() == ErrorKind::WouldBlock),
        "{error:?}"
    );
    assert!((TIMEOUT..LONG).contains(&begin.elapsed()));

    // The message arrives whole once there is room.
    let room = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        drop(others);
    });
    assert_eq!(local.recv_bytes(MIB).unwrap(), vec![7; MIB]);
    room.join().unwrap();
    assert_eq!(budget.held(), 0);

    // A message that can never fit does not wait.
    let mut peer = writer.join().unwrap();
    let announced = thread::spawn(move || {
        peer.write_all(&(4 * MIB as u32).to_be_bytes()).unwrap();
        // The local side stops to read.
        let _ = peer.write_all(&vec![7; 3 * MIB]);
        peer
    });
    local.set_read_timeout(Some(LONG * 2)).unwrap();
    let begin = Instant::now();
    let error = local.recv_bytes(4 * MIB).unwrap_err();
    assert!(matches!(error, RecvError::Evicted), "{error:?}");
    assert!(begin.elapsed() < LONG);
    drop(local);
    announced.join().unwrap();
}

#[test]
fn a_write_that_the_peer_does_not_read_is_counted_until_its_timeout_and_after() {
    let budget = Budget::new(2 * MIB);
    let (mut local, mut peer) = connected("write", &budget);
    local.set_write_timeout(Some(TIMEOUT)).unwrap();
    let begin = Instant::now();
    let error = local.send(&vec![7; MIB]).unwrap_err();
    assert!(
        matches!(&error, SendError::Io(error) if error.kind() == ErrorKind::WouldBlock),
        "{error:?}"
    );
    assert!((TIMEOUT..LONG).contains(&begin.elapsed()));
    assert!(budget.held() > MIB / 2, "{}", budget.held());

    // The peer reads: the rest is sent first, and nothing is held any more.
    let reader = thread::spawn(move || {
        let mut all = vec![0; 4 + MIB];
        peer.read_exact(&mut all).unwrap();
        let mut next = [0; 5];
        peer.read_exact(&mut next).unwrap();
        (peer, all)
    });
    local.send_bytes(b"!").unwrap();
    let (_deaf, all) = reader.join().unwrap();
    assert!(all[100..].iter().all(|byte| *byte == 7));
    assert_eq!(budget.held(), 0);

    // A writer that waits notices that others need the room.
    local.set_write_timeout(None).unwrap();
    let sent = thread::spawn(move || local.send(&vec![7; MIB]));
    while budget.held() < MIB / 2 {
        thread::sleep(TIMEOUT / 10);
    }
    let _others = spend(&budget);
    let error = sent.join().unwrap().unwrap_err();
    assert!(matches!(error, SendError::Evicted), "{error:?}");
}
