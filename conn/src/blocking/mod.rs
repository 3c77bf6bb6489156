//! Connections for programs without async code. Each call blocks until it completes.
//!
//! Use them in programs that wait for one peer at a time, such as scripts, tests and command-line
//! tools, and in threads of a larger program. A program with many peers needs a thread for each, or
//! [`wait`](wait()); an async one needs neither.
//!
//! Established connections and pipes use the system directly, and cost no thread. Handshakes of
//! listeners run in the background, in the one thread that all blocking listeners and all
//! [blocking clients](crate::rpc::blocking) of a process share. It starts with the first listener
//! or connection, and does not keep the program alive.
//!
//! In async code every function that may wait fails, with the source
//! [`CannotBlock`](farcall_core::CannotBlock): it would stall the other tasks of the thread.
//! Nothing was sent or received then. All objects can be dropped anywhere.
//!
//! # Examples
//!
//! ```
//! use std::thread;
//! use farcall::conn::{Connection, Listener, blocking};
//!
//! let mut listener = Listener::bind("127.0.0.1:0").authkey("12345").wait()?;
//! let address = listener.local_address().clone();
//! let server = thread::spawn(move || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     let mut connection: blocking::Connection<i64, (i64, i64)> = listener.accept()?;
//!     let (a, b) = connection.recv()?;
//!     Ok(connection.send(&(a + b))?)
//! });
//!
//! let mut adder: blocking::Connection<(i64, i64), i64> =
//!     Connection::connect(address).authkey("12345").wait()?;
//! adder.send(&(3, 5))?;
//! assert_eq!(adder.recv()?, 8);
//! server.join().expect("it does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```

mod connection;
mod half;
mod halves;
mod listener;
mod pipe;
mod stream;
#[cfg(test)]
mod tests;
mod wait;

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use connection::Connection;
#[cfg(feature = "pickle")]
pub use connection::PyConnection;
pub use halves::{Receiver, Sender};
pub use listener::Listener;
pub use pipe::{pipe, simplex};
pub use wait::{Wait, wait};

/// Returns an error in async code, where no function of this module may wait.
#[inline]
fn check_allowed() -> io::Result<()> {
    farcall_core::protocol::blocking::check_allowed().map_err(io::Error::from)
}

/// Completes a future of a reader or writer whose stream blocks the thread.
// Inlined, since moving the future takes longer than the rest.
#[inline(always)]
fn complete<T, E>(
    future: impl Future<Output = Result<T, E>>,
    not_allowed: fn(io::Error) -> E,
) -> Result<T, E> {
    check_allowed().map_err(not_allowed)?;
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a blocking stream is ready when it is polled"),
    }
}
