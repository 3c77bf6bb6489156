//! Methods for the servers of fuzz targets.

use farcall::{Fault, Value};
use tokio::runtime::{Builder, Runtime};

use crate::record::Record;

/// Registers the methods.
pub fn register(server: &farcall::xmlrpc::Server) {
    let registered = server
        .register_function("add", |a: i64, b: i64| a.wrapping_add(b))
        .and_then(|server| server.register_function("echo", |value: Value| value))
        .and_then(|server| server.register_function("record", |record: Record| record))
        .and_then(|server| {
            server.register_function("fail", |code: i64, text: String| {
                Err::<(), _>(Fault::new(code, text))
            })
        });
    registered.expect("the names are different");
}

/// Creates a runtime with simulated time.
#[must_use]
pub fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().expect("a runtime without I/O")
}
