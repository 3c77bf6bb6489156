//! Calls that succeed.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

use farcall_core::protocol::{Call, Format, Payload};
use farcall_core::transport::tcp::TcpConnector;
use farcall_core::{Caller, Context};
use farcall_xmlrpc::{Client, ClientOptions, XmlRpc};
use tower_service::Service;

use super::both::ClientKind;
use super::{FIVE, http, listen, ok, read, server, write};

both! {
    a_call_is_a_plain_post,
    connections_are_kept,
    a_stale_connection_is_replaced,
    replies_are_read_with_every_http_framing,
    gzip_is_read,
    large_calls_are_compressed_on_request,
    cookies_are_kept_on_request,
    credentials_and_headers_are_sent_and_not_shown,
    a_proxy_gets_the_whole_url,
    #[cfg(unix)] calls_over_a_unix_socket,
}

async fn a_call_is_a_plain_post(kind: ClientKind) {
    let (url, server) = server(vec![ok(FIVE)]).await;
    let sum: i64 = kind.client(&url).call("add", (2, 3)).await.unwrap();
    assert_eq!(sum, 5);
    let request = &server.await.unwrap()[0];
    assert!(request.head.starts_with("POST /RPC2 HTTP/1.1\r\n"));
    assert_eq!(request.header("Content-Type"), Some("text/xml"));
    assert_eq!(request.header("Accept-Encoding"), Some("gzip"));
    assert_eq!(request.header("Host"), url.strip_prefix("http://"));
    let agent = request.header("User-Agent").unwrap();
    assert!(agent.starts_with("farcall/"), "{agent}");
    assert_eq!(request.header("Transfer-Encoding"), None);
    let start = "<methodName>add</methodName><params><param>";
    assert!(request.text().contains(start));
}

#[tokio::test]
async fn a_client_is_a_caller_and_a_service() {
    let (url, _server) = server(vec![ok(FIVE), ok(FIVE)]).await;
    let mut client = Client::new(&url).unwrap();
    let sum: i64 = Caller::call(&client, "f", ()).await.unwrap();
    assert_eq!(sum, 5);
    let call = Call {
        params: Vec::new().into(),
        format: XmlRpc::default(),
        context: Context::new("f"),
    };
    let reply: Payload = Service::call(&mut client, call).await.unwrap();
    assert_eq!(XmlRpc::default().decode_reply::<i64>(&reply).unwrap(), 5);
}

async fn connections_are_kept(kind: ClientKind) {
    let (listener, url) = listen().await;
    let client = kind.client(&url);
    let server = async {
        let (mut io, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            read(&mut io).await.unwrap();
            write(&mut io, ok(FIVE)).await;
        }
    };
    let calls = async {
        for _ in 0..3 {
            let _: i64 = client.call("f", ()).await.unwrap();
        }
    };
    tokio::join!(server, calls);
}

async fn a_stale_connection_is_replaced(kind: ClientKind) {
    let (listener, url) = listen().await;
    let client = kind.client(&url);
    let server = async {
        for _ in 0..3 {
            let (mut io, _) = listener.accept().await.unwrap();
            read(&mut io).await.unwrap();
            write(&mut io, ok(FIVE)).await;
        }
    };
    let calls = async {
        for _ in 0..3 {
            let _: i64 = client.call("f", ()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(server, calls);
}

/// The runtime cannot poll the connection while its only thread sleeps.
#[tokio::test]
async fn a_stale_connection_is_replaced_after_a_busy_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    std::thread::spawn(move || {
        for _ in 0..6 {
            let (mut io, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = std::io::Read::read(&mut io, &mut request).unwrap();
            io.write_all(ok(FIVE).as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let client = Client::new(&url).unwrap();
    // The client cannot ask the system about a stream of a custom connector.
    let connector = TcpConnector::new(address.ip().to_string(), address.port());
    let other = Client::with_connector(&url, connector, ClientOptions::default()).unwrap();
    for client in [client, other] {
        for _ in 0..3 {
            let _: i64 = client.call("f", ()).await.unwrap();
            std::thread::sleep(Duration::from_millis(60));
        }
    }
}

async fn replies_are_read_with_every_http_framing(kind: ClientKind) {
    let (a, b) = FIVE.split_at(40);
    let (a_length, b_length) = (a.len(), b.len());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         {a_length:x}\r\n{a}\r\n{b_length:x};x=y\r\n{b}\r\n0\r\n\r\n"
    );
    let spaces = ok(&format!("\u{feff}{FIVE}\n\n"));
    let type_ = http("200 OK", "Content-Type: application/octet-stream\r\n", FIVE);
    let until_closed = format!("HTTP/1.0 200 OK\r\n\r\n{FIVE}");
    for answer in [chunked, spaces, type_, until_closed] {
        let (url, _server) = server(vec![answer]).await;
        assert_eq!(kind.client(&url).call::<i64>("f", ()).await.unwrap(), 5);
    }
}

async fn gzip_is_read(kind: ClientKind) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(FIVE.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let length = gzip.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n");
    let answer = [head.as_bytes(), b"\r\n", &gzip].concat();
    let (url, _server) = server(vec![answer]).await;
    assert_eq!(kind.client(&url).call::<i64>("f", ()).await.unwrap(), 5);
}

async fn large_calls_are_compressed_on_request(kind: ClientKind) {
    let (url, server) = server(vec![ok(FIVE), ok(FIVE)]).await;
    let options = ClientOptions::default().gzip_over(Some(1000));
    let client = kind.client_with(&url, options);
    let _: i64 = client.call("f", ("x".repeat(2000),)).await.unwrap();
    let _: i64 = client.call("f", ("x",)).await.unwrap();
    let requests = server.await.unwrap();
    assert_eq!(requests[0].header("Content-Encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&requests[0].body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("<methodName>f</methodName>") && text.contains("xxxx"));
    assert_eq!(requests[1].header("Content-Encoding"), None);
}

async fn cookies_are_kept_on_request(kind: ClientKind) {
    let cookies = "Set-Cookie: id=7; HttpOnly\r\nSet-Cookie: b=c\r\n";
    let answer = http("200 OK", cookies, FIVE);
    for keep in [false, true] {
        let (url, server) = server(vec![answer.clone(); 2]).await;
        let options = ClientOptions::default().cookies(keep);
        let client = kind.client_with(&url, options);
        for _ in 0..2 {
            let _: i64 = client.call("f", ()).await.unwrap();
        }
        let requests = server.await.unwrap();
        assert_eq!(requests[0].header("Cookie"), None);
        let cookie = requests[1].header("Cookie").unwrap_or_default();
        let mut cookies: Vec<_> = cookie.split("; ").collect();
        cookies.sort_unstable();
        let expected = if keep { vec!["b=c", "id=7"] } else { vec![""] };
        assert_eq!(cookies, expected);
    }
}

async fn credentials_and_headers_are_sent_and_not_shown(kind: ClientKind) {
    let (url, server) = server(vec![ok(FIVE)]).await;
    let url = url.replace("//", "//us%40er:se%3Acret@") + "/path?token=hidden";
    let options = ClientOptions::default()
        .header("X-Token", "concealed")
        .and_then(|options| options.header("user-agent", "mine"));
    let client = kind.client_with(&url, options.unwrap());
    let _: i64 = client.call("f", ()).await.unwrap();
    let request = &server.await.unwrap()[0];
    let line = "POST /path?token=hidden HTTP/1.1\r\n";
    assert!(request.head.starts_with(line), "{}", request.head);
    let us_er_se_cret = Some("Basic dXNAZXI6c2U6Y3JldA==");
    assert_eq!(request.header("Authorization"), us_er_se_cret);
    assert_eq!(request.header("X-Token"), Some("concealed"));
    assert_eq!(request.header("User-Agent"), Some("mine"));

    let batch = client.batch();
    let shown = format!("{client:?} {batch:?}");
    assert!(shown.contains("/path"));
    for secret in ["se:cret", "se%3Acret", "dXNAZXI6", "hidden", "concealed"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

async fn a_proxy_gets_the_whole_url(kind: ClientKind) {
    let (url, server) = server(vec![ok(FIVE), ok(FIVE)]).await;
    let proxy = url.replace("//", "//u:p@");
    let options = ClientOptions::default().proxy(&proxy).unwrap();
    let client = kind.client_with("http://far.example:81", options);
    for _ in 0..2 {
        let _: i64 = client.call("f", ()).await.unwrap();
    }
    for request in server.await.unwrap() {
        let line = "POST http://far.example:81/RPC2 HTTP/1.1\r\n";
        assert!(request.head.starts_with(line), "{}", request.head);
        assert_eq!(request.header("Host"), Some("far.example:81"));
        assert_eq!(request.header("Proxy-Authorization"), Some("Basic dTpw"));
        assert_eq!(request.header("Authorization"), None);
    }

    let (url, server) = self::server(vec![ok(FIVE)]).await;
    let options = ClientOptions::default().header("Proxy-Authorization", "Basic dTpw");
    let client = kind.client_with(&url, options.unwrap());
    let _: i64 = client.call("f", ()).await.unwrap();
    let direct = &server.await.unwrap()[0];
    assert_eq!(direct.header("Proxy-Authorization"), None);
}

#[cfg(unix)]
async fn calls_over_a_unix_socket(kind: ClientKind) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = async {
        let (mut io, _) = listener.accept().await.unwrap();
        let request = read(&mut io).await.unwrap();
        write(&mut io, ok(FIVE)).await;
        request
    };
    let path = path.to_str().unwrap().replace(' ', "%20");
    let client = kind.client(&format!("http+unix://u:p@{path}:/x"));
    let (request, five) = tokio::join!(server, client.call::<i64>("f", ()));
    assert_eq!(five.unwrap(), 5);
    assert!(request.head.starts_with("POST /x HTTP/1.1\r\n"));
    assert_eq!(request.header("Host"), Some("localhost"));
    assert_eq!(request.header("Authorization"), Some("Basic dTpw"));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (listener, url) = listen().await;
    let options = ClientOptions::default().idle_timeout(Duration::from_millis(100));
    let client = Client::with_options(&url, options).unwrap();
    let calling = tokio::spawn(async move {
        let sums: [i64; 2] = [
            client.call("f", ()).await.unwrap(),
            client.call("f", ()).await.unwrap(),
        ];
        (client, sums)
    });
    let (mut io, _) = listener.accept().await.unwrap();
    for _ in 0..2 {
        read(&mut io).await.unwrap();
        write(&mut io, ok(FIVE)).await;
    }
    let (_client, sums) = calling.await.unwrap();
    assert_eq!(sums, [5, 5]);
    let begin = std::time::Instant::now();
    assert!(read(&mut io).await.is_none(), "an unexpected request");
    let time = begin.elapsed();
    assert!(time < Duration::from_secs(10), "{time:?}");
}

/// Runs `future` with only `left` units of tokio's cooperative budget at each poll.
async fn with_budget<T>(left: usize, future: impl Future<Output = T>) -> T {
    /// The budget of a task in tokio.
    const BUDGET: usize = 128;
    let mut future = pin!(future);
    poll_fn(|cx| {
        let mut noop = std::task::Context::from_waker(Waker::noop());
        for _ in left..BUDGET {
            let _ = pin!(tokio::task::consume_budget()).poll(&mut noop);
        }
        future.as_mut().poll(cx)
    })
    .await
}

#[tokio::test]
async fn a_task_with_little_budget_left_is_woken_by_the_response() {
    for left in 1..20 {
        let close = http(
            "200 OK",
            "Content-Type: text/xml\r\nConnection: close\r\n",
            FIVE,
        );
        let (url, _server) = server(vec![close]).await;
        let call = Client::new(&url).unwrap();
        let call = async move { call.call::<i64>("f", ()).await };
        // In a task of its own: `timeout` polls its future once more when the time is up, which
        // would hide a missing wake-up.
        let call = tokio::spawn(with_budget(left, call));
        let five = tokio::time::timeout(Duration::from_secs(10), call).await;
        let five = five.expect("the task is not woken").unwrap();
        assert_eq!(five.unwrap(), 5, "{left} left");
    }
}

#[tokio::test]
async fn a_task_with_little_budget_left_notices_a_closed_connection() {
    for left in 1..20 {
        let (listener, url) = listen().await;
        let client = Client::new(&url).unwrap();
        let calling = client.clone();
        let first = tokio::spawn(async move { calling.call::<i64>("f", ()).await });
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        write(&mut io, ok(FIVE)).await;
        assert_eq!(first.await.unwrap().unwrap(), 5);
        drop(io);
        let second = async move { client.call::<i64>("f", ()).await };
        let second = tokio::spawn(with_budget(left, second));
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        write(&mut io, ok(FIVE)).await;
        assert_eq!(second.await.unwrap().unwrap(), 5, "{left} left");
    }
}
