//! The server as a tower service: in an axum router, and under tower layers.

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use farcall::Identity;
use farcall::xmlrpc::{Client, Server};
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::served::ADD;

#[tokio::test]
async fn mounted_in_axum_beside_other_routes() {
    let rpc = Server::new();
    rpc.register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let app = Router::new()
        .route("/", get(async || "a page"))
        .route_service("/RPC2", rpc);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async { axum::serve(listener, app).await });
    let client = Client::new(&format!("http://{address}/RPC2")).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    let page = Client::new(&format!("http://{address}/")).unwrap();
    let error = page.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert!(
        format!("{:?}", std::error::Error::source(&error)).contains("405"),
        "{error:?}"
    );
    serving.abort();
}

#[tokio::test]
async fn under_a_tower_layer_without_any_socket() {
    let rpc = Server::new();
    rpc.register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let mut stack = ServiceBuilder::new()
        .map_request(|mut request: Request<Full<Bytes>>| {
            *request.uri_mut() = "/".parse().unwrap();
            request
        })
        .service(rpc);
    let request = Request::post("/moved").body(Full::from(ADD)).unwrap();
    let response = stack.ready().await.unwrap().call(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(
        String::from_utf8(body.to_vec())
            .unwrap()
            .contains("<int>8</int>")
    );
}

#[tokio::test]
async fn a_mounted_server_sees_the_identity_that_its_program_knows() {
    let rpc = Server::new();
    rpc.register_instance(demo::Demo::default()).unwrap();
    let mut ada = Identity::default();
    ada.set_subject("ada");
    for (caller, name) in [(ada, "ada"), (Identity::default(), "anonymous")] {
        let call = "<methodCall><methodName>whoami</methodName></methodCall>";
        let body = Full::<Bytes>::from(call);
        let mut request = Request::post("/").body(body).unwrap();
        request.extensions_mut().insert(caller);
        let response = rpc.respond(request).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(&format!("<string>{name}</string>")), "{body}");
    }
}

/// A server mounted in another one does not know the address of the listener.
#[tokio::test]
async fn a_mounted_server_is_called_by_its_hosts_and_their_pages_only() {
    let add = |server: &Server| {
        server
            .register_function("add", |a: i64, b: i64| a + b)
            .unwrap();
    };
    let (open, named) = (
        Server::new(),
        Server::with_options(farcall::http::ServerOptions::default().hosts(["rpc.example"])),
    );
    add(&open);
    add(&named);
    let any: &[(&str, &str)] = &[("host", "any.example")];
    let own: &[(&str, &str)] = &[("host", "rpc.example"), ("origin", "https://rpc.example")];
    let foreign = &[("host", "rpc.example"), ("origin", "https://evil.example")];
    let null: &[(&str, &str)] = &[("host", "rpc.example"), ("origin", "null")];
    for (server, uri, headers, expected) in [
        (&open, "/", &[][..], 200),
        (&open, "/", any, 200),
        (&open, "/", own, 200),
        (&open, "/", foreign, 403),
        (&open, "/", null, 403),
        (&named, "/", &[], 200),
        (&named, "/", own, 200),
        (&named, "/", any, 403),
        (&named, "/", foreign, 403),
        // The form of the request in HTTP/2.
        (&named, "http://rpc.example/", &[], 200),
        (&named, "http://rpc.example/", &own[1..], 200),
        (&named, "http://any.example/", &[], 403),
        (&named, "http://any.example/", own, 403),
    ] {
        let mut request = Request::post(uri).header("content-type", "text/xml");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::from(ADD)).unwrap();
        let response = server.clone().call(request).await.unwrap();
        assert_eq!(response.status(), expected, "{uri} {headers:?}");
    }
}

/// A body in memory needs no length, and an empty one is distinguished from an invalid document.
#[tokio::test]
async fn a_body_within_the_program_needs_no_length() {
    let server = Server::new();
    let status = async |body: &'static str, headers: &[(&str, &str)]| {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::from(body)).unwrap();
        server.respond(request).await.status().as_u16()
    };
    assert_eq!(status(ADD, &[]).await, 200);
    assert_eq!(status("", &[("content-length", "0")]).await, 200);
    assert_eq!(status("", &[("transfer-encoding", "chunked")]).await, 200);
    assert_eq!(status("", &[]).await, 411);
}
