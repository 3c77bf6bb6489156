//! A flipped bit in each byte of a call and of its reply.
//!
//! Neither protocol has checksums, and connections do not sign messages after the handshake: a name
//! or a result may arrive altered. Anything worse is a failure. Over TLS nothing is altered.

use std::sync::Arc;
use std::time::Duration;

use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, check_truth, run};
use tests::protocol::{Protocol, Site};

/// Long enough for calls that are answered, and short enough to wait for bytes that a flipped
/// length announces.
const DEADLINE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_neither_hangs_nor_crashes_anything() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    for protocol in [Protocol::XmlRpc, Protocol::Rpc] {
        let mut cases = at_every_byte(&site, protocol, Fault::Flip(0)).await;
        for case in &mut cases {
            case.fault = Fault::Flip((case.at % 8) as u8);
        }
        let results = run(&site, cases, DEADLINE).await;
        let answered = results.iter().filter(|result| result.is_answered()).count();
        let altered = results
            .iter()
            .filter(|result| result.outcome.result.is_ok());
        let altered = altered.count() - answered;
        println!(
            "{protocol:?}: {} flipped bits, {answered} harmless, {altered} altered the result",
            results.len()
        );
        assert!(answered < results.len() / 2, "most bits matter");
        site.victim.assert_well("flipped bits").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_of_tls_is_detected() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    for protocol in [Protocol::XmlRpcTls, Protocol::XmlRpcTlsBlocking] {
        let mut cases = at_every_byte(&site, protocol, Fault::Flip(0)).await;
        for case in &mut cases {
            case.fault = Fault::Flip((case.at % 8) as u8);
        }
        let results = run(&site, cases, DEADLINE).await;
        for result in &results {
            let is_ok = result.outcome.result.is_ok();
            assert!(!is_ok || result.is_answered(), "altered: {result:?}");
        }
        // Those of the tickets after the reply, and of parts of records that mean nothing.
        let answered = results.iter().filter(|result| result.is_answered()).count();
        println!(
            "{protocol:?}: {} flipped bits, {answered} harmless",
            results.len()
        );
        check_truth(&site, &results).await;
    }
}
