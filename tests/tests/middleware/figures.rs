//! Figures of clients: the same names over every protocol.

use std::time::Duration;

use farcall::metrics::{Metrics, Values};
use farcall::{Caller, Fault, Registry, jsonrpc, rpc, xmlrpc};

/// Returns the number of calls that this process has made of a method, by the type of their
/// failure.
fn made(system: &str, method: &str, error: Option<&str>) -> u64 {
    let figures = Metrics::start().figures();
    let figure = figures
        .iter()
        .find(|figure| figure.name == "rpc.client.call.duration");
    let Values::Histogram(samples) = &figure.unwrap().values else {
        panic!("{figure:?}");
    };
    let label = |labels: &[(&str, String)], name: &str| {
        let found = labels.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone())
    };
    let found = samples.iter().find(|sample| {
        label(&sample.labels, "rpc.system.name").as_deref() == Some(system)
            && label(&sample.labels, "rpc.method").as_deref() == Some(method)
            && label(&sample.labels, "error.type").as_deref() == error
    });
    found.map_or(0, |sample| sample.value.count())
}

fn offer<F: farcall::protocol::Format>(registry: &Registry<F>, prefix: &str) {
    registry
        .register_function(format!("{prefix}.add"), |a: i64, b: i64| a + b)
        .unwrap()
        .register_function(format!("{prefix}.fail"), || {
            Err::<(), _>(Fault::new(7, "on purpose"))
        })
        .unwrap()
        .register_function(format!("{prefix}.wait"), async || {
            std::future::pending::<()>().await;
        })
        .unwrap();
}

/// Makes calls, and checks that each is counted once. Other tests of the process count as well, so
/// the methods have names of their own.
async fn count<C: Caller>(client: &C, system: &str, prefix: &str) {
    let [add, fail, wait] = ["add", "fail", "wait"].map(|name| format!("{prefix}.{name}"));
    for _ in 0..3 {
        assert_eq!(client.call::<i64>(&add, (3, 5)).await.unwrap(), 8);
    }
    client.call::<()>(&fail, ()).await.unwrap_err();
    let waiting = client.call::<()>(&wait, ());
    drop(tokio::time::timeout(Duration::from_millis(50), waiting).await);
    assert_eq!(made(system, &add, None), 3, "{prefix}");
    assert_eq!(made(system, &fail, Some("application")), 1, "{prefix}");
    assert_eq!(made(system, &wait, Some("cancelled")), 1, "{prefix}");
}

#[tokio::test]
async fn calls_are_counted_once_over_every_protocol() {
    let _ = Metrics::start();
    let server = xmlrpc::Server::new();
    offer(server.registry(), "over_xml");
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = xmlrpc::Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    count(&client, "xmlrpc", "over_xml").await;

    let server = rpc::Server::new();
    offer(server.registry(), "over_conn");
    let bound = server.bind("127.0.0.1:0").authkey("a key").await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = rpc::Client::connect(address).authkey("a key");
    count(&client.await.unwrap(), "farcall", "over_conn").await;

    let registry = Registry::new();
    for prefix in ["over_http", "over_lines", "over_web"] {
        offer(&registry, prefix);
    }
    let service = jsonrpc::Service::new(registry);
    let lines = jsonrpc::SocketServer::new(service.clone(), jsonrpc::Framing::Lines);
    let lines = lines.bind("127.0.0.1:0").await.unwrap();
    let http = jsonrpc::Server::of(farcall::http::ServerOptions::default(), service);
    let http = http.bind("127.0.0.1:0").await.unwrap();
    let [url, socket] = [http.url(), lines.url()];
    tokio::spawn(lines.serve());
    tokio::spawn(http.serve());
    let client = jsonrpc::Client::new(&url).unwrap();
    count(&client, "jsonrpc", "over_http").await;
    client.notify("over_http.note", ()).await.unwrap();
    assert_eq!(made("jsonrpc", "over_http.note", None), 1);
    let client = jsonrpc::SocketClient::new(&socket).unwrap();
    count(&client, "jsonrpc", "over_lines").await;
    let client = jsonrpc::SocketClient::new(&url.replace("http://", "ws://")).unwrap();
    count(&client, "jsonrpc", "over_web").await;
}
