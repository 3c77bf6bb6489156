//! A relay between clients and a server that cuts, stalls, alters and delays what it carries, at every byte of a
//! call. The client's error says truthfully whether the call can have run, the server ran it at most once,
//! nothing outlasts its deadline, and the next honest call succeeds.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod cases;
mod connections;
mod cuts;
mod flips;
#[cfg(target_os = "linux")]
mod namespaces;
mod pace;
mod stalls;

/// The program that is called.
const VICTIM: &str = env!("CARGO_BIN_EXE_victim");
