//! Message connections that are cut or altered at every byte. Each message arrives whole or not at
//! all, and a connection cut within a message reports an error.

use std::sync::Arc;
use std::time::Duration;

use farcall::conn::frame::FrameError;
use farcall::conn::{Connection, RecvError};
use farcall::pickle::Pickle;
use tests::faulty::{Direction, Fault, Plan, Relay, Traffic};
use tests::victim::{KEY, Victim};
use tokio::time::timeout;

use crate::VICTIM;
use crate::cases::each;

/// The lengths of the messages.
const LENGTHS: [usize; 3] = [3, 100, 40];

/// The timeout of handshakes, and of messages that may not arrive.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A deadline far above the time that any step takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// The result of an exchange of messages.
#[derive(Debug)]
struct Exchange {
    /// The traffic when the handshake completed.
    handshake: Option<Traffic>,
    /// The number of messages echoed unchanged.
    echoed: usize,
    /// The error that ended the exchange.
    end: Option<RecvError>,
    /// `true` if a message came back altered.
    altered: bool,
    /// `true` if the sender got an error of the broken connection. The system reports that once:
    /// the receiver then only sees the end of the stream.
    broken: bool,
    traffic: Traffic,
}

fn message(i: usize) -> Vec<u8> {
    vec![b'a' + i as u8; LENGTHS[i]]
}

async fn exchange(victim: &Victim, plan: Plan) -> Exchange {
    let relay = Relay::tcp(victim.connections).await.unwrap();
    relay.plan(plan);
    let builder = Connection::connect(*relay.address());
    let builder = builder.authkey(KEY).timeout(TIMEOUT).into_future();
    let connected: Result<Connection<(), (), Pickle>, _> = builder.await;
    let mut exchange = Exchange {
        handshake: connected.is_ok().then(|| relay.traffic()),
        echoed: 0,
        end: None,
        altered: false,
        broken: false,
        traffic: relay.traffic(),
    };
    if let Ok(mut connection) = connected {
        for i in 0..LENGTHS.len() {
            exchange.broken |= connection.send_bytes(&message(i)).await.is_err();
            match timeout(TIMEOUT, connection.recv_bytes(1 << 20)).await {
                Ok(Ok(received)) if received == message(i) => exchange.echoed += 1,
                Ok(Ok(_)) => exchange.altered = true,
                Ok(Err(error)) => {
                    exchange.end = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
    }
    exchange.traffic = relay.traffic();
    exchange
}

/// The same with the blocking API. Returns the number of messages that came back: all, or 0 if the
/// handshake failed.
fn exchange_blocking(relay: std::net::SocketAddr) -> Result<usize, RecvError> {
    let builder = Connection::connect(relay)
        .authkey(KEY)
        .timeout(TIMEOUT)
        .wait();
    let connected: Result<farcall::conn::blocking::Connection<(), (), Pickle>, _> = builder;
    let Ok(mut connection) = connected else {
        return Ok(0);
    };
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    for i in 0..LENGTHS.len() {
        let _ = connection.send_bytes(&message(i));
        assert_eq!(connection.recv_bytes(1 << 20)?, message(i));
    }
    Ok(LENGTHS.len())
}

/// Returns the position of each byte of the exchange.
fn positions(baseline: &Exchange) -> Vec<(Direction, u64)> {
    let up = (0..=baseline.traffic.up).map(|at| (Direction::Up, at));
    let down = (0..=baseline.traffic.down).map(|at| (Direction::Down, at));
    up.chain(down).collect()
}

/// Returns the positions in the server's bytes at which the handshake and each message end.
fn boundaries(baseline: &Exchange) -> Vec<u64> {
    let mut at = baseline.handshake.unwrap().down;
    let mut boundaries = vec![at];
    for length in LENGTHS {
        at += 4 + length as u64;
        boundaries.push(at);
    }
    assert_eq!(at, baseline.traffic.down);
    boundaries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_whole_or_not_at_all() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let baseline = exchange(&victim, Plan::default()).await;
    assert_eq!(baseline.echoed, LENGTHS.len());
    let boundaries = Arc::new(boundaries(&baseline));
    let traffic = baseline.traffic;
    let faults = [Fault::Close, Fault::Reset, Fault::HalfClose];
    let cases = faults.into_iter().flat_map(|fault| {
        let positions = positions(&baseline).into_iter();
        positions.map(move |(direction, at)| (direction, at, fault))
    });
    let cases = each(cases, |(direction, at, fault)| {
        let (victim, boundaries) = (Arc::clone(&victim), Arc::clone(&boundaries));
        async move {
            let result = exchange(&victim, Plan::fault(direction, at, fault));
            let result = timeout(DEADLINE, result)
                .await
                .expect("the cut is detected");
            let what = format!("{fault:?} at {at} of {direction:?}: {result:?}");
            assert!(!result.altered, "{what}");
            let is_cut = at < traffic.of(direction);
            assert!(!is_cut || result.echoed < LENGTHS.len(), "no cut: {what}");
            let is_whole = boundaries.contains(&result.traffic.down);
            match &result.end {
                Some(RecvError::Closed) => {
                    assert!(
                        is_whole && (fault != Fault::Reset || result.broken),
                        "{what}"
                    );
                }
                Some(RecvError::Frame(FrameError::Truncated { .. })) => {
                    assert!(!is_whole, "{what}");
                }
                Some(RecvError::Io(_)) => {}
                None => assert!(result.handshake.is_none() || result.echoed == 3, "{what}"),
                Some(_) => panic!("{what}"),
            }
        }
    });
    let cases = cases.await.len();
    println!("{cases} cuts of messages");
    victim.assert_well("cuts of messages").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_connections_detect_cuts() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let baseline = exchange(&victim, Plan::default()).await;
    let boundaries = Arc::new(boundaries(&baseline));
    let (handshake, traffic) = (baseline.handshake.unwrap(), baseline.traffic);
    let address = victim.connections;
    let uncut = tokio::task::spawn_blocking(move || exchange_blocking(address));
    assert_eq!(uncut.await.unwrap().unwrap(), LENGTHS.len());
    let cases = each(positions(&baseline), |(direction, at)| {
        let (victim, boundaries) = (Arc::clone(&victim), Arc::clone(&boundaries));
        async move {
            let relay = Relay::tcp(victim.connections).await.unwrap();
            relay.plan(Plan::fault(direction, at, Fault::Close));
            let address = *relay.address();
            let result = tokio::task::spawn_blocking(move || exchange_blocking(address));
            let result = timeout(DEADLINE, result)
                .await
                .expect("the cut is detected")
                .unwrap();
            let what = format!("{direction:?} {at}: {result:?}");
            match result {
                Ok(0) => assert!(at <= handshake.of(direction), "{what}"),
                Ok(_) => assert!(at >= traffic.of(direction), "{what}"),
                Err(RecvError::Closed) => {
                    assert!(boundaries.contains(&relay.traffic().down), "{what}");
                }
                Err(RecvError::Frame(FrameError::Truncated { .. }) | RecvError::Io(_)) => {}
                Err(_) => panic!("{what}"),
            }
        }
    });
    let cases = cases.await.len();
    println!("{cases} cuts of messages over blocking connections");
    victim.assert_well("cuts of blocking connections").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handshake_succeeds_with_a_flipped_bit() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let baseline = exchange(&victim, Plan::default()).await;
    let handshake = baseline.handshake.unwrap();
    let cases = each(positions(&baseline), |(direction, at)| {
        let victim = Arc::clone(&victim);
        async move {
            let plan = Plan::fault(direction, at, Fault::Flip((at % 8) as u8));
            let result = timeout(DEADLINE, exchange(&victim, plan)).await;
            let result = result.expect("it ends");
            let is_whole = result.echoed == LENGTHS.len();
            let is_handshake = at < handshake.of(direction);
            assert!(
                !(is_handshake && result.echoed > 0),
                "bit {at} of {direction:?}: {result:?}"
            );
            assert!(
                !is_whole || at >= baseline.traffic.of(direction),
                "bit {at} of {direction:?}: {result:?}"
            );
        }
    });
    let cases = cases.await.len();
    println!("{cases} flipped bits in messages");
    victim.assert_well("flipped bits in messages").await;
}
