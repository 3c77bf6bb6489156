//! XML-RPC over HTTP.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod blocking;
mod client;
#[allow(dead_code)] // Until the server and the client use all of it.
mod de;
#[allow(dead_code)]
mod document;
#[allow(dead_code, unused_imports)]
mod format;
mod ser;
#[allow(dead_code)]
mod xml;

pub use client::{
    Batch, BatchError, Client, ClientOptions, HttpError, InvalidHeader, InvalidUrl, Results, Ticket,
};
pub use format::XmlRpc;
