//! Calls, streams and objects over connections.
//!
//! A [`Server`] offers functions and objects, the same that can be offered over XML-RPC; a [`Client`] calls
//! them, any number at once. Over a connection there is more than results:
//!
//! - A method can take and return **objects** that stay where they are: [`Remote`]. A callback is an object
//!   of the caller.
//! - A method can take and return **streams**: [`Stream`].
//! - An object can be called **before it is there**: [`Pipelined`].
//! - **Deadlines** travel with calls, and to the calls that they make; a call without one takes no longer than
//!   [`Options::timeout`], 60 seconds; a call whose future is dropped is **cancelled** at the other end. See [`Caller::within`](rpc_core::Caller::within) and [`Context`](rpc_core::Context).
//! - Both ends **call each other**: [`Client::of`], [`ClientBuilder::offer`].
//! - A client can make a new connection when one breaks, and **keep its objects**: [`Reconnect`],
//!   [`ServerOptions::lease`].
//! - [`names`] has a registry in which programs find each other's objects.
//!
//! ```
//! use conn::Listener;
//! use conn::rpc::{Client, Server};
//! use rpc_core::{CallError, client, service};
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
//! let listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
//! let address = listener.local_address().clone();
//! tokio::spawn(server.serve(listener));
//!
//! let client = Client::connect(address).authkey("a secret").await?;
//! assert_eq!(client.greet("Ada").await?, "Hello, Ada!");
//! # Ok(())
//! # }
//! ```
//!
//! # What a failed call tells
//!
//! Every failure is a [`CallError`](rpc_core::CallError), whose [`execution`](rpc_core::CallError::execution) says whether the
//! method ran. When a connection breaks, calls of which not every byte was written are
//! [`NotSent`](rpc_core::CallError::NotSent), all others [`Lost`](rpc_core::CallError::Lost); both have the
//! [`Disconnected`] that tells why as their source.
//!
//! # Security
//!
//! The [authkey](crate::auth) says who may connect; whoever does may call every method. Sessions have
//! [limits](Options) for all that a peer can ask for. What is sent is neither encrypted nor signed.
//!
//! The wire format is in `docs/RPC.md`, for implementations in other languages.

mod attachment;
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
mod stream;
mod varint;

pub use client::{Client, ClientBuilder, ConnectError};
pub use encoding::Encoding;
pub use error::{Disconnected, PromiseFailed, StreamError};
pub use greeting::GreetingError;
pub use options::Options;
pub use pipeline::Pipelined;
pub use reconnect::Reconnect;
pub use remote::Remote;
pub use server::{Server, ServerOptions};
pub use session::SessionStats;
pub use stream::{Stream, StreamClosed, StreamSender};
