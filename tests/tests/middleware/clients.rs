//! Layers around the clients.

use farcall::middleware::RateLimit;
use farcall::rpc;
use farcall::xmlrpc::{Client, Server, XmlRpc};
use farcall::{Blocking, BlockingCaller, CallError, Caller, FaultKind, ServiceCaller, client};
use tower::ServiceBuilder;

use crate::http::Served;
use crate::layers::{Latencies, Recorder, Spans, enable_spans};

#[client]
trait Adder {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

/// Makes two calls on a client with a limit of one, a histogram and a span.
async fn check<S>(service: S, format: S::Format)
where
    S: Caller + Clone + 'static,
    S: tower::Service<
            farcall::protocol::Call<<S as Caller>::Format>,
            Response = farcall::protocol::Payload,
            Error = CallError,
            Future: Send,
        >,
{
    let (recorder, latencies) = (Recorder::default(), Latencies::default());
    let service = ServiceBuilder::new()
        .layer(latencies.clone())
        .layer(Spans)
        .layer(RateLimit::per_minute(1))
        .layer(recorder.clone())
        .service(service);
    let caller = ServiceCaller::new(service, format);
    assert_eq!(caller.add(3, 5).await.unwrap(), 8);
    let refused = caller.add(3, 5).await.unwrap_err();
    assert_eq!(refused.fault().unwrap().kind(), FaultKind::Overloaded);
    assert_eq!(recorder.take(), [("add".to_owned(), "call")]);
    assert_eq!(latencies.count(), 2);
}

#[tokio::test]
async fn around_the_client_of_xml_rpc() {
    let _spans = enable_spans();
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let served = Served::new(&server).await;
    let client = served.client();
    check(client.clone(), client.format()).await;
}

#[tokio::test]
async fn around_the_client_of_connections() {
    let _spans = enable_spans();
    let server = rpc::Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").authkey("a key");
    let bound = bound.await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = rpc::Client::connect(address)
        .authkey("a key")
        .await
        .unwrap();
    check(client.clone(), client.format()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn around_a_blocking_client() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let served = Served::new(&server).await;
    let client = Client::new(&served.url).unwrap();
    let recorder = Recorder::default();
    let service = ServiceBuilder::new()
        .layer(RateLimit::per_minute(1))
        .layer(recorder.clone())
        .service(client);
    let caller = Blocking::new(ServiceCaller::new(service, XmlRpc::default()));
    let within = BlockingCaller::call::<i64>(&caller, "add", (3, 5));
    assert!(matches!(within, Err(CallError::NotSent(_))), "{within:?}");
    let calls = tokio::task::spawn_blocking(move || {
        [1, 2].map(|n| BlockingCaller::call::<i64>(&caller, "add", (n, 5)))
    });
    let [first, second] = calls.await.unwrap();
    assert_eq!(first.unwrap(), 6);
    let refused = second.unwrap_err();
    assert_eq!(refused.fault().unwrap().kind(), FaultKind::Overloaded);
    assert_eq!(recorder.methods(), ["add"]);
}
