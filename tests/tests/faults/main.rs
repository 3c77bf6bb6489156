//! A relay between clients and a server that cuts, stalls, alters and delays at every byte of a
//! call. The client's error truthfully reports whether the call may have run, the server ran it at
//! most once, nothing outlasts its deadline, and the next honest call succeeds.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod cases;
mod connections;
mod cuts;
mod encrypted;
mod flips;
#[cfg(target_os = "linux")]
mod namespaces;
mod pace;
mod stalls;

/// The program of the server.
const VICTIM: &str = env!("CARGO_BIN_EXE_victim");
