//! Connections against real peers, CPython above all.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod listener;
mod manners;
mod matrix;
mod peer;
mod pickle;
