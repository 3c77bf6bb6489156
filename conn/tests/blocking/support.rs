//! A server for the tests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};

use farcall_conn::rpc::Server;
use farcall_conn::rpc::blocking::BoundServer;
use farcall_core::serve::{ShutdownReport, StopHandle};
use farcall_core::transport::Address;

/// A server in a thread, which is stopped when this is dropped.
pub(crate) struct Running {
    pub(crate) address: Address,
    pub(crate) stop: StopHandle,
    serving: Option<JoinHandle<ShutdownReport>>,
}

impl Running {
    pub(crate) fn new(server: &Server) -> Self {
        let builder = server.bind(port_of_its_own()).authkey("key");
        Self::of(builder.wait().unwrap())
    }

    fn of(bound: BoundServer) -> Self {
        Self {
            address: bound.local_address().clone(),
            stop: bound.stop_handle(),
            serving: Some(thread::spawn(|| bound.serve().unwrap())),
        }
    }

    /// Waits until the server has stopped.
    pub(crate) fn join(mut self) -> ShutdownReport {
        self.serving.take().unwrap().join().unwrap()
    }
}

/// Returns a free port, as port 0, of a loopback address of its own, so that no other test
/// or program takes the port after the server is stopped.
pub(crate) fn port_of_its_own() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    // Only Linux has more than one loopback address by default.
    let host = if cfg!(target_os = "linux") {
        let [.., high, low] = std::process::id().to_be_bytes();
        [127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1)]
    } else {
        [127, 0, 0, 1]
    };
    (host, 0).into()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
