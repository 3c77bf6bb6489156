//! A demo server on a free port, and raw HTTP to talk to it.

use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::xmlrpc::{Client, ClientOptions, DocumentOptions, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A server with the demo methods, stopped on drop.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) server: Server,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::with(ServerOptions::default()).await
    }

    pub(crate) async fn with(options: ServerOptions) -> Self {
        Self::of(options, DocumentOptions::default()).await
    }

    pub(crate) async fn of(options: ServerOptions, documents: DocumentOptions) -> Self {
        // The host name in the requests of these tests.
        let server = Server::of(options.hosts(["test", "x"]), documents);
        server.register_instance(demo::Demo::default()).unwrap();
        let listening = server.bind("127.0.0.1:0").await.unwrap();
        let url = listening.url();
        let task = tokio::spawn(listening.serve());
        Self { url, server, task }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url).unwrap()
    }

    pub(crate) fn client_as(&self, user: &str) -> Client {
        let options = ClientOptions::default().header("x-user", user).unwrap();
        Client::with_options(&self.url, options).unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        self.url
            .strip_prefix("http://")
            .unwrap()
            .strip_suffix("/RPC2")
            .unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// Sends bytes over a new connection, and returns all bytes until the server closes it.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close the connection before it has read everything.
        let _ = stream.write_all(request).await;
        read_to_end(&mut stream).await
    }

    /// Posts a document and returns the response with its head.
    pub(crate) async fn post(&self, document: &[u8]) -> String {
        let head = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: test\r\nContent-Type: text/xml\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n",
            document.len()
        );
        self.raw(&[head.as_bytes(), document].concat()).await
    }

    /// Checks that the server still answers.
    pub(crate) async fn assert_alive(&self) {
        assert_eq!(self.client().call::<i64>("add", (3, 5)).await.unwrap(), 8);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    let read = async {
        let mut buffer = vec![0; 64 << 10];
        // A reset after the response counts as the end as well.
        while let Ok(n @ 1..) = stream.read(&mut buffer).await {
            reply.extend_from_slice(&buffer[..n]);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&reply).into_owned()
}

pub(crate) fn status(reply: &str) -> u16 {
    reply
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}

pub(crate) const ADD: &str = "<?xml version=\"1.0\"?><methodCall><methodName>add</methodName>\
    <params><param><value><int>3</int></value></param>\
    <param><value><int>5</int></value></param></params></methodCall>";
