//! WebSockets at the port of HTTP.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::jsonrpc::{Server, Service, SessionOptions, SocketClient, SocketClientOptions};
use farcall::middleware::BearerAuth;
use farcall::protocol::output::Causes;
use farcall::web::Documentation;
use farcall::{Budget, Caller as _, Execution, Registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Sockets, service_with, websocket};

#[tokio::test]
async fn calls_over_a_websocket() {
    let client =
        SocketClient::new(&websocket(service_with(SessionOptions::default())).await).unwrap();
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    let slow = client.call::<u64>("sleep", (100,));
    let text = client.call::<String>("text", (3_000_000,));
    let (slow, text) = tokio::join!(slow, text);
    assert_eq!((slow.unwrap(), text.unwrap().len()), (100, 3_000_000));
    let wrong = SocketClient::new("ws://127.0.0.1:1").unwrap();
    let error = wrong.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
}

/// Sends a handshake with these headers, and returns the response.
async fn handshake(address: &str, path: &str, headers: &str) -> String {
    let mut io = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    io.write_all(request.as_bytes()).await.unwrap();
    let mut response = vec![0; 4096];
    let length = io.read(&mut response).await.unwrap();
    String::from_utf8_lossy(&response[..length]).into_owned()
}

#[tokio::test]
async fn handshakes_are_checked() {
    let url = websocket(service_with(SessionOptions::default())).await;
    let address = url
        .strip_prefix("ws://")
        .unwrap()
        .strip_suffix("/RPC2")
        .unwrap();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let good = format!("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{key}");
    let own = format!("{good}Origin: http://{address}\r\n");
    let foreign = format!("{good}Origin: https://evil.example\r\n");
    let old = good.replace("Version: 13", "Version: 8");
    let keyless = good.replace("dGhlIHNhbXBsZSBub25jZQ==", "x");
    let twice = format!("{good}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    let with_length = format!("{good}Content-Length: 5\r\n");
    let with_chunks = format!("{good}Transfer-Encoding: chunked\r\n");
    let empty = format!("{good}Content-Length: 0\r\n");
    for (path, headers, expected) in [
        ("/", &good, "HTTP/1.1 101"),
        ("/RPC2", &own, "HTTP/1.1 101"),
        ("/jsonrpc", &good, "HTTP/1.1 101"),
        ("/RPC2", &foreign, "HTTP/1.1 403"),
        ("/RPC2", &old, "HTTP/1.1 426"),
        ("/RPC2", &keyless, "HTTP/1.1 400"),
        ("/RPC2", &twice, "HTTP/1.1 400"),
        ("/RPC2", &with_length, "HTTP/1.1 400"),
        ("/RPC2", &with_chunks, "HTTP/1.1 400"),
        ("/RPC2", &empty, "HTTP/1.1 101"),
        ("/other", &good, "HTTP/1.1 404"),
        ("/RPC2", &String::new(), "HTTP/1.1 405"),
    ] {
        let response = handshake(address, path, headers).await;
        assert!(
            response.starts_with(expected),
            "{path} {headers}: {response}"
        );
        if expected.ends_with("101") {
            // The example of RFC 6455, 1.3.
            assert!(
                response.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                "{response}"
            );
        }
    }
}

#[tokio::test]
async fn a_peer_of_http_1_0_has_no_websocket() {
    let url = websocket(service_with(SessionOptions::default())).await;
    let address = url.trim_start_matches("ws://").trim_end_matches("/RPC2");
    let mut io = TcpStream::connect(address).await.unwrap();
    let request = "GET /RPC2 HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    io.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    io.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.0 400 "), "{response}");
}

#[tokio::test]
async fn a_websocket_over_scgi_is_refused() {
    let server = Server::of(
        ServerOptions::default(),
        service_with(SessionOptions::default()),
    );
    let bound = server.bind_scgi("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());
    let list = "CONTENT_LENGTH\x000\0SCGI\x001\0REQUEST_METHOD\0GET\0REQUEST_URI\0/RPC2\0\
        HTTP_UPGRADE\0websocket\0HTTP_CONNECTION\0Upgrade\0HTTP_SEC_WEBSOCKET_VERSION\x0013\0\
        HTTP_SEC_WEBSOCKET_KEY\0dGhlIHNhbXBsZSBub25jZQ==\0";
    let mut io = TcpStream::connect(address).await.unwrap();
    let request = format!("{}:{list},", list.len());
    io.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    io.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("Status: 501 "), "{response}");
}

#[tokio::test]
async fn a_page_and_websockets_share_a_port() {
    let pages = Documentation::new("Numbers");
    let server = Server::with_options(ServerOptions::default().pages(pages));
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());
    let page = handshake(&address, "/", "").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let client = SocketClient::new(&format!("ws://{address}/")).unwrap();
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_page_is_no_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        assert_ne!(io.read(&mut [0; 4096]).await.unwrap(), 0);
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        io.write_all(page).await.unwrap();
    });
    let client = SocketClient::new(&format!("ws://{address}/")).unwrap();
    let error = client.call::<i64>("add", (1, 2)).await.unwrap_err();
    let text = Causes(&error).to_string();
    assert!(
        text.ends_with("answered with 200 OK, not with a WebSocket"),
        "{text}"
    );
}

#[tokio::test]
async fn what_authorizes_requests_authorizes_websockets() {
    let tokens = BearerAuth::new(["a-long-random-token"]).unwrap();
    let server = Server::with_options(ServerOptions::default().authorize(tokens));
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("http://", "ws://");
    tokio::spawn(bound.serve());
    let error = SocketClient::new(&url)
        .unwrap()
        .call::<i64>("add", (1, 2))
        .await
        .unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("401"), "{text}");
    let options = SocketClientOptions::default()
        .header("authorization", "Bearer a-long-random-token")
        .unwrap();
    assert!(!format!("{options:?}").contains("random"));
    let client = SocketClient::with_options(&url, options).unwrap();
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_websocket() {
    let options = SessionOptions::default().max_message(1000);
    let client = SocketClient::new(&websocket(service_with(options)).await).unwrap();
    let long = "x".repeat(2000);
    let error = client.call::<String>("text", (long,)).await.unwrap_err();
    let error = Causes(&error).to_string();
    assert!(error.contains("over the limit of 1000 bytes"), "{error}");
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_message_beyond_the_budget_is_refused() {
    let options = ServerOptions::default().budget(Budget::new(200_000));
    let server = Server::of(options, service_with(SessionOptions::default()));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = SocketClient::new(&bound.url().replace("http://", "ws://")).unwrap();
    tokio::spawn(bound.serve());
    let long = "x".repeat(1 << 20);
    let error = client.call::<i64>("text", (long,)).await.unwrap_err();
    let error = Causes(&error).to_string();
    assert!(error.contains("memory budget"), "{error}");
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_dropped() {
    let options = SessionOptions::default()
        .ping_interval(Duration::from_millis(40))
        .ping_timeout(Duration::from_millis(40));
    let url = websocket(service_with(options)).await;
    // A client that reads answers pings.
    let client = SocketClient::new(&url).unwrap();
    let session = client.session().await.unwrap();
    // One that does not is dropped.
    let address = url
        .strip_prefix("ws://")
        .unwrap()
        .strip_suffix("/RPC2")
        .unwrap();
    let mut io = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    io.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    io.read_to_end(&mut received).await.unwrap();
    let end = received
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap();
    assert_eq!(received[end + 4..end + 6], [0x89, 0], "a ping");
    assert!(!session.is_ended());
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn both_protocols_and_websockets_share_a_port() {
    let server = Server::new();
    let registered = server.register_instance(Sockets);
    registered.unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let xml = farcall::xmlrpc::Client::new(&bound.url()).unwrap();
    let json = SocketClient::new(&bound.url().replace("http://", "ws://")).unwrap();
    tokio::spawn(bound.serve());
    assert_eq!(xml.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(json.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

/// Opens a WebSocket, of which the test sends each byte itself.
async fn opened(url: &str) -> TcpStream {
    let address = url.strip_prefix("ws://").unwrap();
    let address = address.strip_suffix("/RPC2").unwrap();
    let mut io = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    io.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    io
}

/// Returns the frame of a call. Its mask is zero.
fn call(method: &str, params: &str) -> Vec<u8> {
    let call = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#);
    let length = u8::try_from(call.len()).unwrap();
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], call.as_bytes()].concat()
}

#[tokio::test]
async fn an_answer_counts_until_the_peer_has_read_it() {
    const LENGTH: usize = 12 << 20;

    let budget = Budget::new(LENGTH + (4 << 20));
    let options = ServerOptions::default().budget(budget.clone());
    let server = Server::of(options, service_with(SessionOptions::default()));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("http://", "ws://");
    tokio::spawn(bound.serve());
    let mut io = opened(&url).await;
    io.write_all(&call("text", &format!("[{LENGTH}]")))
        .await
        .unwrap();
    io.read_u8().await.unwrap();
    sleep(Budget::GRACE + Duration::from_millis(200)).await;
    assert!(budget.held() >= LENGTH - Budget::FREE, "{}", budget.held());
    // Another peer needs the memory.
    let client = SocketClient::new(&url).unwrap();
    let text = client.call::<String>("text", (LENGTH,)).await.unwrap();
    assert_eq!(text.len(), LENGTH);
    let mut received = Vec::new();
    let end = timeout(Duration::from_secs(10), io.read_to_end(&mut received)).await;
    assert!(end.is_ok() && received.len() < LENGTH, "it is closed");
}

#[tokio::test]
async fn a_peer_is_watched_while_its_calls_take_all_places() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let registry = Registry::new();
    registry
        .register_function("wait", move || {
            let held = Arc::clone(&held);
            async move {
                pending::<()>().await;
                drop(held);
            }
        })
        .unwrap();
    let calls = call("wait", "[]").repeat(2);
    let running = async |count: usize| {
        let reached = async {
            while Arc::strong_count(&alive) != 2 + count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = timeout(Duration::from_secs(10), reached).await;
        reached.unwrap_or_else(|_| panic!("{} of {count}", Arc::strong_count(&alive) - 2));
    };
    let options = SessionOptions::default().max_concurrent(2);
    let gone = websocket(Service::new(registry.clone()).sessions(options)).await;
    let mut io = opened(&gone).await;
    io.write_all(&calls).await.unwrap();
    running(2).await;
    drop(io);
    running(0).await;
    let options = options
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(100));
    let silent = websocket(Service::new(registry).sessions(options)).await;
    let mut io = opened(&silent).await;
    io.write_all(&calls).await.unwrap();
    running(2).await;
    running(0).await;
    // One that answers pings is not dropped.
    let client = SocketClient::new(&websocket(service_with(options)).await).unwrap();
    let (a, b) = tokio::join!(
        client.call::<u64>("sleep", (600,)),
        client.call::<u64>("sleep", (600,))
    );
    assert_eq!((a.unwrap(), b.unwrap()), (600, 600));
}

/// Returns as many pings with the longest payload as a socket takes at once.
fn pings(mask: &[u8]) -> Vec<u8> {
    let length = 125 | if mask.is_empty() { 0 } else { 0x80 };
    [&[0x89, length], mask, &[b'p'; 125]].concat().repeat(1000)
}

/// Writes pings until the peer takes none within a second, or ends, and returns their bytes.
async fn flood(io: &mut TcpStream, mask: &[u8]) -> usize {
    let pings = pings(mask);
    let mut taken = 0;
    while taken < FLOOD {
        let written = timeout(Duration::from_secs(1), io.write(&pings)).await;
        match written {
            Ok(Ok(written)) => taken += written,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    taken
}

/// Bytes that the buffers of two sockets do not take.
const FLOOD: usize = 64 << 20;

/// Regression: pongs that a peer does not read took memory without a limit.
#[tokio::test]
async fn a_flood_of_pings_is_not_read_without_end() {
    // A peer that reads nothing is ended as with other answers.
    let options = ServerOptions::default().write_timeout(Duration::from_secs(3));
    let server = Server::of(options, service_with(SessionOptions::default()));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("http://", "ws://");
    tokio::spawn(bound.serve());
    let mut io = opened(&url).await;
    let taken = flood(&mut io, &[0; 4]).await;
    assert!(taken < FLOOD, "{taken} bytes were read");
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(20), io.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is closed");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = SocketClient::new(&format!("ws://{address}/")).unwrap();
    let calling = tokio::spawn(async move { client.call::<i64>("add", (1, 2)).await });
    let (io, _) = listener.accept().await.unwrap();
    let socket = tokio_tungstenite::accept_async(io).await.unwrap();
    let mut io = socket.into_inner();
    let taken = flood(&mut io, &[]).await;
    assert!(taken < FLOOD, "{taken} bytes were read");
    calling.abort();
}
