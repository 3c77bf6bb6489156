//! XML-RPC over HTTP: a server and a client that every language's peers understand.

pub mod blocking;
mod client;
mod de;
mod document;
mod format;
mod ser;
mod server;
mod xml;

pub use client::{
    Batch, BatchError, Client, ClientOptions, HttpError, InvalidHeader, InvalidUrl, Results, Ticket,
};
pub use format::XmlRpc;
pub use rpc_core;
pub use rpc_core::{client, service};
pub use server::{FaultPolicy, Listening, Refusal, Server, ServerOptions, cgi};
