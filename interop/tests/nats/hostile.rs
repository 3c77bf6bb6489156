//! Services that answer with escapes, too much, too often, at the inboxes of others, or never: none
//! of them harms the calls of other services over the same connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use farcall::cluster::nats::{Client, Gather, ServerOptions};
use farcall::cluster::{
    Client as AnyClient, ConnectOptions, Credentials, GroupSource as _, ServiceGroups,
};
use farcall::protocol::output::{Causes, Foreign, is_harmless};
use farcall::{CallError, Caller as _, Execution};
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::server::NatsServer;
use crate::start;

/// Text that a terminal would obey.
const EVIL: &str = "evil\u{9b}2J\u{7f}\u{202e}\u{2066}\u{2028}\u{1b}]52;c;eA==\u{7}";

/// Nearly the longest message that a NATS server takes by default.
const LONG: usize = 1_000_000;

/// A task that is aborted when this is dropped.
struct Peer(JoinHandle<()>);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers the calls of the service `evil`, each in the way that its method names.
async fn evil(nats: &NatsServer) -> Peer {
    let client = async_nats::connect(nats.url()).await.unwrap();
    let mut calls = client.subscribe("evil.>").await.unwrap();
    client.flush().await.unwrap();
    Peer(tokio::spawn(async move {
        while let Some(call) = calls.next().await {
            answer(&client, call).await;
            let _ = client.flush().await;
        }
    }))
}

fn error(text: &str, code: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Service-Error", text);
    headers.insert("Nats-Service-Error-Code", code);
    headers
}

async fn answer(client: &async_nats::Client, call: Message) {
    let Some(inbox) = call.reply else { return };
    let method = call.subject.trim_start_matches("evil.");
    let plain = |text: &str| text.to_owned().into();
    match method {
        "header" => {
            let headers = error(EVIL, "7");
            let sent = client.publish_with_headers(inbox, headers, plain(EVIL));
            sent.await.unwrap();
        }
        "body" => {
            let mut headers = error("error", "not a number");
            headers.insert("Farcall-Fault", EVIL);
            let causes = vec![EVIL; 1000];
            let body = serde_json::json!({"code": 7, "message": EVIL, "causes": causes});
            let sent = client.publish_with_headers(inbox, headers, body.to_string().into());
            sent.await.unwrap();
        }
        "type" => {
            let mut headers = HeaderMap::new();
            headers.insert("Content-Type", format!("application/msgpack; {EVIL}"));
            let sent = client.publish_with_headers(inbox, headers, plain("x"));
            sent.await.unwrap();
        }
        "long" => {
            for _ in 0..100 {
                let text = format!("\"{}\"", "x".repeat(LONG));
                client.publish(inbox.clone(), text.into()).await.unwrap();
                // A NATS server disconnects whoever reads too slowly, and so loses calls.
                client.flush().await.unwrap();
            }
        }
        "twice" => {
            for text in ["1", "2", "3"] {
                client.publish(inbox.clone(), plain(text)).await.unwrap();
            }
        }
        "status" => {
            let mut raw = HeaderMap::new();
            raw.insert("Status", "503");
            let sent = client.publish_with_headers(inbox, raw, plain("null"));
            sent.await.unwrap();
        }
        "others" => {
            // The inboxes of other calls have other numbers.
            let (prefix, place) = inbox.rsplit_once('.').unwrap();
            let digits = place.split('-').next().unwrap();
            let rest = &place[digits.len()..];
            let number: u64 = digits.parse().unwrap();
            for other in number.saturating_sub(200)..number + 200 {
                let subject = format!("{prefix}.{other}{rest}");
                client.publish(subject, plain("\"forged\"")).await.unwrap();
                let subject = format!("{prefix}.s{other}{rest}");
                client.publish(subject, plain("\"forged\"")).await.unwrap();
            }
            for place in ["", "s", "x", "18446744073709551616", "1-", "-1", "1.2"] {
                let subject = format!("{prefix}.{place}");
                let _ = client.publish(subject, plain("\"forged\"")).await;
            }
        }
        // Never.
        _ => {}
    }
}

/// Checks an error as people see it, on one line of the log or of a terminal.
fn shown(error: &CallError) -> String {
    let text = Foreign::line(Causes(error)).to_string();
    assert!(text.chars().all(is_harmless), "{text:?}");
    text
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it fails, and is not understood yet"]
async fn a_hostile_service_harms_its_own_calls_only() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let _running = start(&served, "demo", ServerOptions::default()).await;
    let _evil = evil(&nats).await;
    let good = Client::new(&called, "demo").unwrap();
    let evil = Client::new(&called, "evil").unwrap();

    // Others go on all the time.
    let stop = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..8)
        .map(|number: i64| {
            let (good, stop) = (good.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut made = 0;
                while !stop.load(Ordering::Relaxed) {
                    let text = format!("{number} {made}");
                    // Long enough that others can be answered in between.
                    good.call::<u64>("sleep", (1,)).await.unwrap();
                    assert_eq!(good.call::<String>("echo", (&text,)).await.unwrap(), text);
                    made += 1;
                }
                made
            })
        })
        .collect();

    for method in ["header", "body"] {
        let error = evil.call::<String>(method, ()).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!(fault.code(), 7, "{method}");
        assert!(fault.causes().count() <= 16);
        // A kind that nobody knows refuses nothing.
        assert_eq!(error.execution(), Execution::Maybe, "{method}");
        assert!(shown(&error).contains("evil"), "{error:?}");
    }
    let error = evil.call::<String>("type", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Completed, "{error:?}");
    shown(&error);
    assert_eq!(evil.call::<i64>("twice", ()).await.unwrap(), 1);
    evil.call::<()>("status", ()).await.unwrap();
    let within = evil.within(Duration::from_millis(500));
    for method in ["never", "others"] {
        for _ in 0..5 {
            let begun = Instant::now();
            let error = within.call::<String>(method, ()).await.unwrap_err();
            assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
            assert!(begun.elapsed() < Duration::from_secs(3), "{method}");
        }
    }
    let limited = evil.within(Duration::from_secs(20));
    assert_eq!(
        limited.call::<String>("long", ()).await.unwrap().len(),
        LONG
    );
    let options = ConnectOptions::default().max_reply(LONG / 2);
    let url = format!("{}/evil", nats.url());
    let short = AnyClient::with_options(&url, &Credentials::new(), options).unwrap();
    let error = short.call::<String>("long", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Completed, "{error:?}");
    assert!(
        shown(&error).contains("more than the limit of 500000"),
        "{error}"
    );

    stop.store(true, Ordering::Relaxed);
    for other in others {
        assert!(other.await.unwrap() > 0);
    }
    assert_eq!(called.waiting(), 0);
}

/// Answers discovery without an end.
#[tokio::test(flavor = "multi_thread")]
async fn endless_answers_to_discovery_end() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let options = ServerOptions::default().id("good");
    let _running = start(&served, "demo", options).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let mut questions = client.subscribe("$SRV.>").await.unwrap();
    client.flush().await.unwrap();
    let _evil = Peer(tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let inbox = question.reply.unwrap();
            // The good one has answered by then.
            tokio::time::sleep(Duration::from_millis(100)).await;
            for number in 0_u32.. {
                let answer = serde_json::json!({
                    "name": if number % 2 == 0 { EVIL } else { "demo" },
                    "id": format!("{}{number}", if number % 4 < 2 { EVIL } else { "a,b" }),
                    "version": "x".repeat(LONG / 2),
                    "metadata": {"farcall": EVIL},
                    "endpoints": [{"name": EVIL, "subject": format!("demo.{EVIL}")}],
                });
                for text in [answer.to_string(), "[".repeat(10_000), "{".to_owned()] {
                    client.publish(inbox.clone(), text.into()).await.unwrap();
                }
                client.flush().await.unwrap();
                if number == 200 {
                    break;
                }
            }
        }
    }));

    let begun = Instant::now();
    let gather = Gather::default().time(Duration::from_secs(20));
    let gather = gather.silence(Duration::from_secs(5));
    let found = called.info(None, gather).await.unwrap();
    // The answers would be 100 MB.
    let bytes: usize = found.iter().map(|found| found.version.len()).sum();
    assert!(bytes > LONG && bytes <= 64 << 20, "{bytes}");
    assert!(found.iter().any(|found| found.id == "good"));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    // Names that are none are none of hosts, groups or instances.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let service = Client::new(&called, "demo").unwrap();
    let quick = Gather::default().time(Duration::from_secs(1));
    let instances = service.instances(quick).await.unwrap();
    let ids: Vec<&str> = instances.iter().filter_map(Client::instance).collect();
    assert_eq!(ids, ["good"]);
    let groups = ServiceGroups::new(&called).gather(quick);
    assert_eq!(groups.names().await.unwrap(), ["demo"]);
    assert_eq!(called.waiting(), 0);
}

/// Sends bytes as no client of NATS does.
struct Raw(BufReader<TcpStream>);

impl Raw {
    async fn connect(nats: &NatsServer) -> Self {
        let address = nats.url().replace("nats://", "");
        let mut raw = Self(BufReader::new(TcpStream::connect(address).await.unwrap()));
        raw.0.read_line(&mut String::new()).await.unwrap();
        raw.send(b"CONNECT {\"verbose\":false,\"headers\":true}\r\n")
            .await;
        raw
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends a message of headers only.
    async fn publish(&mut self, subject: &str, headers: &[u8]) {
        let length = headers.len();
        let head = format!("HPUB {subject} {length} {length}\r\n");
        self.send(&[head.as_bytes(), headers, b"\r\n"].concat())
            .await;
    }

    /// Returns the inbox of the next call of a service.
    async fn inbox(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).await.unwrap() > 0);
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["HMSG", _, _, inbox, ..] => return inbox.to_owned(),
                ["PING"] => self.send(b"PONG\r\n").await,
                _ => {}
            }
        }
    }
}

/// async-nats gives the connection up at a header that is none: what all calls say of it is true,
/// and the next ones go on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it fails, and is not understood yet"]
async fn headers_that_are_none_break_the_connection_and_nothing_else() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let mut raw = Raw::connect(&nats).await;
    raw.send(b"SUB evil.x 1\r\nPING\r\n").await;
    let good = Client::new(&called, "demo").unwrap();
    let evil = Client::new(&called, "evil").unwrap();
    for header in [
        &b"GARBAGE\r\n\r\n"[..],
        b"NATS/1.0\r\nno colon\r\n\r\n",
        b"NATS/1.0 abc\r\n\r\n",
        b"NATS/1.0\r\nA: \xff\x1b[2J\r\n\r\n",
        b"NATS/1.0\r\n\x1b[2J: x\r\n\r\n",
    ] {
        let call = tokio::spawn({
            let evil = evil.clone();
            async move { evil.call::<String>("x", ()).await }
        });
        let inbox = raw.inbox().await;
        let other = tokio::spawn({
            let good = good.clone();
            async move { good.call::<u64>("sleep", (300,)).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        raw.publish(&inbox, header).await;
        let begun = Instant::now();
        let error = call.await.unwrap().unwrap_err();
        assert_ne!(error.execution(), Execution::Never, "{error:?}");
        shown(&error);
        if let Err(error) = other.await.unwrap() {
            assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
            shown(&error);
        }
        while good.call::<bool>("run", ("after",)).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(running.ledger.count("after") >= 5);
    assert_eq!(called.waiting(), 0);
}

/// async-nats, up to 0.51 at least, panics at a carriage return within a header
/// (<https://github.com/nats-io/nats.rs/pull/1612>): its connection ends for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_a_header_ends_for_good_is_replaced() {
    const HEADER: &[u8] = b"NATS/1.0\r\nA: x\ry\r\n\r\n";
    let nats = NatsServer::start();
    let served = nats.connect().await;
    let running = start(&served, "demo", ServerOptions::default()).await;
    let mut raw = Raw::connect(&nats).await;
    raw.send(b"SUB evil.x 1\r\nPING\r\n").await;
    let open = |service| {
        let url = format!("{}/{service}", nats.url());
        AnyClient::open(&url, &Credentials::new()).unwrap()
    };
    let (good, evil) = (open("demo"), open("evil"));
    assert!(good.call::<bool>("run", ("before",)).await.unwrap());
    let call = tokio::spawn(async move { evil.call::<String>("x", ()).await });
    let inbox = raw.inbox().await;
    raw.publish(&inbox, HEADER).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    let begun = Instant::now();
    while let Err(error) = good.call::<bool>("run", ("after",)).await {
        assert_ne!(error.execution(), Execution::Completed, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(running.ledger.count("after") >= 1);

    // A service whose connection has ended serves no more, or again: it does not hang.
    raw.publish("demo.add", HEADER).await;
    let begun = Instant::now();
    let is_served = async || good.call::<i64>("add", (3, 5)).await.is_ok();
    while !running.task.is_finished() && !is_served().await {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
