//! Endless responses, and responses that end early.

use std::time::Instant;

use farcall::xmlrpc::{ClientOptions, blocking};

use super::server::{Answer, Server};
use super::{Async, Caller, LIMIT, TIMEOUT, answer, reply, summary, with_headers};

/// A client closes the connection during an endless response soon after its limit of 16 MiB. The
/// buffers of the system count as well.
const TAKEN: usize = 48 << 20;

fn assert_ends<C: Caller>(name: &str, start: &[u8], again: &[u8], expected: &str) {
    let server = Server::start(Answer::Endless(start.to_vec(), again.to_vec()));
    let client = C::new(&server.url, ClientOptions::default().timeout(Some(TIMEOUT)));
    let begin = Instant::now();
    assert_eq!(summary(&client.call("attack", 5)), expected, "{name}");
    let time = begin.elapsed();
    assert!(time < LIMIT, "{name}: {time:?}");
    assert_eq!(client.call("honest", 7).unwrap(), 7, "{name}");
    let written = server.written();
    assert!(written < TAKEN, "{name}: {written} bytes");
}

#[test]
fn endless_responses_are_aborted() {
    let chunked = with_headers("Transfer-Encoding: chunked", "");
    let until_closed = with_headers("X: y", "");
    let lines = "x".repeat(8 << 10);
    let chunk = format!("2000\r\n{lines}\r\n");
    let elements = "<value/>".repeat(1024);
    let cases: [(&str, &[u8], &[u8], &str); 9] = [
        (
            "headers",
            b"HTTP/1.1 200 OK\r\n",
            &b"X: y\r\n".repeat(1000),
            "lost",
        ),
        (
            "a value",
            b"HTTP/1.1 200 OK\r\nX: ",
            lines.as_bytes(),
            "lost",
        ),
        ("a status line", b"HTTP/1.1 200 ", lines.as_bytes(), "lost"),
        ("line feeds", b"", &b"\r\n".repeat(1000), "lost"),
        ("a body", &until_closed, lines.as_bytes(), "not a reply"),
        (
            "a document",
            &until_closed,
            elements.as_bytes(),
            "not a reply",
        ),
        ("chunks", &chunked, chunk.as_bytes(), "not a reply"),
        (
            "an extension",
            &[&chunked[..], b"5;"].concat(),
            lines.as_bytes(),
            "lost",
        ),
        (
            "trailers",
            &[&chunked[..], b"0\r\n"].concat(),
            &b"X: y\r\n".repeat(1000),
            "lost",
        ),
    ];
    for (name, start, again, expected) in cases {
        assert_ends::<Async>(name, start, again, expected);
        assert_ends::<blocking::Client>(name, start, again, expected);
    }
}

/// Bytes without content are read until the call times out.
#[test]
fn bytes_without_content_end_with_the_timeout() {
    let chunked = with_headers("Transfer-Encoding: chunked", "");
    let continued = &b"HTTP/1.1 100 Continue\r\n\r\n"[..];
    std::thread::scope(|scope| {
        scope.spawn(|| assert_times_out::<Async>(b"", continued));
        scope.spawn(|| assert_times_out::<blocking::Client>(b"", continued));
        scope.spawn(|| assert_times_out::<Async>(&chunked, b"0"));
        scope.spawn(|| assert_times_out::<blocking::Client>(&chunked, b"0"));
    });
}

fn assert_times_out<C: Caller>(start: &[u8], again: &[u8]) {
    let server = Server::start(Answer::Endless(start.to_vec(), again.to_vec()));
    let client = C::new(&server.url, ClientOptions::default().timeout(Some(TIMEOUT)));
    let begin = Instant::now();
    assert_eq!(summary(&client.call("attack", 5)), "lost");
    let time = begin.elapsed();
    assert!(time < LIMIT, "{time:?}");
    assert_eq!(client.call("honest", 7).unwrap(), 7);
}

#[test]
fn a_response_that_is_cut_anywhere_is_not_a_result() {
    let counted = answer("200 OK", reply(5));
    let body = reply(5);
    let size = body.len();
    let chunked = with_headers(
        "Transfer-Encoding: chunked",
        format!("{size:x}\r\n{body}\r\n0\r\n\r\n"),
    );
    let closed = with_headers("Connection: close", body);
    for whole in [counted, chunked, closed] {
        assert_never_five::<Async>(&whole);
        assert_never_five::<blocking::Client>(&whole);
    }
}

fn assert_never_five<C: Caller>(whole: &[u8]) {
    for end in 0..whole.len() {
        let server = Server::start(Answer::Closed(whole[..end].to_vec()));
        let client = C::new(&server.url, ClientOptions::default());
        let result = summary(&client.call("attack", 5));
        let is_error = ["lost", "not a reply", "misfit"].contains(&result.as_str());
        assert!(
            is_error,
            "{result} of {:?}",
            String::from_utf8_lossy(&whole[..end])
        );
        assert_eq!(client.call("honest", 7).unwrap(), 7);
    }
}
