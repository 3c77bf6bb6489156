//! Clients, servers and connections in blocking code.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod misuse;
mod server;
mod support;
