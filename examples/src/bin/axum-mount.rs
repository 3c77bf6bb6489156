//! An axum application with XML-RPC at one path, beside its other routes.

use axum::Router;
use axum::routing::get;
use farcall::xmlrpc::Server;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rpc = Server::new();
    rpc.register_function("add", |a: i64, b: i64| a + b)?;

    let app = Router::new()
        .route("/", get(async || "The XML-RPC service is at /RPC2.\n"))
        .route_service("/RPC2", rpc);
    let listener = farcall::transport::tcp::bind("127.0.0.1:8000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
