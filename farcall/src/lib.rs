//! Remote calls and distributed objects. You write ordinary functions and objects; other programs
//! call them from another process, machine or language.
//!
//! - [`xmlrpc`]: XML-RPC over HTTP, for peers in any language.
//! - [`jsonrpc`]: JSON-RPC over HTTP; a server has it alone, or with XML-RPC at the same port.
//! - [`http`]: what both share, such as the options of a server.
//! - [`conn`]: authenticated connections that carry values, between Rust programs and with Python's
//!   `multiprocessing.connection`.
//! - [`rpc`]: calls over these connections, with objects, callbacks and streams.
//!
//! A service is written once, with [`#[service]`](macro@service), and served over any of them. A
//! [`#[client]`](macro@client) trait works on the clients of all of them.
//!
//! ```
//! use farcall::xmlrpc::{Client, Server};
//! use farcall::{CallError, client, service};
//!
//! struct Calculator;
//!
//! #[service]
//! impl Calculator {
//!     pub fn add(&self, a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! #[client]
//! trait CalculatorApi {
//!     async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_instance(Calculator)?;
//! let bound = server.bind("127.0.0.1:0").await?;
//! let client = Client::new(&bound.url())?;
//! tokio::spawn(bound.serve());
//! assert_eq!(client.add(3, 5).await?, 8);
//! # Ok(())
//! # }
//! ```
//!
//! The [`guide`] has one chapter for each task. Its chapter on [`features`](guide::features) lists
//! the features of this crate; the default is XML-RPC.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(doc, feature = "full", feature = "cluster"))]
pub mod guide;

#[cfg(feature = "cluster")]
pub use farcall_cluster as cluster;
#[cfg(feature = "rpc")]
pub use farcall_conn::rpc;
#[doc(hidden)]
pub use farcall_core::__private;
pub use farcall_core::*;
// Named, so that the compiler can name the features that they need.
#[cfg(feature = "metrics")]
pub use farcall_core::metrics;
#[cfg(feature = "middleware")]
pub use farcall_core::middleware;
#[cfg(feature = "sockets")]
pub use farcall_core::sockets;
#[cfg(all(unix, feature = "systemd"))]
pub use farcall_core::systemd;
#[cfg(feature = "workers")]
pub use farcall_core::workers;
#[cfg(any(feature = "jsonrpc-client", feature = "jsonrpc-server"))]
pub use farcall_jsonrpc as jsonrpc;
#[cfg(feature = "pickle")]
pub use farcall_pickle as pickle;
// The attribute, which has the name of the module.
#[cfg(feature = "pickle")]
pub use farcall_pickle::pickle;
#[cfg(any(feature = "documentation", feature = "operations", feature = "otlp"))]
pub use farcall_web as web;
#[cfg(any(feature = "xmlrpc-client", feature = "xmlrpc-server"))]
pub use farcall_xmlrpc as xmlrpc;

/// HTTP, as the clients and servers of [`xmlrpc`] and [`jsonrpc`] share it: the options of a server
/// ([`ServerOptions`](http::ServerOptions)), its pages and its authorization, and the errors of a
/// client.
#[cfg(any(
    feature = "xmlrpc-client",
    feature = "xmlrpc-server",
    feature = "jsonrpc-client",
    feature = "jsonrpc-server",
    feature = "operations"
))]
pub mod http {
    #[cfg(any(feature = "xmlrpc-client", feature = "jsonrpc-client"))]
    pub use farcall_http::client::{HttpError, InvalidHeader, InvalidUrl};
    #[cfg(any(
        feature = "xmlrpc-server",
        feature = "jsonrpc-server",
        feature = "operations"
    ))]
    pub use farcall_http::server::{
        Answer, Authorize, Bind, BindError, BoundServer, Exchange, HttpServer, PageRequest, Pages,
        PeerAccount, Protocol, Rejection, ReplyBody, ReplyEvicted, ServerOptions, Switch, Upgrade,
        UpgradedConnection, blocking, cgi,
    };
}

/// Authenticated connections that carry values. The documentation of the crate
/// [`farcall_conn`] begins with an overview.
#[cfg(feature = "conn")]
pub mod conn {
    pub use farcall_conn::*;

    /// Hides the module `rpc` of the crate: its path is `farcall::rpc`.
    #[cfg(feature = "rpc")]
    #[allow(hidden_glob_reexports, reason = "this is its purpose")]
    mod rpc {}
}
