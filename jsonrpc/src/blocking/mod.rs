//! JSON-RPC for programs without async code.
//!
//! [`Client`] is the blocking form of the async [`Client`](crate::Client). That of a server is
//! returned by [`Bind::wait`](farcall_http::server::Bind::wait). The client uses blocking sockets,
//! and has neither a runtime nor a thread, except that looking up a host name within a timeout
//! takes a thread for a moment.
//!
//! In async code a call fails as [`CallError::NotSent`](farcall_core::CallError::NotSent), with the
//! source [`CannotBlock`](farcall_core::CannotBlock).

mod client;

pub use client::{Batch, Client};
