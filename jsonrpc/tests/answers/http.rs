//! The part of HTTP: content types, limits of answers, guards and layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farcall::http::HttpServer;
use farcall::http::ServerOptions;
use farcall::jsonrpc::{Server, Service};
use farcall::{Fault, FaultKind, Registry};

use super::{Methods, answer, read, request, server};

const DATA: &str = r#"{"jsonrpc":"2.0","method":"get_data","id":1}"#;
const XML: &str = "<methodCall><methodName>get_data</methodName></methodCall>";

#[tokio::test]
async fn the_content_type_decides() {
    let server = server(&Methods::default());
    for (content_type, document, expected) in [
        ("application/json", DATA, Some("{\"jsonrpc\"")),
        (
            "Application/JSON; charset=utf-8",
            DATA,
            Some("{\"jsonrpc\""),
        ),
        ("application/json-rpc", DATA, Some("{\"jsonrpc\"")),
        ("application/jsonrequest", DATA, Some("{\"jsonrpc\"")),
        ("application/vnd.x+json", DATA, Some("{\"jsonrpc\"")),
        ("", DATA, Some("{\"jsonrpc\"")),
        ("", " \n[]", Some("{\"jsonrpc\"")),
        ("", XML, Some("<?xml")),
        ("text/xml", XML, Some("<?xml")),
        ("application/json", XML, Some("{\"jsonrpc\"")),
        ("text/xml", DATA, Some("<?xml")),
        ("text/plain", DATA, None),
        ("text/json", DATA, None),
        ("application/x-www-form-urlencoded", DATA, None),
        ("multipart/form-data; boundary=x", DATA, None),
        ("application/jsonp", DATA, None),
    ] {
        let response = server.http().respond(request(content_type, document)).await;
        let answered_with = response.headers().get("content-type").cloned();
        let (status, text) = read(response).await;
        match expected {
            Some(start) => {
                assert!(text.starts_with(start), "{content_type}: {text}");
                let expected = if start == "<?xml" {
                    "text/xml"
                } else {
                    "application/json"
                };
                assert_eq!(answered_with.unwrap(), expected);
                assert_eq!(status, 200);
            }
            None => assert_eq!(status, 415, "{content_type}: {text}"),
        }
    }
    let mut from_page = request("", DATA);
    from_page
        .headers_mut()
        .insert("origin", "http://localhost".parse().unwrap());
    assert_eq!(server.http().respond(from_page).await.status(), 415);
    let at = |path: &str| {
        let mut request = request("application/json", DATA);
        *request.uri_mut() = path.parse().unwrap();
        server.http().respond(request)
    };
    assert_eq!(at("/jsonrpc").await.status(), 200);
    assert_eq!(at("/other").await.status(), 404);
    let _own = server.xmlrpc().at("/other");
    assert_eq!(at("/other").await.status(), 415);
}

/// So is the server of a build without XML-RPC.
#[tokio::test]
async fn a_server_of_json_alone_refuses_xml() {
    let registry = Registry::new();
    registry.register_instance(Methods::default()).unwrap();
    let service = Arc::new(Service::new(registry));
    let server = HttpServer::new(ServerOptions::default()).with(service);
    for (content_type, document, status, expected) in [
        ("application/json", DATA, 200, r#""result":["hello",5]"#),
        ("", DATA, 200, r#""result":["hello",5]"#),
        ("", XML, 200, "-32700"),
        ("text/xml", XML, 415, "use application/json\n"),
    ] {
        let response = server.respond(request(content_type, document)).await;
        let (found, text) = read(response).await;
        assert_eq!(found, status, "{content_type}: {text}");
        assert!(text.contains(expected), "{content_type}: {text}");
    }
    let mut get = request("", "");
    *get.method_mut() = ::http::Method::GET;
    let (status, text) = read(server.respond(get).await).await;
    assert_eq!(
        (status, &*text),
        (405, "JSON-RPC calls use the method POST\n")
    );
    let mut elsewhere = request("application/json", DATA);
    *elsewhere.uri_mut() = "/other".parse().unwrap();
    let (status, text) = read(server.respond(elsewhere).await).await;
    assert_eq!((status, &*text), (404, "no service at this path\n"));
}

#[tokio::test]
async fn a_server_without_it_refuses_json() {
    let server = farcall::xmlrpc::Server::new();
    let response = server.respond(request("application/json", DATA)).await;
    assert_eq!(response.status(), 415);
}

#[tokio::test]
async fn answers_have_a_limit() {
    let server = Server::with_options(ServerOptions::default().max_reply(20_000));
    server.register_instance(Methods::default()).unwrap();
    let call =
        |length| format!(r#"{{"jsonrpc":"2.0","method":"text","params":[{length}],"id":1}}"#);
    assert!(answer(&server, call(19_000)).await.1.contains("xxx"));
    assert!(answer(&server, call(20_000)).await.1.contains("-32603"));
    let batch = format!("[{},{},{}]", call(15_000), call(15_000), call(1));
    let (_, text) = answer(&server, batch).await;
    let answers: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(answers[0]["result"].is_string());
    assert_eq!(answers[1]["error"]["code"], -32603);
    assert_eq!(answers[2]["error"]["data"]["kind"], "overloaded");
    assert!(text.len() <= 20_000);
}

#[tokio::test]
async fn each_call_of_a_batch_passes_the_guard() {
    let server = server(&Methods::default());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    server.set_guard(move |cx| {
        count.fetch_add(1, Ordering::Relaxed);
        match cx.method().as_str() {
            "get_data" => Ok(()),
            _ => Err(Fault::of(FaultKind::Denied, "no")),
        }
    });
    // Denied before its parameters are read.
    let denied = r#"{"jsonrpc":"2.0","method":"subtract","params":{"x":1},"id":2}"#;
    let (_, text) = answer(&server, format!("[{DATA},{denied},{DATA}]")).await;
    let answers: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(answers[1]["error"]["data"]["kind"], "denied");
    assert!(answers[0]["result"].is_array() && answers[2]["result"].is_array());
    assert_eq!(seen.load(Ordering::Relaxed), 3);
    let response = server.http().respond(request("text/xml", XML)).await;
    assert_eq!(read(response).await.0, 200);
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_have_a_time_limit() {
    let limit = std::time::Duration::from_secs(1);
    let server = Server::with_options(ServerOptions::default().call_timeout(Some(limit)));
    server
        .register_function("hang", async || std::future::pending::<()>().await)
        .unwrap();
    let call = r#"{"jsonrpc":"2.0","method":"hang","id":7}"#;
    let (_, text) = answer(&server, call).await;
    assert!(
        text.contains("deadline-exceeded") && text.ends_with(",\"id\":7}"),
        "{text}"
    );
    let (_, text) = answer(&server, format!("[{call},{call}]")).await;
    assert_eq!(text.matches("deadline-exceeded").count(), 2);
}

#[tokio::test]
async fn pages_of_allowed_origins_can_call() {
    let allowed = ["https://app.example", "*"];
    let server = Server::with_options(ServerOptions::default().allow_origins(allowed));
    server.register_instance(Methods::default()).unwrap();
    let ask = |method: &str, origin: &'static str| {
        let mut request = request("application/json", DATA);
        *request.method_mut() = method.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", origin.parse().unwrap());
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        if method == "OPTIONS" {
            let wanted = "authorization,content-type".parse().unwrap();
            headers.insert("access-control-request-headers", wanted);
            headers.insert("access-control-request-method", "POST".parse().unwrap());
        }
        server.http().respond(request)
    };
    for method in ["OPTIONS", "POST"] {
        let response = ask(method, "https://app.example").await;
        assert_eq!(response.status(), 200, "{method}");
        let headers = response.headers();
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://app.example"
        );
        assert_eq!(headers["vary"], "origin");
        assert!(!headers.contains_key("access-control-allow-credentials"));
        if method == "OPTIONS" {
            let headers = &headers["access-control-allow-headers"];
            assert_eq!(headers, "authorization,content-type");
        }
        // A `*` in the list is no wildcard.
        for other in ["https://evil.example", "null", "https://app.example.evil"] {
            let response = ask(method, other).await;
            assert_eq!(response.status(), 403, "{method} {other}");
            let headers = response.headers();
            assert!(!headers.contains_key("access-control-allow-origin"));
        }
    }
}
