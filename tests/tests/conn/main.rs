//! Connections with real peers, mainly CPython.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
mod descriptors;
mod hostile;
mod listener;
mod manners;
mod matrix;
mod peer;
mod pickle;
