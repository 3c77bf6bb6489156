//! The log that operators read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall::http::ServerOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing::subscriber::DefaultGuard;

use crate::hostile::client_hello;
use crate::support::{Made, Served, server};

/// The log of this thread.
struct Log {
    lines: Arc<Lines>,
    _guard: DefaultGuard,
}

#[derive(Default)]
struct Lines(Mutex<Vec<u8>>);

impl Write for &Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn collect() -> Self {
        let lines = Arc::<Lines>::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(Arc::clone(&lines))
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    async fn line(&self, expected: &str) -> String {
        for _ in 0..500 {
            let text = self.text();
            if let Some(line) = text.lines().find(|line| line.contains(expected)) {
                return line.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{expected} is not in\n{}", self.text());
    }
}

#[tokio::test]
async fn the_wrong_protocol_is_named_on_either_port() {
    let log = Log::collect();
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls())).await;
    let mut peer = served.connect().await;
    peer.write_all(b"POST /RPC2 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let line = log.line("TLS handshake failed").await;
    assert!(line.contains("plain HTTP"), "{line}");
    assert!(
        line.contains(&peer.local_addr().unwrap().to_string()),
        "{line}"
    );

    let plain = server(ServerOptions::default()).bind("127.0.0.1:0").await;
    let plain = plain.unwrap();
    let address = plain.local_address().to_string();
    let serving = tokio::spawn(plain.serve());
    let mut peer = TcpStream::connect(&address).await.unwrap();
    peer.write_all(&client_hello(&made).await).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 400"),
        "{}",
        answer.escape_ascii()
    );
    log.line("a peer speaks TLS, this port does not").await;
    serving.abort();
}

#[tokio::test]
async fn a_client_without_a_certificate_is_named() {
    let log = Log::collect();
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls_for_clients())).await;
    let refused = served.tls(&made.client()).await;
    // With TLS 1.3 the client learns it when it reads.
    if let Ok(mut stream) = refused {
        stream.read_u8().await.unwrap_err();
    }
    let line = log.line("TLS handshake failed").await;
    assert!(line.contains("has shown no certificate"), "{line}");
}

#[tokio::test]
async fn the_end_of_a_certificate_is_announced_once() {
    let log = Log::collect();
    let made = Made::new();
    made.server_until(
        "server",
        std::time::SystemTime::now() + Duration::from_secs(13 * 86_400),
    );
    let options = ServerOptions::default().tls(made.tls());
    let served = Served::start(options).await;
    let line = log.line("expires soon").await;
    assert!(line.contains("WARN"), "{line}");
    for _ in 0..2 {
        served.tls(&made.client()).await.unwrap();
    }
    let text = log.text();
    assert_eq!(text.matches("expires soon").count(), 1, "{text}");
}
