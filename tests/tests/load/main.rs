//! More connections and more calls than a server usually has, and a stop in the midst of them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod connections;
mod overload;
mod stop;
