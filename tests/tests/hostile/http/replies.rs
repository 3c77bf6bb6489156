//! Replies larger than their requests, for peers that do not read them.

use std::io::Write as _;
use std::time::{Duration, Instant};

use farcall::xmlrpc::Client;
use farcall::{CallError, Value};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::de::DeserializeOwned;
use tests::victim::Victim;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::case::with_headers;
use super::victim_with;

/// The budget of the victim: a quarter of the default, like the requests, because a debug build is
/// slow with large ones.
const BUDGET: u64 = 16 << 20;

/// The size of a blob or a text.
const SIZE: usize = 4 << 20;

/// The bytes that the victim's two threads may use outside the budget: a request, its values, its
/// reply, and a reply of a connection that was evicted.
const IN_USE: u64 = 2 * 7 * SIZE as u64;

/// Returns a compressed request that asks for an uncompressed reply.
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

/// Opens connections of `number` peers that send the request and do not read.
async fn silent(victim: &Victim, number: usize, request: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..number {
        let mut stream = TcpStream::connect(victim.xmlrpc).await.unwrap();
        stream.write_all(request).await.unwrap();
        open.push(stream);
    }
    open
}

/// Returns the result of an honest call, retried when it is refused.
async fn honest<T: DeserializeOwned>(
    client: &Client,
    method: &str,
    params: impl farcall::protocol::Args + Clone,
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

async fn assert_bounded(name: &str, request: &[u8]) {
    // All replies together would exceed 160 MiB.
    const PEERS: usize = 40;
    let victim = victim_with(&["--budget-mib", "16"]).await;
    let before = victim.peak();
    let open = silent(&victim, PEERS, request).await;
    let client = Client::new(&victim.url()).unwrap();
    let sum: i64 = client.call("add", (3, 5)).await.unwrap();
    assert_eq!(sum, 8, "a small call needs no room");
    let blob: Value = honest(&client, "ledger.bytes", (SIZE,)).await;
    assert_eq!(blob, Value::from(vec![b'x'; SIZE]));
    let text = "x".repeat(SIZE);
    let echo: String = honest(&client, "echo", (text.clone(),)).await;
    assert!(echo == text);
    let more = victim.peak() - before;
    println!("{name}: at most {} MiB more", more >> 20);
    assert!(more < BUDGET + IN_USE, "{name}: {more} bytes");
    drop((client, open));
    victim.assert_well(name).await;
}

#[tokio::test]
async fn unread_blobs_share_a_limit() {
    let value = format!("<value><int>{SIZE}</int></value>");
    let blob = zipped(&call("ledger.bytes", &value));
    assert!(blob.len() < 500, "{}", blob.len());
    assert_bounded("unread blobs", &blob).await;
}

#[tokio::test]
async fn unread_echoes_share_a_limit() {
    let value = format!("<value>{}</value>", "x".repeat(SIZE));
    let echo = zipped(&call("echo", &value));
    assert!(echo.len() < 10_000, "{}", echo.len());
    assert_bounded("unread echoes", &echo).await;
}
