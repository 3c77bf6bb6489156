//! Calls over connections for programs without async code.
//!
//! A [`Client`] is the blocking form of [`rpc::Client`](super::Client), a [`BoundServer`] that of
//! [`rpc::BoundServer`](super::BoundServer), and a [`StreamIter`] that of
//! [`Stream`](super::Stream). Use them in programs that wait for one thing at a time, such as
//! scripts, tests and command-line tools, and in threads of a larger program. A program that waits
//! for many things at once needs fewer threads, and can cancel what it waits for, if it is async.
//!
//! ```
//! use std::thread;
//!
//! use farcall::rpc::{Client, Server};
//! use farcall::{CallError, client};
//!
//! #[client]
//! trait CalculatorApi {
//!     fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! let bound = server.bind("127.0.0.1:0").authkey("a secret").wait()?;
//! let (address, stop) = (bound.local_address().clone(), bound.stop_handle());
//! let serving = thread::spawn(|| bound.serve());
//!
//! let client = Client::connect(address).authkey("a secret").wait()?;
//! assert_eq!(client.add(3, 5)?, 8);
//!
//! stop.stop();
//! serving.join().expect("it does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! All blocking clients of a process share one thread in the background. It answers pings, runs the
//! methods that clients [offer](super::ClientBuilder::offer), and reconnects, also while the
//! program makes no calls. It starts with the first client, and does not keep the program alive. A
//! call itself runs on the thread that makes it, and costs two switches between threads more than a
//! call in async code.
//!
//! A [`BoundServer`] has a runtime of its own, with one thread for each core.
//!
//! # Handlers
//!
//! Handlers run in these threads, which serve others too. A handler that blocks or computes for
//! long, and a handler that uses a blocking client, must be registered with
//! [`register_blocking`](farcall_core::Registry::register_blocking) or marked
//! `#[service(blocking)]`. It then runs in a thread of a pool, which has at most 512.
//!
//! # Cancellation
//!
//! A thread that waits cannot be interrupted. To limit a call, give it a time with
//! [`within`](farcall_core::BlockingCaller::within) or a deadline; without one it takes at most the
//! [timeout](super::SessionOptions::timeout) of the session, by default 60 seconds. When it passes,
//! the call is cancelled at the peer. Another thread can [close](Client::close) a clone of the
//! client, but that waits for the calls in flight.
//!
//! # In async code
//!
//! In async code, everything here that would block returns
//! [`CannotBlock`](farcall_core::CannotBlock) or an error that contains it. Within
//! [`spawn_blocking`](tokio::task::spawn_blocking) it works, and [`Client::from`] converts the
//! client of an async program for it. All objects can be dropped anywhere.

mod client;
mod server;
mod stream;

pub use client::Client;
pub use server::BoundServer;
pub use stream::{SendItemError, StreamIter};
