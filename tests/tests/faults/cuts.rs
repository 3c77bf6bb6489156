//! Connections cut before each byte of a call and of its reply, in each way that a connection can
//! end.

use std::sync::Arc;
use std::time::Duration;

use farcall::Execution;
use tests::faulty::Fault;

use crate::VICTIM;
use crate::cases::{at_every_byte, check_truth, run};
use tests::protocol::{Protocol, Site};

/// A deadline far above the time that any call takes: cuts are detected at once.
const DEADLINE: Duration = Duration::from_secs(30);

/// Cuts the calls of a protocol before every byte, and checks the results.
async fn cut(site: &Arc<Site>, protocol: Protocol, faults: &[Fault]) {
    let mut cases = Vec::new();
    for fault in faults {
        cases.extend(at_every_byte(site, protocol, *fault).await);
    }
    let results = run(site, cases, DEADLINE).await;
    for result in &results {
        assert!(
            result.outcome.elapsed < DEADLINE,
            "not detected at once: {result:?}"
        );
        let has_connected = !matches!(result.outcome.result, Err((Execution::Never, _)));
        if protocol == Protocol::RpcIdempotent && has_connected {
            assert!(result.is_answered(), "not retried: {result:?}");
        }
    }
    check_truth(site, &results).await;
}

const ALL: [Fault; 3] = [Fault::Close, Fault::Reset, Fault::HalfClose];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_xmlrpc() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::XmlRpc, &ALL).await;
    cut(&site, Protocol::XmlRpcKept, &ALL[..2]).await;
    cut(&site, Protocol::XmlRpcBlocking, &ALL[..2]).await;
    // Unix sockets have no reset.
    cut(&site, Protocol::XmlRpcUnix, &[Fault::Close]).await;
}

/// The handshake is cut at every byte, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_xmlrpc_over_tls() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::XmlRpcTls, &ALL).await;
    cut(&site, Protocol::XmlRpcTlsBlocking, &ALL[..2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_rpc() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::Rpc, &ALL).await;
    cut(&site, Protocol::RpcReconnecting, &ALL[..2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_rpc_over_tls() {
    let site = Arc::new(Site::start(VICTIM, &[]).await);
    cut(&site, Protocol::RpcEncrypted, &ALL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_resumable_sessions() {
    let site = Arc::new(Site::start(VICTIM, &["--lease-ms", "1000"]).await);
    cut(&site, Protocol::RpcReconnecting, &ALL[..2]).await;
    cut(&site, Protocol::RpcIdempotent, &ALL[..2]).await;
}
