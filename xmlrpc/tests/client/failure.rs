//! Calls that fail, and whether they ran.

use std::io::Write as _;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use farcall::http::HttpError;
use farcall_core::transport::Connect;
use farcall_core::{CallError, Context, Execution, Fault};
use farcall_xmlrpc::{Client, ClientOptions};
use tokio::net::TcpStream;

use super::both::ClientKind;
use super::{FIVE, chain, fault, http, listen, ok, read, server, write};

both! {
    a_connection_lost_after_sending_is_not_sent_again,
    a_refused_connection_is_reported_with_its_cause,
    #[cfg(unix)] a_missing_socket_file_is_reported,
    a_silent_server_times_out,
    the_timeout_covers_the_body,
    the_deadline_of_a_call_is_respected,
    pages_and_empty_bodies_are_not_replies,
    calls_refused_by_the_http_layer_did_not_run,
    faults_come_with_any_status,
    redirects_are_shown_and_not_followed,
    bombs_and_unknown_encodings_are_refused,
    bodies_over_the_limit_are_refused,
    a_reply_cut_short_is_lost,
    arguments_that_cannot_be_encoded_are_not_sent,
}

async fn call_with(
    kind: ClientKind,
    options: ClientOptions,
    answer: impl AsRef<[u8]> + Send + 'static,
) -> Result<i64, CallError> {
    let (url, _server) = server(vec![answer]).await;
    kind.client_with(&url, options).call("f", ()).await
}

async fn call(
    kind: ClientKind,
    answer: impl AsRef<[u8]> + Send + 'static,
) -> Result<i64, CallError> {
    call_with(kind, ClientOptions::default(), answer).await
}

/// Asserts that a call failed with `NotAReply`, and returns the text of its HTTP error.
fn not_a_reply(result: Result<i64, CallError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::NotAReply(_)), "{error:?}");
    assert_eq!(error.execution(), Execution::Maybe);
    HttpError::of(&error).unwrap().to_string()
}

fn refused(result: Result<i64, CallError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error:?}");
    assert_eq!(error.execution(), Execution::Never);
    HttpError::of(&error).unwrap().to_string()
}

fn is_lost(result: Result<i64, CallError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    chain(&error)
}

fn is_not_sent(result: Result<i64, CallError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    chain(&error)
}

/// Also on a kept connection, where some clients send the call again.
async fn a_connection_lost_after_sending_is_not_sent_again(kind: ClientKind) {
    for answered in [0, 1] {
        let (listener, url) = listen().await;
        let client = kind.client(&url);
        let server = async {
            let (mut io, _) = listener.accept().await.unwrap();
            for _ in 0..answered {
                read(&mut io).await.unwrap();
                write(&mut io, ok(FIVE)).await;
            }
            read(&mut io).await.unwrap();
            drop(io);
            let pause = Duration::from_millis(100);
            let again = tokio::time::timeout(pause, listener.accept()).await;
            assert!(again.is_err(), "the call was sent again");
        };
        let calls = async {
            for _ in 0..answered {
                let _: i64 = client.call("f", ()).await.unwrap();
            }
            is_lost(client.call("f", ()).await);
        };
        tokio::join!(server, calls);
    }
}

async fn a_refused_connection_is_reported_with_its_cause(kind: ClientKind) {
    // Bound, so that no other process takes the port, but not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let client = kind.client(&format!("http://u:secret@{address}"));
    let text = is_not_sent(client.call("f", ()).await);
    let start = format!("the call was not sent: cannot connect to {address}: Connection refused");
    assert!(text.starts_with(&start), "{text}");
}

#[cfg(unix)]
async fn a_missing_socket_file_is_reported(kind: ClientKind) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gone");
    let url = format!("http+unix://{}", path.display());
    let text = is_not_sent(kind.client(&url).call("f", ()).await);
    assert!(text.contains("/gone: No such file"), "{text}");
}

async fn a_silent_server_times_out(kind: ClientKind) {
    let (_listener, url) = listen().await;
    let options = ClientOptions::default().timeout(Some(Duration::from_millis(50)));
    let client = kind.client_with(&url, options);
    let text = is_lost(client.call("f", ()).await);
    assert!(text.contains("no response within"), "{text}");
}

async fn the_timeout_covers_the_body(kind: ClientKind) {
    let (listener, url) = listen().await;
    let server = async {
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        write(&mut io, &ok(FIVE)[..100]).await;
        io
    };
    let options = ClientOptions::default().timeout(Some(Duration::from_millis(50)));
    let client = kind.client_with(&url, options);
    let (_io, result) = tokio::join!(server, client.call("f", ()));
    let text = is_lost(result);
    assert!(text.contains("no response within"), "{text}");
}

async fn the_deadline_of_a_call_is_respected(kind: ClientKind) {
    let (_listener, url) = listen().await;
    let client = kind.client(&url);
    let in_time = |deadline| {
        let context = Context::new("f").with_deadline(Some(deadline));
        client.call_in::<i64>(context, ())
    };
    let soon = Instant::now() + Duration::from_millis(30);
    let error = in_time(soon).await.unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    let error = in_time(Instant::now()).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
}

/// A connector that never completes.
#[derive(Clone)]
struct Nowhere;

impl Connect for Nowhere {
    type Io = TcpStream;

    async fn connect(&self) -> std::io::Result<TcpStream> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_while_connecting_was_not_sent() {
    for (connect, whole) in [(Some(1), Some(2)), (Some(1), None), (None, Some(2))] {
        let options = ClientOptions::default()
            .connect_timeout(connect.map(Duration::from_secs))
            .timeout(whole.map(Duration::from_secs));
        let client = Client::with_connector("http://nowhere", Nowhere, options).unwrap();
        let text = is_not_sent(client.call("f", ()).await);
        assert!(text.contains("within"), "{text}");
    }
}

async fn pages_and_empty_bodies_are_not_replies(kind: ClientKind) {
    let html = "Content-Type: text/html\r\n";
    assert_eq!(
        not_a_reply(call(kind, http("200 OK", html, "<html>It works!</html>")).await),
        "HTTP status 200 OK, content type \"text/html\", not an XML-RPC response, \
         body begins with \"<html>It works!</html>\""
    );
    assert_eq!(
        not_a_reply(call(kind, ok("")).await),
        "HTTP status 200 OK, content type \"text/xml\", empty body"
    );
    assert_eq!(
        not_a_reply(call(kind, http("502 Bad Gateway", "", "oops")).await),
        "HTTP status 502 Bad Gateway, no content type, body begins with \"oops\""
    );
    not_a_reply(call(kind, "HTTP/1.1 204 No Content\r\n\r\n").await);
    not_a_reply(call(kind, http("500 Internal Server Error", "", FIVE)).await);
}

async fn calls_refused_by_the_http_layer_did_not_run(kind: ClientKind) {
    let statuses = [
        ("401 Unauthorized", "credentials"),
        ("403 Forbidden", "denies access"),
        ("404 Not Found", "body begins with \"no\""),
        ("405 Method Not Allowed", ""),
        ("407 Proxy Authentication Required", "for the proxy"),
        ("411 Length Required", ""),
        ("413 Payload Too Large", ""),
        ("415 Unsupported Media Type", ""),
    ];
    for (status, hint) in statuses {
        let text = refused(call(kind, http(status, "", "no")).await);
        let start = format!("HTTP status {status}");
        assert!(text.starts_with(&start) && text.contains(hint), "{text}");
    }
}

async fn faults_come_with_any_status(kind: ClientKind) {
    for status in ["200 OK", "401 Unauthorized", "403 Forbidden", "500 Oops"] {
        let answer = http(status, "", &fault(-32604, "not for you"));
        let error = call(kind, answer).await.unwrap_err();
        let expected = Fault::new(-32604, "not for you");
        assert_eq!(error.fault(), Some(&expected), "{status}");
    }
}

async fn redirects_are_shown_and_not_followed(kind: ClientKind) {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary"] {
        for location in ["http://127.0.0.1:1/", "/elsewhere"] {
            let answer = http(status, &format!("Location: {location}\r\n"), "");
            let error = call(kind, answer).await.unwrap_err();
            assert!(matches!(error, CallError::Refused(_)), "{error:?}");
            let error = HttpError::of(&error).unwrap();
            assert_eq!(error.location(), Some(location));
            assert!(error.to_string().contains(location));
        }
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n");
    [head.as_bytes(), b"\r\n", bytes].concat()
}

async fn bombs_and_unknown_encodings_are_refused(kind: ClientKind) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 20 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let text = not_a_reply(call(kind, gzipped(&bomb)).await);
    assert!(text.contains("over the limit of 16777216 bytes"), "{text}");

    let text = not_a_reply(call(kind, gzipped(b"not gzip")).await);
    assert!(text.contains("cannot be decompressed"), "{text}");
    let text = not_a_reply(call(kind, http("200 OK", "Content-Encoding: br\r\n", FIVE)).await);
    let expected = "content encoding \"br\" is not supported";
    assert!(text.contains(expected), "{text}");
}

async fn bodies_over_the_limit_are_refused(kind: ClientKind) {
    let options = ClientOptions::default().max_body(64);
    // A declared length over the limit is refused without waiting for the body.
    let declared = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let text = not_a_reply(call_with(kind, options.clone(), declared).await);
    assert!(text.ends_with("body over the limit of 64 bytes"), "{text}");
    let part = "x".repeat(40);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         28\r\n{part}\r\n28\r\n{part}\r\n0\r\n\r\n"
    );
    let text = not_a_reply(call_with(kind, options.clone(), chunked).await);
    assert!(text.contains("body over the limit of 64 bytes"), "{text}");
    let page = http("404 Not Found", "", &"x".repeat(100));
    refused(call_with(kind, options, page).await);
}

async fn a_reply_cut_short_is_lost(kind: ClientKind) {
    let (listener, url) = listen().await;
    let client = kind.client(&url);
    let server = async {
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        write(&mut io, &ok(FIVE)[..100]).await;
    };
    let (result, ()) = tokio::join!(client.call("f", ()), server);
    is_lost(result);
}

async fn arguments_that_cannot_be_encoded_are_not_sent(kind: ClientKind) {
    let client = kind.client("http://127.0.0.1:1");
    let error = client.call::<i64>("f", ("\0",)).await;
    assert!(matches!(error, Err(CallError::Encode(_))), "{error:?}");
    let error = client.call::<i64>("f\0", ()).await;
    assert!(matches!(error, Err(CallError::Encode(_))), "{error:?}");
}

#[test]
fn without_a_runtime_nothing_is_sent() {
    let client = Client::new("http://127.0.0.1:1").unwrap();
    let call = std::pin::pin!(client.call::<i64>("f", ()));
    let mut cx = TaskContext::from_waker(Waker::noop());
    let Poll::Ready(result) = call.poll(&mut cx) else {
        panic!("the call is pending");
    };
    let text = is_not_sent(result);
    assert!(text.contains("no tokio runtime"), "{text}");
}
