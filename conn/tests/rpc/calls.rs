use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall_conn::rpc::{Client, Encoding, Server, ServerOptions, SessionOptions};
use farcall_core::{CallError, Caller as _, Context, Execution, Fault, FaultKind, Registry, Value};
use farcall_core::{client, service};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::support::{Network, client, connect, serve, until};

struct Calculator;

#[service]
impl Calculator {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    pub fn divide(&self, a: f64, b: f64) -> Result<f64, Fault> {
        match b {
            0.0 => Err(Fault::new(4, "division by zero")),
            b => Ok(a / b),
        }
    }
}

#[client]
trait CalculatorApi {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
    async fn divide(&self, a: f64, b: f64) -> Result<f64, CallError>;
}

fn calculator() -> Server {
    let server = Server::new();
    server.register_instance(Calculator).unwrap();
    server
}

#[tokio::test]
async fn a_service_and_its_client_trait_work_as_over_every_protocol() {
    let server = calculator();
    for encoding in [Encoding::Bincode, Encoding::MessagePack] {
        let client = connect(&server).await.encoding(encoding).await.unwrap();
        assert_eq!(client.add(3, 5).await.unwrap(), 8);
        assert_eq!(client.divide(1.0, 4.0).await.unwrap(), 0.25);
        let error = client.divide(1.0, 0.0).await.unwrap_err();
        assert_eq!(error.fault(), Some(&Fault::new(4, "division by zero")));
    }
}

#[tokio::test]
async fn calls_by_name_need_no_types() {
    let client = connect(&calculator())
        .await
        .encoding(Encoding::MessagePack)
        .await
        .unwrap();
    let sum: Value = client.call("add", (3, 5)).await.unwrap();
    assert_eq!(sum, Value::Int(8));
    let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(names.iter().any(|name| name == "add"));
}

#[tokio::test]
async fn ten_thousand_calls_are_in_flight_at_once() {
    let server = Server::new();
    let running = Arc::new(AtomicUsize::new(0));
    let all = Arc::new(Notify::new());
    let (count, gate) = (Arc::clone(&running), Arc::clone(&all));
    server
        .register_function("wait", move |number: u64| {
            let gate = Arc::clone(&gate);
            let opened = gate.clone().notified_owned();
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                opened.await;
                number
            }
        })
        .unwrap();
    let client = client(&server).await;
    let calls: Vec<_> = (0..10_000u64)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<u64>("wait", (number,)).await })
        })
        .collect();
    until(|| running.load(Ordering::Relaxed) == 10_000).await;
    all.notify_waiters();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number as u64);
    }
    assert_eq!(client.stats(), farcall_conn::rpc::SessionStats::default());
}

#[tokio::test]
async fn calls_begin_in_order() {
    let server = Server::new();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&begun);
    server
        .register_function("note", move |number: u32| {
            list.lock().unwrap().push(number);
            async move {
                sleep(Duration::from_millis(u64::from(number % 7))).await;
            }
        })
        .unwrap();
    // With a limit of three the other calls wait at the client, still in order.
    let options = SessionOptions::default().max_calls_per_session(3);
    let server_options = ServerOptions::default().session(options);
    let limited = Server::with_options(server_options);
    let list = Arc::clone(&begun);
    limited
        .register_function("note", move |number: u32| {
            list.lock().unwrap().push(number);
            async move {
                sleep(Duration::from_millis(u64::from(number % 7))).await;
            }
        })
        .unwrap();
    for server in [server, limited] {
        begun.lock().unwrap().clear();
        let client = client(&server).await;
        let calls = (0..200u32).map(|number| client.call::<()>("note", (number,)));
        futures_util::future::try_join_all(calls).await.unwrap();
        assert_eq!(*begun.lock().unwrap(), (0..200).collect::<Vec<u32>>());
    }
}

#[tokio::test]
async fn a_limit_of_calls_is_back_pressure_and_not_a_fault() {
    let options = SessionOptions::default().max_calls_per_session(4);
    let server = Server::with_options(ServerOptions::default().session(options));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, peak) = (Arc::clone(&now), Arc::clone(&most));
    server
        .register_function("work", move || {
            let running = Arc::clone(&running);
            peak.fetch_max(
                running.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
            async move {
                sleep(Duration::from_millis(1)).await;
                running.fetch_sub(1, Ordering::Relaxed);
            }
        })
        .unwrap();
    let client = client(&server).await;
    let calls = (0..100).map(|_| client.call::<()>("work", ()));
    futures_util::future::try_join_all(calls).await.unwrap();
    assert_eq!(most.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn both_peers_make_calls() {
    let server = Server::new();
    server
        .register_function("ask", async |cx: Context, question: String| {
            let caller = Client::of(&cx).unwrap();
            let answer: String = caller.call("answer", (question,)).await?;
            Ok::<_, CallError>(format!("the caller says {answer}"))
        })
        .unwrap();
    let offered = Registry::new();
    offered
        .register_function("answer", |question: String| format!("{question} 42"))
        .unwrap();
    let client = connect(&server).await.offer(offered).await.unwrap();
    let answer: String = client.call("ask", ("life?",)).await.unwrap();
    assert_eq!(answer, "the caller says life? 42");
}

/// Sets a flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_cancelled_within_a_round_trip() {
    let server = Server::new();
    let (dropped, notified) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (flag, cancelled) = (Arc::clone(&dropped), Arc::clone(&notified));
    server
        .register_function("hang", move |cx: Context| {
            let guard = Dropped(Arc::clone(&flag));
            let cancelled = Arc::clone(&cancelled);
            // A task beside the handler is notified too.
            tokio::spawn(async move {
                cx.cancelled().await;
                cancelled.store(cx.is_cancelled(), Ordering::Relaxed);
            });
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        })
        .unwrap();
    let network = Network::to(&server, Duration::from_millis(50)).await;
    let client = Client::over(network).await.unwrap();
    let call = tokio::time::timeout(Duration::from_secs(1), client.call::<()>("hang", ()));
    assert!(call.await.is_err());
    assert!(!dropped.load(Ordering::Relaxed));
    sleep(Duration::from_millis(51)).await;
    assert!(dropped.load(Ordering::Relaxed) && notified.load(Ordering::Relaxed));
    assert_eq!(client.stats().outgoing_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_cancels_all_three_hops() {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let mut next: Option<Client> = None;
    for hop in (0..3).rev() {
        let server = Server::new();
        let ended = Arc::clone(&ended);
        let onward = next.take();
        server
            .register_function("pass", move |cx: Context| {
                let onward = onward.clone();
                let ended = Arc::clone(&ended);
                let start = Instant::now();
                let guard = scopeguard(move || {
                    ended.lock().unwrap().push((hop, start.elapsed()));
                });
                assert!(cx.deadline().is_some());
                async move {
                    let _guard = guard;
                    match onward {
                        Some(next) => next.call::<()>("pass", ()).await,
                        None => std::future::pending().await,
                    }
                }
            })
            .unwrap();
        next = Some(client(&server).await);
    }
    let first = next.unwrap();
    let start = Instant::now();
    let hurried = first.within(Duration::from_millis(100));
    let error = hurried.call::<()>("pass", ()).await.unwrap_err();
    assert_eq!(error.fault().unwrap().kind(), FaultKind::DeadlineExceeded);
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert!(start.elapsed() <= Duration::from_millis(103));
    sleep(Duration::from_millis(5)).await;
    let mut hops = ended.lock().unwrap().clone();
    hops.sort_unstable();
    assert_eq!(hops.len(), 3);
    assert!(
        hops.iter()
            .all(|(_, time)| *time <= Duration::from_millis(105))
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_beside_a_handler_is_notified_of_its_deadline() {
    let server = Server::new();
    let notified = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&notified);
    server
        .register_function("hang", move |cx: Context| {
            let flag = Arc::clone(&flag);
            tokio::spawn(async move {
                cx.cancelled().await;
                flag.store(true, Ordering::Relaxed);
            });
            std::future::pending::<()>()
        })
        .unwrap();
    let client = client(&server).await;
    let hurried = client.within(Duration::from_millis(100));
    hurried.call::<()>("hang", ()).await.unwrap_err();
    until(|| notified.load(Ordering::Relaxed)).await;
}

fn scopeguard(run: impl FnOnce() + Send) -> impl Drop + Send {
    struct Guard<F: FnOnce()>(Option<F>);

    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(run) = self.0.take() {
                run();
            }
        }
    }

    Guard(Some(run))
}

#[tokio::test]
async fn a_one_way_call_runs_without_a_result() {
    let server = Server::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    server
        .register_function("tell", move |fails: bool| {
            count.fetch_add(1, Ordering::Relaxed);
            if fails {
                Err(Fault::new(1, "nobody learns of this"))
            } else {
                Ok(())
            }
        })
        .unwrap();
    let client = client(&server).await;
    for fails in [true, false, true] {
        client.notify("tell", (fails,)).await.unwrap();
    }
    // Closing waits for the calls in flight.
    client.close().await;
    assert_eq!(ran.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_blocking_call_delays_no_other() {
    let server = calculator();
    server
        .register_blocking("block", || std::thread::sleep(Duration::from_millis(200)))
        .unwrap();
    let client = client(&server).await;
    let blocked = tokio::spawn({
        let client = client.clone();
        async move { client.call::<()>("block", ()).await }
    });
    for number in 0..100 {
        assert_eq!(client.add(number, 1).await.unwrap(), number + 1);
    }
    assert!(!blocked.is_finished());
    blocked.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_graceful_stop_completes_the_calls_in_flight() {
    let server = Server::new();
    server
        .register_function("slow", async || {
            sleep(Duration::from_millis(100)).await;
            7
        })
        .unwrap();
    let (listening, connector) = farcall_core::transport::memory::listener("test");
    let listener = farcall_conn::Listener::over(listening);
    let bound = server.listen(listener).await.unwrap();
    let stop = Arc::new(Notify::new());
    let serving = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move { bound.serve_until(stop.notified()).await }
    });
    let client = Client::over(connector).await.unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<i32>("slow", ()).await }
    });
    sleep(Duration::from_millis(20)).await;
    stop.notify_one();
    sleep(Duration::from_millis(20)).await;
    let late = client.call::<i32>("slow", ()).await.unwrap_err();
    assert_eq!(late.execution(), Execution::Never);
    assert_eq!(call.await.unwrap().unwrap(), 7);
    let drained = serving.await.unwrap();
    assert_eq!((drained.finished, drained.aborted), (1, 0));
    client.closed().await;
}

#[tokio::test]
async fn a_client_is_a_tower_service() {
    let connector = serve(&calculator()).await;
    let client = Client::over(connector).await.unwrap();
    let client = farcall_core::ServiceCaller::new(client, Encoding::Bincode);
    assert_eq!(client.add(1, 2).await.unwrap(), 3);
}
