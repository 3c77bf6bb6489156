//! The server as a tower service: in an axum router, and under tower layers.

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceBuilder, ServiceExt};
use xmlrpc::{Client, Server};

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
