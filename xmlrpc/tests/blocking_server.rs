//! The blocking server.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use farcall::http::{BindError, ServerOptions};
use farcall_core::serve::ShutdownReport;
use farcall_core::{BlockingCaller as _, CallError, CannotBlock, Context, Fault};
use farcall_xmlrpc::Server;
use farcall_xmlrpc::blocking::Client;
use tokio::runtime::Builder;

#[test]
fn a_stop_completes_running_calls() {
    let (sender, started) = mpsc::channel();
    let server = Server::new();
    let sleep = move || {
        sender.send(()).unwrap();
        thread::sleep(Duration::from_millis(200));
        5
    };
    server.register_blocking("sleep", sleep).unwrap();
    // An address of its own (only Linux has one), so that no other test takes the port afterwards.
    let address = if cfg!(target_os = "linux") {
        "127.61.7.4:0"
    } else {
        "127.0.0.1:0"
    };
    let bound = server.bind(address).wait().unwrap();
    assert_eq!(
        bound.url(),
        format!("http://{}/RPC2", bound.local_address())
    );
    let (client, stop) = (Client::new(&bound.url()).unwrap(), bound.stop_handle());
    let serving = thread::spawn(|| bound.serve());
    let caller = client.clone();
    let calling = thread::spawn(move || caller.call::<i64>("sleep", ()));
    started.recv().unwrap();
    stop.stop();
    let report = ShutdownReport {
        finished: 1,
        aborted: 0,
    };
    assert_eq!(serving.join().unwrap().unwrap(), report);
    assert_eq!(calling.join().unwrap().unwrap(), 5);
    assert!(stop.is_stopped());
    assert!(client.call::<i64>("sleep", ()).is_err());
}

#[test]
fn a_stop_waits_for_no_thread_that_blocks() {
    let (sender, started) = mpsc::channel();
    let options = ServerOptions::default().drain_timeout(Duration::from_millis(50));
    let server = Server::with_options(options);
    let sleep = move || {
        sender.send(()).unwrap();
        thread::sleep(Duration::from_secs(600));
    };
    server.register_blocking("sleep", sleep).unwrap();
    let bound = server.bind("127.0.0.1:0").wait().unwrap();
    let (client, stop) = (Client::new(&bound.url()).unwrap(), bound.stop_handle());
    let serving = thread::spawn(|| bound.serve());
    let calling = thread::spawn(move || client.call::<()>("sleep", ()));
    started.recv().unwrap();
    stop.stop();
    assert_eq!(serving.join().unwrap().unwrap().aborted, 1);
    assert!(matches!(calling.join().unwrap(), Err(CallError::Lost(_))));
}

/// A handler that may block can be a client itself.
#[test]
fn a_handler_uses_a_blocking_client() {
    let server = Server::new();
    server.register_function("five", || 5).unwrap();
    let bound = server.bind("127.0.0.1:0").wait().unwrap();
    let client = Client::new(&bound.url()).unwrap();
    let caller = client.clone();
    let relay = move |_: Context| -> Result<i64, Fault> { Ok(caller.call("five", ())?) };
    server
        .register_blocking("in a thread", relay.clone())
        .unwrap();
    server.register_function("in a task", relay).unwrap();
    let stop = bound.stop_handle();
    let serving = thread::spawn(|| bound.serve());
    let limited = client.within(Duration::from_secs(20));
    assert_eq!(limited.call::<i64>("in a thread", ()).unwrap(), 5);
    let error = client.call::<i64>("in a task", ()).unwrap_err();
    assert!(matches!(error, CallError::Fault(_)), "{error:?}");
    stop.stop();
    serving.join().unwrap().unwrap();
}

#[test]
fn in_async_code_a_server_neither_binds_nor_serves_and_can_be_dropped() {
    let one = Builder::new_current_thread().enable_all().build().unwrap();
    let many = Builder::new_multi_thread().enable_all().build().unwrap();
    for runtime in [one, many] {
        let test = || {
            let server = Server::new();
            let bound = server.bind("127.0.0.1:0").wait().unwrap();
            let dropped = server.bind("127.0.0.1:0").wait().unwrap();
            async move {
                let error = server.bind("127.0.0.1:0").wait().unwrap_err();
                assert!(matches!(
                    error,
                    BindError::CannotBlock(CannotBlock::InAsyncCode)
                ));
                assert!(matches!(bound.serve(), Err(CannotBlock::InAsyncCode)));
                drop(dropped);
            }
        };
        runtime.block_on(test());
        let task = runtime.spawn(test());
        runtime.block_on(task).unwrap();
    }
}
