//! Timeouts of calls that are never answered.

use std::time::Duration;

use farcall_conn::Connection;
use farcall_conn::rpc::{
    Client, Encoding, Pipelined as _, Reconnect, Remote, Server, ServerOptions, SessionOptions,
};
use farcall_core::transport::Listen as _;
use farcall_core::transport::memory::{MemoryConnector, listener};
use farcall_core::{CallError, Caller as _, Context, Execution, FaultKind, client, service};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{client, connect, serve};

const HOUR: Duration = Duration::from_secs(3600);

/// Starts a server that answers nothing but pings, and reports the kinds of the messages it
/// receives.
fn answers_only_pings() -> (MemoryConnector, mpsc::UnboundedReceiver<u8>) {
    let (mut listening, connector) = listener("pings");
    let (sender, kinds) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (io, _) = listening.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut peer: Connection = Connection::new(io);
                let hello = peer.recv_bytes(1000).await.unwrap();
                peer.send_bytes(&hello).await.unwrap();
                while let Ok(mut message) = peer.recv_bytes(1 << 20).await {
                    if message[0] == 11 {
                        message[0] = 12;
                        peer.send_bytes(&message).await.unwrap();
                    } else {
                        let _ = sender.send(message[0]);
                    }
                }
            });
        }
    });
    (connector, kinds)
}

fn assert_overdue(error: &CallError) {
    assert_eq!(error.fault().unwrap().kind(), FaultKind::DeadlineExceeded);
    assert_eq!(error.execution(), Execution::Maybe);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_only_pings_blocks_no_call_for_ever() {
    let (connector, mut kinds) = answers_only_pings();
    let client = Client::over(connector).await.unwrap();
    let begin = Instant::now();
    let called = client.call::<()>("f", ());
    assert_overdue(&timeout(HOUR, called).await.unwrap().unwrap_err());
    let took = begin.elapsed().as_secs();
    assert!((60..=75).contains(&took), "{took} s");
    assert_eq!(kinds.recv().await, Some(1), "a call");
    assert_eq!(kinds.recv().await, Some(4), "it is cancelled");
    assert_eq!(client.stats().outgoing_calls, 0);

    // Many concurrent calls, begun at different times.
    let calls = (0..20).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(700 * n)).await;
            let begin = Instant::now();
            let called = timeout(HOUR, client.call::<()>("f", ())).await;
            assert_overdue(&called.unwrap().unwrap_err());
            begin.elapsed().as_secs()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let took = call.await.unwrap();
        assert!((60..=75).contains(&took), "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_a_call_replaces_the_default() {
    let (connector, _kinds) = answers_only_pings();
    let options = SessionOptions::default().timeout(Some(Duration::from_secs(2)));
    let short = Client::over(connector.clone()).session(options).await;
    let none = Client::over(connector.clone()).session(SessionOptions::default().timeout(None));
    let (short, none) = (short.unwrap(), none.await.unwrap());
    let usual = Client::over(connector).await.unwrap();
    for (client, own, expected) in [
        (&short, None, 2..=2),
        (&short, Some(300), 300..=300),
        (&usual, Some(1), 1..=1),
        (&usual, Some(300), 300..=300),
        (&none, Some(300), 300..=300),
    ] {
        let begin = Instant::now();
        let called = async {
            match own {
                None => client.call::<()>("f", ()).await,
                Some(own) => client.within(Duration::from_secs(own)).call("f", ()).await,
            }
        };
        assert_overdue(&timeout(HOUR, called).await.unwrap().unwrap_err());
        let took = begin.elapsed().as_secs();
        assert!(expected.contains(&took), "{took} s");
    }
    // Without a deadline, by an option of the client or for one call.
    let forever = Context::new("f").with_deadline(None);
    assert!(timeout(HOUR, none.call::<()>("f", ())).await.is_err());
    assert!(
        timeout(HOUR, usual.call_in::<()>(forever, ()))
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_never_sent_time_out() {
    // The server takes one call at a time, so that the second one waits at the client.
    let server = Server::with_options(
        ServerOptions::default().session(SessionOptions::default().max_calls_per_session(1)),
    );
    server
        .register_function("hang", std::future::pending::<()>)
        .unwrap();
    let client = client(&server).await;
    let forever = Context::new("hang").with_deadline(None);
    let hangs = client.clone();
    let first = tokio::spawn(async move { hangs.call_in::<()>(forever, ()).await });
    sleep(Duration::from_secs(1)).await;
    let called = timeout(HOUR, client.call::<()>("hang", ())).await.unwrap();
    assert_eq!(called.unwrap_err().execution(), Execution::Never);
    let notified = timeout(HOUR, client.notify("hang", ())).await.unwrap();
    assert_eq!(notified.unwrap_err().execution(), Execution::Never);
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn calls_time_out_while_there_is_no_connection() {
    let server = Server::new();
    let network = crate::support::Network::to(&server, Duration::ZERO).await;
    let reconnect = Reconnect::default().give_up_after(None);
    let client = Client::over(network.clone()).reconnect(reconnect);
    let client = client.await.unwrap();
    network.set_down(true);
    network.cut();
    sleep(Duration::from_secs(1)).await;
    let begin = Instant::now();
    let called = timeout(HOUR, client.call::<()>("f", ())).await.unwrap();
    assert_eq!(called.unwrap_err().execution(), Execution::Never);
    let took = begin.elapsed().as_secs();
    assert!((60..=75).contains(&took), "{took} s");
}

struct Book;

#[service]
impl Book {
    pub fn pages(&self) -> u32 {
        7
    }
}

#[client]
trait BookApi {
    async fn pages(&self) -> Result<u32, CallError>;
}

#[tokio::test(start_paused = true)]
async fn a_promise_of_a_server_that_answers_only_pings_times_out() {
    let (connector, _kinds) = answers_only_pings();
    let client = Client::over(connector).await.unwrap();
    let book: Remote<dyn BookApi> = client.call("book", ()).pipelined();
    let (ready, pages) = tokio::join!(timeout(HOUR, book.ready()), timeout(HOUR, book.pages()));
    assert_overdue(&ready.unwrap().unwrap_err());
    assert!(pages.unwrap().is_err());
    let hurried = client.within(Duration::from_secs(3));
    let book: Remote<dyn BookApi> = hurried.call("book", ()).pipelined();
    let begin = Instant::now();
    let ready = timeout(HOUR, book.ready()).await.unwrap();
    assert_overdue(&ready.unwrap_err());
    assert_eq!(begin.elapsed().as_secs(), 3);
    // A promise that is fulfilled in time stays valid.
    let server = Server::new();
    server
        .register_function("book", || Remote::<dyn BookApi>::new(Book))
        .unwrap();
    let client = connect(&server).await.await.unwrap();
    let book: Remote<dyn BookApi> = client.call("book", ()).pipelined();
    assert_eq!(book.pages().await.unwrap(), 7);
    sleep(HOUR).await;
    assert_eq!(book.pages().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn callbacks_of_a_server_have_the_default_timeout() {
    let server = Server::new();
    server
        .register_function("back", async |context: Context| {
            let caller = Client::of(&context).unwrap();
            let begin = Instant::now();
            let error = caller.call::<()>("hang", ()).await.unwrap_err();
            assert_overdue(&error);
            begin.elapsed().as_secs()
        })
        .unwrap();
    let offered = farcall_core::Registry::<Encoding>::new();
    offered
        .register_function("hang", std::future::pending::<()>)
        .unwrap();
    let client = connect(&server).await.offer(offered).await.unwrap();
    let forever = Context::new("back").with_deadline(None);
    let took: u64 = client.call_in(forever, ()).await.unwrap();
    assert!((60..=75).contains(&took), "{took} s");
    // A call with a long deadline does not give more time to the calls that its handler makes.
    let long = client.within(HOUR);
    let took: u64 = long.call("back", ()).await.unwrap();
    assert!((60..=75).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_one_way_calls_with_a_timeout() {
    let (connector, _kinds) = answers_only_pings();
    let client = Client::over(connector).await.unwrap();
    client.notify("f", ()).await.unwrap();
    let begin = Instant::now();
    timeout(HOUR, client.close()).await.unwrap();
    let took = begin.elapsed().as_secs();
    assert!((60..=75).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_call_with_its_own_deadline() {
    let server = Server::new();
    server
        .register_function("sleep", async |seconds: u64| {
            sleep(Duration::from_secs(seconds)).await;
            seconds
        })
        .unwrap();
    let client = Client::over(serve(&server).await).await.unwrap();
    let caller = client.clone();
    let called =
        tokio::spawn(async move { caller.within(HOUR).call::<u64>("sleep", (300,)).await });
    sleep(Duration::from_secs(1)).await;
    client.close().await;
    assert_eq!(called.await.unwrap().unwrap(), 300);
}
