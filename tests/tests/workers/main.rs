//! Workers: several event loops for one address, as threads and as processes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod http;
#[cfg(unix)]
mod processes;
mod threads;
