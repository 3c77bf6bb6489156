//! Connections on which nothing more arrives, from each byte of a call or of its answer on.

use std::sync::Arc;
use std::time::Duration;

use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, check_truth, run};
use tests::protocol::{Protocol, Site};

/// How long callers wait.
const DEADLINE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_end_at_their_deadline_wherever_the_connection_stalls() {
    let site = Arc::new(Site::start(VICTIM, &["--lease-ms", "1000"]).await);
    for protocol in Protocol::ALL {
        let cases = at_every_byte(&site, protocol, Fault::Stall).await;
        let ended = run(&site, cases, DEADLINE).await;
        check_truth(&site, &ended).await;
    }
}
