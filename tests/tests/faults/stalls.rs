//! Connections on which nothing more arrives after each byte of a call or of its reply.

use std::sync::Arc;
use std::time::Duration;

use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, check_truth, run};
use tests::protocol::{Protocol, Site};

/// The deadline of calls.
const DEADLINE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_at_their_deadline_wherever_the_connection_stalls() {
    let site = Arc::new(Site::start(VICTIM, &["--lease-ms", "1000"]).await);
    for protocol in Protocol::ALL {
        let cases = at_every_byte(&site, protocol, Fault::Stall).await;
        let results = run(&site, cases, DEADLINE).await;
        check_truth(&site, &results).await;
    }
}
