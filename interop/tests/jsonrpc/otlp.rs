//! The figures, as a collector of OpenTelemetry in Python decodes them: `interop/install` installs
//! `opentelemetry-proto`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use farcall::jsonrpc::{Client, Server};
use farcall::web::OtlpExporter;
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

/// Ends the collector.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_collector_in_python_decodes_the_figures() {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut collector = Command::new(peers.join("venv/bin/python"))
        .arg(peers.join("otlp/collector.py"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("`interop/install` installs the collector");
    let mut lines = BufReader::new(collector.stdout.take().unwrap()).lines();
    let _running = Running(collector);
    let port = lines.next().unwrap().unwrap();
    let exporter = OtlpExporter::new(&format!("http://127.0.0.1:{port}"), "orders").unwrap();
    let (exporter, spans) = exporter.with_spans();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans));

    let server = Server::new();
    server
        .register_function("exported", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    for _ in 0..3 {
        client.call::<i64>("exported", (3, 5)).await.unwrap();
    }
    exporter.export().await.unwrap();

    let line = lines.next().unwrap().unwrap();
    let message: Value = serde_json::from_str(&line).unwrap();
    let resource = &message["resourceMetrics"][0];
    let service = &resource["resource"]["attributes"][0];
    assert_eq!(service["key"], "service.name");
    assert_eq!(service["value"]["stringValue"], "orders");
    let metrics = resource["scopeMetrics"][0]["metrics"].as_array().unwrap();
    for side in ["server", "client"] {
        let name = format!("rpc.{side}.call.duration");
        let metric = metrics.iter().find(|metric| metric["name"] == *name);
        let metric = metric.unwrap_or_else(|| panic!("{name}: {line}"));
        assert_eq!(metric["unit"], "s");
        let histogram = &metric["histogram"];
        assert_eq!(
            histogram["aggregationTemporality"],
            "AGGREGATION_TEMPORALITY_CUMULATIVE"
        );
        let points = histogram["dataPoints"].as_array().unwrap();
        let point = points.iter().find(|point| {
            let attributes = point["attributes"].as_array().unwrap();
            let of_method = |attribute: &Value| {
                attribute["key"] == "rpc.method" && attribute["value"]["stringValue"] == "exported"
            };
            attributes.iter().any(of_method)
        });
        let point = point.unwrap_or_else(|| panic!("{line}"));
        // 64-bit integers are texts in the JSON of protobuf.
        assert_eq!(point["count"], "3");
        assert_eq!(point["bucketCounts"].as_array().unwrap().len(), 15);
        assert_eq!(point["explicitBounds"][0], 0.005);
    }

    // The figures once more, and the spans, which are in pairs: one of the server below one of the
    // client.
    exporter.run_until(std::future::ready(())).await;
    lines.next().unwrap().unwrap();
    let line = lines.next().unwrap().unwrap();
    let message: Value = serde_json::from_str(&line).unwrap();
    let spans = message["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap();
    assert_eq!(spans.len(), 6, "{line}");
    for pair in spans.chunks(2) {
        assert_eq!(pair[0]["kind"], "SPAN_KIND_SERVER", "{line}");
        assert_eq!(pair[1]["kind"], "SPAN_KIND_CLIENT", "{line}");
        assert_eq!(pair[0]["traceId"], pair[1]["traceId"]);
        assert_eq!(pair[0]["parentSpanId"], pair[1]["spanId"]);
        assert_eq!(pair[0]["name"], "exported");
    }
}
