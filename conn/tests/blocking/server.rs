//! The blocking server.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use farcall_conn::rpc::{Client, Server, ServerOptions};
use farcall_core::serve::ShutdownReport;
use farcall_core::{CallError, Execution};

use crate::support::Running;

fn slow(options: ServerOptions, time: Duration) -> (Running, mpsc::Receiver<()>) {
    let (sender, started) = mpsc::channel();
    let server = Server::with_options(options);
    let sleep = move || {
        sender.send(()).unwrap();
        thread::sleep(time);
        5
    };
    server.register_blocking("sleep", sleep).unwrap();
    (Running::new(&server), started)
}

#[test]
fn a_stop_completes_running_calls() {
    let (server, started) = slow(ServerOptions::default(), Duration::from_millis(200));
    let client = Client::connect(&server.address).authkey("key");
    let client = client.wait().unwrap();
    let calling = thread::spawn(move || client.call::<i64>("sleep", ()));
    started.recv().unwrap();
    let (address, stop) = (server.address.clone(), server.stop.clone());
    assert!(!stop.is_stopped());
    // Any thread may stop it, more than once.
    thread::spawn(move || (stop.stop(), stop.stop()))
        .join()
        .unwrap();
    let report = ShutdownReport {
        finished: 1,
        aborted: 0,
    };
    assert_eq!(server.join(), report);
    assert_eq!(calling.join().unwrap().unwrap(), 5);
    assert!(Client::connect(&address).authkey("key").wait().is_err());
}

#[test]
fn a_stop_does_not_wait_longer_than_the_drain_timeout() {
    let options = ServerOptions::default().drain_timeout(Duration::from_millis(50));
    let (server, started) = slow(options, Duration::from_secs(30));
    let client = Client::connect(&server.address).authkey("key");
    let client = client.wait().unwrap();
    let calling = thread::spawn(move || client.call::<i64>("sleep", ()));
    started.recv().unwrap();
    let begin = Instant::now();
    server.stop.stop();
    assert_eq!(server.join().aborted, 1);
    assert!(begin.elapsed() < Duration::from_secs(10));
    let error = calling.join().unwrap().unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    assert_ne!(error.execution(), Execution::Never);
}

#[test]
fn a_server_that_is_stopped_before_it_serves_returns_at_once() {
    let bound = Server::new().bind("127.0.0.1:0").wait().unwrap();
    assert!(bound.url().contains("://127.0.0.1:"), "{}", bound.url());
    bound.stop_handle().stop();
    assert_eq!(bound.serve().unwrap(), ShutdownReport::default());
}
