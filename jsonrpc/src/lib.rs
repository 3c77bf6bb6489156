//! JSON-RPC 2.0 over HTTP: clients, and servers of it, alone or with XML-RPC at one port and path.
//!
//! A [`Client`] calls methods by name, through traits marked
//! [`#[client]`](farcall_core::client), or several in one request with a [`Batch`].
//! [`blocking::Client`] does the same without async.
//!
//! A [`Server`] offers its methods over JSON-RPC and, with the feature `xmlrpc-server`, over
//! XML-RPC too. The content type of a request decides: `application/json`, `application/json-rpc`,
//! `application/jsonrequest` and types that end in `+json` are JSON-RPC. A request without a
//! content type is JSON-RPC if its document begins with `{` or `[`, or if there is no XML-RPC,
//! unless a web page sent it.
//!
//! ```
//! use farcall::jsonrpc::Server;
//! use farcall::service;
//!
//! #[derive(Clone)]
//! struct Calculator;
//!
//! #[service]
//! impl Calculator {
//!     pub fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 {
//!         minuend - subtrahend
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_instance(Calculator)?;
//! let bound = server.bind("127.0.0.1:0").await?;
//! let url = bound.url();
//! tokio::spawn(bound.serve());
//!
//! // {"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}
//! let json = farcall::jsonrpc::Client::new(&url)?;
//! assert_eq!(json.call::<i64>("subtract", (42, 23)).await?, 19);
//! let xml = farcall::xmlrpc::Client::new(&url)?;
//! assert_eq!(xml.call::<i64>("subtract", (42, 23)).await?, 19);
//! # Ok(())
//! # }
//! ```
//!
//! # Requests
//!
//! - Parameters are an array, or an object with a member for each parameter. The names are those of
//!   [`#[service]`](farcall_core::service) or of
//!   [`parameter_names`](farcall_core::Method::parameter_names), case included. Optional parameters
//!   may be missing, unknown ones are refused. A method with any number of parameters takes an
//!   array only. A method whose only parameter is a struct takes an object with that parameter as
//!   its member, never the struct itself.
//! - An id is returned as it came, with every digit and escape. An id of `null` is a request. A
//!   request without an id is a notification: it runs, as
//!   [one-way](farcall_core::Context::is_one_way), and has no answer. Notifications alone are
//!   answered with status 204.
//! - The calls of a batch run in order. Each passes guards, layers and rate limits as if it had
//!   come alone.
//! - Members of a request that the specification does not name are ignored. One that it names and
//!   that is there twice is refused.
//!
//! # Sockets
//!
//! A [`SocketServer`] answers the same documents over TCP, Unix sockets and other byte streams, as
//! lines or with [headers](Framing::Headers), and the server of HTTP answers WebSockets (feature
//! `websocket`). The calls of such a connection run concurrently. A result that is a stream, such
//! as `farcall::rpc::Stream`, becomes a subscription: its items follow as notifications. A handler
//! reaches its caller by [`Session::of`]. A [`SocketClient`] calls such servers, and
//! [subscribes](SocketClient::subscribe). The chapter `json_sockets` of the guide has the details.
//!
//! # Faults
//!
//! The code and the message of a [`Fault`](farcall_core::Fault) become those of the error. Its
//! `data` has the kind: `{"kind": "invalid-params"}`. Errors have status 200, as the peers of this
//! protocol expect. Only requests that are refused before their document is read have another
//! status; the table is at [`HttpServer`](farcall_http::server::HttpServer).
//!
//! | code | condition |
//! |---|---|
//! | −32700 | the document is not JSON, or not UTF-8, or has a byte order mark |
//! | −32600 | the document is not a request, or over a limit of depth or count |
//! | −32601 | there is no such method |
//! | −32602 | the parameters do not match the method |
//! | −32603 | the method failed, and does not tell why |
//! | any | the method itself reports a failure |
//!
//! # Types
//!
//! Integers are exact in both directions, also beyond 2⁵³, which JavaScript does not read exactly.
//! Bytes are texts in base64, dates are texts of RFC 3339, and NaN and infinities are errors: see
//! the [format](farcall_core::Json).
//!
//! # Limits
//!
//! Those of HTTP for bodies, replies, time and calls at once apply, as set by
//! [`ServerOptions`](farcall_http::server::ServerOptions). A batch has at most
//! [1,000 calls](Service::max_batch), a method name 1,024 bytes, an id 256 bytes. Depth and number
//! of values are limited by the [format](Service::format).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "jsonrpc-client")]
pub mod blocking;
#[cfg(feature = "jsonrpc-client")]
mod client;
#[cfg(feature = "jsonrpc-server")]
mod envelope;
#[cfg(feature = "jsonrpc-server")]
mod http;
#[cfg(feature = "jsonrpc-client")]
mod kinds;
#[cfg(feature = "jsonrpc-sockets")]
mod message;
mod raw;
#[cfg(feature = "jsonrpc-server")]
mod server;
#[cfg(feature = "jsonrpc-server")]
mod service;
#[cfg(feature = "jsonrpc-sockets")]
mod session;
#[cfg(feature = "jsonrpc-sockets")]
mod session_options;
#[cfg(feature = "jsonrpc-sockets")]
mod socket;

#[cfg(feature = "jsonrpc-client")]
pub use client::{Batch, BatchError, Client, ClientOptions, ErrorData, Results, Ticket};
#[cfg(feature = "jsonrpc-sockets")]
pub use message::Framing;
#[cfg(feature = "jsonrpc-server")]
pub use server::Server;
#[cfg(feature = "jsonrpc-server")]
pub use service::Service;
#[cfg(feature = "jsonrpc-sockets")]
pub use session::{Session, SessionEnded, Subscription, SubscriptionError};
#[cfg(feature = "jsonrpc-sockets")]
pub use session_options::SessionOptions;
#[cfg(all(feature = "jsonrpc-sockets", feature = "jsonrpc-client"))]
pub use socket::SocketBatch;
#[cfg(feature = "jsonrpc-sockets")]
pub use socket::{
    BoundSocketServer, InvalidSocketUrl, SocketBindError, SocketClient, SocketClientOptions,
    SocketServer, SocketServerOptions,
};
