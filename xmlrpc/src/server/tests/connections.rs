//! Tests of connections.

use std::time::Duration;

use farcall_core::Budget;
use farcall_core::serve::{FIRST_CALL_GRACE, StopHandle};
use farcall_core::transport::{Connect as _, memory};
use farcall_http::server::ServerOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use crate::Server;

/// A request for a blob of 600 kB.
const BLOB: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n\r\n\
                    <methodCall><methodName>blob</methodName><params/></methodCall>\r\n";

#[tokio::test(start_paused = true)]
async fn a_stop_waits_a_moment_for_the_next_request_of_a_connection_in_use() -> std::io::Result<()>
{
    const MOMENT: Duration = Duration::from_millis(300);
    for (idle, is_used) in [(5, false), (1, false), (0, false), (0, true)] {
        let server = Server::new();
        server
            .register_function("blob", || 5)
            .expect("the name is free");
        let (listener, connector) = memory::listener("server");
        let stop = StopHandle::new();
        let serving = tokio::spawn(server.listen(listener)?.serve_until(stop.stopped()));
        let mut peer = connector.connect().await?;
        let mut reply = vec![0; 1000];
        let mut ask = async || {
            peer.write_all(BLOB.as_bytes()).await?;
            let length = peer.read(&mut reply).await?;
            std::io::Result::Ok(String::from_utf8_lossy(&reply[..length]).to_lowercase())
        };
        let first = ask().await?;
        assert!(first.starts_with("http/1.1 200") && !first.contains("\nconnection: close"));
        sleep(Duration::from_secs(idle)).await;
        let begin = Instant::now();
        stop.stop();
        if is_used {
            sleep(MOMENT).await;
            let last = ask().await?;
            assert!(last.starts_with("http/1.1 200"), "{last}");
            assert!(last.contains("\r\nconnection: close\r\n"), "{last}");
            // A client that is told so closes; the server would wait for that for a while.
            peer.shutdown().await?;
        }
        let report = serving.await?;
        assert_eq!((report.finished, report.aborted), (1, 0));
        let expected = match idle {
            _ if is_used => MOMENT,
            0 => FIRST_CALL_GRACE,
            _ => Duration::ZERO,
        };
        assert_eq!(begin.elapsed(), expected, "idle for {idle} s");
        assert_eq!(peer.read(&mut reply).await?, 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_evicted_for_one_that_does() -> std::io::Result<()> {
    let budget = Budget::new(1 << 20);
    let options = ServerOptions::default().budget(budget.clone());
    let server = Server::with_options(options);
    server
        .register_function("blob", || vec![0_u8; 600_000])
        .expect("the name is free");
    let (listener, connector) = memory::listener("server");
    let serving = tokio::spawn(server.listen(listener)?.serve());

    let ask = async || {
        let mut peer = connector.connect().await?;
        peer.write_all(BLOB.as_bytes()).await?;
        std::io::Result::Ok(peer)
    };
    let mut silent = ask().await?;
    sleep(Duration::from_secs(2)).await;
    assert!(
        (700_000..800_000).contains(&budget.held()),
        "{}",
        budget.held()
    );
    for _ in 0..3 {
        let mut reader = ask().await?;
        let mut reply = vec![0; 800_000];
        reader.read_exact(&mut reply).await?;
        assert!(reply.starts_with(b"HTTP/1.1 200"));
    }
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await?;
    assert!(rest.len() < 700_000, "{} bytes", rest.len());
    // After a reply the connection is idle, and holds nothing.
    let mut reader = ask().await?;
    let mut reply = vec![0; 800_000];
    reader.read_exact(&mut reply).await?;
    let held = async {
        while budget.held() > 0 {
            let _ = reader.read(&mut reply).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), held)
        .await
        .expect("it is read");
    serving.abort();
    Ok(())
}
