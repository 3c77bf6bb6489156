//! A server of JSON-RPC over a byte stream, and a client that sends anything: each message of the
//! server is an answer or a notification, memory is bounded, and nothing is left at the end.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::jsonrpc::{Framing, Service, SessionOptions, SocketServer, SocketServerOptions};
use farcall::rpc::Stream;
use farcall::transport::{Connect as _, memory};
use farcall::{Budget, Registry, Value, Variadic};
use fuzz::memory::bounded;
use fuzz::methods;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

/// Maximum bytes of a message and of an answer.
const MAX: usize = 4096;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    headers: bool,
    acts: Vec<Act<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Act<'a> {
    Bytes(&'a [u8]),
    /// A document in its frame.
    Document(&'a str),
    Call(Method, &'a str, Option<u8>),
    Batch(Vec<(Method, &'a str, Option<u8>)>),
    Answer(u8, &'a str),
    Wait(u16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Method {
    Echo,
    Sleep,
    Subscribe,
    Unsubscribe,
    Missing,
}

fn request(method: Method, params: &str, id: Option<u8>) -> String {
    let method = match method {
        Method::Echo => "echo",
        Method::Sleep => "sleep",
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
        Method::Missing => "missing",
    };
    let id = id.map_or(String::new(), |id| format!(",\"id\":{id}"));
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":[{params}]{id}}}")
}

fn service() -> Service {
    let registry = Registry::new();
    registry
        .register_function("echo", |values: Variadic<Value>| values.0)
        .and_then(|registry| {
            registry.register_function("sleep", async |milliseconds: u16| {
                sleep(Duration::from_millis(milliseconds.into())).await;
            })
        })
        .and_then(|registry| {
            registry.register_function("subscribe", |count: u8| {
                let (sender, items) = Stream::channel(1);
                tokio::spawn(async move {
                    for item in 0..count {
                        if sender.send(item).await.is_err() {
                            return;
                        }
                    }
                });
                items
            })
        })
        .expect("the names are free");
    let options = SessionOptions::default()
        .max_message(MAX)
        .max_reply(MAX)
        .max_concurrent(4)
        .max_subscriptions(2)
        .idle_timeout(Some(Duration::from_secs(60)));
    Service::new(registry).max_batch(8).sessions(options)
}

fn frame(document: &str, headers: bool) -> Vec<u8> {
    match headers {
        true => format!("Content-Length: {}\r\n\r\n{document}", document.len()).into_bytes(),
        false => format!("{document}\n").into_bytes(),
    }
}

async fn run(input: &Input<'_>) {
    let framing = match input.headers {
        true => Framing::Headers,
        false => Framing::Lines,
    };
    let budget = Budget::new(1 << 20);
    let options = SocketServerOptions::default().budget(budget.clone());
    let server = SocketServer::with_options(service(), framing, options);
    let (listener, connector) = memory::listener("fuzz");
    let bound = server
        .listen(listener)
        .expect("a listener over memory always works");
    let serving = tokio::spawn(bound.serve());
    let io = connector.connect().await.expect("it listens");
    let (mut reader, mut writer) = tokio::io::split(io);
    let reading = tokio::spawn(async move {
        let mut received = Vec::new();
        let read = reader.read_to_end(&mut received);
        timeout(Duration::from_secs(3600), read)
            .await
            .expect("the connection ends")
            .expect("memory has no errors");
        received
    });
    for act in input.acts.iter().take(64) {
        let bytes = match act {
            Act::Bytes(bytes) => bytes.to_vec(),
            Act::Document(document) => frame(document, input.headers),
            Act::Call(method, params, id) => frame(&request(*method, params, *id), input.headers),
            Act::Batch(calls) => {
                let calls: Vec<_> = calls
                    .iter()
                    .map(|(method, params, id)| request(*method, params, *id))
                    .collect();
                frame(&format!("[{}]", calls.join(",")), input.headers)
            }
            Act::Answer(id, result) => frame(
                &format!("{{\"result\":{result},\"id\":{id}}}"),
                input.headers,
            ),
            Act::Wait(milliseconds) => {
                sleep(Duration::from_millis((*milliseconds).into())).await;
                continue;
            }
        };
        if writer.write_all(&bytes).await.is_err() {
            break;
        }
    }
    let _ = writer.shutdown().await;
    let received = reading.await.expect("reading does not panic");
    check(&received, input.headers);
    // The server may still wait for what follows an error.
    sleep(Duration::from_secs(5)).await;
    assert_eq!(budget.held(), 0, "nothing is held at the end");
    serving.abort();
}

/// Checks that the output is messages of JSON-RPC in their frames.
fn check(mut received: &[u8], headers: bool) {
    while !received.is_empty() {
        let document;
        if headers {
            let head = received
                .strip_prefix(b"Content-Length: ")
                .expect("a header");
            let end = head
                .windows(4)
                .position(|part| part == b"\r\n\r\n")
                .expect("its end");
            let length = std::str::from_utf8(&head[..end]).expect("ASCII");
            let length: usize = length.parse().expect("a number");
            (document, received) = head[end + 4..].split_at(length);
        } else {
            let end = received
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("a line break");
            document = &received[..end];
            received = &received[end + 1..];
        }
        assert!(document.len() <= MAX + 512, "{} bytes", document.len());
        let value: serde_json::Value = serde_json::from_slice(document).expect("a document");
        let messages = match value {
            serde_json::Value::Array(messages) => messages,
            message => vec![message],
        };
        assert!(!messages.is_empty());
        for message in messages {
            assert_eq!(message["jsonrpc"], "2.0");
            let is_answer = message.get("result").is_some() != message.get("error").is_some()
                && message.get("id").is_some();
            let is_notification = message["method"] == "subscription"
                && message["params"]["subscription"].is_string();
            assert!(is_answer != is_notification, "{message}");
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let runtime = methods::runtime();
    // Not proportional to the input: one byte may request many items.
    bounded(0, 0, 16 << 20, || runtime.block_on(run(&input)));
});
