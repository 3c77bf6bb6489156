//! XML-RPC over HTTP: a server and a client that every language's peers understand.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod de;
#[allow(dead_code, reason = "until the client is here")]
mod document;
#[allow(dead_code, unused_imports, reason = "until the client is here")]
mod format;
#[allow(dead_code, reason = "until the client is here")]
mod ser;
mod server;
mod xml;

pub use format::XmlRpc;
pub use rpc_core;
pub use rpc_core::{client, service};
pub use server::{FaultPolicy, Listening, Server, ServerOptions, cgi};
