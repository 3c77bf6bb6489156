//! JSON-RPC beside libraries of others.

#![allow(clippy::unwrap_used, reason = "tests")]

mod generate;
mod javascript;
mod jsonrpsee;
mod otlp;
mod prometheus;
mod python;

use farcall::jsonrpc::Server;

/// Serves the demo methods and a stream, and returns the server's URL of HTTP.
async fn serve() -> String {
    let server = Server::new();
    server.register_instance(demo::Specification).unwrap();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let registry = server.service().registry();
    registry.register_instance(demo::Ticks).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url();
    tokio::spawn(bound.serve());
    url
}
