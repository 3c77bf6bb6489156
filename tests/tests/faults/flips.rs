//! A wrong bit in each byte of a call and of its answer.
//!
//! Neither protocol has checksums of its own, and what follows the handshake of a connection is not signed: a
//! name or a result may arrive as another. Nothing else may come of it.

use std::sync::Arc;
use std::time::Duration;

use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, run};
use tests::protocol::{Protocol, Site};

/// Long enough for what is answered, and short enough for lengths that promise more bytes than there are.
const DEADLINE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_bit_hangs_and_crashes_nothing() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    for protocol in [Protocol::XmlRpc, Protocol::Rpc] {
        let mut cases = at_every_byte(&site, protocol, Fault::Flip(0)).await;
        for case in &mut cases {
            case.fault = Fault::Flip((case.at % 8) as u8);
        }
        let ended = run(&site, cases, DEADLINE).await;
        let answered = ended.iter().filter(|ended| ended.is_answered()).count();
        let altered = ended.iter().filter(|ended| ended.outcome.result.is_ok());
        let altered = altered.count() - answered;
        println!(
            "{protocol:?}: {} wrong bits, {answered} did no harm, {altered} altered the result",
            ended.len()
        );
        assert!(answered < ended.len() / 2, "the bits were wrong");
        site.victim.assert_well("wrong bits").await;
    }
}
