//! Connections with real peers, mainly CPython.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
mod descriptors;
mod hostile;
mod listener;
mod managers;
mod managers_client;
mod matrix;
mod peer;
mod pickle;
mod pickle_types;
mod python;
mod python2_names;
mod tls;
