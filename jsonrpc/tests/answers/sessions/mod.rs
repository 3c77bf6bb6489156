//! Sessions over sockets and WebSockets.

mod both_ways;
mod client;
mod framed;
mod limits;
mod secrets;
mod subscriptions;
mod tls;
mod websocket;

use std::time::Duration;

use farcall::jsonrpc::{Framing, Server, Service, SessionOptions, SocketClient, SocketServer};
use farcall::rpc::Stream;
use farcall::transport::Connect as _;
use farcall::transport::memory;
use farcall::{Fault, Registry, service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// The methods of the tests of sessions.
#[derive(Clone)]
struct Sockets;

#[service]
impl Sockets {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// Returns after some milliseconds.
    pub async fn sleep(&self, milliseconds: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    pub fn text(&self, length: usize) -> String {
        "x".repeat(length)
    }

    /// Counts, and then ends or fails.
    pub fn subscribe_count(&self, count: u64, fails: bool) -> Stream<u64> {
        let (sender, stream) = Stream::channel(1);
        tokio::spawn(async move {
            for number in 0..count {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
            if fails {
                let _ = sender.fail(Fault::new(7, "no more")).await;
            }
        });
        stream
    }

    /// A stream within a result.
    pub fn nested(&self) -> (u64, Stream<u64>) {
        (1, self.subscribe_count(1, false))
    }
}

fn service_with(options: SessionOptions) -> Service {
    let registry = Registry::new();
    registry.register_instance(Sockets).unwrap();
    Service::new(registry).sessions(options)
}

/// Serves a service, and returns a connection to it.
pub(super) async fn connected(service: Service, framing: Framing) -> DuplexStream {
    let (listener, connector) = memory::listener("json");
    let bound = SocketServer::new(service, framing)
        .listen(listener)
        .unwrap();
    tokio::spawn(bound.serve());
    connector.connect().await.unwrap()
}

/// Returns a client of the methods over lines.
async fn client() -> SocketClient {
    let server = SocketServer::new(service_with(SessionOptions::default()), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = SocketClient::new(&bound.url()).unwrap();
    tokio::spawn(bound.serve());
    client
}

/// Returns the URL of a WebSocket server of the methods.
async fn websocket(service: Service) -> String {
    let server = Server::of(farcall::http::ServerOptions::default(), service);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("http://", "ws://");
    tokio::spawn(bound.serve());
    url
}

/// Sends bytes, and returns all that comes until the end.
pub(super) async fn exchange(mut io: DuplexStream, bytes: &[u8]) -> String {
    // A server that has seen enough may close before.
    let _ = io.write_all(bytes).await;
    let _ = io.shutdown().await;
    let mut answer = Vec::new();
    io.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}
