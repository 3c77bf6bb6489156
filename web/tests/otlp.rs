//! The export of figures, to a collector that decodes by the definitions of OpenTelemetry. The
//! same with those of Python is in `interop`. One test of figures, since those are of a process.

#![allow(
    clippy::unwrap_used,
    reason = "a failure of a helper is one of its test"
)]

use std::time::Duration;

use farcall::web::OtlpExporter;
use farcall::xmlrpc::{Client, ClientOptions, Server};
use farcall::{CallError, Fault};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt as _;

/// Answers one export of figures, and returns its head and its message.
async fn collect(listener: &TcpListener, answer: &[u8]) -> (String, ExportMetricsServiceRequest) {
    let (head, body) = receive(listener, answer).await;
    (head, ExportMetricsServiceRequest::decode(&*body).unwrap())
}

/// Answers one export, and returns its head and its body.
async fn receive(listener: &TcpListener, answer: &[u8]) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    let (head, body) = loop {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0);
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let Some(end) = end else { continue };
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        let length: usize = length.unwrap().parse().unwrap();
        if read.len() == end + 4 + length {
            break (head, read.split_off(end + 4));
        }
    };
    stream.write_all(answer).await.unwrap();
    (head, body)
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nConnection: close\r\n";
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => panic!("{other:?}"),
    }
}

fn metric<'m>(message: &'m ExportMetricsServiceRequest, name: &str) -> Option<&'m Metric> {
    let scopes = message.resource_metrics[0].scope_metrics.iter();
    let mut metrics = scopes.flat_map(|scope| &scope.metrics);
    metrics.find(|metric| metric.name == name)
}

/// Returns the count and the buckets of the calls of a method.
fn calls(
    message: &ExportMetricsServiceRequest,
    name: &str,
    method: &str,
    error: Option<&str>,
) -> Option<(u64, Vec<u64>)> {
    let metric = metric(message, name)?;
    assert_eq!(metric.unit, "s");
    let Some(Data::Histogram(histogram)) = &metric.data else {
        panic!("{metric:?}");
    };
    assert_eq!(
        histogram.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    let point = histogram.data_points.iter().find(|point| {
        text(&point.attributes, "rpc.method").as_deref() == Some(method)
            && text(&point.attributes, "error.type").as_deref() == error
    })?;
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    assert!(point.start_time_unix_nano > 0 && point.time_unix_nano > point.start_time_unix_nano);
    assert_eq!(
        text(&point.attributes, "rpc.system.name").as_deref(),
        Some("xmlrpc")
    );
    Some((point.count, point.bucket_counts.clone()))
}

/// Spans that another thread meets first, without a subscriber, may stay off: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn a_collector_gets_the_figures() {
    let _alone = ALONE.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = ClientOptions::default()
        .header("x-api-key", "a-secret")
        .unwrap();
    let exporter = OtlpExporter::with_options(&url, "orders", options)
        .unwrap()
        .attribute("service.version", "1.2.3")
        .interval(Duration::from_millis(50));

    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    for _ in 0..3 {
        client.call::<i64>("add", (3, 5)).await.unwrap();
    }
    client.call::<()>("none", ()).await.unwrap_err();

    let answer = ok(b"");
    let (exported, (head, message)) = tokio::join!(exporter.export(), collect(&listener, &answer));
    exported.unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/metrics http/1.1"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    assert!(head.contains("x-api-key: a-secret"), "{head}");
    let resource = message.resource_metrics[0].resource.as_ref().unwrap();
    let of_process = |name| text(&resource.attributes, name);
    assert_eq!(of_process("service.name").as_deref(), Some("orders"));
    assert_eq!(of_process("service.version").as_deref(), Some("1.2.3"));
    let server = "rpc.server.call.duration";
    let client_side = "rpc.client.call.duration";
    let (count, buckets) = calls(&message, server, "add", None).unwrap();
    assert_eq!((count, buckets.len()), (3, 15));
    let unknown = Some("unknown-method");
    assert_eq!(calls(&message, server, "_OTHER", unknown).unwrap().0, 1);
    assert_eq!(calls(&message, client_side, "add", None).unwrap().0, 3);
    assert_eq!(calls(&message, client_side, "none", unknown).unwrap().0, 1);
    let refused = metric(&message, "farcall.refused").unwrap();
    let Some(Data::Sum(sum)) = &refused.data else {
        panic!("{refused:?}");
    };
    assert!(sum.is_monotonic && sum.data_points.len() > 10);
    let connections = metric(&message, "farcall.connections").unwrap();
    let Some(Data::Gauge(gauge)) = &connections.data else {
        panic!("{connections:?}");
    };
    // The other test has connections as well.
    let value = gauge.data_points[0].value.as_ref().unwrap();
    assert!(matches!(value, number_data_point::Value::AsInt(1..)));

    // Exports are no calls, so there is nothing new.
    let partial = ExportMetricsServiceResponse {
        partial_success: Some(ExportMetricsPartialSuccess {
            rejected_data_points: 2,
            error_message: "no room".to_owned(),
        }),
    };
    let answer = ok(&partial.encode_to_vec());
    let (exported, (_, message)) = tokio::join!(exporter.export(), collect(&listener, &answer));
    let error = format!("{:?}", exported.unwrap_err());
    assert!(error.contains("2 values: no room"), "{error}");
    assert_eq!(calls(&message, server, "add", None).unwrap().0, 3);
    assert!(calls(&message, client_side, "export", None).is_none());

    let busy = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy";
    let (exported, _) = tokio::join!(exporter.export(), collect(&listener, busy));
    let error = exported.unwrap_err();
    assert!(format!("{error:?}").contains("503"), "{error:?}");
    assert!(!matches!(error, CallError::Lost(_)));

    // At intervals, also after a failure, and once more at the end.
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(exporter.run_until(async {
        let _ = stopped.await;
    }));
    collect(&listener, busy).await;
    let answer = ok(b"");
    collect(&listener, &answer).await;
    client.call::<i64>("add", (3, 5)).await.unwrap();
    stop.send(()).unwrap();
    loop {
        let (_, message) = collect(&listener, &answer).await;
        if calls(&message, server, "add", None).unwrap().0 == 4 {
            break;
        }
    }
    drop(listener);
    tokio::time::timeout(Duration::from_secs(10), running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_collector_gets_the_spans_with_the_ids_of_the_calls() {
    let _alone = ALONE.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (exporter, spans) = OtlpExporter::new(&url, "orders").unwrap().with_spans();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans));
    let server = Server::new();
    server
        .register_function("spanned", || Err::<(), _>(Fault::new(7, "on purpose")))
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    client.call::<()>("spanned", ()).await.unwrap_err();
    tracing::info_span!("of the program").in_scope(|| tracing::info!("not exported"));

    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(exporter.run_until(async {
        let _ = stopped.await;
    }));
    let answer = ok(b"");
    let (head, body) = receive(&listener, &answer).await;
    assert!(
        head.to_ascii_lowercase().starts_with("post /v1/traces "),
        "{head}"
    );
    let message = ExportTraceServiceRequest::decode(&*body).unwrap();
    let of_process = &message.resource_spans[0];
    let attributes = &of_process.resource.as_ref().unwrap().attributes;
    assert_eq!(text(attributes, "service.name").as_deref(), Some("orders"));
    let spans = &of_process.scope_spans[0].spans;
    // The server's ends first.
    let [server, client] = spans.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(server.kind(), SpanKind::Server);
    assert_eq!(client.kind(), SpanKind::Client);
    assert_eq!(server.trace_id, client.trace_id);
    assert_eq!((server.trace_id.len(), server.span_id.len()), (16, 8));
    assert_eq!(server.parent_span_id, client.span_id);
    assert!(client.parent_span_id.is_empty());
    for span in spans {
        assert_eq!(span.name, "spanned");
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
        assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
        let attribute = |name| text(&span.attributes, name);
        assert_eq!(attribute("rpc.system.name").as_deref(), Some("xmlrpc"));
        assert_eq!(attribute("rpc.method").as_deref(), Some("spanned"));
        assert_eq!(attribute("error.type").as_deref(), Some("application"));
        assert_eq!(attribute("rpc.response.status_code").as_deref(), Some("7"));
        assert_eq!(attribute("trace_id"), None);
    }
    stop.send(()).unwrap();
    let (head, _) = receive(&listener, &answer).await;
    assert!(
        head.to_ascii_lowercase().starts_with("post /v1/metrics "),
        "{head}"
    );
    running.await.unwrap();
}
