//! Connections against real peers, CPython above all.
#![allow(clippy::unwrap_used, reason = "tests")]

mod pickle;
