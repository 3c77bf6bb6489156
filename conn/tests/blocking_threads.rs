//! The threads of blocking clients, in a process of their own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use farcall_conn::Listener;
use farcall_conn::rpc::{Client, Server};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn many_clients_and_listeners_share_one_thread() {
    let server = Server::new();
    server.register_function("five", || 5).unwrap();
    let bound = server.bind("127.0.0.1:0").wait().unwrap();
    let (address, stop) = (bound.local_address().clone(), bound.stop_handle());
    let serving = std::thread::spawn(|| bound.serve());
    let before = threads();
    let clients: Vec<_> = (0..50)
        .map(|_| Client::connect(&address).wait().unwrap())
        .collect();
    let listeners: Vec<_> = (0..50)
        .map(|_| Listener::bind("127.0.0.1:0").wait().unwrap())
        .collect();
    for client in &clients {
        assert_eq!(client.call::<i64>("five", ()).unwrap(), 5);
    }
    // One that serves them, and perhaps one that looked up a name.
    let added = threads() - before;
    assert!((1..=2).contains(&added), "{added} more threads");
    drop((clients, listeners));
    stop.stop();
    serving.join().unwrap().unwrap();
}
