//! Tests of the accept loop.

use std::collections::VecDeque;
use std::future::pending;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use super::*;
use crate::transport::{Address, Connect, Io, memory};

/// Serves in a task of its own.
fn start<L, H, Fut>(
    listener: L,
    options: Options,
    handler: H,
) -> (StopHandle, JoinHandle<ShutdownReport>)
where
    L: Listen,
    H: Fn((L::Io, Peer), Stopped) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let stop = StopHandle::new();
    let server = tokio::spawn({
        let stop = stop.clone();
        async move { serve(listener, &options, stop.stopped(), handler).await }
    });
    (stop, server)
}

/// Sends each byte back until the peer closes the connection or the server stops.
async fn echo((mut io, _): (impl Io, Peer), stop: Stopped) {
    let mut stopped = pin!(stop);
    loop {
        let byte = tokio::select! {
            () = &mut stopped => return,
            byte = io.read_u8() => byte,
        };
        match byte {
            Ok(byte) if io.write_u8(byte).await.is_ok() => {}
            _ => return,
        }
    }
}

async fn round_trip(io: &mut impl Io) -> io::Result<()> {
    io.write_u8(42).await?;
    assert_eq!(io.read_u8().await?, 42);
    Ok(())
}

#[tokio::test]
async fn beyond_the_limit_peers_wait_until_a_connection_closes() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, server) = start(listener, Options::default().max_connections(2), echo);

    let mut first = TcpStream::connect(address).await?;
    let mut second = TcpStream::connect(address).await?;
    let mut third = TcpStream::connect(address).await?;
    round_trip(&mut first).await?;
    round_trip(&mut second).await?;
    let early = timeout(Duration::from_millis(50), round_trip(&mut third)).await;
    assert!(early.is_err(), "the third peer waits in the backlog");

    drop(first);
    assert_eq!(third.read_u8().await?, 42, "its byte is echoed now");
    stop.stop();
    let finished = ShutdownReport {
        finished: 2,
        aborted: 0,
    };
    assert_eq!(server.await?, finished);
    Ok(())
}

/// Fails with `errors`, one per call, then accepts `peer`, then never completes.
struct Failing {
    errors: VecDeque<io::ErrorKind>,
    peer: Option<DuplexStream>,
}

impl Listen for Failing {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
        if let Some(error) = self.errors.pop_front() {
            return Err(error.into());
        }
        match self.peer.take() {
            Some(io) => Ok((io, Peer::Unknown)),
            None => pending().await,
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Returns how long the accept loop takes to serve a peer after these errors.
async fn time_to_recover(errors: impl IntoIterator<Item = io::ErrorKind>) -> io::Result<Duration> {
    let (mut client, server) = tokio::io::duplex(64);
    let listener = Failing {
        errors: errors.into_iter().collect(),
        peer: Some(server),
    };
    let begin = Instant::now();
    let (_stop, server) = start(listener, Options::default(), echo);
    round_trip(&mut client).await?;
    server.abort();
    Ok(begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_listener_are_retried_after_growing_pauses() -> io::Result<()> {
    use io::ErrorKind::Other;
    assert_eq!(time_to_recover([Other; 3]).await?.as_millis(), 5 + 10 + 20);
    let longest = time_to_recover([Other; 11]).await? - time_to_recover([Other; 10]).await?;
    assert_eq!(longest.as_millis(), 1000);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn errors_of_one_connection_are_retried_at_once() -> io::Result<()> {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    let errors = [ConnectionAborted, ConnectionReset, Interrupted];
    assert_eq!(time_to_recover(errors).await?, Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_listener_to_recover() -> io::Result<()> {
    let listener = Failing {
        errors: [io::ErrorKind::Other; 100].into(),
        peer: None,
    };
    let (stop, server) = start(listener, Options::default(), echo);
    sleep(Duration::from_secs(10)).await;
    stop.stop();
    let begin = Instant::now();
    assert_eq!(server.await?, ShutdownReport::default());
    assert_eq!(begin.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_the_listener_and_finishes_open_connections() -> io::Result<()> {
    let (listener, connector) = memory::listener("slow");
    let (stop, server) = start(
        listener,
        Options::default(),
        |(mut io, _), stop| async move {
            stop.await;
            sleep(Duration::from_secs(29)).await;
            let _ = io.write_u8(1).await;
        },
    );
    let mut client = connector.connect().await?;
    sleep(Duration::from_millis(1)).await;
    stop.stop();
    sleep(Duration::from_millis(1)).await;
    assert!(connector.connect().await.is_err(), "the listener is closed");
    assert_eq!(client.read_u8().await?, 1);
    let finished = ShutdownReport {
        finished: 1,
        aborted: 0,
    };
    assert_eq!(server.await?, finished);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_the_drain_timeout_are_aborted_and_counted() -> io::Result<()> {
    let (listener, connector) = memory::listener("stubborn");
    let options = Options::default().drain_timeout(Duration::from_secs(2));
    // A handler that received a byte returns at the stop; one without stays.
    let (stop, server) = start(listener, options, |(mut io, _), stop| async move {
        if io.read_u8().await.is_ok() {
            stop.await;
        } else {
            pending::<()>().await;
        }
    });
    let mut polite = connector.connect().await?;
    polite.write_u8(0).await?;
    drop(connector.connect().await?);
    let mut silent = connector.connect().await?;
    sleep(Duration::from_millis(1)).await;

    let begin = Instant::now();
    stop.stop();
    let mixed = ShutdownReport {
        finished: 1,
        aborted: 2,
    };
    assert_eq!(server.await?, mixed);
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    assert_eq!(silent.read(&mut [0]).await?, 0, "the server closed it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_stop_does_not_wait_for_a_handler_that_blocks_its_thread() -> io::Result<()> {
    let (listener, connector) = memory::listener("blocked");
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let options = Options::default().drain_timeout(Duration::from_millis(20));
    let (stop, server) = start(listener, options, move |connection, stop| {
        let blocked = Arc::clone(&blocked);
        async move {
            let _connection = connection;
            stop.await;
            let _ = blocked.lock().expect("one task locks it").recv();
        }
    });
    let _client = connector.connect().await?;
    sleep(Duration::from_millis(20)).await;
    let begin = Instant::now();
    stop.stop();
    let report = timeout(Duration::from_secs(30), server).await;
    let aborted = ShutdownReport {
        finished: 0,
        aborted: 1,
    };
    assert_eq!(report.expect("the handler still blocks")?, aborted);
    assert!(begin.elapsed() >= ABORT_GRACE);
    drop(release);
    Ok(())
}

/// Always has another peer.
struct Flooded;

impl Listen for Flooded {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
        consume_budget().await;
        Ok((tokio::io::duplex(1).0, Peer::Unknown))
    }

    fn local_address(&self) -> io::Result<Address> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[tokio::test]
async fn the_time_of_a_stop_includes_the_backlog() -> io::Result<()> {
    let drain_timeout = Duration::from_millis(50);
    let options = Options::default()
        .max_connections(10_000)
        .drain_timeout(drain_timeout);
    let (stop, server) = start(Flooded, options, |_, _| {
        thread::sleep(Duration::from_millis(1));
        pending()
    });
    sleep(Duration::from_millis(5)).await;
    stop.stop();
    let begin = Instant::now();
    let report = server.await?;
    assert!(report.aborted > 0, "{report:?}");
    assert!(begin.elapsed() < drain_timeout + ABORT_GRACE, "{report:?}");
    Ok(())
}

#[tokio::test]
async fn a_stop_accepts_no_peers_beyond_the_limit() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, server) = start(listener, Options::default().max_connections(1), echo);
    let mut first = TcpStream::connect(address).await?;
    round_trip(&mut first).await?;
    let _waits = TcpStream::connect(address).await?;
    stop.stop();
    let finished = ShutdownReport {
        finished: 1,
        aborted: 0,
    };
    assert_eq!(server.await?, finished);
    Ok(())
}

#[tokio::test]
async fn a_panic_in_a_handler_does_not_end_the_loop() -> io::Result<()> {
    let (listener, connector) = memory::listener("shaky");
    let first = AtomicBool::new(true);
    let options = Options::default().max_connections(1);
    let (stop, server) = start(listener, options, move |connection, stop| {
        let first = first.swap(false, Ordering::Relaxed);
        async move {
            assert!(!first, "the first connection panics on purpose");
            echo(connection, stop).await;
        }
    });
    let mut unlucky = connector.connect().await?;
    assert_eq!(unlucky.read(&mut [0]).await?, 0);
    round_trip(&mut connector.connect().await?).await?;
    stop.stop();
    server.await?;
    Ok(())
}

#[tokio::test]
async fn a_signal_reaches_whichever_task_waits_for_it() {
    let signal = StopHandle::new();
    let mut stopped = Box::pin(signal.stopped());
    assert!((&mut stopped).now_or_never().is_none());
    assert!((&mut stopped).now_or_never().is_none());
    let waiting = tokio::spawn(stopped);
    yield_now().await;
    assert!(!signal.is_stopped());
    signal.stop();
    waiting.await.expect("it does not panic");
    signal.stopped().await;
}

#[tokio::test]
async fn the_backlog_is_served_after_the_stop_and_counted() -> io::Result<()> {
    let (listener, connector) = memory::listener("stopped");
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(connector.connect().await?);
    }
    let options = Options::default().drain_timeout(Duration::from_millis(100));
    let (stop, server) = start(listener, options, |(mut io, _), _| async move {
        let byte = io.read_u8().await.expect("it is sent");
        let _ = io.write_u8(byte).await;
    });
    stop.stop();
    round_trip(&mut peers[0]).await?;
    round_trip(&mut peers[1]).await?;
    let mixed = ShutdownReport {
        finished: 2,
        aborted: 1,
    };
    assert_eq!(server.await?, mixed);
    Ok(())
}

#[tokio::test]
async fn dropping_the_future_aborts_the_connections() -> io::Result<()> {
    let (listener, connector) = memory::listener("dropped");
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let (_stop, server) = start(listener, Options::default(), move |(io, _), _| {
        let held = Arc::clone(&held);
        async move {
            let _held = (io, held);
            pending::<()>().await;
        }
    });
    let mut client = connector.connect().await?;
    yield_now().await;
    server.abort();
    assert_eq!(client.read(&mut [0]).await?, 0);
    assert!(server.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(Arc::strong_count(&alive), 1);
    Ok(())
}
