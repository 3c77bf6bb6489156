//! JSON-RPC for programs without async code.
//!
//! [`Client`] is the blocking form of the async [`Client`](crate::Client), and [`BoundServer`] that
//! of the async [`BoundServer`](crate::BoundServer), returned by [`Bind::wait`](crate::Bind::wait).
//! The client uses blocking sockets, and has neither a runtime nor a thread, except that looking up
//! a host name within a timeout takes a thread for a moment.
//!
//! In async code a call fails as [`CallError::NotSent`](farcall_core::CallError::NotSent), with the
//! source [`CannotBlock`](farcall_core::CannotBlock).

#[cfg(feature = "jsonrpc-client")]
mod client;

#[cfg(feature = "jsonrpc-client")]
pub use client::{Batch, Client};
#[cfg(feature = "jsonrpc-server")]
// Its path is `farcall::http::blocking`.
#[doc(hidden)]
pub use farcall_http::server::blocking::BoundServer;
