use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall_conn::Connection;
use farcall_conn::rpc::{
    Client, Disconnected, Reconnect, Remote, Server, ServerOptions, SessionOptions,
};
use farcall_core::transport::Connect;
use farcall_core::{CallError, Context, Execution, client, service};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::support::{Counter, CounterApi, Network, until};

#[derive(Clone, Default)]
struct Work {
    alive: Arc<AtomicUsize>,
    runs: Arc<AtomicUsize>,
}

#[service]
impl Work {
    pub fn counter(&self) -> Remote<dyn CounterApi> {
        Remote::new(Counter::new(0, &self.alive))
    }

    pub async fn slow(&self) -> usize {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        sleep(Duration::from_millis(100)).await;
        run
    }
}

#[client]
trait WorkApi {
    async fn counter(&self) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn slow(&self) -> Result<usize, CallError>;
    #[client(name = "slow", idempotent)]
    async fn slow_again(&self) -> Result<usize, CallError>;
}

fn server(lease: Duration) -> (Server, Work) {
    let server = Server::with_options(ServerOptions::default().lease(lease));
    let work = Work::default();
    server.register_instance(work.clone()).unwrap();
    (server, work)
}

fn reconnect() -> Reconnect {
    Reconnect::default()
        .first_pause(Duration::from_millis(10))
        .max_pause(Duration::from_millis(40))
}

async fn reconnecting(server: &Server) -> (Network, Client) {
    let network = Network::to(server, Duration::from_millis(1)).await;
    let client = Client::over(network.clone()).reconnect(reconnect());
    (network, client.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn idempotent_calls_are_retried_and_others_fail_as_lost() {
    let (server, work) = server(Duration::ZERO);
    let (network, client) = reconnecting(&server).await;
    let (once, again) = (client.clone(), client.clone());
    let once = tokio::spawn(async move { once.slow().await });
    let again = tokio::spawn(async move { again.slow_again().await });
    sleep(Duration::from_millis(50)).await;
    network.cut();
    let error = once.await.unwrap().unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe);
    assert_eq!(again.await.unwrap().unwrap(), 3);
    assert_eq!(network.connections(), 2);
    assert_eq!(work.runs.load(Ordering::Relaxed), 3);
    assert_eq!(client.slow().await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_next_connection_until_their_deadline() {
    let (server, work) = server(Duration::ZERO);
    let (network, client) = reconnecting(&server).await;
    network.set_down(true);
    network.cut();
    sleep(Duration::from_millis(20)).await;
    let hurried = client.within(Duration::from_millis(200));
    let error = hurried.slow().await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.slow().await }
    });
    sleep(Duration::from_secs(5)).await;
    assert!(!waiting.is_finished());
    network.set_down(false);
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    assert_eq!(work.runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_server_gives_up() {
    let (server, _) = server(Duration::ZERO);
    let network = Network::to(&server, Duration::from_millis(1)).await;
    let client = Client::over(network.clone())
        .reconnect(reconnect().give_up_after(Some(Duration::from_secs(3))))
        .await
        .unwrap();
    network.set_down(true);
    network.cut();
    sleep(Duration::from_millis(10)).await;
    let start = Instant::now();
    let error = client.slow().await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    assert!(start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(4));
    client.closed().await;
}

#[tokio::test(start_paused = true)]
async fn objects_outlive_a_connection_for_as_long_as_they_are_leased() {
    let (server, work) = server(Duration::from_secs(10));
    let (network, client) = reconnecting(&server).await;
    let (kept, dropped) = (
        client.counter().await.unwrap(),
        client.counter().await.unwrap(),
    );
    assert_eq!(kept.add(5).await.unwrap(), 5);
    network.set_down(true);
    network.cut();
    sleep(Duration::from_secs(5)).await;
    // A reference that is dropped meanwhile is released when the session resumes.
    drop(dropped);
    assert_eq!(work.alive.load(Ordering::Relaxed), 2);
    network.set_down(false);
    assert_eq!(kept.add(1).await.unwrap(), 6);
    until(|| work.alive.load(Ordering::Relaxed) == 1).await;

    network.set_down(true);
    network.cut();
    sleep(Duration::from_secs(11)).await;
    assert_eq!(
        work.alive.load(Ordering::Relaxed),
        0,
        "the lease has expired"
    );
    network.set_down(false);
    kept.closed().await;
    let error = kept.add(1).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert_eq!(client.counter().await.unwrap().add(1).await.unwrap(), 1);
}

/// The peer would answer such calls with a fault, as if it had lost the object by mistake.
#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_connection_are_not_sent_to_objects_of_a_forgotten_session() {
    let (server, _) = server(Duration::ZERO);
    let (network, client) = reconnecting(&server).await;
    let counter = client.counter().await.unwrap();
    network.set_down(true);
    network.cut();
    sleep(Duration::from_millis(20)).await;
    let waiting = tokio::spawn(async move { counter.add(1).await });
    sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    network.set_down(false);
    match waiting.await.unwrap().unwrap_err() {
        CallError::NotSent(cause) => assert!(
            matches!(cause.downcast_ref(), Some(Disconnected::Forgotten)),
            "{cause}"
        ),
        error => panic!("{error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_client_releases_its_objects_despite_the_lease() {
    let (server, work) = server(Duration::from_secs(1000));
    let (_, client) = reconnecting(&server).await;
    let counter = client.counter().await.unwrap();
    drop((counter, client));
    let start = Instant::now();
    until(|| work.alive.load(Ordering::Relaxed) == 0).await;
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_detected() {
    // The connection stays open, but no byte passes.
    let (server, work) = server(Duration::ZERO);
    let options = SessionOptions::default().keepalive(Duration::from_secs(1));
    let network = Network::to(&server, Duration::from_millis(1)).await;
    let client = Client::over(network.clone())
        .session(options)
        .await
        .unwrap();
    let counter = client.counter().await.unwrap();
    // Pings keep the connection alive.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(counter.add(1).await.unwrap(), 1);
    network.set_silent(true);
    let start = Instant::now();
    let error = counter.add(1).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe);
    assert!(
        start.elapsed() <= Duration::from_millis(2300),
        "{:?}",
        start.elapsed()
    );
    until(|| work.alive.load(Ordering::Relaxed) == 0).await;
}

/// Returns the `Hello` of a client with MessagePack, which resumes a session unless `session` is
/// empty.
fn hello(session: &[u8]) -> Vec<u8> {
    let mut hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\x7f\x09\x09\x09\xff\x7f".to_vec();
    hello.push(session.len() as u8);
    hello.extend(session);
    hello
}

async fn greet(network: &impl Connect, session: &[u8]) -> (Connection, Vec<u8>) {
    let mut peer: Connection = Connection::new(network.connect().await.unwrap());
    peer.send_bytes(&hello(session)).await.unwrap();
    let answer = peer.recv_bytes(100).await.unwrap();
    (peer, answer[answer.len() - 16..].to_vec())
}

#[tokio::test(start_paused = true)]
async fn references_passed_before_held_are_counted() {
    let (server, work) = server(Duration::from_secs(10));
    let alive = Arc::clone(&work.alive);
    let pass_later = move |context: Context| {
        let client = Client::of(&context).unwrap();
        let counter = Remote::<dyn CounterApi>::new(Counter::new(0, &alive));
        tokio::spawn(async move {
            sleep(Duration::from_millis(50)).await;
            client.call::<()>("take", (counter,)).await
        });
    };
    server.register_function("pass_later", pass_later).unwrap();
    let network = Network::to(&server, Duration::from_millis(1)).await;
    let (mut peer, session) = greet(&network, &[]).await;
    peer.send_bytes(b"\x01\x01\0\0\0\x0apass_later\0\x90")
        .await
        .unwrap();
    assert_eq!(peer.recv_bytes(100).await.unwrap(), b"\x02\x01\0\xc0");
    drop(peer);
    let (mut peer, _) = greet(&network, &session).await;
    assert_eq!(
        peer.recv_bytes(100).await.unwrap(),
        b"\x0e",
        "the server refers to nothing"
    );
    let call = peer.recv_bytes(100).await.unwrap();
    let begin = b"\x01\x01\0\0\0\x04take\x01\0";
    let counter = call.strip_prefix(begin).expect("a call with an object");
    let counter = &counter[..16];
    // A `Held` without objects. It does not cover the object that the server has passed since.
    peer.send_bytes(b"\x0e").await.unwrap();
    let call = [b"\x01\x02\x01", counter, b"\0\0\x03add\0\x91\x05"].concat();
    peer.send_bytes(&call).await.unwrap();
    assert_eq!(peer.recv_bytes(100).await.unwrap(), b"\x02\x02\0\x05");
    assert_eq!(work.alive.load(Ordering::Relaxed), 1);
    peer.send_bytes(b"\x02\x01\0\xc0").await.unwrap();
    peer.send_bytes(&[b"\x06", counter, b"\x01"].concat())
        .await
        .unwrap();
    until(|| work.alive.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_resumed_without_its_token() {
    let (server, _) = server(Duration::from_secs(10));
    let network = Network::to(&server, Duration::from_millis(1)).await;
    let (_first, session) = greet(&network, &[]).await;
    let (_second, other) = greet(&network, &[7; 16]).await;
    assert_ne!(session, other);
    let (_third, same) = greet(&network, &session).await;
    assert_eq!(session, same);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_no_bytes_releases_its_session() {
    let (server, _) = server(Duration::from_secs(10));
    server
        .register_function("bytes", || vec![7u8; 10_000])
        .unwrap();
    let connector = crate::support::serve(&server).await;
    let (mut deaf, session) = greet(&connector, &[]).await;
    for id in 1..=40 {
        let call = [&[1, id][..], b"\0\0\0\x05bytes\0\x90"].concat();
        deaf.send_bytes(&call).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    let (_second, same) = greet(&connector, &session).await;
    assert_eq!(session, same);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_greets_while_the_server_stops_receives_the_reason() {
    let (listening, connector) = farcall_core::transport::memory::listener("test");
    let listener = farcall_conn::Listener::over(listening);
    let bound = Server::new().listen(listener).await.unwrap();
    let stop = Arc::new(Notify::new());
    let serving = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move { bound.serve_until(stop.notified()).await }
    });
    let mut late: Connection = Connection::new(connector.connect().await.unwrap());
    sleep(Duration::from_millis(100)).await;
    stop.notify_one();
    sleep(Duration::from_millis(100)).await;
    late.send_bytes(&hello(&[])).await.unwrap();
    late.recv_bytes(100).await.unwrap();
    let goodbye = late.recv_bytes(100).await.unwrap();
    assert_eq!(goodbye[0], 13);
    assert!(goodbye.ends_with(b"the server is stopping"));
    drop(late);
    assert_eq!(serving.await.unwrap().finished, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_may_read_late_but_not_too_late() {
    let options = SessionOptions::default().keepalive(Duration::from_secs(1));
    let server = Server::with_options(ServerOptions::default().session(options));
    server
        .register_function("bytes", || vec![7u8; 20_000])
        .unwrap();
    let connector = crate::support::serve(&server).await;
    let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
    peer.send_bytes(b"\0FARCALL\x02\0\x07bincode\xff\xff\x7f\x7f\x7f\x7f\x7f\0")
        .await
        .unwrap();
    peer.recv_bytes(100).await.unwrap();
    // The server receives messages all the time, and has none to send.
    for _ in 0..10 {
        peer.send_bytes(b"\x04\x63").await.unwrap();
        sleep(Duration::from_millis(500)).await;
    }
    // More than the transport buffers, read late but in time.
    let call = |id: u8| [&[1, id][..], b"\0\0\0\x05bytes\0\0"].concat();
    for id in 1..=10 {
        peer.send_bytes(&call(id)).await.unwrap();
    }
    sleep(Duration::from_millis(1500)).await;
    let mut results = 0;
    while results < 10 {
        results += usize::from(peer.recv_bytes(30_000).await.unwrap()[0] == 2);
    }
    // Read too late, although the peer keeps sending.
    for id in 11..=20 {
        peer.send_bytes(&call(id)).await.unwrap();
    }
    for _ in 0..8 {
        sleep(Duration::from_millis(500)).await;
        let _ = peer.send_bytes(b"\x04\x63").await;
    }
    let mut results = 0;
    while let Ok(message) = peer.recv_bytes(30_000).await {
        results += usize::from(message[0] == 2);
    }
    assert!(results < 10, "the connection was not closed");
}
