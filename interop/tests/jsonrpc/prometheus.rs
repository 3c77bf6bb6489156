//! The figures, as Prometheus reads them: `promtool` is in Debian's package `prometheus`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use farcall::jsonrpc::{Client, Server};
use farcall::metrics::Metrics;

#[tokio::test]
async fn promtool_finds_no_fault_in_the_figures() {
    let metrics = Metrics::start();
    let server = Server::new();
    server
        .register_function("add \"quoted\\\"", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    client
        .call::<i64>("add \"quoted\\\"", (3, 5))
        .await
        .unwrap();
    client.call::<i64>("unknown", ()).await.unwrap_err();

    let text = metrics.text();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`interop/install` installs promtool");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && errors.is_empty(),
        "{errors}\n{text}"
    );
}
