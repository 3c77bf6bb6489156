//! Tests of SCGI.

use std::time::Duration;

use farcall_core::Context;
use farcall_core::serve::StopHandle;
use farcall_core::transport::Connect as _;
use farcall_core::transport::memory::{self, MemoryConnector};
use farcall_http::server::ServerOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use crate::Server;

const CALL: &str = "<methodCall><methodName>add</methodName><params><param><value><int>3</int></value></param>\
                    <param><value><int>5</int></value></param></params></methodCall>";

/// Returns a request with these variables after `CONTENT_LENGTH` and `SCGI`.
fn request(variables: &[(&str, &str)], length: usize, body: &str) -> Vec<u8> {
    let mut list = format!("CONTENT_LENGTH\0{length}\0SCGI\x001\0REQUEST_METHOD\0POST\0");
    for (name, value) in variables {
        list += &format!("{name}\0{value}\0");
    }
    format!("{}:{list},{body}", list.len()).into_bytes()
}

fn call(variables: &[(&str, &str)]) -> Vec<u8> {
    request(variables, CALL.len(), CALL)
}

fn server(options: ServerOptions) -> Server {
    let server = Server::with_options(options);
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap()
        .register_function("who", |cx: Context| cx.identity().to_string())
        .unwrap();
    server
}

fn serving(server: &Server) -> (MemoryConnector, StopHandle) {
    let (listener, connector) = memory::listener("scgi");
    let stop = StopHandle::new();
    let bound = server.listen_scgi(listener).unwrap();
    tokio::spawn(bound.serve_until(stop.stopped()));
    (connector, stop)
}

/// Sends bytes and the end of the stream, and returns the response.
async fn response(connector: &MemoryConnector, bytes: &[u8]) -> String {
    let mut peer = connector.connect().await.unwrap();
    // The server may have closed already.
    let _ = peer.write_all(bytes).await;
    let _ = peer.shutdown().await;
    let mut response = String::new();
    peer.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn a_call_is_answered_in_the_form_of_cgi() {
    let (connector, _stop) = serving(&server(ServerOptions::default()));
    for variables in [
        &[][..],
        &[("REQUEST_URI", "/RPC2?x")],
        &[("PATH_INFO", "/RPC2"), ("REQUEST_URI", "/rpc/RPC2")],
        &[
            ("CONTENT_TYPE", "text/xml"),
            ("HTTP_CONTENT_TYPE", "text/plain"),
        ],
    ] {
        let response = response(&connector, &call(variables)).await;
        let (head, document) = response.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("Status: 200 OK\r\ncontent-type: text/xml\r\n"),
            "{head}"
        );
        assert!(
            head.ends_with(&format!("content-length: {}", document.len())),
            "{head}"
        );
        assert!(document.contains("<int>8</int>"), "{document}");
    }
}

#[tokio::test]
async fn clients_call_over_tcp_and_unix_sockets() {
    let server = server(ServerOptions::default().gzip_over(Some(0)));
    let directory = tempfile::tempdir().unwrap();
    let bound = [
        server.bind_scgi("127.0.0.1:0").await.unwrap(),
        server
            .bind_scgi(directory.path().join("a socket"))
            .await
            .unwrap(),
    ];
    for (bound, scheme) in bound.into_iter().zip(["scgi://127", "scgi+unix:///"]) {
        let url = bound.url();
        assert!(url.starts_with(scheme), "{url}");
        let serving = tokio::spawn(bound.serve());
        let client = crate::Client::new(&url).unwrap();
        for number in 0..3 {
            let sum: i64 = client.call("add", (number, 5)).await.unwrap();
            assert_eq!(sum, number + 5);
        }
        let error = client.call::<i64>("nothing", ()).await.unwrap_err();
        assert_eq!(error.fault().map(farcall_core::Fault::code), Some(-32601));
        let blocking = tokio::task::spawn_blocking(move || {
            let client = crate::blocking::Client::new(&url).unwrap();
            client.call::<i64>("add", (3, 5)).unwrap()
        });
        assert_eq!(blocking.await.unwrap(), 8);
        serving.abort();
    }
}

#[tokio::test]
async fn a_request_that_is_cut_makes_no_call() {
    let (connector, _stop) = serving(&server(ServerOptions::default()));
    let whole = call(&[("REQUEST_URI", "/RPC2")]);
    for end in 0..whole.len() {
        let response = response(&connector, &whole[..end]).await;
        let is_refused = response.is_empty() || response.starts_with("Status: 400 ");
        assert!(
            is_refused && !response.contains("<int>"),
            "{end}: {response}"
        );
    }
    let more = [&whole[..], b"what follows is not read"].concat();
    assert!(response(&connector, &more).await.contains("<int>8</int>"));
}

#[tokio::test]
async fn what_is_refused_over_http_is_refused_over_scgi() {
    let options = ServerOptions::default()
        .max_body(1000)
        .hosts(["rpc.example"]);
    let (connector, _stop) = serving(&server(options));
    let huge = [b"65000:".to_vec(), vec![b'x'; 65_001]].concat();
    for (bytes, expected) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "400"),
        (b"70000:".to_vec(), "431"),
        (huge, "400"),
        (request(&[], 1001, CALL), "413"),
        (request(&[], usize::MAX, CALL), "413"),
        (request(&[], 5, "<"), "400"),
        (call(&[("REQUEST_URI", "/other")]), "404"),
        (call(&[("REQUEST_URI", "http://rpc.example/RPC2")]), "404"),
        (call(&[("CONTENT_TYPE", "text/plain")]), "415"),
        (call(&[("HTTP_HOST", "evil.example")]), "403"),
        (call(&[("HTTP_HOST", "rpc.example")]), "200"),
        (call(&[("HTTP_ORIGIN", "http://evil.example")]), "415"),
        (
            call(&[
                ("CONTENT_TYPE", "text/xml"),
                ("HTTP_ORIGIN", "http://evil.example"),
            ]),
            "403",
        ),
        (call(&[("HTTP_TRANSFER_ENCODING", "chunked")]), "200"),
        (
            call(&[("CONTENT_TYPE", "text/xml"), ("HTTP_ORIGIN", "")]),
            "403",
        ),
        (call(&[("CONTENT_TYPE", "")]), "200"),
        // A value that HTTP does not allow is not left out: for its sake the call may be refused.
        (call(&[("HTTP_ORIGIN", "http://evil.example\n")]), "400"),
        (call(&[("HTTP_SEC_FETCH_SITE", "cross-site\u{1}")]), "400"),
        (call(&[("CONTENT_TYPE", "text/plain\r")]), "400"),
        (call(&[("HTTP_X_OTHER", "\u{7f}")]), "400"),
    ] {
        let response = response(&connector, &bytes).await;
        let shown = bytes[..bytes.len().min(100)].escape_ascii();
        assert!(
            response.starts_with(&format!("Status: {expected} ")),
            "{shown}: {response}"
        );
    }
}

#[tokio::test]
async fn only_trusted_peers_say_who_their_clients_are() {
    let body = "<methodCall><methodName>who</methodName></methodCall>";
    let variables = [("REMOTE_ADDR", "192.0.2.1"), ("REMOTE_USER", "ada")];
    let request = request(&variables, body.len(), body);
    let (trusting, _stop) = serving(&server(ServerOptions::default().trust_scgi(|_| true)));
    let (other, _stop) = serving(&server(ServerOptions::default()));
    let (nobody, _stop) = serving(&server(ServerOptions::default().accept_peer(|_| false)));
    let trusted = response(&trusting, &request).await;
    assert!(trusted.contains("192.0.2.1:0, subject"), "{trusted}");
    let own = response(&other, &request).await;
    assert!(own.contains("<string>memory</string>"), "{own}");
    assert_eq!(response(&nobody, &request).await, "");
}

#[tokio::test(start_paused = true)]
async fn slow_requests_are_given_up() {
    let options = ServerOptions::default()
        .header_timeout(Duration::from_secs(10))
        .body_timeout(Duration::from_secs(20));
    let (connector, _stop) = serving(&server(options));
    let whole = call(&[]);
    for (sent, seconds, expected) in [
        (0, 10, ""),
        (20, 10, ""),
        (whole.len() - 1, 20, "Status: 408 "),
    ] {
        let begin = Instant::now();
        let mut peer = connector.connect().await.unwrap();
        peer.write_all(&whole[..sent]).await.unwrap();
        let mut response = String::new();
        peer.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with(expected), "{response}");
        assert_eq!(response.is_empty(), expected.is_empty());
        assert_eq!(begin.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_a_second_for_the_request() {
    let (connector, stop) = serving(&server(ServerOptions::default()));
    let mut silent = connector.connect().await.unwrap();
    let mut slow = connector.connect().await.unwrap();
    stop.stop();
    let begin = Instant::now();
    sleep(Duration::from_millis(900)).await;
    slow.write_all(&call(&[])).await.unwrap();
    let mut response = String::new();
    slow.read_to_string(&mut response).await.unwrap();
    assert!(response.contains("<int>8</int>"), "{response}");
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}
