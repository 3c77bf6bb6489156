//! The documentation page over HTTP.

#![allow(
    clippy::unwrap_used,
    reason = "a failure of a helper is one of its test"
)]

use std::sync::Arc;

use farcall::http::HttpServer;
use farcall::http::{Rejection, ServerOptions};
use farcall::jsonrpc::Service;
use farcall::web::Documentation;
use farcall::xmlrpc::Server;
use farcall::{Identity, Registry};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};

fn server(options: ServerOptions) -> Server {
    let documentation = Documentation::new("Title <1>").version("2.0");
    let server = Server::with_options(options.pages(documentation));
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
        .at("/other")
        .register_function("only", || ())
        .unwrap();
    server
}

async fn ask(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> (Response<()>, String) {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<&[u8]>::default()).unwrap();
    let (head, body) = server.respond(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    (Response::from_parts(head, ()), text)
}

#[tokio::test]
async fn each_path_has_the_page_of_its_own_methods() {
    let server = server(ServerOptions::default());
    for (path, own, other) in [
        ("/", "add", "only"),
        ("/RPC2", "add", "only"),
        ("/other", "only", "add"),
    ] {
        let (response, page) = ask(&server, "GET", path, &[]).await;
        assert_eq!(response.status(), 200);
        assert!(page.contains(&format!("data-method=\"{own}\"")), "{path}");
        assert!(
            !page.contains(&format!("data-method=\"{other}\"")),
            "{path}"
        );
        assert!(page.contains("<title>Title &lt;1&gt;</title>"));
    }
    assert_eq!(ask(&server, "GET", "/none", &[]).await.0.status(), 404);
    assert_eq!(ask(&server, "PUT", "/", &[]).await.0.status(), 405);
    let json = [("accept", "application/json")];
    assert_eq!(ask(&server, "GET", "/", &json).await.0.status(), 405);
    let length = [("content-length", "1")];
    assert_eq!(ask(&server, "GET", "/", &length).await.0.status(), 400);
}

#[tokio::test]
async fn the_page_permits_itself_only() {
    let server = server(ServerOptions::default());
    let (response, page) = ask(&server, "GET", "/", &[]).await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // It did not arrive through a listener at a loopback address.
    assert!(page.contains("data-calls=\"false\""));
    for (target, content_type) in [
        ("/?page.css", "text/css; charset=utf-8"),
        ("/?page.js", "text/javascript; charset=utf-8"),
        ("/?page.js=", "text/html; charset=utf-8"),
        ("/?other", "text/html; charset=utf-8"),
    ] {
        let (response, _) = ask(&server, "GET", target, &[]).await;
        assert_eq!(response.headers()["content-type"], content_type, "{target}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_new_method_makes_a_new_page() {
    let server = server(ServerOptions::default());
    let (response, page) = ask(&server, "GET", "/", &[]).await;
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let known = [("if-none-match", etag.as_str())];
    assert_eq!(
        ask(&server, "GET", "/", &known).await.0.status(),
        StatusCode::NOT_MODIFIED
    );
    server.register_function("new", || ()).unwrap();
    let (response, new) = ask(&server, "GET", "/", &known).await;
    assert_eq!(response.status(), 200);
    assert!(new.contains("data-method=\"new\"") && !page.contains("data-method=\"new\""));
    server.unregister("new");
    assert_eq!(
        ask(&server, "GET", "/", &known).await.0.status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn the_page_is_for_those_who_may_call() {
    let options = ServerOptions::default().hosts(["a.example"]).authorize(
        |head: &mut Parts, _: &mut Identity| {
            if head.headers.contains_key("x-key") {
                Ok(())
            } else {
                Err(Rejection::new(StatusCode::UNAUTHORIZED, "no key"))
            }
        },
    );
    let server = server(options);
    let key = ("x-key", "1");
    let link = [
        key,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let frame = [
        key,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
    ];
    for (headers, status) in [
        (&[][..], 401),
        (&[key][..], 200),
        (&[key, ("host", "a.example")], 200),
        (&[key, ("host", "evil.example")], 403),
        (&[key, ("origin", "https://evil.example")], 403),
        (&[key, ("sec-fetch-site", "cross-site")], 403),
        (&link, 200),
        (&frame, 403),
    ] {
        for target in ["/", "/?page.js"] {
            let (response, _) = ask(&server, "GET", target, headers).await;
            assert_eq!(response.status(), status, "{target} {headers:?}");
        }
    }
    // A link of another site leads to a page, and makes no call.
    assert_eq!(ask(&server, "POST", "/", &link).await.0.status(), 403);
}

#[tokio::test]
async fn without_pages_there_are_none() {
    let server = Server::new();
    assert_eq!(ask(&server, "GET", "/", &[]).await.0.status(), 405);
    assert_eq!(ask(&server, "HEAD", "/?page.js", &[]).await.0.status(), 405);
}

#[tokio::test]
async fn the_page_of_a_server_tells_its_protocols() {
    let page = |server: &HttpServer| {
        let request = Request::get("/").body(Full::<&[u8]>::default()).unwrap();
        let server = server.clone();
        async move {
            let body = server.respond(request).await.into_body();
            let body = body.collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap()
        }
    };
    let options = || ServerOptions::default().pages(Documentation::new("Title"));
    let service = || Service::new(Registry::new());
    let both = farcall::jsonrpc::Server::of(options(), service());
    let json = HttpServer::new(options()).with(Arc::new(service()));
    let xml = server(ServerOptions::default());
    for (server, protocols, xml, json) in [
        (both.http(), "XML-RPC and JSON-RPC", true, true),
        (&json, "JSON-RPC", false, true),
        (xml.as_ref(), "XML-RPC", true, false),
    ] {
        let page = page(server).await;
        assert!(
            page.contains(&format!("<span>{protocols}</span>")),
            "{page}"
        );
        let data = format!("data-xml=\"{xml}\" data-json=\"{json}\"");
        assert!(page.contains(&data), "{page}");
    }
}
