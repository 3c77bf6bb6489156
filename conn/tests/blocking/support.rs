//! A server for the tests.

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
        Self::of(server.bind("127.0.0.1:0").authkey("key").wait().unwrap())
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

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
