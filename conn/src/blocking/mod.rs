//! Connections for programs without async code. Each call blocks until it completes.
//!
//! They use the sockets and pipes of the system directly; only listeners and clients run a runtime.
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
mod halves;
mod listener;
mod pipe;
mod reader;
mod stream;
#[cfg(test)]
mod tests;
mod wait;
mod writer;

pub use connection::{Connection, PyConnection};
pub use halves::{Receiver, Sender};
pub use listener::Listener;
pub use pipe::{pipe, simplex};
pub use wait::{Wait, wait};
