//! Messages over connections that are cut, or altered, at every byte of them: each arrives as a whole or not at all,
//! and a connection that was cut within a message did not end as it should.

use std::sync::Arc;
use std::time::Duration;

use conn::frame::FrameError;
use conn::{Client, Connection, Pickle, RecvError};
use tests::faulty::{Direction, Fault, Plan, Relay, Traffic};
use tests::victim::{KEY, Victim};
use tokio::time::timeout;

use crate::VICTIM;
use crate::cases::each;

/// The lengths of the messages.
const LENGTHS: [usize; 3] = [3, 100, 40];

/// For handshakes, and for waiting for a message that may not come.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Far more than any of it takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// How an exchange of messages went.
#[derive(Debug)]
struct Exchange {
    /// What had traffic once the two ends knew each other.
    handshake: Option<Traffic>,
    /// How many messages came back as they were.
    echoed: usize,
    /// Why there were no more.
    end: Option<RecvError>,
    /// Whether one came back as another.
    altered: bool,
    /// Whether the sender was told that the connection broke. The system tells that once: the receiver then
    /// only sees an end.
    broken: bool,
    traffic: Traffic,
}

fn message(i: usize) -> Vec<u8> {
    vec![b'a' + i as u8; LENGTHS[i]]
}

async fn exchange(victim: &Victim, plan: Plan) -> Exchange {
    let relay = Relay::tcp(victim.connections).await.unwrap();
    relay.plan(plan);
    let connecting = Client::connect(*relay.address());
    let connecting = connecting.authkey(KEY).timeout(TIMEOUT).into_future();
    let connected: Result<Connection<(), (), Pickle>, _> = connecting.await;
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

/// The same, without async. Returns the number of messages that came back: all of them, or none where
/// the two ends did not come to a connection.
fn exchange_blocking(relay: std::net::SocketAddr) -> Result<usize, RecvError> {
    let connecting = Client::connect(relay).authkey(KEY).timeout(TIMEOUT).wait();
    let connected: Result<conn::blocking::Connection<(), (), Pickle>, _> = connecting;
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

/// A place for a fault, for each byte of the exchange.
fn places(whole: &Exchange) -> Vec<(Direction, u64)> {
    let up = (0..=whole.traffic.up).map(|at| (Direction::Up, at));
    let down = (0..=whole.traffic.down).map(|at| (Direction::Down, at));
    up.chain(down).collect()
}

/// Where in what the server sends a message ends, or the handshake.
fn boundaries(whole: &Exchange) -> Vec<u64> {
    let mut at = whole.handshake.unwrap().down;
    let mut boundaries = vec![at];
    for length in LENGTHS {
        at += 4 + length as u64;
        boundaries.push(at);
    }
    assert_eq!(at, whole.traffic.down);
    boundaries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_as_a_whole_or_not_at_all() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let whole = exchange(&victim, Plan::default()).await;
    assert_eq!(whole.echoed, LENGTHS.len());
    let boundaries = Arc::new(boundaries(&whole));
    let traffic = whole.traffic;
    let faults = [Fault::Close, Fault::Reset, Fault::HalfClose];
    let cases = faults.into_iter().flat_map(|fault| {
        let places = places(&whole).into_iter();
        places.map(move |(direction, at)| (direction, at, fault))
    });
    let cases = each(cases, |(direction, at, fault)| {
        let (victim, boundaries) = (Arc::clone(&victim), Arc::clone(&boundaries));
        async move {
            let ended = exchange(&victim, Plan::fault(direction, at, fault));
            let ended = timeout(DEADLINE, ended).await.expect("a cut is noticed");
            let what = format!("{fault:?} at {at} of {direction:?}: {ended:?}");
            assert!(!ended.altered, "{what}");
            let is_cut = at < traffic.of(direction);
            assert!(!is_cut || ended.echoed < LENGTHS.len(), "no cut: {what}");
            let is_whole = boundaries.contains(&ended.traffic.down);
            match &ended.end {
                Some(RecvError::Closed) => {
                    assert!(
                        is_whole && (fault != Fault::Reset || ended.broken),
                        "{what}"
                    );
                }
                Some(RecvError::Frame(FrameError::Truncated { .. })) => {
                    assert!(!is_whole, "{what}");
                }
                Some(RecvError::Io(_)) => {}
                None => assert!(ended.handshake.is_none() || ended.echoed == 3, "{what}"),
                Some(_) => panic!("{what}"),
            }
        }
    });
    let cases = cases.await.len();
    println!("{cases} cuts of messages");
    victim.assert_well("cuts of messages").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_connections_notice_cuts() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let whole = exchange(&victim, Plan::default()).await;
    let boundaries = Arc::new(boundaries(&whole));
    let (handshake, traffic) = (whole.handshake.unwrap(), whole.traffic);
    let address = victim.connections;
    let uncut = tokio::task::spawn_blocking(move || exchange_blocking(address));
    assert_eq!(uncut.await.unwrap().unwrap(), LENGTHS.len());
    let cases = each(places(&whole), |(direction, at)| {
        let (victim, boundaries) = (Arc::clone(&victim), Arc::clone(&boundaries));
        async move {
            let relay = Relay::tcp(victim.connections).await.unwrap();
            relay.plan(Plan::fault(direction, at, Fault::Close));
            let address = *relay.address();
            let ended = tokio::task::spawn_blocking(move || exchange_blocking(address));
            let ended = timeout(DEADLINE, ended)
                .await
                .expect("a cut is noticed")
                .unwrap();
            let what = format!("{direction:?} {at}: {ended:?}");
            match ended {
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
    println!("{cases} cuts of messages without async");
    victim.assert_well("cuts of blocking connections").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handshake_succeeds_with_a_wrong_bit() {
    let victim = Arc::new(Victim::start(VICTIM, &[]).await);
    let whole = exchange(&victim, Plan::default()).await;
    let handshake = whole.handshake.unwrap();
    let cases = each(places(&whole), |(direction, at)| {
        let victim = Arc::clone(&victim);
        async move {
            let plan = Plan::fault(direction, at, Fault::Flip((at % 8) as u8));
            let ended = timeout(DEADLINE, exchange(&victim, plan)).await;
            let ended = ended.expect("it ends");
            let is_whole = ended.echoed == LENGTHS.len();
            let is_handshake = at < handshake.of(direction);
            assert!(
                !(is_handshake && ended.echoed > 0),
                "bit {at} of {direction:?}: {ended:?}"
            );
            assert!(
                !is_whole || at >= whole.traffic.of(direction),
                "bit {at} of {direction:?}: {ended:?}"
            );
        }
    });
    let cases = cases.await.len();
    println!("{cases} wrong bits in messages");
    victim.assert_well("wrong bits in messages").await;
}
