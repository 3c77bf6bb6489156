//! A web page beside the service that it calls: `static-files FOLDER [HOST:PORT]`.

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use farcall::http::ServerOptions;
use farcall::jsonrpc::Server;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let address = std::env::args()
        .nth(2)
        .unwrap_or_else(|| "127.0.0.1:8000".into());
    // Addresses and `localhost` only: no page of another name can call the service.
    let rpc = Server::with_options(ServerOptions::default().hosts(["localhost"]));
    rpc.register_function("add", |a: i64, b: i64| a + b)?;

    // `ServeDir` neither leaves the folder nor lists it. Browsers must not guess types.
    let (name, value) = ("x-content-type-options", "nosniff");
    let (name, value) = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    let app = Router::new()
        .route_service("/RPC2", rpc.http().clone())
        .fallback_service(ServeDir::new(folder))
        .layer(SetResponseHeaderLayer::overriding(name, value));
    let listener = farcall::transport::tcp::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
