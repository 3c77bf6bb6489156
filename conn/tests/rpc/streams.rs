use std::future::pending;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall_conn::Connection;
use farcall_conn::rpc::{
    Client, Encoding, Reconnect, Remote, Server, ServerOptions, SessionOptions, Stream, StreamError,
};
use farcall_core::transport::Connect as _;
use farcall_core::{CallError, Content, Execution, Fault, Kind, Shape, client, service};
use futures_util::stream;
use tokio::time::{Instant, sleep};

use crate::support::{Network, client, connect, serve, until};

#[derive(Clone, Default)]
struct Source {
    produced: Arc<AtomicU64>,
    alive: Arc<AtomicUsize>,
}

struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[service]
impl Source {
    /// Returns the numbers below `count`, and then a fault if `fails`.
    pub fn numbers(&self, count: u64, fails: bool) -> Stream<u64> {
        let produced = Arc::clone(&self.produced);
        let alive = Alive::new(&self.alive);
        Stream::new(stream::iter((0..=count).map_while(move |number| {
            let _alive = &alive;
            if number == count {
                return fails.then(|| Err(Fault::new(7, "that was all")));
            }
            produced.fetch_add(1, Ordering::Relaxed);
            Some(Ok(number))
        })))
    }

    pub fn blocks(&self, count: usize, size: usize) -> Stream<Vec<u8>> {
        let produced = Arc::clone(&self.produced);
        Stream::new(stream::iter((0..count).map(move |_| {
            produced.fetch_add(1, Ordering::Relaxed);
            Ok(vec![7; size])
        })))
    }

    pub async fn sum(&self, mut numbers: Stream<u64>) -> Result<u64, Fault> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    /// Returns the numbers doubled, as they arrive.
    pub fn doubled(&self, numbers: Stream<u64>) -> Stream<u64> {
        use futures_util::StreamExt as _;
        Stream::new(numbers.map(|number| Ok(number? * 2)))
    }

    pub fn nested(&self) -> Vec<(String, Stream<u64>)> {
        vec![
            ("two".to_owned(), self.numbers(2, false)),
            ("three".to_owned(), self.numbers(3, false)),
        ]
    }

    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

#[client]
trait SourceApi {
    async fn numbers(&self, count: u64, fails: bool) -> Result<Stream<u64>, CallError>;
    async fn blocks(&self, count: usize, size: usize) -> Result<Stream<Vec<u8>>, CallError>;
    async fn sum(&self, numbers: Stream<u64>) -> Result<u64, CallError>;
    async fn doubled(&self, numbers: Stream<u64>) -> Result<Stream<u64>, CallError>;
    async fn nested(&self) -> Result<Vec<(String, Stream<u64>)>, CallError>;
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

fn source() -> (Server, Source) {
    let server = Server::new();
    let source = Source::default();
    server.register_instance(source.clone()).unwrap();
    (server, source)
}

async fn collect<T: serde::de::DeserializeOwned>(
    mut items: Stream<T>,
) -> (Vec<T>, Option<StreamError>) {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => all.push(item),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

#[tokio::test]
async fn a_method_returns_a_stream() {
    let (server, source) = source();
    for encoding in [Encoding::Bincode, Encoding::MessagePack] {
        let client = connect(&server).await.encoding(encoding).await.unwrap();
        let (numbers, error) = collect(client.numbers(50_000, false).await.unwrap()).await;
        assert!(numbers.into_iter().eq(0..50_000) && error.is_none());
        let (numbers, error) = collect(client.numbers(10, true).await.unwrap()).await;
        assert!(numbers.into_iter().eq(0..10));
        let Some(StreamError::Fault(fault)) = error else {
            panic!("the stream does not end with its fault");
        };
        assert_eq!(fault, Fault::new(7, "that was all"));
        let nested = client.nested().await.unwrap();
        assert_eq!(nested.len(), 2);
        for (name, numbers) in nested {
            let (numbers, _) = collect(numbers).await;
            assert_eq!(numbers.len(), if name == "two" { 2 } else { 3 });
        }
        until(|| client.stats() == farcall_conn::rpc::SessionStats::default()).await;
    }
    until(|| source.alive.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test]
async fn a_method_takes_a_stream_and_gives_one_back() {
    let (server, _) = source();
    let client = client(&server).await;
    let numbers = Stream::new(stream::iter((1..=1000).map(Ok)));
    assert_eq!(client.sum(numbers).await.unwrap(), 500_500);
    let numbers = client
        .doubled(Stream::new(stream::iter((1..=1000).map(Ok))))
        .await
        .unwrap();
    // Passed from one call to the next through the client.
    assert_eq!(client.sum(numbers).await.unwrap(), 1_001_000);
    let (sender, numbers) = Stream::channel(1);
    let sum = tokio::spawn({
        let client = client.clone();
        async move { client.sum(numbers).await }
    });
    for number in 0..100 {
        sender.send(number).await.unwrap();
    }
    sender.fail(Fault::new(3, "enough")).await.unwrap();
    let error = sum.await.unwrap().unwrap_err();
    assert_eq!(error.fault(), Some(&Fault::new(3, "enough")));
}

#[tokio::test]
async fn a_slow_consumer_delays_only_its_own_producer() {
    let (server, source) = source();
    let client = client(&server).await;
    let mut blocks = client.blocks(10_000, 10_000).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let ahead = source.produced.load(Ordering::Relaxed);
    assert!(
        (20..40).contains(&ahead),
        "256 KiB are granted, {ahead} items were produced"
    );
    for number in 0..200 {
        assert_eq!(client.add(number, 1).await.unwrap(), number + 1);
    }
    for _ in 0..100 {
        blocks.next().await.unwrap().unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    let further = source.produced.load(Ordering::Relaxed);
    assert!((110..160).contains(&further), "{further}");
}

#[tokio::test]
async fn dropping_a_stream_or_its_sender_stops_the_other() {
    let (server, source) = source();
    let client = client(&server).await;
    let mut numbers = client.numbers(u64::MAX - 1, false).await.unwrap();
    assert_eq!(numbers.next().await.unwrap().unwrap(), 0);
    assert_eq!(source.alive.load(Ordering::Relaxed), 1);
    drop(numbers);
    until(|| source.alive.load(Ordering::Relaxed) == 0).await;

    // A stream that was never polled.
    drop(client.numbers(u64::MAX - 1, false).await.unwrap());
    until(|| source.alive.load(Ordering::Relaxed) == 0).await;

    let (sender, numbers) = Stream::channel(1);
    let sum = tokio::time::timeout(Duration::from_millis(20), client.sum(numbers));
    assert!(sum.await.is_err());
    // The call was cancelled, so the receiver was dropped.
    tokio::time::timeout(Duration::from_secs(5), sender.closed())
        .await
        .unwrap();
    assert!(sender.send(1).await.is_err());
    until(|| client.stats() == farcall_conn::rpc::SessionStats::default()).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_connection() {
    let (server, source) = source();
    let network = Network::to(&server, Duration::ZERO).await;
    let client = Client::over(network.clone()).await.unwrap();
    let mut numbers = client.numbers(u64::MAX - 1, false).await.unwrap();
    numbers.next().await.unwrap().unwrap();
    network.cut();
    let (rest, error) = collect(numbers).await;
    assert!(
        rest.iter().copied().eq(1..=rest.len() as u64),
        "the received items are in order"
    );
    assert!(
        matches!(error, Some(StreamError::Disconnected(_))),
        "{error:?}"
    );
    until(|| source.alive.load(Ordering::Relaxed) == 0).await;
}

/// The streams of the new session have the same ids as those of the former one.
#[tokio::test(start_paused = true)]
async fn an_unread_stream_does_not_disturb_the_next_session() {
    let (server, source) = source();
    let network = Network::to(&server, Duration::from_millis(1)).await;
    let client = Client::over(network.clone()).reconnect(Reconnect::default());
    let client = client.await.unwrap();
    let (read, dropped) = (
        client.numbers(3, false).await.unwrap(),
        client.numbers(u64::MAX - 1, false).await.unwrap(),
    );
    sleep(Duration::from_millis(50)).await;
    network.cut();
    until(|| source.alive.load(Ordering::Relaxed) == 0).await;
    sleep(Duration::from_millis(50)).await;
    let (one, other) = (
        client.numbers(5, false).await.unwrap(),
        client.numbers(50_000, false).await.unwrap(),
    );
    drop(dropped);
    let (numbers, error) = collect(read).await;
    assert!(numbers.into_iter().eq(0..3) && error.is_none(), "{error:?}");
    let (numbers, error) = collect(one).await;
    assert!(numbers.into_iter().eq(0..5) && error.is_none(), "{error:?}");
    let (numbers, error) = collect(other).await;
    assert!(numbers.into_iter().eq(0..50_000) && error.is_none());
    assert_eq!(network.connections(), 2);
}

#[tokio::test]
async fn streams_pass_within_one_process() {
    let local: Remote<dyn SourceApi> = Remote::new(Source::default());
    let (numbers, error) = collect(local.numbers(100, false).await.unwrap()).await;
    assert!(numbers.into_iter().eq(0..100) && error.is_none());
    let numbers = local.numbers(10, false).await.unwrap();
    let doubled = local.doubled(numbers).await.unwrap();
    assert_eq!(local.sum(doubled).await.unwrap(), 90);
    // And from there over a connection.
    let (server, _) = source();
    let client = client(&server).await;
    let numbers = local.numbers(10, false).await.unwrap();
    assert_eq!(client.sum(numbers).await.unwrap(), 45);
}

#[tokio::test]
async fn streams_are_limited_by_both_peers() {
    let (usual, few) = (
        SessionOptions::default(),
        SessionOptions::default().max_streams(2),
    );
    for (server_options, client_options) in [(usual.clone(), few.clone()), (few, usual)] {
        let server = Server::with_options(ServerOptions::default().session(server_options));
        server.register_instance(Source::default()).unwrap();
        let client = connect(&server)
            .await
            .session(client_options)
            .await
            .unwrap();
        let one = client.numbers(1_000_000, false).await.unwrap();
        let _other = client.numbers(1_000_000, false).await.unwrap();
        let error = client.numbers(1, false).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert!(fault.message().contains("too many streams"), "{fault}");
        // The method has run: a kind of refusal would say that it has not.
        assert_eq!(error.execution(), Execution::Maybe);
        drop(one);
        until(|| client.stats().streams == 1).await;
        sleep(Duration::from_millis(20)).await;
        client.numbers(1, false).await.unwrap();
    }
}

/// The peer does not count them, so the local side must not count them either. Their items are
/// limited together.
#[tokio::test]
async fn ended_streams_count_by_their_unread_items() {
    let options = SessionOptions::default()
        .max_streams(2)
        .window(1000)
        .max_backlog(5000);
    let server = Server::with_options(ServerOptions::default().session(options));
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = {
        let kept = Arc::clone(&kept);
        move |blocks: Stream<Vec<u8>>| kept.lock().unwrap().push(blocks)
    };
    server.register_function("keep", keep).unwrap();
    let client = client(&server).await;
    for _ in 0..12 {
        let block = Stream::new(stream::iter([Ok(vec![7u8; 480])]));
        client.call::<()>("keep", (block,)).await.unwrap();
        until(|| client.stats().streams == 0).await;
    }
    // The last `End` arrives before this call.
    client
        .call::<Vec<String>>("system.listMethods", ())
        .await
        .unwrap();
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    let (mut received, mut failed) = (0, 0);
    for blocks in kept {
        match collect(blocks).await {
            (blocks, None) => received += blocks.len(),
            (_, Some(StreamError::Fault(_))) => failed += 1,
            (_, error) => panic!("{error:?}"),
        }
    }
    // The items may cost 7000 together, and each of them costs over 608.
    assert_eq!((received, failed), (11, 1));
}

/// Each stream may have an item beyond its window, but not all of them at once.
#[tokio::test]
async fn long_unread_items_are_limited() {
    let (server, source) = source();
    let options = SessionOptions::default().window(10).max_backlog(5000);
    let client = connect(&server).await.session(options).await.unwrap();
    let mut streams = Vec::new();
    for number in 1..=20 {
        streams.push(client.blocks(1, 1000).await.unwrap());
        until(|| source.produced.load(Ordering::Relaxed) == number).await;
    }
    let (mut received, mut failed) = (0, 0);
    for mut stream in streams {
        match stream.next().await {
            Some(Ok(_)) => received += 1,
            Some(Err(StreamError::Fault(_))) => failed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((received, failed), (4, 16));
    // Taking items makes room for others.
    let mut stream = client.blocks(1, 1000).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
}

/// An unread item of the stream holds another stream. Dropping it needs the lock of the session,
/// which must be unlocked at that time.
#[tokio::test]
async fn a_stream_opened_twice_is_an_error_without_deadlock() {
    let server = Server::new();
    server
        .register_function("hold", async |items: Stream<u64>| {
            pending::<()>().await;
            drop(items);
        })
        .unwrap();
    let connector = serve(&server).await;
    let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
    let messages: [&[u8]; 4] = [
        b"\0FARCALL\x02\0\x07bincode\xff\xff\x7f\x7f\x7f\x7f\x7f\0",
        b"\x01\x01\0\0\0\x04hold\x01\x02\x01\x01*\0",
        b"\x07\x01\x01\x02\x02u\0",
        b"\x07\x01\x01\x02\x01u\0",
    ];
    for message in messages {
        peer.send_bytes(message).await.unwrap();
    }
    loop {
        let answer = peer.recv_bytes(1000).await.unwrap();
        if let [13, complaint @ ..] = &answer[..] {
            let complaint = String::from_utf8_lossy(complaint);
            assert!(
                complaint.contains("stream 1 was opened twice"),
                "{complaint}"
            );
            break;
        }
    }
}

#[tokio::test]
async fn a_large_stream_delays_small_calls_by_little() {
    let server = Server::with_options(ServerOptions::default());
    server.register_instance(Source::default()).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = Client::connect(address).await.unwrap();
    let mut blocks = client.blocks(1600, 64 * 1024).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut total = 0;
        while let Some(block) = blocks.next().await {
            total += block.unwrap().len();
        }
        total
    });
    let mut waits = Vec::new();
    while !reading.is_finished() {
        let start = Instant::now();
        assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
        waits.push(start.elapsed());
    }
    assert_eq!(reading.await.unwrap(), 1600 * 64 * 1024);
    waits.sort_unstable();
    // Counts calls instead of limiting their time, because machines differ.
    assert!(waits.len() > 20, "{} calls", waits.len());
    println!(
        "{} calls, the median took {:?}",
        waits.len(),
        waits[waits.len() / 2]
    );
}

#[test]
fn streams_and_objects_are_described() {
    let Content::Stream(items) = Shape::of::<Stream<Vec<i32>>>().content else {
        panic!("it is a stream");
    };
    assert_eq!(*items, Shape::of::<Vec<i32>>());
    assert_eq!(Shape::of::<Remote>().content, Content::Object);
    let pair = Shape::of::<(Option<Remote>, Stream<String>)>();
    assert_eq!(pair.kind, Kind::Array);
}
