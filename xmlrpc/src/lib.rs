//! XML-RPC over HTTP.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

#[allow(dead_code)] // Until the server and the client use all of it.
mod de;
#[allow(dead_code)]
mod document;
#[allow(dead_code, unused_imports)]
mod format;
mod ser;
#[allow(dead_code)]
mod xml;

pub use format::XmlRpc;
