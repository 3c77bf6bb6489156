//! More connections and calls than a server usually has, and a stop in the middle of calls.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod connections;
mod drain;
mod overload;
mod stop;
