//! XML-RPC over HTTP: a server and a client that every language's peers understand.
//!
//! # A server
//!
//! Functions, closures and objects become methods of a [`Server`] as they are. What is not said here
//! of methods, such as contexts, faults and objects, is said in [`rpc_core`] and at
//! [`#[service]`](service).
//!
//! ```
//! use xmlrpc::{Client, Server, service};
//!
//! struct Greeter;
//!
//! #[service]
//! impl Greeter {
//!     /// Greets someone.
//!     pub fn greet(&self, name: &str) -> String {
//!         format!("Hello, {name}!")
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! server.register_instance(Greeter)?;
//! let listening = server.bind("127.0.0.1:0").await?;
//!
//! # let client = Client::new(&listening.url())?;
//! # tokio::spawn(listening.serve());
//! // Elsewhere, in any language:
//! let greeting: String = client.call("greet", ("Ada",)).await?;
//! assert_eq!(greeting, "Hello, Ada!");
//! # Ok(())
//! # }
//! ```
//!
//! [`ServerOptions`] has the limits, the timeouts, who may call, and what faults look like.
//! A server is a tower service over HTTP requests as well, to be mounted in axum, and [`cgi`] answers
//! one request from the standard input.
//!
//! # A client
//!
//! [`Client`] calls by name, by traits marked [`#[client]`](client), or several methods in one request
//! with a [`Batch`]. [`blocking::Client`] does the same without async. [`ClientOptions`] has timeouts,
//! headers, proxies and limits.
//!
//! # Types
//!
//! | Rust | XML-RPC |
//! |---|---|
//! | integers | `int`, or `i8` beyond 32 bits |
//! | `f32`, `f64` | `double`; an `int` is read as well |
//! | `bool` | `boolean` |
//! | `String`, `&str`, `char` | `string` |
//! | `Vec<u8>`, `[u8; N]`, `&[u8]` and what serde writes as bytes | `base64` |
//! | [`DateTime`](rpc_core::DateTime) | `dateTime.iso8601` |
//! | `Vec<T>`, sets, tuples | `array` |
//! | structs, maps with keys of text or integers | `struct` |
//! | enums | `string` for a bare variant, `struct` of one member for one with content |
//! | `Option<T>`, `()` | the value, or `nil` |
//! | [`Value`](rpc_core::Value) | any |
//!
//! The types of Apache's extensions and the habits of many other peers are read too. [`XmlRpc`] has the
//! limits and what is written for peers that know less.

pub mod blocking;
mod body;
mod client;
mod coding;
mod de;
mod document;
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod ser;
mod server;
mod shared;
mod xml;

pub use client::{
    Batch, BatchError, Client, ClientOptions, HttpError, InvalidHeader, InvalidUrl, Results, Ticket,
};
pub use format::XmlRpc;
pub use rpc_core;
pub use rpc_core::{client, service};
pub use server::{FaultPolicy, Listening, Refusal, Server, ServerOptions, cgi};
