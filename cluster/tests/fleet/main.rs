//! Fleets and clients with real servers of all protocols, and with hosts that refuse, hang, cut
//! connections and come back. Each host has an address of its own in 127.0.0.0/8.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod client;
mod control;
mod jobs;
mod jsonrpc;
mod managers;
mod outcomes;
mod secrets;
mod some;
mod support;
mod via;
