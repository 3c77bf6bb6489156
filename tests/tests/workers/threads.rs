use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use farcall::serve::ShutdownReport;
use farcall::transport::Address;
use farcall::workers::{Threads, Worker, WorkerError, Workers};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::call;

/// Workers that run beside the test.
struct Running {
    address: Address,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn new(threads: Threads) -> Self {
        let address = threads.local_address().clone();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(threads.serve_until(async { drop(stopped.await) }));
        Self {
            address,
            stop,
            ended,
        }
    }

    fn port(&self) -> SocketAddr {
        let Address::Tcp(address) = self.address else {
            panic!("{} is no port", self.address);
        };
        address
    }

    async fn stop(self) {
        drop(self.stop);
        self.ended.await.unwrap().unwrap();
    }
}

fn any_port() -> Address {
    Address::Tcp(tests::port_of_its_own())
}

fn two() -> Workers {
    let short = Duration::from_millis(10);
    Workers::new().count(2).restart_pause(short, short * 4)
}

/// Replies with the number of the worker times 1000, plus the number of calls that the worker got.
async fn counting(worker: Worker) -> Result<ShutdownReport, WorkerError> {
    let (index, count) = (i64::try_from(worker.index())?, AtomicI64::new(0));
    let server = farcall::xmlrpc::Server::new();
    server.register_function("count", move |_: i64| {
        index * 1000 + count.fetch_add(1, Ordering::Relaxed)
    })?;
    server.serve_worker(worker).await
}

/// Makes calls from another thread, because they block.
async fn calls(port: SocketAddr, method: &'static str, times: usize) -> Vec<i64> {
    let calls = move || (0..times).map(|_| call(port, method, 1).unwrap()).collect();
    tokio::task::spawn_blocking(calls).await.unwrap()
}

#[tokio::test]
async fn each_worker_has_a_service_of_its_own() {
    let running = Running::new(two().threads(&any_port(), counting).unwrap());
    let mut counts: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for answer in calls(running.port(), "count", 100).await {
        counts.entry(answer / 1000).or_default().push(answer % 1000);
    }
    let spreads = cfg!(target_os = "linux");
    assert!(counts.len() == 2 || !spreads, "{counts:?}");
    for counts in counts.into_values() {
        let own: Vec<i64> = (0..).take(counts.len()).collect();
        assert_eq!(counts, own, "each worker counts its own calls");
    }
    let port = running.port();
    running.stop().await;
    assert!(call(port, "count", 1).is_err());
}

#[tokio::test]
async fn a_failed_worker_is_restarted() {
    let starts = Arc::new(AtomicUsize::new(0));
    let started = Arc::clone(&starts);
    let threads = two().count(1).threads(&any_port(), async move |worker| {
        match started.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("on purpose"),
            1 => Err("on purpose")?,
            2 => Ok(ShutdownReport::default()),
            _ => counting(worker).await,
        }
    });
    let running = Running::new(threads.unwrap());
    let begin = Instant::now();
    // The connection waits in the socket while workers fail and restart.
    assert_eq!(calls(running.port(), "count", 1).await, [0]);
    let pauses = Duration::from_millis(10 + 20 + 40);
    assert!(begin.elapsed() >= pauses, "{:?}", begin.elapsed());
    running.stop().await;
    assert_eq!(starts.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_the_pause_of_a_worker() {
    let pause = Duration::from_secs(600);
    let workers = two().restart_pause(pause, pause);
    let starts = Arc::new(AtomicUsize::new(0));
    let started = Arc::clone(&starts);
    let failing = workers.threads(&any_port(), async move |_| {
        started.fetch_add(1, Ordering::Relaxed);
        Err("on purpose".into())
    });
    let running = Running::new(failing.unwrap());
    while starts.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begin = Instant::now();
    running.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(60));
}

async fn slow(worker: Worker) -> Result<ShutdownReport, WorkerError> {
    let server = farcall::xmlrpc::Server::new();
    server.register_function("sleep", async |milliseconds: u64| {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        1
    })?;
    server.serve_worker(worker).await
}

#[tokio::test]
async fn a_stop_waits_for_running_calls() {
    let running = Running::new(two().threads(&any_port(), slow).unwrap());
    let port = running.port();
    let calls: Vec<_> = (0..8)
        .map(|_| tokio::task::spawn_blocking(move || call(port, "sleep", 500)))
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await;
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
}

#[tokio::test]
async fn a_stop_aborts_calls_after_the_drain_timeout() {
    let workers = two().drain_timeout(Duration::from_millis(100));
    let running = Running::new(workers.threads(&any_port(), slow).unwrap());
    let port = running.port();
    let sleeping = tokio::task::spawn_blocking(move || call(port, "sleep", 600_000));
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await;
    assert!(sleeping.await.unwrap().is_err());
}

/// A peer that has sent its call is answered, even if its connection was not yet accepted.
#[tokio::test]
async fn a_stop_answers_calls_in_the_backlog() {
    let (busy, is_busy) = mpsc::channel();
    let threads = two().count(1).threads(&any_port(), async move |worker| {
        let server = farcall::xmlrpc::Server::new();
        let busy = busy.clone();
        server.register_function("block", move |milliseconds: u64| {
            // Only the first call is waited for.
            let _ = busy.send(());
            std::thread::sleep(Duration::from_millis(milliseconds));
            1
        })?;
        server.serve_worker(worker).await
    });
    let running = Running::new(threads.unwrap());
    let port = running.port();
    let first = tokio::task::spawn_blocking(move || call(port, "block", 500));
    tokio::task::spawn_blocking(move || is_busy.recv().unwrap())
        .await
        .unwrap();
    // The only event loop is blocked: these connections stay in its backlog, and the stop comes
    // before it wakes.
    let waiting: Vec<_> = (0..8)
        .map(|_| tokio::task::spawn_blocking(move || call(port, "block", 0)))
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop().await;
    assert_eq!(first.await.unwrap().unwrap(), 1);
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn workers_share_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mode = || std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777;
    let threads = two()
        .mode(0o660)
        .threads(&Address::Unix(path.clone()), counting)
        .unwrap();
    assert_eq!(mode(), 0o660);
    drop(threads);
    let threads = two()
        .threads(&Address::Unix(path.clone()), counting)
        .unwrap();
    assert_eq!(mode(), 0o600, "by default only this user may connect");
    let running = Running::new(threads);
    let url = format!("http+unix://{}:/RPC2", path.display());
    let mut counts = [0, 0];
    for _ in 0..20 {
        let client = farcall::xmlrpc::Client::new(&url).unwrap();
        let answer: i64 = client.call("count", (1,)).await.unwrap();
        let count = &mut counts[usize::try_from(answer / 1000).unwrap()];
        assert_eq!(answer % 1000, *count, "each worker counts its own calls");
        *count += 1;
    }
    running.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn rpc_servers_run_in_workers() {
    let threads = two().threads(&any_port(), async |worker| {
        let server = farcall::rpc::Server::new();
        let index = u64::try_from(worker.index())?;
        server.register_function("index", move || index)?;
        let server = server.serve_worker(worker, |listener| listener.authkey("a secret"));
        server.await
    });
    let running = Running::new(threads.unwrap());
    let mut calls = [0, 0];
    for _ in 0..40 {
        let client = farcall::rpc::Client::connect(running.address.clone());
        let client = client.authkey("a secret").await.unwrap();
        let index: usize = client.call("index", ()).await.unwrap();
        calls[index] += 1;
    }
    assert!(
        !calls.contains(&0) || cfg!(not(target_os = "linux")),
        "{calls:?}"
    );
    running.stop().await;
}
