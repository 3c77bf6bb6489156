//! Replies that are larger than their requests, for peers that do not read them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rpc_core::{CallError, Value};
use serde::de::DeserializeOwned;
use tests::victim::{BUDGET, Victim};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use xmlrpc::Client;

use super::case::with_headers;
use super::victim;

/// What the two threads of the victim can have at hand beside what it holds: a value, and the reply that becomes of it.
const AT_HAND: u64 = 2 * (40 << 20);

/// How much memory it needs to run.
const ITSELF: u64 = 20 << 20;

/// A compressed request, which asks for no compressed reply.
fn zipped(document: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(document.as_bytes()).unwrap();
    let body = gzip.finish().unwrap();
    let length = body.len();
    with_headers(
        format!("Content-Encoding: gzip\r\nContent-Length: {length}"),
        body,
    )
}

fn call(method: &str, value: &str) -> String {
    format!(
        "<methodCall><methodName>{method}</methodName><params><param>{value}</param></params></methodCall>"
    )
}

/// So many peers that ask and do not read.
async fn silent(victim: &Victim, number: usize, request: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..number {
        let mut stream = TcpStream::connect(victim.xmlrpc).await.unwrap();
        stream.write_all(request).await.unwrap();
        open.push(stream);
    }
    open
}

/// What an honest client gets that asks again when it is refused.
async fn honest<T: DeserializeOwned>(
    client: &Client,
    method: &str,
    params: impl rpc_core::Args + Clone,
) -> T {
    let begin = Instant::now();
    loop {
        match client.call(method, params.clone()).await {
            Err(CallError::Fault(fault)) => {
                assert!(begin.elapsed() < Duration::from_secs(60), "{fault}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => return answer.unwrap(),
        }
    }
}

async fn assert_bounded(name: &str, number: usize, request: &[u8]) {
    let victim = victim().await;
    let open = silent(&victim, number, request).await;
    let client = Client::new(&victim.url()).unwrap();
    let sum: i64 = client.call("add", (3, 5)).await.unwrap();
    assert_eq!(sum, 8, "a small call needs no room");
    let blob: Value = honest(&client, "blob", (8 << 20,)).await;
    assert_eq!(blob.as_bytes().map(<[u8]>::len), Some(8 << 20));
    let text = "x".repeat(4 << 20);
    let echo: String = honest(&client, "echo", (text.clone(),)).await;
    assert!(echo == text);
    let peak = victim.peak();
    println!("{name}: at most {} MiB", peak >> 20);
    assert!(peak < BUDGET + AT_HAND + ITSELF, "{name}: {peak} bytes");
    drop((client, open));
    victim.assert_released(name).await;
}

#[tokio::test]
async fn blobs_that_nobody_reads_have_a_limit_together() {
    let blob = zipped(&call("blob", "<value><int>16777216</int></value>"));
    assert!(blob.len() < 500, "{}", blob.len());
    assert_bounded("20 blobs of 16 MiB", 20, &blob).await;
}

#[tokio::test]
async fn echoes_that_nobody_reads_have_a_limit_together() {
    let value = format!("<value>{}</value>", "x".repeat((16 << 20) - 200));
    let echo = zipped(&call("echo", &value));
    assert!(echo.len() < 20_000, "{}", echo.len());
    assert_bounded("60 echoes of 16 MiB", 60, &echo).await;
}
