//! The pages for those who run a server. One test, since figures and drains are those of a process.

#![allow(
    clippy::unwrap_used,
    reason = "a failure of a helper is one of its test"
)]

use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::middleware::BearerAuth;
use farcall::web::{Health, Operations};
use farcall::xmlrpc::{Client, Server};
use farcall::{Fault, Value};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

async fn ask(operations: &Operations, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = Request::builder().uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::<&[u8]>::default()).unwrap();
    let (head, body) = operations.server().respond(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status.as_u16(),
        String::from_utf8_lossy(&body).into_owned(),
    )
}

/// Returns the value of a sample.
fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

/// Figures are of the whole process: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn silent_peers_do_not_keep_load_balancers_out() {
    let _alone = ALONE.lock().await;
    let operations = Operations::new(&Health::new()).unwrap();
    let bound = operations.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut io = TcpStream::connect(&address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    io.write_all(request).await.unwrap();
    let mut response = String::new();
    let read = io.read_to_string(&mut response);
    // Less than the silence that is allowed.
    let read = timeout(Duration::from_secs(4), read).await;
    read.unwrap().unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    // They go soon, though they have sent nothing.
    let gone = timeout(Duration::from_secs(10), silent[0].read(&mut [0])).await;
    assert_eq!(gone.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn what_is_no_page_is_answered_with_the_pages_and_methods_that_there_are() {
    let _alone = ALONE.lock().await;
    let operations = Operations::new(&Health::new()).unwrap();
    for path in ["/", "/other", "/metrics/", "/RPC2"] {
        let (status, text) = ask(&operations, path, None).await;
        assert_eq!(status, 404, "{path}");
        for page in ["/metrics", "/healthz", "/readyz"] {
            assert!(text.contains(page), "{path}: {text}");
        }
    }
    for (method, path, status, allowed) in [
        ("POST", "/metrics", 405, Some("GET, HEAD")),
        ("PUT", "/healthz", 405, Some("GET, HEAD")),
        ("DELETE", "/readyz", 405, Some("GET, HEAD")),
        ("DELETE", "/RPC2", 405, Some("POST")),
        ("POST", "/other", 404, None),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Full::<&[u8]>::default()).unwrap();
        let response = operations.server().respond(request).await;
        assert_eq!(response.status(), status, "{method} {path}");
        let allow = response.headers().get("allow");
        assert_eq!(
            allow.map(|allow| allow.to_str().unwrap()),
            allowed,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn callers_of_both_protocols_are_told_the_health() {
    let _alone = ALONE.lock().await;
    let health = Health::new();
    let operations = Operations::new(&health).unwrap();
    health.set_ready(true);
    for (kind, call) in [
        (
            "text/xml",
            "<methodCall><methodName>system.health</methodName></methodCall>",
        ),
        (
            "application/json",
            r#"{"jsonrpc":"2.0","method":"system.health","id":1}"#,
        ),
    ] {
        let request = Request::post("/RPC2").header("content-type", kind);
        let request = request.body(Full::new(call.as_bytes())).unwrap();
        let response = operations.server().respond(request).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("SERVING") && !text.contains("NOT_"), "{text}");
    }
}

#[tokio::test]
async fn figures_health_and_readiness() {
    let _alone = ALONE.lock().await;
    let health = Health::new().check("always", || Ok(()));
    let tokens = BearerAuth::new(["for-prometheus"]).unwrap();
    let options = ServerOptions::default().authorize(tokens);
    let operations = Operations::with_options(&health, options).unwrap();

    assert_eq!(
        ask(&operations, "/healthz", None).await,
        (200, "ok\n".to_owned())
    );
    let (status, text) = ask(&operations, "/readyz", None).await;
    assert_eq!((status, &*text), (503, "the program is not ready\n"));
    health.set_ready(true);
    assert_eq!(
        ask(&operations, "/readyz", None).await,
        (200, "ready\n".to_owned())
    );
    assert_eq!(ask(&operations, "/metrics", None).await.0, 401);

    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap()
        .register_function("fail", |code: i64| {
            Err::<(), _>(Fault::new(code, "on purpose"))
        })
        .unwrap()
        .register_function("wait", async || std::future::pending::<()>().await)
        .unwrap();
    health.register(&server).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&bound.url()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async {
        let _ = stopped.await;
    }));

    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    for code in 0..5 {
        client.call::<()>("fail", (code,)).await.unwrap_err();
        client
            .call::<()>(format!("no.such.{code}"), ())
            .await
            .unwrap_err();
    }
    let status: Value = client.call("system.health", ()).await.unwrap();
    assert!(format!("{status:?}").contains("\"SERVING\""), "{status:?}");
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call::<()>("wait", ()).await }
    });
    let metrics = async || ask(&operations, "/metrics", Some("for-prometheus")).await.1;
    let count = |method: &str| {
        format!(
            "rpc_server_call_duration_seconds_count{{rpc_system_name=\"xmlrpc\",rpc_method=\"{method}\""
        )
    };
    let in_flight = "farcall_calls_in_flight{rpc_system_name=\"xmlrpc\"}";
    let text = loop {
        let text = metrics().await;
        if sample(&text, in_flight) == Some(1.0) {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        sample(&text, &format!("{}}}", count("add"))),
        Some(1.0),
        "{text}"
    );
    let failed = format!("{},error_type=\"application\"}}", count("fail"));
    assert_eq!(sample(&text, &failed), Some(5.0), "{text}");
    let unknown = format!("{},error_type=\"unknown-method\"}}", count("_OTHER"));
    assert_eq!(sample(&text, &unknown), Some(5.0), "{text}");
    // Names that callers invent are no series of the server.
    let mut of_server = text.lines().filter(|line| line.starts_with("rpc_server"));
    assert!(!of_server.any(|line| line.contains("no.such")), "{text}");
    assert!(sample(&text, "farcall_connections") >= Some(1.0), "{text}");
    assert_eq!(
        sample(&text, "farcall_refused_total{reason=\"authorization\"}"),
        Some(1.0)
    );
    assert!(sample(&text, "farcall_budget_bytes") > Some(0.0), "{text}");

    // The call that waits keeps the server from stopping.
    stop.send(()).unwrap();
    while ask(&operations, "/readyz", None).await.0 == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        ask(&operations, "/readyz", None).await.1,
        "a server is stopping\n"
    );
    waiting.abort();
    serving.await.unwrap();
    assert_eq!(ask(&operations, "/readyz", None).await.0, 200);
    let text = metrics().await;
    let gone = format!("{},error_type=\"cancelled\"}}", count("wait"));
    assert_eq!(sample(&text, &gone), Some(1.0), "{text}");
    assert_eq!(sample(&text, in_flight), Some(0.0), "{text}");
    assert_eq!(sample(&text, "farcall_connections"), Some(0.0), "{text}");
}
