//! Strangers who may publish: what they send breaks nothing for long, and no error lies.

mod connections;
mod messages;
mod silence;

use std::time::Duration;

use farcall::Caller as _;
use farcall::cluster::nats::{Client, ClientOptions, Connection};

use crate::failures::until;

/// Far more than anything here takes, and less than the timeouts that no call may wait for.
const SOON: Duration = Duration::from_secs(60);

/// Longer than a test may take.
const LATE: Duration = Duration::from_secs(3600);

/// At this, the task of async-nats panics.
const BREAKS: &str = "NATS/1.0\r\nA: b\rc\r\n\r\n";

fn client(connection: &Connection, service: &str) -> Client {
    let options = ClientOptions::default().timeout(Some(LATE));
    Client::with_options(connection, service, options).unwrap()
}

/// Completes when a call of the service is answered.
async fn serves(client: &Client, after: &str) {
    until(after, async || {
        let client = client.within(Duration::from_secs(1));
        client.call::<i64>("add", (3, 5)).await.ok() == Some(8)
    })
    .await;
}

/// Headers that no client sends.
fn odd_headers() -> Vec<Vec<u8>> {
    let block = |lines: &str| format!("NATS/1.0\r\n{lines}\r\n").into_bytes();
    let mut all = vec![
        BREAKS.into(),
        block("A: b\r\n\rc: d\r\n"),
        block("A\r: b\r\n"),
        block("A: b\n c\rd\r\n"),
        block("A: b\0c\u{b}d\u{85}e\u{2028}f\r\n"),
        block("A: \u{1b}[2J\r\n"),
        block("no colon\r\n"),
        block(": no name\r\n"),
        block("a name: b\r\n"),
        block("A: b\nC: d\r\n"),
        block("Farcall-Timeout: 99999999999999999999999\r\n"),
        block("Farcall-Timeout: -1\r\n"),
        block("Farcall-Timeout: 0\r\n"),
        block("Farcall-Timeout: 18446744073709551615\r\nFarcall-Clock: a -9223372036854775808\r\n"),
        block("Farcall-Timeout: 1000000\r\nFarcall-Clock: \r\n"),
        block("Content-Type: application/x-none\u{b}Evil: 1\r\n"),
        block("traceparent: 00-ff-ff-ff\r\ntracestate: ,,,=\r\n"),
        b"NATS/1.0\r\nA: \xff\xfe\r\n\r\n".to_vec(),
        b"A: b\r\n\r\n".to_vec(),
        b"NATS/1.0".to_vec(),
        b"NATS/9.9\r\n\r\n".to_vec(),
        b"\r\n\r\n".to_vec(),
        block(&format!("A: {}\r\n", "x".repeat(500_000))),
        block(&"a: b\r\n".repeat(100_000)),
    ];
    let distinct: String = (0..60_000)
        .map(|number| format!("h{number}: \r\n"))
        .collect();
    all.push(block(&distinct));
    for status in [
        "503",
        "100",
        "999",
        "000",
        "1000",
        "abc",
        "-1",
        "408 Request Timeout",
        "503 a b",
    ] {
        all.push(format!("NATS/1.0 {status}\r\n\r\n").into_bytes());
    }
    all
}
