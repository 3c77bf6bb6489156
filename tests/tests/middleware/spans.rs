//! Spans of calls: one tree over three hops, and their fields.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use farcall::{CallError, Caller as _, Fault, jsonrpc, rpc, xmlrpc};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

type Fields = BTreeMap<String, String>;

/// The spans and the lines of the access log, in the order in which they began.
#[derive(Clone, Default)]
struct Recorder {
    spans: Arc<Mutex<Vec<(Id, Fields)>>>,
    lines: Arc<Mutex<Vec<Fields>>>,
}

struct Fill<'a>(&'a mut Fields);

impl Visit for Fill<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().target() == "farcall::call" {
            let mut fields = Fields::new();
            attributes.record(&mut Fill(&mut fields));
            self.spans.lock().unwrap().push((id.clone(), fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.spans.lock().unwrap();
        // Ids are used again: the last one counts.
        let span = spans.iter_mut().rev().find(|(other, _)| other == id);
        if let Some((_, fields)) = span {
            values.record(&mut Fill(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "farcall::access" {
            let mut fields = Fields::new();
            event.record(&mut Fill(&mut fields));
            self.lines.lock().unwrap().push(fields);
        }
    }
}

impl Recorder {
    fn spans(&self) -> Vec<Fields> {
        let spans = self.spans.lock().unwrap();
        spans.iter().map(|(_, fields)| fields.clone()).collect()
    }
}

/// Serves `first` over XML-RPC, which calls `second` over a connection, which calls `third` over
/// JSON-RPC, and returns a client.
async fn three_hops() -> xmlrpc::Client {
    let third = jsonrpc::Server::new();
    third
        .register_function("third", |fails: bool| {
            let fault = Fault::new(7, "on purpose");
            if fails { Err(fault) } else { Ok(3) }
        })
        .unwrap();
    let bound = third.bind("127.0.0.1:0").await.unwrap();
    let client = jsonrpc::Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());

    let second = rpc::Server::new();
    second
        .register_function("second", move |fails: bool| {
            let client = client.clone();
            async move { client.call::<i64>("third", (fails,)).await }
        })
        .unwrap();
    let bound = second.bind("127.0.0.1:0").authkey("a key").await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = rpc::Client::connect(address).authkey("a key");
    let client = client.await.unwrap();

    let first = xmlrpc::Server::new();
    first
        .register_function("first", move |fails: bool| {
            let client = client.clone();
            async move { client.call::<i64>("second", (fails,)).await }
        })
        .unwrap();
    let bound = first.bind("127.0.0.1:0").await.unwrap();
    let client = xmlrpc::Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    client
}

#[tokio::test]
async fn spans_of_three_hops_are_one_tree() {
    let recorder = Recorder::default();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let client = three_hops().await;
    assert_eq!(client.call::<i64>("first", (false,)).await.unwrap(), 3);
    let spans = recorder.spans();
    let expected = [
        ("client", "first", "xmlrpc"),
        ("server", "first", "xmlrpc"),
        ("client", "second", "farcall"),
        ("server", "second", "farcall"),
        ("client", "third", "jsonrpc"),
        ("server", "third", "jsonrpc"),
    ];
    assert_eq!(spans.len(), expected.len(), "{spans:#?}");
    let mut parent = None;
    for (span, (kind, method, system)) in spans.iter().zip(expected) {
        assert_eq!(span["otel.kind"], kind, "{span:#?}");
        assert_eq!(span["otel.name"], method);
        assert_eq!(span["rpc.method"], method);
        assert_eq!(span["rpc.system.name"], system);
        assert_eq!(span["trace_id"], spans[0]["trace_id"]);
        assert_eq!(span.get("parent_id"), parent, "{spans:#?}");
        assert!(!span.contains_key("error.type"));
        parent = span.get("span_id");
    }
    // Each line of the access log is in the trace, too.
    let lines = recorder.lines.lock().unwrap().clone();
    let methods: Vec<_> = lines.iter().map(|line| line["method"].as_str()).collect();
    assert_eq!(methods, ["third", "second", "first"]);
    for line in &lines {
        assert_eq!(line["trace_id"], spans[0]["trace_id"], "{line:#?}");
        assert_eq!(line["outcome"], "ok");
        assert!(line.contains_key("bytes") && line.contains_key("elapsed"));
    }

    recorder.spans.lock().unwrap().clear();
    client.call::<i64>("first", (true,)).await.unwrap_err();
    for span in recorder.spans() {
        assert_eq!(span["otel.status_code"], "ERROR", "{span:#?}");
        assert_eq!(span["error.type"], "application", "{span:#?}");
        assert_eq!(span["rpc.response.status_code"], "7", "{span:#?}");
    }
}

#[tokio::test]
async fn names_of_peers_are_no_names_of_spans_and_are_escaped() {
    let recorder = Recorder::default();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let client = three_hops().await;
    let name = "no such \u{202e}name";
    client.call::<i64>(name, ()).await.unwrap_err();
    let spans = recorder.spans();
    let server = &spans[1];
    assert_eq!(server["rpc.method"], "_OTHER");
    assert_eq!(server["otel.name"], "_OTHER");
    assert_eq!(server["rpc.method_original"], r"no such \u{202e}name");
    assert_eq!(server["error.type"], "unknown-method");
    let lines = recorder.lines.lock().unwrap().clone();
    assert_eq!(lines[0]["method"], r"no such \u{202e}name");
    assert_eq!(lines[0]["outcome"], "unknown-method");
}

#[tokio::test]
async fn the_calls_of_a_batch_are_below_it() {
    let recorder = Recorder::default();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let client = three_hops().await;
    let mut batch = client.batch();
    let _first = batch.call::<Vec<String>>("system.listMethods", ());
    let _second = batch.call::<Vec<String>>("system.listMethods", ());
    drop(batch.send().await.unwrap());
    let spans = recorder.spans();
    let batch = spans
        .iter()
        .find(|span| span["rpc.method"] == "system.multicall" && span["otel.kind"] == "server");
    let id = &batch.unwrap()["span_id"];
    let below = spans
        .iter()
        .filter(|span| span.get("parent_id") == Some(id));
    let methods: Vec<_> = below.map(|span| span["rpc.method"].as_str()).collect();
    assert_eq!(methods, ["system.listMethods"; 2]);
}

/// Serves JSON-RPC over a socket and over HTTP, and returns the URLs for sockets.
async fn json_sockets() -> [String; 2] {
    let registry = farcall::Registry::new();
    registry
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap()
        .register_function("fail", || Err::<(), _>(Fault::new(7, "on purpose")))
        .unwrap()
        .register_function("wait", async || std::future::pending::<()>().await)
        .unwrap();
    let service = jsonrpc::Service::new(registry);
    let lines = jsonrpc::SocketServer::new(service.clone(), jsonrpc::Framing::Lines);
    let lines = lines.bind("127.0.0.1:0").await.unwrap();
    let http = jsonrpc::Server::of(farcall::http::ServerOptions::default(), service);
    let http = http.bind("127.0.0.1:0").await.unwrap();
    let urls = [lines.url(), http.url().replace("http://", "ws://")];
    tokio::spawn(lines.serve());
    tokio::spawn(http.serve());
    urls
}

#[tokio::test]
async fn calls_over_json_sockets_have_spans_at_the_client() {
    let recorder = Recorder::default();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    for url in json_sockets().await {
        recorder.spans.lock().unwrap().clear();
        let client = jsonrpc::SocketClient::new(&url).unwrap();
        assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        client.call::<()>("fail", ()).await.unwrap_err();
        let mut batch = client.batch();
        let sum = batch.call::<i64>("add", (1, 2));
        let failure = batch.call::<()>("none", ());
        let mut results = batch.send().await.unwrap();
        assert_eq!(results.take(sum).unwrap(), 3);
        results.take(failure).unwrap_err();
        let session = client.session().await.unwrap();
        assert_eq!(session.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        drop(
            tokio::time::timeout(
                std::time::Duration::from_millis(20),
                client.call::<()>("wait", ()),
            )
            .await,
        );
        let spans = recorder.spans();
        let of_client = spans.iter().filter(|span| span["otel.kind"] == "client");
        let seen: Vec<_> = of_client
            .map(|span| {
                assert_eq!(span["rpc.system.name"], "jsonrpc");
                assert!(span.contains_key("trace_id") && span.contains_key("span_id"));
                let error = span.get("error.type").map(String::as_str);
                (span["rpc.method"].as_str(), error)
            })
            .collect();
        let expected = [
            ("add", None),
            ("fail", Some("application")),
            ("add", None),
            ("none", Some("unknown-method")),
            ("add", None),
            ("wait", Some("cancelled")),
        ];
        assert_eq!(seen, expected, "{url}");
    }
    recorder.spans.lock().unwrap().clear();
    let nobody = jsonrpc::SocketClient::new("json+tcp://127.0.0.1:1").unwrap();
    let error = nobody.call::<()>("add", ()).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    assert_eq!(recorder.spans()[0]["error.type"], "not_sent");
}
