//! XML-RPC over TLS: clients of CPython, hostile peers, certificates that change, and stops.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod logs;
mod python;
mod reload;
mod stop;
mod support;
