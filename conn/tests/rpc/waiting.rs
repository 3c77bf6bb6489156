//! Calls that wait: for a promise, for a connection after a `Goodbye`, or for room.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{self, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use farcall_conn::rpc::{
    Client, Pipelined as _, Reconnect, Remote, Server, ServerOptions, SessionOptions, Stream,
};
use farcall_conn::{Connection, Listener};
use farcall_core::transport::Listen;
use farcall_core::transport::memory::{MemoryConnector, listener};
use farcall_core::{Budget, CallError, Caller as _, Execution, FaultKind, service};
use futures_util::{Stream as _, stream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::client;

struct Scale;

#[service]
impl Scale {
    pub fn length(&self, bytes: &[u8]) -> usize {
        bytes.len()
    }
}

/// A server whose method `scale` returns its object when `ready` is notified.
fn scales(options: SessionOptions) -> (Server, Arc<Notify>) {
    let server = Server::with_options(ServerOptions::default().session(options));
    let ready = Arc::new(Notify::new());
    let notified = Arc::clone(&ready);
    server
        .register_function("scale", move |_: Vec<u8>| {
            let ready = Arc::clone(&notified);
            async move {
                ready.notified().await;
                Remote::<Scale>::new(Scale)
            }
        })
        .unwrap();
    (server, ready)
}

/// Makes a call on a promise.
fn weigh(scale: &Remote<Scale>, length: usize) -> JoinHandle<Result<usize, CallError>> {
    let scale = scale.clone();
    tokio::spawn(async move { scale.call("length", (vec![7u8; length],)).await })
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_promises_are_limited() {
    let (server, ready) = scales(SessionOptions::default().max_backlog(100_000));
    let client = client(&server).await;
    for round in 0..2 {
        let scale: Remote<Scale> = client.call("scale", (Vec::<u8>::new(),)).pipelined();
        let first = weigh(&scale, 40_000);
        let second = weigh(&scale, 40_000);
        sleep(Duration::from_millis(10)).await;
        let third = weigh(&scale, 40_000).await.unwrap().unwrap_err();
        let kind = third.fault().map(farcall_core::Fault::kind);
        assert_eq!(kind, Some(FaultKind::Overloaded), "round {round}: {third}");
        assert_eq!(third.execution(), Execution::Never);
        // A call that is cancelled makes room for another.
        first.abort();
        sleep(Duration::from_millis(10)).await;
        let fourth = weigh(&scale, 40_000);
        sleep(Duration::from_millis(10)).await;
        assert!(!second.is_finished() && !fourth.is_finished());
        ready.notify_one();
        assert_eq!(second.await.unwrap().unwrap(), 40_000, "round {round}");
        assert_eq!(fourth.await.unwrap().unwrap(), 40_000, "round {round}");
    }
}

/// Both the call that promises an object and those that wait for it hold memory.
#[tokio::test(start_paused = true)]
async fn calls_with_promises_are_counted_in_the_budget() {
    const PART: usize = 300_000;

    let (server, ready) = scales(SessionOptions::default());
    let (listening, connector) = listener("scales");
    let budget = Budget::new(2 << 20);
    let listening = Listener::over(listening).budget(budget.clone());
    tokio::spawn(server.listen(listening).await.unwrap().serve());
    let client = Client::over(connector).await.unwrap();

    let scale: Remote<Scale> = client.call("scale", (vec![7u8; PART],)).pipelined();
    sleep(Duration::from_millis(10)).await;
    let held = budget.held() + Budget::FREE;
    assert!((PART..2 * PART).contains(&held), "{held}");
    let [first, second] = [weigh(&scale, PART), weigh(&scale, PART)];
    sleep(Duration::from_millis(10)).await;
    let held = budget.held() + Budget::FREE;
    assert!((3 * PART..4 * PART).contains(&held), "{held}");
    first.abort();
    sleep(Duration::from_millis(10)).await;
    let held = budget.held() + Budget::FREE;
    assert!((2 * PART..3 * PART).contains(&held), "{held}");
    ready.notify_one();
    assert_eq!(second.await.unwrap().unwrap(), PART);
    drop(scale);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.held(), 0);
}

/// Streams do not count as objects, and objects beside streams do.
#[tokio::test]
async fn objects_beside_streams_are_limited() {
    let options = SessionOptions::default().max_objects(1);
    let server = Server::with_options(ServerOptions::default().session(options));
    server
        .register_function("one", |_: Stream<u8>, _: Remote<Scale>| 1)
        .unwrap()
        .register_function("two", |_: Stream<u8>, _: (Remote<Scale>, Remote<Scale>)| 2)
        .unwrap();
    let client = client(&server).await;
    let items = || Stream::new(stream::empty::<Result<u8, farcall_core::Fault>>());
    let scale = || Remote::<Scale>::new(Scale);
    let two = client.call::<i64>("two", (items(), (scale(), scale())));
    assert_eq!(two.await.unwrap_err().execution(), Execution::Never);
    assert_eq!(
        client.call::<i64>("one", (items(), scale())).await.unwrap(),
        1
    );
}

/// Accepts a client of a server that answers at most `max_calls` calls at once.
async fn greet(
    listening: &mut impl Listen<Io = tokio::io::DuplexStream>,
    max_calls: u8,
) -> Connection {
    let (io, _) = listening.accept().await.unwrap();
    let mut peer: Connection = Connection::new(io);
    peer.recv_bytes(4096).await.unwrap();
    // The limits: the length of a message, calls, streams, objects, window.
    let hello = [
        b"\0FARCALL\x02\0\x07bincode\xff\xff\x7f",
        &[max_calls][..],
        b"\x7f\x7f\x7f\0",
    ];
    peer.send_bytes(&hello.concat()).await.unwrap();
    peer
}

/// Returns the id and the argument of the next call.
async fn next_call(peer: &mut Connection) -> Option<(u8, u8)> {
    loop {
        let message = peer.recv_bytes(4096).await.ok()?;
        // The kind, the id, and at the end the argument: twice its value, since it is signed.
        if message[0] == 1 {
            return Some((message[1], message[message.len() - 1] / 2));
        }
    }
}

async fn answer(peer: &mut Connection, (id, number): (u8, u8)) {
    let result = [2, id, 0, b'i', number * 2];
    peer.send_bytes(&result).await.unwrap();
}

/// The calls that a `Goodbye` excludes run on the next connection, each once and in their order,
/// before those that were not sent at all. A call with a stream belongs to its connection.
#[tokio::test]
async fn calls_after_a_goodbye_are_made_again_in_order() {
    let (mut listening, connector) = listener("goodbye");
    let (client, mut peer) = tokio::join!(reconnecting(connector), greet(&mut listening, 4));
    let call = |number: i64| {
        let client = client.clone();
        tokio::spawn(async move { client.call::<i64>("same", (number,)).await })
    };
    let mut calls = Vec::new();
    for number in 1..=3 {
        calls.push(call(number));
        assert_eq!(
            next_call(&mut peer).await,
            Some((number as u8, number as u8))
        );
    }
    let with_stream = client.clone();
    let with_stream = tokio::spawn(async move {
        let items = Stream::new(stream::empty::<Result<u8, farcall_core::Fault>>());
        with_stream.call::<i64>("same", (items,)).await
    });
    assert_eq!(next_call(&mut peer).await.map(|(id, _)| id), Some(4));
    // The server answers four calls at once, so these are not sent.
    for number in 5..=6 {
        calls.push(call(number));
        sleep(Duration::from_millis(5)).await;
    }
    peer.send_bytes(b"\x0d\x01\x03bye").await.unwrap();
    let error = with_stream.await.unwrap().unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert!(calls.iter().all(|call| !call.is_finished()));
    answer(&mut peer, (1, 1)).await;
    assert_eq!(calls.remove(0).await.unwrap().unwrap(), 1);
    assert_eq!(next_call(&mut peer).await, None, "the client closes");

    let mut peer = greet(&mut listening, 100).await;
    for number in [2, 3, 5, 6] {
        let call = next_call(&mut peer).await.unwrap();
        assert_eq!(call.1, number);
        answer(&mut peer, call).await;
    }
    for (call, number) in calls.into_iter().zip([2, 3, 5, 6]) {
        assert_eq!(call.await.unwrap().unwrap(), number);
    }
    let more = timeout(Duration::from_millis(50), next_call(&mut peer)).await;
    assert!(more.is_err(), "{more:?}");
}

/// The `Goodbye` after a violation leaves before the calls that were not written yet, so these are
/// known not to have run.
#[tokio::test]
async fn a_goodbye_after_a_violation_does_not_count_as_the_calls_behind_it() {
    let (mut listening, connector) = listener("violation");
    let (client, mut peer) = tokio::join!(Client::over(connector), greet(&mut listening, 4));
    let client = client.unwrap();
    // The driver of the client becomes idle.
    sleep(Duration::from_millis(5)).await;
    peer.send_bytes(&[99]).await.unwrap();
    // The first call is written by its own task, the second would be by the driver.
    let (first, second) = tokio::join!(
        client.call::<i64>("same", (1,)),
        client.call::<i64>("same", (2,))
    );
    assert_eq!(first.unwrap_err().execution(), Execution::Maybe);
    assert_eq!(second.unwrap_err().execution(), Execution::Never);
    assert_eq!(next_call(&mut peer).await, Some((1, 1)));
    assert_eq!(peer.recv_bytes(4096).await.unwrap()[0], 13);
    assert!(peer.recv_bytes(4096).await.is_err());
}

async fn reconnecting(connector: MemoryConnector) -> Client {
    let reconnect = Reconnect::default().first_pause(Duration::from_millis(1));
    Client::over(connector).reconnect(reconnect).await.unwrap()
}

/// A waker that uses the session when it is dropped, as does one that holds the last reference to a
/// task with a call. It sends `true` if the session was unlocked.
struct UsesSession(Client, mpsc::Sender<bool>);

impl Wake for UsesSession {
    fn wake(self: Arc<Self>) {}
}

impl Drop for UsesSession {
    fn drop(&mut self) {
        let (client, (done, is_done)) = (self.0.clone(), mpsc::channel());
        thread::spawn(move || done.send(client.stats()));
        let is_unlocked = is_done.recv_timeout(Duration::from_secs(5)).is_ok();
        let _ = self.1.send(is_unlocked);
    }
}

#[tokio::test]
async fn a_replaced_waker_is_dropped_while_the_session_is_unlocked() {
    let server = Server::new();
    let never = async || pending::<()>().await;
    server.register_function("never", never).unwrap();
    let silence = || Stream::<u64>::new(stream::pending());
    server.register_function("silence", silence).unwrap();
    let client = client(&server).await;
    let mut call = pin!(client.call::<()>("never", ()).into_future());
    let mut items: Stream<u64> = client.call("silence", ()).await.unwrap();
    let check = |poll: &mut dyn FnMut(&mut task::Context<'_>) -> Poll<()>| {
        let (dropped, is_unlocked) = mpsc::channel();
        let waker = Waker::from(Arc::new(UsesSession(client.clone(), dropped)));
        assert!(poll(&mut task::Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(is_unlocked.try_recv().is_err(), "the waker is stored");
        assert!(poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
        assert!(is_unlocked.try_recv().unwrap());
    };
    check(&mut |cx| call.as_mut().poll(cx).map(drop));
    check(&mut |cx| Pin::new(&mut items).poll_next(cx).map(drop));
}
