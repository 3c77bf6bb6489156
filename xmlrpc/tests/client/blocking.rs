//! The blocking client.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farcall_core::{BlockingCaller, CallError, Context};
use farcall_xmlrpc::ClientOptions;
use farcall_xmlrpc::blocking::Client;

use super::{FIVE, chain, ok};

/// Answers one request, and returns `false` if the connection is closed instead.
fn answer(io: &mut TcpStream) -> bool {
    answer_after(io, Duration::ZERO)
}

fn answer_after(io: &mut TcpStream, pause: Duration) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"</methodCall>\n") {
        let mut byte = [0];
        if io.read_exact(&mut byte).is_err() {
            return false;
        }
        request.extend_from_slice(&byte);
    }
    thread::sleep(pause);
    io.write_all(ok(FIVE).as_bytes()).is_ok()
}

/// Starts a server that closes each connection after `answers` responses.
fn server(connections: usize, answers: usize) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for _ in 0..connections {
            let (mut io, _) = listener.accept().unwrap();
            for _ in 0..answers {
                assert!(answer(&mut io));
            }
            // Let the call complete before the connection is closed.
            thread::sleep(Duration::from_millis(20));
        }
    });
    (url, server)
}

fn call(client: &Client) -> i64 {
    client.call("f", ()).unwrap()
}

#[test]
fn calls_block_and_connections_are_kept() {
    let (url, server) = server(1, 3);
    let client = Client::new(&url).unwrap();
    for _ in 0..3 {
        assert_eq!(call(&client), 5);
    }
    server.join().unwrap();
}

/// No code reads from the connection while no call runs.
#[test]
fn a_stale_connection_is_replaced() {
    let (url, server) = server(5, 1);
    let client = Client::new(&url).unwrap();
    for _ in 0..5 {
        assert_eq!(call(&client), 5);
        thread::sleep(Duration::from_millis(60));
    }
    server.join().unwrap();
}

#[test]
fn clones_call_from_several_threads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(&url).unwrap();
    thread::spawn(move || {
        for io in listener.incoming() {
            let mut io = io.unwrap();
            thread::spawn(move || while answer(&mut io) {});
        }
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(call(&client), 5);
                }
            });
        }
    });
}

/// Nothing runs between calls: the next call closes expired connections.
#[test]
fn expired_connections_are_not_used() {
    let (url, server) = server(3, 1);
    let options = ClientOptions::default().idle_timeout(Duration::from_millis(1));
    let client = Client::with_options(&url, options).unwrap();
    for _ in 0..3 {
        assert_eq!(call(&client), 5);
        thread::sleep(Duration::from_millis(5));
    }
    server.join().unwrap();
}

/// Also while another connection is in use.
#[test]
fn an_idle_connection_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (closing, closed) = mpsc::channel();
    let both_called = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let listener = listener.try_clone().unwrap();
        let (closing, both_called) = (closing.clone(), Arc::clone(&both_called));
        thread::spawn(move || {
            let (mut io, _) = listener.accept().unwrap();
            let mut begin = [0];
            io.peek(&mut begin).unwrap();
            both_called.wait();
            while answer(&mut io) {}
            closing.send(()).unwrap();
        });
    }
    let options = ClientOptions::default().idle_timeout(Duration::from_millis(500));
    let client = Client::with_options(&url, options).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| call(&client));
        scope.spawn(|| call(&client));
    });
    let begin = Instant::now();
    while closed.recv_timeout(Duration::from_millis(5)).is_err() {
        assert_eq!(call(&client), 5);
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the connection is kept"
        );
    }
}

/// The socket timeout of one call does not affect the next.
#[test]
fn each_call_has_its_own_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut io, _) = listener.accept().unwrap();
        while answer_after(&mut io, Duration::from_millis(100)) {}
    });
    let client = Client::new(&url).unwrap();
    for seconds in [50, 2, 3, 40, 1] {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let context = Context::new("f").with_deadline(Some(deadline));
        assert_eq!(client.call_in::<i64>(context, ()).unwrap(), 5);
    }
    let begin = Instant::now();
    let soon = Context::new("f").with_deadline(Some(begin + Duration::from_millis(20)));
    let error = client.call_in::<i64>(soon, ()).unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[farcall_core::client]
trait Five {
    fn f(&self) -> Result<i64, CallError>;
}

#[test]
fn client_traits_are_implemented() {
    let (url, _server) = server(1, 1);
    assert_eq!(Client::new(&url).unwrap().f().unwrap(), 5);
}

#[test]
fn batches_can_be_sent() {
    let (url, _server) = server(1, 1);
    let mut batch = Client::new(&url).unwrap().batch();
    let _ = batch.call::<i64>("f", ());
    assert_eq!(batch.len(), 1);
    // The reply is 5, which is not a list of results.
    let error = batch.send().unwrap_err();
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
}

#[test]
fn the_password_is_not_shown() {
    let client = Client::new("http://user:secret@host/x").unwrap();
    let shown = format!("{client:?} {:?}", client.batch());
    assert!(
        shown.contains("host/x") && !shown.contains("secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_runtime_is_not_blocked() {
    refused_in_async_code();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_of_several_threads_is_not_blocked() {
    refused_in_async_code();
    tokio::spawn(async { refused_in_async_code() })
        .await
        .unwrap();
}

fn refused_in_async_code() {
    let client = Client::new("http://127.0.0.1:1").unwrap();
    let error = client.call::<i64>("f", ()).unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    assert!(chain(&error).contains("blocking call inside async code"));
    assert!(matches!(client.notify("f", ()), Err(CallError::NotSent(_))));
    let mut batch = client.batch();
    let _ = batch.call::<i64>("f", ());
    assert!(matches!(batch.send(), Err(CallError::NotSent(_))));
    drop(client);
}

#[tokio::test]
async fn blocking_is_allowed_where_the_runtime_allows_it() {
    let (url, _server) = server(1, 1);
    let client = Client::new(&url).unwrap();
    let clone = client.clone();
    let five = tokio::task::spawn_blocking(move || call(&clone));
    assert_eq!(five.await.unwrap(), 5);
    drop(client);
}
