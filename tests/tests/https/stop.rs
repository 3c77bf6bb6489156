//! Graceful stops of servers over TLS.

use std::time::{Duration, Instant};

use farcall::http::ServerOptions;
use farcall::serve::StopHandle;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::{Made, add, server, tls_over};

#[tokio::test]
async fn a_stop_says_goodbye_to_idle_peers_and_waits_briefly_for_handshakes() {
    let made = Made::new();
    let bound = server(ServerOptions::default().tls(made.tls()));
    let bound = bound.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().to_string();
    let stop = StopHandle::new();
    let serving = tokio::spawn(bound.serve_until(stop.stopped()));

    let stream = TcpStream::connect(&address).await.unwrap();
    let mut idle = tls_over(stream, &made.client()).await.unwrap();
    add(&mut idle).await;
    let silent = TcpStream::connect(&address).await.unwrap();
    let late = TcpStream::connect(&address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let begin = Instant::now();
    stop.stop();
    // Its connection was open before the stop, and its call comes within a second.
    add(&mut tls_over(late, &made.client()).await.unwrap()).await;
    let error = idle.read_u8().await.unwrap_err();
    assert!(!error.to_string().contains("close_notify"), "{error}");
    let report = serving.await.unwrap();
    assert_eq!(report.aborted, 0);
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    drop(silent);
}
