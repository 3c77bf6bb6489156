//! Whole sessions over NATS: objects, streams, callbacks, and much data.

use std::process::Command;
use std::time::{Duration, Instant};

use farcall::cluster::nats::{Connection, StreamConnector, StreamListener};
use farcall::conn::Listener;
use farcall::rpc::{Client, Server, ServerOptions, Stream};
use farcall::{Context, Execution, Registry};
use tokio::task::JoinHandle;

use crate::server::{NatsServer, Peer};

const KEY: &str = "a secret of both";

fn server() -> Server {
    let server = Server::with_options(ServerOptions::default());
    let offer = || {
        server
            .register_function("add", |a: i64, b: i64| a + b)?
            .register_function("count", |to: u64, bytes: usize| {
                let (sender, stream) = Stream::channel(16);
                tokio::spawn(async move {
                    for number in 0..to {
                        let item = (number, "x".repeat(bytes));
                        if sender.send(item).await.is_err() {
                            break;
                        }
                    }
                });
                stream
            })?
            .register_function("sum", async |mut numbers: Stream<u64>| {
                let mut sum = 0;
                while let Some(number) = numbers.next().await {
                    sum += number.map_err(farcall::Fault::internal)?;
                }
                Ok::<u64, farcall::Fault>(sum)
            })?
            .register_function("length", |text: String| text.len())?
            .register_function("ask", async |cx: Context| {
                let caller = Client::of(&cx).expect("it came over a session");
                let name: String = caller.call("name", ()).await?;
                Ok::<String, farcall::Fault>(format!("hello {name}"))
            })?;
        Ok::<_, farcall::RegisterError>(())
    };
    offer().expect("the names are free");
    server
}

/// Serves sessions without a key, which are possible within one process.
async fn serve(connection: &Connection, id: &str) -> JoinHandle<()> {
    let listener = StreamListener::new(connection, "files", id).await.unwrap();
    let bound = server().listen(Listener::over(listener)).await.unwrap();
    tokio::spawn(bound.serve())
}

/// The server of another test, as a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test starts it, as a process of its own: cargo test -p interop --test nats only_a_peer"]
async fn server_process() {
    let url = std::env::var("NATS_URL").unwrap();
    let connection = Connection::open(&url).await.unwrap();
    let listener = StreamListener::new(&connection, "files", "node1")
        .await
        .unwrap();
    let bound = server()
        .listen(Listener::over(listener))
        .authkey(KEY)
        .await
        .unwrap();
    println!("\nready");
    bound.serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_streams_callbacks_and_large_messages() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let serving = serve(&served, "node1").await;
    let offered = Registry::new();
    offered.register_function("name", || "Ada").unwrap();
    let connector = StreamConnector::new(&called, "files").unwrap();
    let client = Client::over(connector).offer(offered).await.unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<String>("ask", ()).await.unwrap(), "hello Ada");
    // Larger than the limit of NATS and than the window.
    let text = "x".repeat(5_000_000);
    assert_eq!(
        client.call::<usize>("length", (text,)).await.unwrap(),
        5_000_000
    );

    let mut items: Stream<(u64, String)> = client.call("count", (5000, 1000)).await.unwrap();
    // A receiver that takes nothing for a while makes the sender wait.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for expected in 0..5000 {
        let (number, text) = items.next().await.unwrap().unwrap();
        assert_eq!((number, text.len()), (expected, 1000));
    }
    assert!(items.next().await.is_none());
    let numbers = Stream::new(futures_util::stream::iter((0..1000_u64).map(Ok)));
    assert_eq!(
        client.call::<u64>("sum", (numbers,)).await.unwrap(),
        499_500
    );

    // Many calls at once, in many small pieces.
    let calls: Vec<_> = (0..2000_i64)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<i64>("add", (number, 1)).await })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number as i64 + 1);
    }
    client.close().await;
    let begun = Instant::now();
    while served.waiting() + called.waiting() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_peer_with_the_key_opens_a_session() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args([
        "--ignored",
        "--exact",
        "sessions::server_process",
        "--nocapture",
    ]);
    process.env("NATS_URL", nats.url());
    let _peer = Peer::start(process);
    for id in [None, Some("node1")] {
        let connector = || match id {
            None => StreamConnector::new(&connection, "files").unwrap(),
            Some(id) => StreamConnector::to_instance(&connection, "files", id).unwrap(),
        };
        assert!(Client::over(connector()).authkey("wrong").await.is_err());
        let client = Client::over(connector()).authkey(KEY).await.unwrap();
        assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        {
            // The listener has no TLS: the client learns it without waiting for its timeout.
            let begun = Instant::now();
            assert!(
                Client::over(connector())
                    .authkey(KEY)
                    .encrypted()
                    .await
                    .is_err()
            );
            assert!(begun.elapsed() < Duration::from_secs(6));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_gone_ends_the_session_at_once() {
    let mut nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let begun = Instant::now();
    let nobody = StreamConnector::new(&called, "files").unwrap();
    assert!(Client::over(nobody.clone()).await.is_err());
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "no responders are reported at once"
    );

    let serving = serve(&served, "node1").await;
    let client = Client::over(nobody.clone()).await.unwrap();
    // The server drops its sessions, and tells their peers.
    serving.abort();
    tokio::time::timeout(Duration::from_secs(5), client.closed())
        .await
        .unwrap();

    let serving = serve(&served, "node2").await;
    let client = Client::over(nobody).await.unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    nats.kill();
    tokio::time::timeout(Duration::from_secs(5), client.closed())
        .await
        .unwrap();
    let error = client.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    serving.abort();
}
