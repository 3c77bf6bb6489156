//! Connections over TLS that are cut or altered at every byte: no message arrives altered or twice,
//! and no cut looks like a regular end.

use std::sync::Arc;
use std::time::Duration;

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
    is_connected: bool,
    /// The number of messages echoed unchanged.
    echoed: usize,
    /// The error that ended the exchange.
    end: Option<RecvError>,
    traffic: Traffic,
}

async fn exchange(victim: &Victim, plan: Plan) -> Exchange {
    let relay = Relay::tcp(victim.encrypted.unwrap().connections);
    let relay = relay.await.unwrap();
    relay.plan(plan);
    let builder = Connection::connect(*relay.address());
    let builder = builder.authkey(KEY).timeout(TIMEOUT).encrypted();
    let connected: Result<Connection<(), (), Pickle>, _> = builder.await;
    let mut exchange = Exchange {
        is_connected: connected.is_ok(),
        echoed: 0,
        end: None,
        traffic: relay.traffic(),
    };
    if let Ok(mut connection) = connected {
        for (number, length) in LENGTHS.into_iter().enumerate() {
            let message = vec![b'a' + number as u8; length];
            // The receive reports a broken connection.
            let _ = connection.send_bytes(&message).await;
            match timeout(TIMEOUT, connection.recv_bytes(1 << 20)).await {
                Ok(Ok(received)) => {
                    assert_eq!(received, message);
                    exchange.echoed += 1;
                }
                Ok(Err(error)) => {
                    exchange.end = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        exchange.traffic = relay.traffic();
    }
    exchange
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_messages_arrive_whole_or_not_at_all() {
    let victim = Arc::new(Victim::start(VICTIM, &["--encrypted"]).await);
    let baseline = exchange(&victim, Plan::default()).await;
    assert_eq!(baseline.echoed, LENGTHS.len(), "{baseline:?}");
    let traffic = baseline.traffic;
    let directions = [(Direction::Up, traffic.up), (Direction::Down, traffic.down)];
    let cases = directions.into_iter().flat_map(|(direction, bytes)| {
        (0..bytes).flat_map(move |at| {
            let flip = Fault::Flip((at % 8) as u8);
            let faults = [Fault::Close, Fault::Reset, Fault::HalfClose, flip];
            faults.map(|fault| (direction, at, fault))
        })
    });
    let cases = each(cases, |(direction, at, fault)| {
        let victim = Arc::clone(&victim);
        async move {
            let result = exchange(&victim, Plan::fault(direction, at, fault));
            let result = timeout(DEADLINE, result).await.expect("it ends");
            let what = format!("{fault:?} at {at} of {direction:?}: {result:?}");
            let is_whole = result.echoed == LENGTHS.len();
            let is_flip = matches!(fault, Fault::Flip(_));
            assert!(!is_whole || is_flip, "no fault: {what}");
            match &result.end {
                // The victim has closed the connection after the fault in the other direction.
                Some(RecvError::Closed) => assert_eq!(direction, Direction::Up, "{what}"),
                Some(RecvError::Io(_)) | None => {}
                Some(_) => panic!("{what}"),
            }
            (result.is_connected, is_whole)
        }
    });
    let results = cases.await;
    let connected = results.iter().filter(|result| result.0).count();
    let harmless = results.iter().filter(|result| result.1).count();
    println!("{} faults, {connected} after the handshake", results.len());
    // The version in the header of a record means nothing since TLS 1.3, and so do the records that
    // stand for those of older versions.
    assert!(harmless * 50 < results.len(), "{harmless}");
    victim.assert_well("faults of encrypted messages").await;
}
