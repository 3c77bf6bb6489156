//! Calls, streams and objects over connections.
//!
//! A [`Server`] offers the same functions and objects that can be offered over XML-RPC. A
//! [`Client`] calls them, with any number of calls in flight. Connections also support:
//!
//! - **References to objects**: methods can take and return objects that stay in their process
//!   ([`Remote`]). A callback is an object of the caller.
//! - **Streams** as arguments and results: [`Stream`].
//! - **Pipelining**: an object can be called before the call that returns it completes
//!   ([`Pipelined`]).
//! - **Deadlines**, which travel with a call and with the calls that its handler makes. A call
//!   without one takes at most [`SessionOptions::timeout`], by default 60 seconds. See
//!   [`Caller::within`](farcall_core::Caller::within) and [`Context`](farcall_core::Context).
//! - **Cancellation**: dropping the future of a call cancels the call at the peer.
//! - **Calls in both directions**: [`Client::of`], [`ClientBuilder::offer`].
//! - **Resumable sessions**: a client can reconnect and keep its objects ([`Reconnect`],
//!   [`ServerOptions::lease`]).
//! - A **naming service**, in which programs find each other's objects: [`names`].
//!
//! ```
//! use farcall::rpc::{Client, Server};
//! use farcall::{CallError, client, service};
//!
//! struct Greeter;
//!
//! #[service]
//! impl Greeter {
//!     pub fn greet(&self, name: &str) -> String {
//!         format!("Hello, {name}!")
//!     }
//! }
//!
//! #[client]
//! trait GreeterApi {
//!     async fn greet(&self, name: &str) -> Result<String, CallError>;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_instance(Greeter)?;
//! let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
//! let address = bound.local_address().clone();
//! tokio::spawn(bound.serve());
//!
//! let client = Client::connect(address).authkey("a secret").await?;
//! assert_eq!(client.greet("Ada").await?, "Hello, Ada!");
//! # Ok(())
//! # }
//! ```
//!
//! # Errors of calls
//!
//! Every failure is a [`CallError`](farcall_core::CallError). Its
//! [`execution`](farcall_core::CallError::execution) tells whether the method ran. When a
//! connection breaks, calls that were not completely written fail as
//! [`NotSent`](farcall_core::CallError::NotSent), all others as
//! [`Lost`](farcall_core::CallError::Lost). The source of both is a [`Disconnected`] with the
//! reason.
//!
//! # Security
//!
//! The [authkey](crate::auth) decides who may connect. Every peer that may connect may call every
//! method, unless a [guard](farcall_core::Registry::set_guard) decides by the
//! [identity](farcall_core::Context::identity) of the caller. A resumed session has the identity of
//! its latest connection. Sessions [limit](SessionOptions) everything that a peer can ask for. Data
//! is neither encrypted nor signed, unless there is [TLS](crate::auth#tls).
//!
//! `docs/RPC.md` specifies the wire format for implementations in other languages.

pub mod blocking;
mod client;
mod encoding;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod greeting;
mod message;
pub mod names;
mod options;
mod pipeline;
mod reconnect;
mod remote;
mod server;
mod session;
mod session_options;
mod stream;
mod varint;

pub use client::{Client, ClientBuilder, OpenError};
pub use encoding::Encoding;
pub use error::{Disconnected, PromiseFailed, StreamError, Violation};
pub use greeting::GreetingError;
pub use pipeline::Pipelined;
pub use reconnect::Reconnect;
pub use remote::Remote;
pub use server::{Bind, BoundServer, Server, ServerOptions};
pub use session::SessionStats;
pub use session_options::SessionOptions;
pub use stream::{Stream, StreamClosed, StreamSender};
