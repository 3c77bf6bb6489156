//! Hostile and odd documents, over HTTP, sockets and WebSocket.

use farcall::jsonrpc::{Framing, Server};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::cases::{CASES, DATA, Expected, INVALID, PARAMS, PARSE, UNKNOWN};
use super::sessions::{connected, exchange};
use super::{Methods, answer, server};
use Expected::{Batch, Error, Nothing, Result};

/// A request whose answer tells that nothing more comes before it.
const MARKER: &str = r#"{"jsonrpc":"2.0","method":"get_data","id":"marker"}"#;

/// The ways by which a document reaches a service.
struct Ways {
    server: Server,
    /// The address of the server.
    address: String,
}

impl Ways {
    async fn new() -> Self {
        let server = server(&Methods::default());
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        let address = bound.local_address().to_string();
        tokio::spawn(bound.serve());
        Self { server, address }
    }

    /// Checks the answer to a document, whatever carries it.
    async fn check(&self, document: &[u8], expected: &Expected) {
        let shown = String::from_utf8_lossy(&document[..document.len().min(200)]).into_owned();
        let (status, text) = answer(&self.server, document).await;
        let expected_status = if matches!(expected, Nothing) {
            204
        } else {
            200
        };
        assert_eq!(status, expected_status, "{shown}");
        check_text(&text, expected, &format!("HTTP: {shown}"));
        let text = self.framed(document, Framing::Headers).await;
        check_text(&text, expected, &format!("headers: {shown}"));
        // A line has no line breaks, and an empty one is none.
        let is_line = !document.contains(&b'\n') && !document.trim_ascii().is_empty();
        if is_line {
            let text = self.framed(document, Framing::Lines).await;
            check_text(&text, expected, &format!("lines: {shown}"));
        }
        let text = self.websocket(document, expected).await;
        check_text(&text, expected, &format!("WebSocket: {shown}"));
    }

    /// Returns the answer over a byte stream.
    async fn framed(&self, document: &[u8], framing: Framing) -> String {
        let io = connected(self.server.service().clone(), framing).await;
        let message = match framing {
            Framing::Headers => {
                let head = format!("Content-Length: {}\r\n\r\n", document.len());
                [head.as_bytes(), document].concat()
            }
            _ => [document, b"\n"].concat(),
        };
        let answer = exchange(io, &message).await;
        match framing {
            Framing::Headers => match answer.split_once("\r\n\r\n") {
                Some((_, answer)) => answer.to_owned(),
                None => answer,
            },
            _ => answer.trim_end().to_owned(),
        }
    }

    /// Returns the answer over a WebSocket.
    async fn websocket(&self, document: &[u8], expected: &Expected) -> String {
        let io = TcpStream::connect(&self.address).await.unwrap();
        let url = format!("ws://{}/jsonrpc", self.address);
        let (mut socket, _) = client_async(url, io).await.unwrap();
        let message = match str::from_utf8(document) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(document.to_vec()),
        };
        socket.send(message).await.unwrap();
        let mut answer = None;
        if !matches!(expected, Nothing) {
            let message = socket.next().await.unwrap().unwrap();
            answer = Some(message.into_text().unwrap().to_string());
        }
        socket.send(Message::text(MARKER)).await.unwrap();
        let marker = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(marker.ends_with(r#","id":"marker"}"#), "{marker}");
        answer.unwrap_or_default()
    }
}

fn check_text(text: &str, expected: &Expected, shown: &str) {
    let error = |text: &str| -> Option<i64> {
        let answer: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("error").is_some() != answer.get("result").is_some());
        answer
            .get("error")
            .map(|error| error["code"].as_i64().unwrap())
    };
    match expected {
        Nothing => assert_eq!(text, "", "{shown}"),
        Result(result, id) => {
            let expected = format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#);
            assert_eq!(text, expected, "{shown}");
        }
        Error(code, id) => {
            assert_eq!(error(text), Some(*code), "{shown}: {text}");
            assert!(
                text.ends_with(&format!(r#","id":{id}}}"#)),
                "{shown}: {text}"
            );
        }
        Batch(codes) => {
            let answers: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
            let found: Vec<_> = answers
                .iter()
                .map(|answer| error(&answer.to_string()).unwrap_or_default())
                .collect();
            assert_eq!(found, *codes, "{shown}: {text}");
        }
    }
}

#[tokio::test]
async fn every_odd_document_has_its_answer() {
    let ways = Ways::new().await;
    for (document, expected) in CASES {
        ways.check(document.as_bytes(), expected).await;
    }
}

#[tokio::test]
async fn documents_at_their_limits() {
    let call = |method: &str, params: &str, id: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
    };
    let nested = |depth| format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
    let lists = |depth| format!("{}5{}", "[".repeat(depth), "]".repeat(depth));
    let digits = "9".repeat(400);
    let id = |length: usize| format!("\"{}\"", "i".repeat(length - 2));
    let entries = |count| format!("[{}]", vec![call("get_data", "[]", "1"); count].join(","));
    let cases = [
        (
            b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}".to_vec(),
            Error(PARSE, "null"),
        ),
        (b"\xed\xa0\x80".to_vec(), Error(PARSE, "null")),
        (b"\xc0\x80".to_vec(), Error(PARSE, "null")),
        (b"\xff\xfe{\0}\0".to_vec(), Error(PARSE, "null")),
        (
            call("echo", &nested(10), "1").into(),
            Result("[[[[[[[[[[]]]]]]]]]]", "1"),
        ),
        // The array of the parameters is a level, and a number in the lists is none.
        (
            call("echo", &format!("[{}]", lists(127)), "1").into(),
            Result(lists(127).leak(), "1"),
        ),
        (
            call("echo", &format!("[{}]", lists(128)), "1").into(),
            Error(INVALID, "1"),
        ),
        (call("echo", &nested(200), "1").into(), Error(INVALID, "1")),
        (
            call("echo", &nested(10_000), "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call("echo", &nested(1_000_000), "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call("get_data", &nested(100_000), "1").into(),
            Error(PARAMS, "1"),
        ),
        (nested(100_000).into(), Batch(&[INVALID])),
        ("[".repeat(1_000_000).into(), Error(PARSE, "null")),
        ("{\"a\":".repeat(1_000_000).into(), Error(PARSE, "null")),
        (
            call("big", &format!("[{digits}]"), "1").into(),
            Error(PARAMS, "1"),
        ),
        (
            call("get_data", "[]", &digits).into(),
            Error(INVALID, "null"),
        ),
        (
            call("get_data", "[]", &id(257)).into(),
            Error(INVALID, "null"),
        ),
        (
            call(&"m".repeat(1025), "[]", "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call(&"m".repeat(100_000), "[]", "1").into(),
            Error(INVALID, "1"),
        ),
        (
            call(&"m".repeat(1024), "[]", "1").into(),
            Error(UNKNOWN, "1"),
        ),
        (
            call("echo", &format!("[{digits}]"), "1").into(),
            Error(PARAMS, "1"),
        ),
        (
            call("get_data", "[]", &nested(10_000)).into(),
            Error(INVALID, "null"),
        ),
        (
            format!(r#"{{"jsonrpc":"2.0","method":{},"id":1}}"#, nested(10_000)).into(),
            Error(INVALID, "1"),
        ),
        (
            call(
                "subtract",
                &format!(r#"{{"minuend":{}}}"#, nested(10_000)),
                "1",
            )
            .into(),
            Error(PARAMS, "1"),
        ),
        (
            call("get_data", "[]", &id(1_000_000)).into(),
            Error(INVALID, "null"),
        ),
        (
            format!(r#"{{"{}":1}}"#, "k".repeat(1_000_000)).into(),
            Error(INVALID, "null"),
        ),
        (
            format!(
                "[{}]",
                vec![r#"{"jsonrpc":"2.0","method":"update"}"#; 1000].join(",")
            )
            .into(),
            Nothing,
        ),
        (entries(1001).into(), Error(INVALID, "null")),
        (entries(20_000).into(), Error(INVALID, "null")),
    ];
    let ways = Ways::new().await;
    for (document, expected) in cases {
        ways.check(&document, &expected).await;
    }
    let server = server(&Methods::default());
    let longest = id(256);
    let (_, text) = answer(&server, call("get_data", "[]", &longest)).await;
    assert!(text.ends_with(&format!(r#""id":{longest}}}"#)), "{text}");
    let (_, text) = answer(&server, entries(1000)).await;
    assert_eq!(text.matches(DATA).count(), 1000);
}

#[tokio::test]
async fn errors_have_their_place_in_the_document() {
    let server = server(&Methods::default());
    for (document, expected) in [
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subtract\",\n\"params\":[1,\"x\"]}",
            "parameter 2: invalid type: string \\\"x\\\", expected i64, at line 2, column 15",
        ),
        (
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get_data\"},\n\
             {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subtract\",\"params\":\n{\"minuend\":1,\"subtrahend\":\"x\"}}]",
            "parameter `subtrahend`: invalid type: string \\\"x\\\", expected i64, at line 3, column 29",
        ),
        ("[1,\n2", "EOF while parsing a list, at line 2, column 1"),
    ] {
        let (_, text) = answer(&server, document).await;
        assert!(text.contains(expected), "{text}");
    }
}

/// Over a connection with calls in both directions, an answer can come too late for its call, which
/// nobody waits for any more. Answering it with an error would make peers answer each other without
/// end. Over HTTP, it is a document that is no request.
#[tokio::test]
async fn an_answer_to_no_call_is_an_error_over_http_only() {
    let ways = Ways::new().await;
    for (document, expected) in [
        (
            r#"{"jsonrpc":"2.0","result":5,"id":1}"#,
            Error(INVALID, "1"),
        ),
        (
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"},"id":null}"#,
            Error(INVALID, "null"),
        ),
        (
            r#"[{"jsonrpc":"2.0","result":5,"id":1},{"jsonrpc":"2.0","result":null,"id":"x"}]"#,
            Batch(&[INVALID, INVALID]),
        ),
    ] {
        let (_, text) = answer(&ways.server, document).await;
        check_text(&text, &expected, document);
        for framing in [Framing::Lines, Framing::Headers] {
            assert_eq!(ways.framed(document.as_bytes(), framing).await, "");
        }
        ways.websocket(document.as_bytes(), &Nothing).await;
    }
}
