//! Layers around every way to reach a method over HTTP.

use std::sync::Arc;
use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::middleware::{BearerAuth, RateLimit, Scheme};
use farcall::xmlrpc::{Client, ClientOptions, Server};
use farcall::{CallError, Context, FaultKind, Value};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::layers::{Counter, Latencies, Recorder, Spans, enable_spans, fallback};

/// A server that runs until it is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    task: AbortHandle,
}

impl Served {
    pub(crate) async fn new(server: &Server) -> Self {
        let listening = server.bind("127.0.0.1:0").await.unwrap();
        let url = listening.url();
        let task = tokio::spawn(listening.serve()).abort_handle();
        Self { url, task }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
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
    server.registry().set_fallback(fallback);
    server
}

/// The methods that reach the server in every way: functions, an object, the fallback, and
/// introspection.
const METHODS: [&str; 6] = [
    "five",
    "slow",
    "blocking",
    "counter.value",
    "no.such.method",
    "system.listMethods",
];

/// Makes one call in each way, and returns their methods and results: single calls, and those of
/// a multicall.
async fn every_way(client: &Client) -> Vec<(&'static str, Result<Value, CallError>)> {
    let mut results = Vec::new();
    for method in METHODS {
        results.push((method, client.call(method, ()).await));
    }
    let mut batch = client.batch();
    let tickets = METHODS.map(|method| batch.call::<Value>(method, ()));
    let mut outcomes = batch.send().await.unwrap();
    for (method, ticket) in METHODS.into_iter().zip(tickets) {
        results.push((method, outcomes.take(ticket)));
    }
    results
}

#[tokio::test]
async fn histogram_and_span_are_around_every_call() {
    let _spans = enable_spans();
    let (server, recorder, latencies) = (server(), Recorder::default(), Latencies::default());
    server.layer(recorder.clone());
    server.layer(Spans).layer(latencies.clone());
    let served = Served::new(&server).await;
    let results = every_way(&served.client()).await;
    let mut expected = Vec::new();
    for (method, result) in results {
        assert!(result.is_ok(), "{method}: {result:?}");
        expected.push((method.to_owned(), "call"));
    }
    assert_eq!(recorder.take(), expected);
    assert_eq!(latencies.count(), expected.len() as u64);
}

#[tokio::test]
async fn a_token_is_checked_for_every_call() {
    let (server, recorder) = (server(), Recorder::default());
    server.layer(recorder.clone());
    let tokens = BearerAuth::new(["other"]).and_then(|auth| auth.user("ada", "a-token"));
    server.layer(tokens.unwrap());
    let whoami = |cx: Context| cx.identity().subject().map(str::to_owned);
    server.register_function("whoami", whoami).unwrap();
    let served = Served::new(&server).await;
    for options in [
        ClientOptions::default(),
        ClientOptions::default().bearer_auth("a-toke").unwrap(),
        ClientOptions::default()
            .basic_auth("ada", "a-token")
            .unwrap(),
    ] {
        let client = Client::with_options(&served.url, options).unwrap();
        for (method, result) in every_way(&client).await {
            let code = result.unwrap_err().fault().map(farcall::Fault::code);
            assert_eq!(code, Some(FaultKind::Denied.code()), "{method}");
        }
        assert!(recorder.take().is_empty(), "no call has passed");
    }
    let options = ClientOptions::default().bearer_auth("a-token").unwrap();
    let client = Client::with_options(&served.url, options).unwrap();
    for (method, result) in every_way(&client).await {
        assert!(result.is_ok(), "{method}: {result:?}");
    }
    assert_eq!(client.call::<String>("whoami", ()).await.unwrap(), "ada");
}

#[tokio::test]
async fn a_token_is_checked_for_some_methods() {
    let server = server();
    let tokens = BearerAuth::new(["a-token"]).unwrap();
    server.layer(tokens.only(|method| method.starts_with("counter.")));
    let served = Served::new(&server).await;
    for (method, result) in every_way(&served.client()).await {
        assert_eq!(result.is_ok(), method != "counter.value", "{method}");
    }
}

#[tokio::test]
async fn the_rate_of_every_call_is_limited() {
    let (server, recorder) = (server(), Recorder::default());
    server
        .layer(recorder.clone())
        .layer(RateLimit::per_minute(1));
    let served = Served::new(&server).await;
    let client = served.client();
    assert_eq!(client.call::<i64>("five", ()).await.unwrap(), 5);
    assert_eq!(recorder.methods(), ["five"]);
    for (method, result) in every_way(&client).await {
        let code = result.unwrap_err().fault().map(farcall::Fault::code);
        assert_eq!(code, Some(FaultKind::Overloaded.code()), "{method}");
    }
    assert!(recorder.take().is_empty(), "no call has passed");
}

#[tokio::test]
async fn a_rate_recovers() {
    let server = server();
    server.layer(RateLimit::per_second(20).burst(1));
    let served = Served::new(&server).await;
    let client = served.client();
    let struck = async { while client.call::<i64>("five", ()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), struck)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(client.call::<i64>("five", ()).await.unwrap(), 5);
}

#[tokio::test]
async fn layers_are_around_the_services_at_all_paths() {
    let (server, recorder, own) = (server(), Recorder::default(), Recorder::default());
    server
        .at("/before")
        .register_function("five", || 5)
        .unwrap();
    server.layer(recorder.clone());
    server.at("/after").register_function("five", || 5).unwrap();
    server.at("/after").layer(own.clone());
    let served = Served::new(&server).await;
    for (path, counts) in [("/RPC2", (1, 0)), ("/before", (1, 0)), ("/after", (1, 1))] {
        let client = Client::new(&served.url.replace("/RPC2", path)).unwrap();
        assert_eq!(client.call::<i64>("five", ()).await.unwrap(), 5);
        let seen = (recorder.take().len(), own.take().len());
        assert_eq!(seen, counts, "{path}");
    }
}

#[tokio::test]
async fn a_call_that_waits_in_a_layer_counts_and_is_cancelled_with_its_caller() {
    let server = Server::with_options(ServerOptions::default().max_calls(2));
    server.register_function("five", || 5).unwrap();
    let started = Arc::new(Notify::new());
    let running = Arc::clone(&started);
    server
        .register_function("never", move || {
            running.notify_one();
            std::future::pending::<()>()
        })
        .unwrap();
    server.layer(tower::limit::ConcurrencyLimitLayer::new(1));
    let served = Served::new(&server).await;
    let hanging = served.client();
    let hanging = tokio::spawn(async move { hanging.call::<()>("never", ()).await });
    started.notified().await;
    let (one, two) = (served.client(), served.client());
    let refused = async {
        tokio::select! {
            one = one.call::<i64>("five", ()) => one,
            two = two.call::<i64>("five", ()) => two,
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(10), refused).await;
    assert!(
        refused.unwrap().is_err(),
        "one waits in the layer, and counts"
    );
    hanging.abort();
    let served_again = async {
        while served.client().call::<i64>("five", ()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let served_again = tokio::time::timeout(Duration::from_secs(10), served_again).await;
    assert!(
        served_again.is_ok(),
        "the callers left, and their places are free"
    );
}
