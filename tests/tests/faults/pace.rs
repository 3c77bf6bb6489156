//! Connections that are slow, or whose bytes arrive in a different order and timing each time:
//! every call succeeds.

use std::time::Duration;

use futures_util::StreamExt as _;
use tests::faulty::{Pace, Plan};

use crate::VICTIM;
use crate::cases::name;
use tests::protocol::{Protocol, Site, call};

/// The number of random paces tried with each protocol.
const ORDERS: u64 = 40;

/// A deadline far above the time that any call takes.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_lose_no_call() {
    let site = Site::start(VICTIM, &[]).await;
    let late = Pace::Pieces(usize::MAX, Duration::from_millis(300));
    let trickle = Pace::Pieces(1, Duration::from_micros(1));
    let shuffled = |seed| Pace::Random(seed, 40, Duration::from_millis(5));
    let paces = || {
        [late.clone(), trickle.clone()]
            .into_iter()
            .chain((0..ORDERS).map(shuffled))
    };
    let cases = Protocol::ALL
        .into_iter()
        .flat_map(|protocol| paces().map(move |pace| (protocol, pace)));
    let calls = cases.map(|(protocol, pace)| {
        let site = &site;
        async move {
            let name = name();
            let outcome = call(site, protocol, Plan::pace(pace.clone()), &name, DEADLINE).await;
            assert_eq!(outcome.result, Ok(name), "{protocol:?}, {pace:?}");
        }
    });
    let calls: Vec<()> = futures_util::stream::iter(calls)
        .buffer_unordered(96)
        .collect()
        .await;
    println!("{} calls over slow connections", calls.len());
    site.victim.assert_well("slow connections").await;
}
