//! Connections against real peers, CPython above all.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
mod descriptors;
mod hostile;
mod listener;
mod manners;
mod matrix;
mod peer;
mod pickle;
