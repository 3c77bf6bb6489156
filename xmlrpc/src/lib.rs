//! XML-RPC over HTTP: a server and a client that every language's peers understand.

mod server;

pub use rpc_core;
pub use server::{FaultPolicy, Listening, Server, ServerOptions, cgi};
