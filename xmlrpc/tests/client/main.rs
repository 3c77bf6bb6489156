//! The client's behaviour on the wire, tested with servers that read and write raw bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod both;

mod batch;
mod blocking;
mod environment;
mod exchange;
mod failure;
mod hostile;
mod quirks;
mod redirects;
mod secrets;
mod tls;

use std::error::Error;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const FIVE: &str = "<?xml version=\"1.0\"?><methodResponse><params><param><value><int>5</int>\
    </value></param></params></methodResponse>";

/// Returns a response with the exact length of its body.
fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

fn ok(body: &str) -> String {
    http("200 OK", "Content-Type: text/xml\r\n", body)
}

fn fault(code: i64, text: &str) -> String {
    format!(
        "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>{code}\
         </int></value></member><member><name>faultString</name><value><string>{text}</string>\
         </value></member></struct></value></fault></methodResponse>"
    )
}

/// A request as received.
#[derive(Debug)]
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|l| l.split_once(": "));
        lines.find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Reads a request, or returns `None` if the connection is closed.
async fn read(io: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.ok()?);
    }
    let mut request = Request {
        head: String::from_utf8(head).unwrap(),
        body: Vec::new(),
    };
    let length = request.header("Content-Length").unwrap().parse().unwrap();
    request.body.resize(length, 0);
    io.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

async fn write(io: &mut (impl AsyncWrite + Unpin), bytes: impl AsRef<[u8]>) {
    // The client may already have closed the connection.
    let _ = io.write_all(bytes.as_ref()).await;
}

/// Opens a listener, and returns it with its URL.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Starts a server that sends these responses, over as few connections as the client opens, and
/// whose task returns the requests.
async fn server<A: AsRef<[u8]> + Send + 'static>(
    answers: Vec<A>,
) -> (String, JoinHandle<Vec<Request>>) {
    let (listener, url) = listen().await;
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        let mut answers = answers.into_iter().peekable();
        while answers.peek().is_some() {
            let (mut io, _) = listener.accept().await.unwrap();
            while answers.peek().is_some()
                && let Some(request) = read(&mut io).await
            {
                requests.push(request);
                write(&mut io, answers.next().unwrap()).await;
            }
        }
        requests
    });
    (url, task)
}

/// Returns the text of an error with all of its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
