//! Connections that end before each byte of a call and of its answer, in each way that a connection can end.

use std::sync::Arc;
use std::time::Duration;

use rpc_core::Execution;
use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, check_truth, run};
use tests::protocol::{Protocol, Site};

/// Nothing has to wait for this: each cut is noticed at once.
const DEADLINE: Duration = Duration::from_secs(30);

/// Cuts the calls of a protocol before every byte, and checks what is true of all protocols.
async fn cut(site: &Arc<Site>, protocol: Protocol, faults: &[Fault]) {
    let mut cases = Vec::new();
    for fault in faults {
        cases.extend(at_every_byte(site, protocol, *fault).await);
    }
    let ended = run(site, cases, DEADLINE).await;
    for ended in &ended {
        assert!(
            ended.outcome.elapsed < DEADLINE,
            "noticed at once: {ended:?}"
        );
        let has_connected = !matches!(ended.outcome.result, Err((Execution::Never, _)));
        if protocol == Protocol::RpcIdempotent && has_connected {
            assert!(ended.is_answered(), "made again: {ended:?}");
        }
    }
    check_truth(site, &ended).await;
}

const ALL: [Fault; 3] = [Fault::Close, Fault::Reset, Fault::HalfClose];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_http() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::XmlRpc, &ALL).await;
    cut(&site, Protocol::XmlRpcKept, &ALL[..2]).await;
    cut(&site, Protocol::XmlRpcBlocking, &ALL[..2]).await;
    // A Unix socket knows no reset.
    cut(&site, Protocol::XmlRpcUnix, &[Fault::Close]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_connections_with_calls() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::Rpc, &ALL).await;
    cut(&site, Protocol::RpcReconnecting, &ALL[..2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_sessions_that_go_on() {
    let site = Arc::new(Site::start(VICTIM, &["--lease-ms", "1000"]).await);
    cut(&site, Protocol::RpcReconnecting, &ALL[..2]).await;
    cut(&site, Protocol::RpcIdempotent, &ALL[..2]).await;
}
