//! Calls of a blocking client, and calls to it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use farcall_conn::rpc::{
    self, Client, Reconnect, Remote, Server, SessionOptions, Stream, StreamError, blocking,
};
use farcall_core::{
    BlockingCaller as _, CallError, Context, Execution, Fault, FaultKind, Registry, client, service,
};

use crate::support::Running;

const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Counter(AtomicI64);

#[service]
impl Counter {
    pub fn add(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }

    pub fn create(&self) -> Remote<dyn CounterApi> {
        Remote::new(Self::default())
    }

    pub fn count_to(&self, end: u32) -> Stream<u32> {
        let (sender, numbers) = Stream::channel(1);
        thread::spawn(move || {
            for number in 1..=end {
                if sender.send_blocking(number).is_err() {
                    return;
                }
            }
        });
        numbers
    }

    pub async fn sum(&self, mut numbers: Stream<i64>) -> Result<i64, Fault> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }
}

#[client]
trait CounterApi {
    fn add(&self, n: i64) -> Result<i64, CallError>;
    fn create(&self) -> Result<Remote<dyn CounterApi>, CallError>;
    fn count_to(&self, end: u32) -> Result<Stream<u32>, CallError>;
    fn sum(&self, numbers: Stream<i64>) -> Result<i64, CallError>;
    #[client(one_way, name = "add")]
    fn add_later(&self, n: i64) -> Result<(), CallError>;
}

fn connect(server: &Running) -> blocking::Client {
    let client = Client::connect(&server.address).authkey("key");
    client.wait().unwrap()
}

fn counter() -> Running {
    let server = Server::new();
    server.register_instance(Counter::default()).unwrap();
    Running::new(&server)
}

#[test]
fn a_blocking_client_implements_client_traits() {
    let server = counter();
    let client = connect(&server);
    assert_eq!(client.add(3).unwrap(), 3);
    assert_eq!(client.call::<i64>("add", (5,)).unwrap(), 8);
    client.add_later(1).unwrap();
    client.within(LONG).notify("add", (1,)).unwrap();
    client.notify("add", (1,)).unwrap();
    assert_eq!(client.clone().within(LONG).add(0).unwrap(), 11);
    assert_eq!(client.stats().outgoing_calls, 0);
    assert_eq!(client.peer().to_string(), server.address.to_string());

    let other = client.clone();
    assert!(!other.is_closed());
    client.close().unwrap();
    assert!(other.is_closed());
    let error = other.add(1).unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
}

#[test]
fn references_and_streams_pass_in_both_directions() {
    let server = counter();
    let client = connect(&server);
    let own = client.create().unwrap().into_blocking();
    assert_eq!(own.add(2).unwrap(), 2);
    assert_eq!(own.add(2).unwrap(), 4);

    let mut numbers = client.count_to(1_000).unwrap().into_blocking();
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    let rest: Result<Vec<u32>, StreamError> = numbers.by_ref().collect();
    assert_eq!(rest.unwrap(), Vec::from_iter(2..=1_000));
    assert!(numbers.next().is_none());
    // Dropped in the middle.
    drop(client.count_to(1_000_000).unwrap().into_blocking().next());

    let (sender, numbers) = Stream::channel(1);
    let sending = thread::spawn(move || (1..=100).try_for_each(|n| sender.send_blocking(n)));
    assert_eq!(client.sum(numbers).unwrap(), 5050);
    sending.join().unwrap().unwrap();
}

#[test]
fn a_callback_is_answered_during_and_between_calls() {
    let server = Server::new();
    let ask = async |cx: Context, n: i64| -> Result<i64, Fault> {
        let caller = Client::of(&cx).ok_or_else(|| Fault::new(1, "no client"))?;
        Ok(caller.call("double", (n,)).await?)
    };
    server.register_function("ask", ask).unwrap();
    let ask_blocking = |cx: Context, n: i64| -> Result<i64, Fault> {
        let caller = blocking::Client::of(&cx).ok_or_else(|| Fault::new(1, "no client"))?;
        Ok(caller.call("double", (n,))?)
    };
    server
        .register_function("ask in a task", ask_blocking)
        .unwrap();
    server
        .register_blocking("ask in a thread", ask_blocking)
        .unwrap();
    let (sender, answers) = mpsc::channel();
    let ask_later = move |cx: Context, n: i64| {
        let (caller, sender) = (Client::of(&cx), sender.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let answer: i64 = caller.unwrap().call("double", (n,)).await.unwrap();
            sender.send(answer).unwrap();
        });
    };
    server.register_function("ask later", ask_later).unwrap();
    let server = Running::new(&server);

    let offered = Registry::new();
    offered.register_function("double", |n: i64| 2 * n).unwrap();
    let client = Client::connect(&server.address).authkey("key");
    let client = client.offer(offered).wait().unwrap();
    assert_eq!(client.call::<i64>("ask", (3,)).unwrap(), 6);
    assert_eq!(client.call::<i64>("ask in a thread", (4,)).unwrap(), 8);
    let error = client.call::<i64>("ask in a task", (4,)).unwrap_err();
    assert!(matches!(error, CallError::Fault(_)), "{error:?}");
    client.call::<()>("ask later", (5,)).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap(), 10);
}

#[test]
fn an_idle_client_answers_pings() {
    const KEEPALIVE: Duration = Duration::from_millis(50);
    let session = SessionOptions::default().keepalive(KEEPALIVE);
    let options = rpc::ServerOptions::default().session(session.clone());
    let server = Server::with_options(options);
    server.register_instance(Counter::default()).unwrap();
    let server = Running::new(&server);
    // It does not reconnect: an answer shows that the first connection is still open.
    let client = Client::connect(&server.address).authkey("key");
    let client = client.session(session).wait().unwrap();
    assert_eq!(client.add(1).unwrap(), 1);
    thread::sleep(10 * KEEPALIVE);
    assert!(!client.is_closed());
    assert_eq!(client.add(1).unwrap(), 2);
}

#[test]
fn a_call_that_takes_too_long_is_cancelled() {
    let cancelled = Arc::new(AtomicBool::new(false));
    struct SetOnDrop(Arc<AtomicBool>);
    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let server = Server::new();
    let flag = Arc::clone(&cancelled);
    let wait = move || {
        let dropped = SetOnDrop(Arc::clone(&flag));
        async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        }
    };
    server.register_function("wait", wait).unwrap();
    let server = Running::new(&server);
    let client = connect(&server);

    let begin = Instant::now();
    let limited = client.within(Duration::from_millis(50));
    let error = limited.call::<()>("wait", ()).unwrap_err();
    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert!(
        matches!(&error, CallError::Fault(fault) if fault.kind() == FaultKind::DeadlineExceeded),
        "{error:?}"
    );
    while !cancelled.load(Ordering::Relaxed) {
        assert!(begin.elapsed() < LONG, "the call still runs");
        thread::sleep(Duration::from_millis(1));
    }
    // So does a deadline in the context.
    let soon = Some(Instant::now() + Duration::from_millis(20));
    let context = Context::new("wait").with_deadline(soon);
    assert!(client.call_in::<()>(context, ()).is_err());
}

#[test]
fn a_client_reconnects_between_calls() {
    let first = counter();
    let address = first.address.clone();
    let client = Client::connect(&address).authkey("key");
    let client = client.reconnect(Reconnect::default()).wait().unwrap();
    assert_eq!(client.add(1).unwrap(), 1);
    first.stop.stop();
    first.join();
    let server = Server::new();
    server.register_instance(Counter::default()).unwrap();
    let bound = server.bind(&address).authkey("key").wait().unwrap();
    let stop = bound.stop_handle();
    let serving = thread::spawn(|| bound.serve());
    let begin = Instant::now();
    while !matches!(client.add(1), Ok(1)) {
        assert!(begin.elapsed() < LONG);
        thread::sleep(Duration::from_millis(10));
    }
    stop.stop();
    serving.join().unwrap().unwrap();
}

/// The session stays in the runtime of the async program.
#[tokio::test]
async fn the_client_of_an_async_program_can_be_used_where_blocking_is_allowed() {
    let server = Server::new();
    server.register_instance(Counter::default()).unwrap();
    let bound = server.bind("127.0.0.1:0").authkey("key").await.unwrap();
    let client = Client::connect(bound.local_address()).authkey("key");
    tokio::spawn(bound.serve());
    let client = client.await.unwrap();
    let blocking = blocking::Client::from(client.clone());
    let in_thread = tokio::task::spawn_blocking(move || {
        let sum = blocking.within(LONG).add(3).unwrap();
        let numbers = blocking.count_to(3).unwrap().into_blocking();
        (sum, numbers.map(Result::unwrap).collect::<Vec<u32>>())
    });
    assert_eq!(in_thread.await.unwrap(), (3, vec![1, 2, 3]));
    assert_eq!(client.call::<i64>("add", (1,)).await.unwrap(), 4);
}
