//! Blocking functions in async code: each returns an error, and what it was called on can be
//! dropped there.

use std::error::Error;
use std::future::Future;
use std::iter::successors;
use std::time::Duration;

use farcall_conn::blocking::{Connection, pipe};
use farcall_conn::rpc::{self, Server, Stream, blocking};
use farcall_conn::{BindError, ConnectError, Listener};
use farcall_core::{BlockingCaller as _, CallError, CannotBlock};
use tokio::runtime::Builder;

use crate::support::{Running, port_of_its_own};

/// Runs a test in each kind of runtime, as the main future and as a task.
fn in_async_code<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    let one = Builder::new_current_thread().enable_all().build().unwrap();
    let many = Builder::new_multi_thread().enable_all().build().unwrap();
    for runtime in [one, many] {
        runtime.block_on(test());
        let task = runtime.spawn(test());
        runtime.block_on(task).unwrap();
    }
}

/// Returns `true` if the error, or one of its causes, says that the code is async.
fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(|error| {
        error
            .to_string()
            .starts_with("blocking call inside async code")
    })
}

#[test]
fn listening_connecting_and_accepting() {
    in_async_code(|| {
        let listener = Listener::bind("127.0.0.1:0").wait().unwrap();
        let closed = Listener::bind("127.0.0.1:0").wait().unwrap();
        async move {
            let mut listener = listener;
            let error = Listener::bind("127.0.0.1:0").wait().unwrap_err();
            assert!(matches!(
                error,
                BindError::CannotBlock(CannotBlock::InAsyncCode)
            ));
            let connected: Result<Connection, _> =
                farcall_conn::Connection::connect(listener.local_address()).wait();
            let error = connected.unwrap_err();
            assert!(matches!(
                error,
                ConnectError::CannotBlock(CannotBlock::InAsyncCode)
            ));
            let error = listener.accept::<(), (), farcall_conn::Bincode>();
            assert!(is_refusal(&error.unwrap_err()));
            assert!(closed.close().is_err());
            drop(listener);
        }
    });
}

#[test]
fn sending_and_receiving() {
    in_async_code(|| {
        let (mut local, mut remote): (Connection<u8>, Connection<u8>) = pipe().unwrap();
        remote.send(&7).unwrap();
        async move {
            assert!(is_refusal(&local.send(&1).unwrap_err()));
            assert!(is_refusal(&local.send_bytes(b"1").unwrap_err()));
            assert!(is_refusal(&local.recv().unwrap_err()));
            assert!(is_refusal(&local.recv_bytes(9).unwrap_err()));
            assert!(is_refusal(&local.recv_bytes_into(&mut [0; 9]).unwrap_err()));
            assert!(is_refusal(&local.poll(Duration::ZERO).unwrap_err()));
            assert!(is_refusal(
                &local.send_handle(std::io::stdout()).unwrap_err()
            ));
            assert!(is_refusal(&remote.close().unwrap_err()));
            let received = tokio::task::spawn_blocking(move || {
                let all: Vec<_> = std::iter::from_fn(|| local.recv().ok()).collect();
                all
            });
            assert_eq!(received.await.unwrap(), [7], "nothing was lost");
        }
    });
}

#[test]
fn connections_can_be_dropped() {
    in_async_code(|| {
        let mut listener = Listener::bind("127.0.0.1:0").wait().unwrap();
        let connection: Connection = farcall_conn::Connection::connect(listener.local_address())
            .wait()
            .unwrap();
        let accepted: Connection = listener.accept().unwrap();
        async move { drop((connection, listener, accepted)) }
    });
}

#[test]
fn the_client() {
    let server = Server::new();
    server
        .register_function("count", || {
            let (sender, numbers) = Stream::channel(1);
            tokio::spawn(async move { while sender.send(5).await.is_ok() {} });
            numbers
        })
        .unwrap();
    let server = Running::new(&server);
    in_async_code(|| {
        let connect = || rpc::Client::connect(&server.address).authkey("key");
        let (client, unconnected) = (connect().wait().unwrap(), connect());
        let numbers: Stream<u8> = client.call("count", ()).unwrap();
        let dropped: Stream<u8> = client.call("count", ()).unwrap();
        let (mut numbers, dropped) = (numbers.into_blocking(), dropped.into_blocking());
        assert_eq!(numbers.next().unwrap().unwrap(), 5);
        async move {
            assert!(is_refusal(&unconnected.wait().unwrap_err()));
            let error = client.call::<()>("count", ()).unwrap_err();
            assert!(matches!(error, CallError::NotSent(_)) && is_refusal(&error));
            assert!(is_refusal(&client.notify("count", ()).unwrap_err()));
            assert!(is_refusal(&numbers.next().unwrap().unwrap_err()));
            assert!(numbers.next().is_none(), "a loop ends");
            let (sender, _items) = Stream::channel(1);
            assert!(is_refusal(&sender.send_blocking(1).unwrap_err()));
            assert!(client.clone().close().is_err());
            assert!(!client.is_closed());
            drop((numbers, dropped, client));
        }
    });
}

#[test]
fn the_server() {
    in_async_code(|| {
        let server = Server::new();
        let bound = server.bind(port_of_its_own()).wait().unwrap();
        let dropped = server.bind("127.0.0.1:0").wait().unwrap();
        async move {
            let error = server.bind("127.0.0.1:0").wait().unwrap_err();
            assert!(is_refusal(&error));
            let address = bound.local_address().clone();
            assert!(matches!(bound.serve(), Err(CannotBlock::InAsyncCode)));
            drop(dropped);
            let again = server.bind(&address);
            // It is closed a moment later.
            let mut rebound = again.await;
            while rebound.is_err() {
                tokio::task::yield_now().await;
                rebound = server.bind(&address).await;
            }
        }
    });
}

/// Blocking objects work in the places where tokio allows blocking.
#[tokio::test(flavor = "multi_thread")]
async fn spawn_blocking_and_block_in_place() {
    let server = Server::new();
    server.register_function("five", || 5).unwrap();
    let call = move || {
        let server = Running::new(&server);
        let client = rpc::Client::connect(&server.address).authkey("key");
        let client: blocking::Client = client.wait().unwrap();
        client.call::<i64>("five", ()).unwrap()
    };
    assert_eq!(tokio::task::block_in_place(&call), 5);
    assert_eq!(tokio::task::spawn_blocking(call).await.unwrap(), 5);
}
