//! Layers around every way to reach a method over a connection.

use std::time::Duration;

use farcall::middleware::{BearerAuth, RateLimit};
use farcall::rpc::{Client, Pipelined as _, Remote, Server};
use farcall::{CallError, Caller, Context, FaultKind, Registry, client};

use crate::layers::{Counter, Latencies, Plain, Recorder, Spans, enable_spans, fallback};

#[client]
trait PlainApi {
    async fn value(&self) -> Result<i64, CallError>;
}

#[client]
trait Objects {
    async fn object(&self) -> Result<Remote<dyn PlainApi>, CallError>;
}

async fn connect(server: &Server) -> Client {
    connect_offering(server, Registry::new()).await
}

async fn connect_offering(server: &Server, offered: Registry<farcall::rpc::Encoding>) -> Client {
    let bound = server.bind("127.0.0.1:0").authkey("a key");
    let bound = bound.await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = Client::connect(address).authkey("a key").offer(offered);
    client.await.unwrap()
}

struct OfConnection;

#[farcall::service(prefix = "own")]
impl OfConnection {
    pub fn value(&self) -> i64 {
        5
    }
}

fn server() -> Server {
    let server = Server::new();
    server.register_function("five", || 5).unwrap();
    server
        .register_function("slow", async || {
            tokio::time::sleep(Duration::from_millis(1)).await;
            5
        })
        .unwrap();
    server.register_blocking("blocking", || 5).unwrap();
    server.register_instance(Counter).unwrap();
    server.register_per_connection(|_| OfConnection).unwrap();
    server
        .register_function("object", || -> Remote<dyn PlainApi> { Remote::new(Plain) })
        .unwrap();
    server
        .register_function("call_back", async |cx: Context| {
            Client::of(&cx).unwrap().call::<i64>("offered", ()).await
        })
        .unwrap();
    server.registry().set_fallback(fallback);
    server
}

/// The methods whose results are 5.
const METHODS: [&str; 6] = [
    "five",
    "slow",
    "blocking",
    "counter.value",
    "own.value",
    "no.such.method",
];

async fn every_way(client: &Client) -> Vec<(&'static str, Result<(), CallError>)> {
    let mut results = Vec::new();
    for method in METHODS {
        let result = client.call::<i64>(method, ()).await;
        results.push((method, result.map(|n| assert_eq!(n, 5))));
    }
    let names = client.call::<Vec<String>>("system.listMethods", ()).await;
    results.push(("system.listMethods", names.map(drop)));
    results.push(("five", client.notify("five", ()).await));
    results
}

#[tokio::test]
async fn histogram_and_span_are_around_every_call() {
    let _spans = enable_spans();
    let (server, recorder, latencies) = (server(), Recorder::default(), Latencies::default());
    server.layer(recorder.clone());
    server.layer(Spans).layer(latencies.clone());
    let client = connect(&server).await;
    let mut expected = Vec::new();
    for (method, result) in every_way(&client).await {
        assert!(result.is_ok(), "{method}: {result:?}");
        expected.push((method.to_owned(), "call"));
    }
    let object = client.object().await.unwrap();
    assert_eq!(object.value().await.unwrap(), 5);
    expected.extend([("object".to_owned(), "call"), ("value".to_owned(), "call")]);
    let promised = client.object().pipelined();
    assert_eq!(promised.value().await.unwrap(), 5);
    expected.extend([("object".to_owned(), "call"), ("value".to_owned(), "call")]);
    assert_eq!(recorder.take(), expected);
    assert_eq!(latencies.count(), expected.len() as u64);
}

#[tokio::test]
async fn a_reference_that_is_passed_on_is_called_within_the_layers() {
    let (server, recorder) = (Server::new(), Recorder::default());
    server
        .register_function("keep", |object: Remote<dyn PlainApi>| object)
        .unwrap();
    server.layer(recorder.clone());
    let client = connect(&server).await;
    let object: Remote<dyn PlainApi> = Remote::new(Plain);
    let same: Remote<dyn PlainApi> = client.call("keep", (&object,)).await.unwrap();
    assert_eq!(same.value().await.unwrap(), 5);
    assert_eq!(recorder.methods(), ["keep"], "the object is local again");
}

#[tokio::test]
async fn what_a_client_offers_has_the_layers_of_its_registry() {
    let (server, recorder, offered) = (server(), Recorder::default(), Registry::new());
    offered.register_function("offered", || 5).unwrap();
    offered.layer(recorder.clone());
    let client = connect_offering(&server, offered).await;
    assert_eq!(client.call::<i64>("call_back", ()).await.unwrap(), 5);
    assert_eq!(recorder.methods(), ["offered"]);
}

#[tokio::test]
async fn the_rate_of_every_call_is_limited() {
    let (server, recorder) = (server(), Recorder::default());
    server.layer(recorder.clone());
    server.layer(RateLimit::per_minute(1).burst(2));
    let client = connect(&server).await;
    let object = client.object().await.unwrap();
    assert_eq!(client.call::<i64>("five", ()).await.unwrap(), 5);
    recorder.take();
    for (method, result) in every_way(&client).await {
        // Nobody waits for the result of a one-way call.
        if let Err(error) = result {
            let kind = error.fault().map(farcall::Fault::kind);
            assert_eq!(kind, Some(FaultKind::Overloaded), "{method}");
        }
    }
    let refused = object.value().await.unwrap_err();
    assert_eq!(refused.fault().unwrap().kind(), FaultKind::Overloaded);
    assert!(recorder.take().is_empty(), "no call has passed");
}

#[tokio::test]
async fn there_are_no_tokens_over_connections() {
    let (server, recorder) = (server(), Recorder::default());
    server.layer(recorder.clone());
    server.layer(BearerAuth::new(["a-token"]).unwrap());
    let client = connect(&server).await;
    for method in METHODS {
        let refused = client.call::<i64>(method, ()).await.unwrap_err();
        assert_eq!(
            refused.fault().unwrap().kind(),
            FaultKind::Denied,
            "{method}"
        );
    }
    assert!(recorder.take().is_empty(), "no call has passed");
}

#[tokio::test]
async fn a_panic_in_a_layer_fails_only_its_call() {
    let server = server();
    server.layer(tower::util::MapRequestLayer::new(
        |call: farcall::protocol::Call<farcall::rpc::Encoding>| {
            assert_ne!(call.method().as_str(), "slow", "this method is slow");
            call
        },
    ));
    let client = connect(&server).await;
    let panicked = client.call::<i64>("slow", ()).await.unwrap_err();
    assert_eq!(panicked.fault().unwrap().kind(), FaultKind::Internal);
    assert_eq!(client.call::<i64>("five", ()).await.unwrap(), 5);
}

#[tokio::test]
async fn a_call_that_waits_in_a_layer_is_cancelled_with_its_caller() {
    let server = server();
    server
        .register_function("never", async || std::future::pending::<()>().await)
        .unwrap();
    server.layer(tower::limit::ConcurrencyLimitLayer::new(1));
    let client = connect(&server).await;
    let waiting = |time| {
        let (one, two) = (client.clone(), client.clone());
        tokio::time::timeout(time, async move {
            tokio::join!(one.call::<()>("never", ()), two.call::<i64>("five", ()))
        })
    };
    assert!(waiting(Duration::from_millis(200)).await.is_err());
    let free = client.call::<i64>("five", ());
    let free = tokio::time::timeout(Duration::from_secs(10), free).await;
    assert_eq!(free.unwrap().unwrap(), 5, "both calls were dropped");
    // A deadline ends the wait too.
    let hanging = client.clone();
    let hanging = tokio::spawn(async move { hanging.call::<()>("never", ()).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = client.within(Duration::from_millis(50));
    let late = late.call::<i64>("five", ()).await.unwrap_err();
    assert_eq!(late.fault().unwrap().kind(), FaultKind::DeadlineExceeded);
    hanging.abort();
}
