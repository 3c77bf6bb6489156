//! Clients that keep a connection open and send or read next to nothing.

use std::time::{Duration, Instant};

use tests::victim::Victim;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::case::{call, request, with_headers};
use super::responses::{read_to_end, summary};
use super::{victim, victim_with};

/// A slow client: the bytes it sends at once, the bytes it then sends repeatedly, and the expected
/// responses.
struct Slow {
    name: &'static str,
    start: Vec<u8>,
    drops: &'static [u8],
    expected: &'static str,
}

impl Slow {
    fn new(
        name: &'static str,
        start: impl Into<Vec<u8>>,
        drops: &'static [u8],
        expected: &'static str,
    ) -> Self {
        Self {
            name,
            start: start.into(),
            drops,
            expected,
        }
    }

    /// Returns the summary of the responses, and the time until the server closed the connection.
    async fn run(&self, victim: std::net::SocketAddr, pause: Duration) -> (String, Duration) {
        let (mut reader, mut writer) = TcpStream::connect(victim).await.unwrap().into_split();
        let begin = Instant::now();
        let writing = async {
            let mut alive = writer.write_all(&self.start).await.is_ok();
            while alive && !self.drops.is_empty() {
                sleep(pause).await;
                alive = writer.write_all(self.drops).await.is_ok();
            }
            std::future::pending().await
        };
        let answers = tokio::select! {
            answers = read_to_end(&mut reader) => answers,
            never = writing => never,
        };
        (summary(&answers), begin.elapsed())
    }
}

/// Runs all cases concurrently. None may last longer than `limit`.
async fn assert_disconnected(victim: &Victim, cases: Vec<Slow>, pause: Duration, limit: Duration) {
    let address = victim.xmlrpc;
    let mut running = JoinSet::new();
    for case in cases {
        running.spawn(async move {
            let (answers, time) = case.run(address, pause).await;
            (case, answers, time)
        });
    }
    println!("{} hostile cases", running.len());
    let mut failures = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (case, answers, time) = ended.unwrap();
        let name = case.name;
        if answers != case.expected {
            failures.push(format!(
                "{name}: {answers:?} instead of {:?}",
                case.expected
            ));
        }
        if time > limit {
            failures.push(format!("{name}: only after {time:?}"));
        }
        // The other cases are still running, so only the common state can be checked.
        victim.assert_serves().await;
        victim.assert_unharmed(name);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    victim.assert_well("slow clients").await;
}

fn cases() -> Vec<Slow> {
    let one = request("X: y", &call("carrier"));
    let after = |rest: &[u8]| [&one[..], rest].concat();
    let chunked = |body: &str| with_headers("Transfer-Encoding: chunked", body);
    vec![
        Slow::new("nothing", "", b"", ""),
        Slow::new("half a method", "PO", b"", ""),
        Slow::new("half a head", "POST /RPC2 HTTP/1.1\r\nHost: vic", b"", ""),
        Slow::new(
            "a head but for its last byte",
            "POST /RPC2 HTTP/1.1\r\nHost: victim\r\n\r",
            b"",
            "",
        ),
        Slow::new("line ends", "", b"\r\n", ""),
        Slow::new("a method without an end", "", b"P", ""),
        Slow::new("a path without an end", "POST /", b"x", ""),
        Slow::new(
            "headers without an end",
            "POST / HTTP/1.1\r\nHost: victim\r\n",
            b"X: y\r\n",
            "",
        ),
        Slow::new(
            "a value without an end",
            "POST / HTTP/1.1\r\nHost: victim\r\nX: ",
            b"y",
            "",
        ),
        Slow::new(
            "no body",
            with_headers("Content-Length: 100", ""),
            b"",
            "408",
        ),
        Slow::new(
            "half a body",
            with_headers("Content-Length: 100", "<?xml"),
            b"",
            "408",
        ),
        Slow::new(
            "a body in bytes",
            with_headers("Content-Length: 10000", ""),
            b" ",
            "408",
        ),
        Slow::new(
            "a compressed body in bytes",
            with_headers("Content-Encoding: gzip\r\nContent-Length: 10000", "\x1f"),
            b"\0",
            "408",
        ),
        Slow::new("no chunk", chunked(""), b"", "408"),
        Slow::new("a size without an end", chunked(""), b"0", "408"),
        Slow::new("spaces behind a size", chunked("5"), b" ", "408"),
        Slow::new("an extension without an end", chunked("5;"), b"x", "408"),
        Slow::new("half a chunk", chunked("ff\r\n<?xml"), b"", "408"),
        Slow::new("chunks in bytes", chunked(""), b"1\r\n \r\n", "408"),
        Slow::new("no last chunk", chunked("1\r\n \r\n"), b"", "408"),
        Slow::new("no end behind the last chunk", chunked("0\r\n"), b"", "408"),
        Slow::new(
            "trailers without an end",
            chunked("0\r\n"),
            b"X: y\r\n",
            "408",
        ),
        Slow::new(
            "a requested body that never arrives",
            with_headers("Expect: 100-continue\r\nContent-Length: 100", ""),
            b"",
            "100, 408",
        ),
        Slow::new(
            "a body that was not requested, in bytes",
            "POST /nowhere HTTP/1.1\r\nHost: victim\r\nContent-Length: 10000\r\n\r\n",
            b" ",
            "404",
        ),
        Slow::new("bytes behind a refused request", "POST\0", b" ", "400"),
        Slow::new("nothing behind a request", one.clone(), b"", "carrier"),
        Slow::new(
            "line ends behind a request",
            one.clone(),
            b"\r\n",
            "carrier",
        ),
        Slow::new(
            "half a head behind a request",
            after(b"POST / HT"),
            b"",
            "carrier",
        ),
        Slow::new(
            "a head in bytes behind a request",
            after(b"POST /"),
            b"x",
            "carrier",
        ),
        Slow::new(
            "half a body behind a request",
            after(&with_headers("Content-Length: 100", "<")),
            b"",
            "carrier, 408",
        ),
        Slow::new(
            "bytes behind the last request",
            request("Connection: close", &call("carrier")),
            b"x",
            "carrier",
        ),
    ]
}

#[tokio::test]
async fn slow_clients_are_disconnected() {
    let victim = victim_with(&["--timeout-ms", "2000"]).await;
    let pause = Duration::from_millis(100);
    assert_disconnected(&victim, cases(), pause, Duration::from_secs(30)).await;
}

#[tokio::test]
async fn slow_heads_are_disconnected_within_the_default_limits() {
    let heads = cases().into_iter().filter(|case| case.expected.is_empty());
    let pause = Duration::from_secs(1);
    assert_disconnected(
        &victim().await,
        heads.collect(),
        pause,
        Duration::from_secs(50),
    )
    .await;
}

/// Requests of a client that reads nothing.
#[tokio::test]
async fn clients_that_never_read_are_disconnected() {
    let victim = victim_with(&["--timeout-ms", "2000"]).await;
    let large = call("4194304").replace("ledger.run", "blob");
    let large = large.replace("<value>4194304", "<value><int>4194304</int>");
    let old = String::from_utf8(request("Connection: keep-alive", &large)).unwrap();
    let old = old.replace("HTTP/1.1", "HTTP/1.0");
    let answers: [(&str, Vec<u8>); 4] = [
        ("one large answer", request("X: y", &large)),
        ("the same in HTTP/1.0", old.into_bytes()),
        ("many large answers", request("X: y", &large).repeat(20)),
        (
            "very many small answers",
            request("X: y", &call("carrier")).repeat(50_000),
        ),
    ];
    for (name, requests) in answers {
        let (reader, mut writer) = TcpStream::connect(victim.xmlrpc)
            .await
            .unwrap()
            .into_split();
        let writing = tokio::spawn(async move {
            // Writing blocks while the peer does not read.
            let _ = writer.write_all(&requests).await;
            std::future::pending::<()>().await;
        });
        victim.assert_well(name).await;
        writing.abort();
        drop(reader);
    }
}
