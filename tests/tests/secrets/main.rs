//! Keys and passwords do not leak, and the limits in SECURITY.md are true.

#![allow(clippy::unwrap_used, reason = "tests")]

mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod named_tests;
mod output;
