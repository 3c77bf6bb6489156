//! Connections and calls over TLS, with certificates and by the authkey alone.

#![cfg(feature = "_tls")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(unix)]
mod blocking;
mod by_authkey;
mod certificates;
mod connections;
mod ends;
mod pending;
mod raw;
mod support;
mod tickets;
