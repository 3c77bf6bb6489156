//! Tests of what the server of HTTP does, by calls of XML-RPC.

mod bound;
mod cgi;
mod connections;
mod requests;
mod scgi;
