use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall_conn::rpc::{Client, Pipelined as _, PromiseFailed, Remote, Server};
use farcall_core::{CallError, Execution, Fault, FaultKind, client, service};
use tokio::time::{Instant, sleep};

use crate::support::{Network, client};

/// Node of a tree of unlimited depth.
#[derive(Clone, Default)]
struct Node {
    depth: u32,
    calls: Arc<AtomicUsize>,
}

#[service]
impl Node {
    pub async fn child(&self, fails: bool) -> Result<Remote<dyn NodeApi>, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if fails {
            return Err(Fault::new(9, "no more children"));
        }
        // Nodes of odd depth answer later.
        if self.depth % 2 == 1 {
            sleep(Duration::from_millis(1)).await;
        }
        Ok(Remote::new(Self {
            depth: self.depth + 1,
            calls: Arc::clone(&self.calls),
        }))
    }

    pub fn depth(&self) -> u32 {
        self.depth
    }
}

#[client]
trait NodeApi {
    async fn child(&self, fails: bool) -> Result<Remote<dyn NodeApi>, CallError>;
    async fn depth(&self) -> Result<u32, CallError>;
}

fn tree() -> (Server, Arc<AtomicUsize>) {
    let server = Server::new();
    let root = Node::default();
    let calls = Arc::clone(&root.calls);
    server.register_instance(root).unwrap();
    (server, calls)
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_five_calls_takes_one_round_trip() {
    let (server, _) = tree();
    let network = Network::to(&server, Duration::from_millis(25)).await;
    let root = Client::over(network).await.unwrap();

    let start = Instant::now();
    let depth = root
        .child(false)
        .pipelined()
        .child(false)
        .pipelined()
        .child(false)
        .pipelined()
        .child(false)
        .pipelined()
        .depth()
        .await
        .unwrap();
    assert_eq!(depth, 4);
    let pipelined = start.elapsed();
    // One round trip of 50 ms, and 1 ms for each of the two nodes that wait.
    assert!(pipelined >= Duration::from_millis(50) && pipelined < Duration::from_millis(60));

    let start = Instant::now();
    let mut node = root.child(false).await.unwrap();
    for _ in 0..3 {
        node = node.child(false).await.unwrap();
    }
    node.depth().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(250));
    drop(node);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(root.stats(), farcall_conn::rpc::SessionStats::default());
}

#[tokio::test]
async fn a_promise_becomes_an_ordinary_object() {
    let (server, calls) = tree();
    let root = client(&server).await;
    let child = root.child(false).pipelined();
    child.ready().await.unwrap();
    assert_eq!(child.depth().await.unwrap(), 1);
    assert_eq!(child.clone().depth().await.unwrap(), 1);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(child);
    for _ in 0..50 {
        sleep(Duration::from_millis(2)).await;
        if root.stats() == farcall_conn::rpc::SessionStats::default() {
            return;
        }
    }
    panic!("the session is not empty: {:?}", root.stats());
}

#[tokio::test]
async fn a_promise_of_a_failed_call_fails_and_never_runs() {
    let (server, calls) = tree();
    let root = client(&server).await;
    let broken = root.child(false).pipelined().child(true).pipelined();
    // Sent before the failure is known at the client: the peer rejects it.
    let error = broken.child(false).await.unwrap_err();
    assert_eq!(error.fault().unwrap().kind(), FaultKind::Gone);
    assert!(
        error
            .fault()
            .unwrap()
            .message()
            .contains("no more children")
    );
    assert_eq!(error.execution(), Execution::Never);
    // After the failure is known, nothing is sent.
    let error = broken.ready().await.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), 9);
    let error = broken.depth().await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    let cause = error.source().unwrap().downcast_ref::<PromiseFailed>();
    assert_eq!(cause.unwrap().cause().fault().unwrap().code(), 9);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_promise_without_references_cancels_its_call() {
    let server = Server::new();
    let running = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&running);
    server
        .register_function("slow", move || {
            struct Running(Arc<AtomicUsize>);
            impl Drop for Running {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, Ordering::Relaxed);
                }
            }
            count.fetch_add(1, Ordering::Relaxed);
            let running = Running(Arc::clone(&count));
            async move {
                let _running = running;
                std::future::pending::<Remote<dyn NodeApi>>().await
            }
        })
        .unwrap();
    let client = client(&server).await;
    let promise: Remote<dyn NodeApi> = farcall_core::Caller::call(&client, "slow", ()).pipelined();
    let dependent = tokio::spawn({
        let promise = promise.clone();
        async move { promise.depth().await }
    });
    crate::support::until(|| running.load(Ordering::Relaxed) == 1).await;
    drop(promise);
    sleep(Duration::from_millis(20)).await;
    // The call on the promise still waits and keeps it alive.
    assert_eq!(running.load(Ordering::Relaxed), 1);
    dependent.abort();
    crate::support::until(|| running.load(Ordering::Relaxed) == 0).await;
    crate::support::until(|| client.stats() == farcall_conn::rpc::SessionStats::default()).await;
}

#[tokio::test]
async fn local_objects_are_ready_at_once() {
    let local: Remote<dyn NodeApi> = Remote::new(Node::default());
    assert_eq!(local.child(false).pipelined().depth().await.unwrap(), 1);
    let error = local.child(true).pipelined().depth().await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
}

struct Link;

#[service]
impl Link {
    /// Takes 10 ms, for which the other calls of the chain wait.
    pub async fn first(&self, fails: bool) -> Result<Remote<dyn LinkApi>, Fault> {
        sleep(Duration::from_millis(10)).await;
        if fails {
            Err(Fault::new(9, "no more links"))
        } else {
            Ok(self.next())
        }
    }

    pub fn next(&self) -> Remote<dyn LinkApi> {
        Remote::new(Self)
    }
}

#[client]
trait LinkApi {
    async fn first(&self, fails: bool) -> Result<Remote<dyn LinkApi>, CallError>;
    async fn next(&self) -> Result<Remote<dyn LinkApi>, CallError>;
}

/// The length of a chain is under the control of the peer.
#[tokio::test(start_paused = true)]
async fn a_long_chain_of_promises_takes_no_stack() {
    let server = Server::new();
    server.register_instance(Link).unwrap();
    for fails in [false, true] {
        let root = client(&server).await;
        let mut link = root.first(fails).pipelined();
        let mut chain = Vec::new();
        for _ in 0..10_000 {
            let next = link.next().pipelined();
            chain.push(std::mem::replace(&mut link, next));
        }
        assert_eq!(link.next().await.is_err(), fails);
    }
}
