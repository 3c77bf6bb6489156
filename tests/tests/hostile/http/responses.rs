//! Responses of a server to hostile connections.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The time within which a server must answer and close: above all of its own timeouts, on a busy
/// machine.
const TIMEOUT: Duration = Duration::from_secs(100);

/// Reads all bytes until the connection closes. A reset after the response counts as the end as
/// well.
pub(crate) async fn read_to_end(io: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let read = async {
        while let Ok(n @ 1..) = io.read(&mut buffer).await {
            answers.extend_from_slice(&buffer[..n]);
        }
    };
    let ended = timeout(TIMEOUT, read).await.is_ok();
    let text = String::from_utf8_lossy(&answers);
    assert!(ended, "neither answered nor closed, after {text:?}");
    answers
}

/// Summarises responses, separated by commas: by the status or, for status 200, by the code of the
/// fault or the text of the result. Empty for a connection that was closed without a response.
pub(crate) fn summary(answers: &[u8]) -> String {
    let answers = String::from_utf8_lossy(answers);
    let mut answers = &*answers;
    let mut short = String::new();
    while !answers.is_empty() {
        let (status, body, rest) = split_first(answers);
        if !short.is_empty() {
            short.push_str(", ");
        }
        match body {
            _ if status != 200 => write!(short, "{status}").unwrap(),
            body if body.contains("<fault>") => {
                write!(short, "fault {}", between(body, "<int>", "</int>")).unwrap();
            }
            body => short.push_str(&text_of(body)),
        }
        answers = rest;
    }
    short
}

/// Returns the status and the body of the first response, and the bytes after it.
fn split_first(answers: &str) -> (u16, &str, &str) {
    let (head, rest) = answers
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("not an answer: {answers:?}"));
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| head.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .unwrap_or_else(|| panic!("not an answer: {head:?}"));
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().expect("a length"))
    });
    let length = length.unwrap_or(0);
    let body = rest
        .get(..length)
        .unwrap_or_else(|| panic!("a part of {length} bytes: {rest:?}"));
    (status, body, &rest[length..])
}

/// Returns the first text of a result, or the fault that is its first value.
fn text_of(body: &str) -> String {
    let mut texts = between(body, "<params>", "</params>")
        .split('>')
        .filter_map(|piece| piece.split('<').next())
        .filter(|text| !text.is_empty());
    match texts.next().unwrap_or_default() {
        "faultCode" => format!("within fault {}", texts.next().unwrap_or_default()),
        text => text.chars().take(40).collect(),
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let text = text.split_once(start).map_or("", |(_, text)| text);
    text.split_once(end).map_or(text, |(text, _)| text)
}
