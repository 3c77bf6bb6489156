//! Each limit of a session strikes.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farcall::jsonrpc::{Framing, Service, SessionOptions, SocketServer, SocketServerOptions};
use farcall::serve::ShutdownReport;
use farcall::transport::memory::MemoryConnector;
use farcall::transport::{Connect as _, memory};
use farcall::{Budget, Registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep, timeout};

use super::{connected, exchange, service_with};

/// Returns how long the server keeps a connection after these bytes.
async fn kept(options: SessionOptions, bytes: &[u8]) -> Duration {
    let mut io = connected(service_with(options), Framing::Lines).await;
    let begin = Instant::now();
    io.write_all(bytes).await.unwrap();
    let _ = io.read_to_end(&mut Vec::new()).await;
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn time_is_limited() {
    let options = SessionOptions::default()
        .message_timeout(Duration::from_secs(4))
        .idle_timeout(Some(Duration::from_secs(40)));
    for (bytes, from, to) in [
        (&b""[..], 40, 52),
        (b"{\"jsonrpc\"", 4, 6),
        (b"\n\n", 40, 52),
    ] {
        let kept = kept(options, bytes).await;
        let expected = Duration::from_secs(from)..Duration::from_secs(to);
        assert!(expected.contains(&kept), "{bytes:?}: {kept:?}");
    }
    // A call is not idleness.
    let call = b"{\"jsonrpc\":\"2.0\",\"method\":\"sleep\",\"params\":[90000],\"id\":1}\n";
    assert!(kept(options, call).await > Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_keeps_sending_a_message_is_cut_off() {
    let options = SessionOptions::default().message_timeout(Duration::from_secs(4));
    let mut io = connected(service_with(options), Framing::Lines).await;
    for second in 0..10 {
        if io.write_all(b"x").await.is_err() {
            assert!((4..8).contains(&second), "{second}");
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("it was read for ever");
}

/// A service that counts the calls that run.
fn counting(options: SessionOptions) -> (Service, Arc<AtomicUsize>) {
    let running = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&running);
    let registry = Registry::new();
    registry
        .register_function("wait", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            pending::<()>()
        })
        .unwrap();
    (Service::new(registry).sessions(options), running)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_wait_for_a_place() {
    let (service, running) = counting(SessionOptions::default().max_concurrent(8));
    let mut io = connected(service, Framing::Lines).await;
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":1}\n".repeat(10_000);
    let written = timeout(Duration::from_secs(1), io.write_all(call.as_bytes())).await;
    assert!(written.is_err(), "the rest is not read");
    assert_eq!(running.load(Ordering::Relaxed), 8);
}

/// Serves with these options, until `stop` completes.
fn serving(
    service: Service,
    options: SocketServerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (MemoryConnector, JoinHandle<ShutdownReport>) {
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(service, Framing::Lines, options);
    let bound = server.listen(listener).unwrap();
    (connector, tokio::spawn(bound.serve_until(stop)))
}

/// A call without an end.
const WAIT: &[u8] = b"{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":1}\n";

#[tokio::test(start_paused = true)]
async fn peers_over_the_limit_wait_until_a_connection_closes() {
    let options = SocketServerOptions::default().max_connections(1);
    let (service, running) = counting(SessionOptions::default());
    let (connector, _serving) = serving(service, options, pending());
    let first = connector.connect().await.unwrap();
    let mut second = connector.connect().await.unwrap();
    second.write_all(WAIT).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(running.load(Ordering::Relaxed), 0);
    drop(first);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(running.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_aborts_calls_at_the_drain_timeout() {
    let options = SocketServerOptions::default().drain_timeout(Duration::from_secs(5));
    let (service, _) = counting(SessionOptions::default());
    let stop = sleep(Duration::from_secs(2));
    let (connector, serving) = serving(service, options, stop);
    let mut io = connector.connect().await.unwrap();
    io.write_all(WAIT).await.unwrap();
    let begin = Instant::now();
    let report = serving.await.unwrap();
    assert_eq!((report.finished, report.aborted), (0, 1));
    let seconds = begin.elapsed().as_secs();
    assert!((7..=9).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_call_has_a_time_limit() {
    let options = SessionOptions::default().call_timeout(Some(Duration::from_secs(3)));
    let (service, _) = counting(options);
    let mut io = connected(service, Framing::Lines).await;
    io.write_all(WAIT).await.unwrap();
    let begin = Instant::now();
    let mut answer = vec![0; 1000];
    let read = timeout(Duration::from_secs(60), io.read(&mut answer)).await;
    let length = read.expect("the call ends").unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.contains("\"code\":-32400"), "{answer}");
    assert_eq!(begin.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_over_the_limit_of_the_server_are_refused() {
    let (service, running) = counting(SessionOptions::default());
    let options = SocketServerOptions::default().max_calls(1);
    let (connector, _serving) = serving(service, options, pending());
    let mut first = connector.connect().await.unwrap();
    first.write_all(WAIT).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let mut second = connector.connect().await.unwrap();
    let batch = b"[{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":5},{\"jsonrpc\":\"2.0\",\"method\":\"wait\"}]\n";
    second.write_all(batch).await.unwrap();
    let mut answer = vec![0; 1000];
    let length = second.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(
        answer.starts_with('[') && answer.contains("overloaded"),
        "{answer}"
    );
    assert!(
        answer.contains("\"id\":5") && !answer.contains("\"id\":null"),
        "{answer}"
    );
    assert_eq!(running.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_stops_further_calls_and_is_cut_off() {
    let options = SessionOptions::default().write_timeout(Duration::from_secs(5));
    let budget = Budget::new(64 << 20);
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(
        service_with(options),
        Framing::Lines,
        SocketServerOptions::default().budget(budget.clone()),
    );
    tokio::spawn(server.listen(listener).unwrap().serve());
    let mut io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[1000000],\"id\":1}\n";
    let calls = call.repeat(5000);
    let written = timeout(Duration::from_secs(2), io.write_all(calls.as_bytes())).await;
    assert!(written.is_err(), "it reads no further calls");
    // 16 answers wait in the outbox, one is being written, and 64 calls have one each at most.
    let held = 16 << 20..=64 << 20;
    assert!(held.contains(&budget.held()), "{}", budget.held());
    advance(Duration::from_secs(60)).await;
    sleep(Duration::from_secs(10)).await;
    assert!(io.write_all(b"x").await.is_err(), "it is cut off");
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn small_answers_that_are_not_read_count_together() {
    let budget = Budget::new(64 << 20);
    let options = SocketServerOptions::default().budget(budget.clone());
    let service = service_with(SessionOptions::default());
    let (connector, _serving) = serving(service, options, pending());
    let mut io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[50000],\"id\":1}\n";
    let calls = call.repeat(5000);
    let written = timeout(Duration::from_secs(2), io.write_all(calls.as_bytes())).await;
    assert!(written.is_err(), "it reads no further calls");
    // 64 calls and 16 messages, without the free bytes of the connection.
    let all = 80 * 50_000 - Budget::FREE;
    assert!(budget.held() >= all, "{}", budget.held());
    drop(io);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn messages_beyond_the_budget_are_refused() {
    let (listener, connector) = memory::listener("json");
    let server = SocketServer::with_options(
        service_with(SessionOptions::default()),
        Framing::Lines,
        SocketServerOptions::default().budget(Budget::new(200_000)),
    );
    tokio::spawn(server.listen(listener).unwrap().serve());
    let io = connector.connect().await.unwrap();
    let answer = exchange(io, "x".repeat(1_000_000).as_bytes()).await;
    assert!(answer.contains("memory budget"), "{answer}");
    // An answer that has no room is replaced, with its id.
    let io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[1000000],\"id\":77}\n";
    let answer = exchange(io, call.as_bytes()).await;
    assert!(
        answer.contains("-32603") && answer.contains("\"id\":77"),
        "{answer:.200}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_session_that_held_the_most_for_the_longest_is_closed() {
    let budget = Budget::new(2 << 20);
    let options = SocketServerOptions::default().budget(budget.clone());
    let service = service_with(SessionOptions::default());
    let (connector, _serving) = serving(service, options, pending());
    let mut stalled = connector.connect().await.unwrap();
    stalled.write_all(&vec![b' '; 3 << 19]).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let io = connector.connect().await.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[1,2],\"id\":1}";
    let long = [call.as_bytes(), &[b' '; 1 << 20], b"\n"].concat();
    let answer = exchange(io, &long).await;
    assert!(answer.contains("\"result\":3"), "{answer}");
    let end = timeout(Duration::from_secs(1), stalled.read(&mut [0])).await;
    assert_eq!(end.expect("it is closed").unwrap(), 0);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error() {
    let options = SessionOptions::default().max_reply(1000);
    let io = connected(service_with(options), Framing::Lines).await;
    let call = "{\"jsonrpc\":\"2.0\",\"method\":\"text\",\"params\":[2000],\"id\":1}\n";
    let answer = exchange(io, call.as_bytes()).await;
    assert!(answer.contains("limit of 1000 bytes"), "{answer}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_of_a_unix_socket_has_the_chosen_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    for (options, expected) in [
        (SocketServerOptions::default(), 0o600),
        (SocketServerOptions::default().mode(0o660), 0o660),
    ] {
        let path = folder.path().join(format!("{expected:o}"));
        let service = service_with(SessionOptions::default());
        let server = SocketServer::with_options(service, Framing::Lines, options);
        let _bound = server.bind(&path).await.unwrap();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{mode:o}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_for_a_while_after_the_peer_has_closed_its_direction() {
    let sleeping = |seconds: u64| {
        let milliseconds = seconds * 1000;
        format!(r#"{{"jsonrpc":"2.0","method":"sleep","params":[{milliseconds}],"id":{seconds}}}"#)
    };
    let calls = format!("{}\n{}\n", sleeping(9), sleeping(11));
    // A line that is no message is the end of what can be read, too. It is answered.
    for (end, answered) in [("", false), ("hello\n", true)] {
        let options = SocketServerOptions::default().max_calls(2);
        let service = service_with(SessionOptions::default());
        let (connector, _serving) = serving(service, options, pending());
        let io = connector.connect().await.unwrap();
        let begin = Instant::now();
        let answers = exchange(io, format!("{calls}{end}").as_bytes()).await;
        assert!(answers.contains("\"result\":9000"), "{answers}");
        assert!(!answers.contains("11000"), "{answers}");
        assert_eq!(answers.contains("-32700"), answered, "{answers}");
        assert_eq!(begin.elapsed().as_secs(), 10, "{end}");
        // The place is free.
        let io = connector.connect().await.unwrap();
        let batch = format!("{0}\n{0}\n", sleeping(1));
        let answers = exchange(io, batch.as_bytes()).await;
        assert_eq!(answers.matches("\"result\":1000").count(), 2, "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_streams_are_completed_after_their_end() {
    let (mut io, other) = tokio::io::duplex(1000);
    let service = service_with(SessionOptions::default());
    let server = SocketServer::new(service, Framing::Lines);
    let (reader, writer) = tokio::io::split(other);
    tokio::spawn(async move { server.serve_streams(reader, writer).await });
    let call = b"{\"jsonrpc\":\"2.0\",\"method\":\"sleep\",\"params\":[90000],\"id\":1}\n";
    io.write_all(call).await.unwrap();
    let answers = exchange(io, b"").await;
    assert!(answers.contains("\"result\":90000"), "{answers}");
}
