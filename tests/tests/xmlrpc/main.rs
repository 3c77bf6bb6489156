//! XML-RPC between Farcall and real peers, over real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

mod browser;
mod habits;
mod hostile;
mod http;
mod mounted;
mod names;
mod python_client;
mod python_server;
mod round_trip;
mod served;
mod tls_client;
mod unix;
