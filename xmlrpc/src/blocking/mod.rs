//! XML-RPC for programs without async code.
//!
//! [`Client`] is the blocking form of the async [`Client`](crate::Client). Servers have a blocking
//! form, too, which [`Bind::wait`](farcall_http::server::Bind::wait) returns. Use them in programs
//! that wait for one thing at a time, such as scripts, tests and command-line tools, and in threads
//! of a larger program. A program that makes many calls at once needs a thread for each, unless it
//! is async.
//!
//! ```
//! use std::thread;
//!
//! use farcall::xmlrpc::{Server, blocking};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! let bound = server.bind("127.0.0.1:0").wait()?;
//! let (url, stop) = (bound.url(), bound.stop_handle());
//! let serving = thread::spawn(|| bound.serve());
//!
//! let client = blocking::Client::new(&url)?;
//! let sum: i64 = client.call("add", (3, 5))?;
//! assert_eq!(sum, 8);
//!
//! stop.stop();
//! serving.join().expect("it does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! The client uses blocking sockets, and needs neither a runtime nor a thread, except that looking
//! up a host name within a timeout takes a thread for a moment.
//!
//! A blocking [`BoundServer`](farcall_http::server::blocking::BoundServer) has a runtime with one
//! thread for each core. Plain and async handlers run on these threads, which serve other
//! connections too. A handler that blocks or computes for long, and a handler that uses a blocking
//! client, must be registered with
//! [`register_blocking`](farcall_core::Registry::register_blocking) or marked
//! `#[service(blocking)]`. It then runs in a thread of a pool, which has at most 512.
//!
//! # In async code
//!
//! In async code, everything here that would block returns
//! [`CannotBlock`](farcall_core::CannotBlock) or an error that contains it. Within
//! [`spawn_blocking`](tokio::task::spawn_blocking) it works. All objects can be dropped anywhere.

mod client;

pub use client::{Batch, Client};
