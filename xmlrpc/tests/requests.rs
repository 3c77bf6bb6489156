//! Requests to a server at an address, as raw bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::protocol::{Call, CallReply};
use farcall::{Caller as _, Description, Fault, Method};
use farcall_xmlrpc::{Client, Server, XmlRpc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ADD: &str = "<methodCall><methodName>add</methodName><params><param><value><int>3</int></value>\
    </param><param><value><int>5</int></value></param></params></methodCall>";

fn server() -> Server {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
}

/// Returns the response to a request with these headers and this body. `PORT` stands for the port
/// of the server.
async fn post(headers: &str, body: &str) -> String {
    let bound = server().bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    let serving = tokio::spawn(bound.serve());
    let (_, port) = address.rsplit_once(':').unwrap();
    let headers = headers.replace("PORT", port);
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nConnection: close\r\n{headers}\r\n{body}"
    );
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    serving.abort();
    String::from_utf8(response).unwrap()
}

/// A server passes calls on to another one, and the replies back: results, faults and batches.
#[tokio::test]
async fn calls_are_relayed_to_another_server() {
    let bound = server().bind("127.0.0.1:0").await.unwrap();
    let inner = Client::new(&bound.url()).unwrap();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(bound.serve());
    let relay = Server::new();
    let pass = Method::raw(
        "add",
        Description::default(),
        move |_, call: Call<XmlRpc>| {
            let inner = inner.clone();
            CallReply::later(async move { inner.send(call).await.map_err(Fault::from) })
        },
    );
    relay.registry().register(pass).unwrap();
    let bound = relay.bind("127.0.0.1:0").await.unwrap();
    let outer = Client::new(&bound.url()).unwrap();
    serving.spawn(bound.serve());
    assert_eq!(outer.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    // A refusal by the inner server does not mean that the relay did not run.
    let error = outer.call::<i64>("add", (3, "x")).await.unwrap_err();
    let code = error.fault().map(Fault::code);
    assert_eq!(code, Some(-32603), "{error:?}");
    let mut batch = outer.batch();
    let tickets = [batch.call::<i64>("add", (1, 2)), batch.call("add", (3, 4))];
    let mut results = batch.send().await.unwrap();
    let sums = tickets.map(|ticket| results.take(ticket).unwrap());
    assert_eq!(sums, [3, 7]);
}

/// Pages cannot call a server on the visitor's machine, by DNS rebinding or across origins.
#[tokio::test]
async fn every_request_is_checked_for_its_host_and_origin() {
    for (headers, status) in [
        ("Host: 127.0.0.1:PORT\r\n", 200),
        (
            "Host: localhost:PORT\r\nOrigin: http://localhost:PORT\r\n",
            200,
        ),
        (
            "Host: evil.example:PORT\r\nOrigin: http://evil.example:PORT\r\n",
            403,
        ),
        ("Host: evil.example:PORT\r\n", 403),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example\r\n",
            403,
        ),
        (
            "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site\r\n",
            403,
        ),
    ] {
        let headers = format!("{headers}Content-Length: {}\r\n", ADD.len());
        let response = post(&headers, ADD).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&expected), "{headers}: {response}");
        assert_eq!(
            response.contains("<int>8</int>"),
            status == 200,
            "{headers}"
        );
    }
}

#[tokio::test]
async fn peers_over_the_limit_wait_until_a_connection_closes() {
    let server = Server::with_options(ServerOptions::default().max_connections(1));
    server.register_function("add", || 8).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    let serving = tokio::spawn(bound.serve());
    let call = "<methodCall><methodName>add</methodName></methodCall>";
    let length = call.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/xml\r\n\
                           Content-Length: {length}\r\n\r\n{call}"
    );
    let ask = async || {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    let mut first = ask().await;
    assert_eq!(first.read_u8().await.unwrap(), b'H');
    let mut second = ask().await;
    let waiting = timeout(Duration::from_millis(200), second.read_u8()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    drop(first);
    assert_eq!(second.read_u8().await.unwrap(), b'H');
    serving.abort();
}

/// Such a body has no end that both sides agree on: it is not read.
#[tokio::test]
async fn a_call_without_a_length_is_refused_with_the_cause() {
    let response = post("Host: localhost\r\n", ADD).await;
    assert!(response.starts_with("HTTP/1.1 411 "), "{response}");
    assert!(
        response.contains("there is no Content-Length"),
        "{response}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_of_a_unix_socket_has_the_chosen_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    for (chosen, expected) in [(None, 0o600), (Some(0o660), 0o660)] {
        let path = directory.path().join(format!("{expected:o}"));
        let bind = server().bind(&path);
        let bound = match chosen {
            None => bind.await.unwrap(),
            Some(mode) => bind.mode(mode).await.unwrap(),
        };
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, expected);
        drop(bound);
    }
}
