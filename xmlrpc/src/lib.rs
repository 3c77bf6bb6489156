//! XML-RPC over HTTP: a server and a client that every language's peers understand.

mod de;
mod document;
mod format;
mod ser;
mod server;
mod xml;

pub use format::XmlRpc;
pub use rpc_core;
pub use rpc_core::{client, service};
pub use server::{FaultPolicy, Listening, Server, ServerOptions, cgi};
